"""Rule L55: which element writes of T.Parallel accumulate."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

import tiledsl.language as T
from tiledsl.frontend.buffers import store_element
from tiledsl.frontend.values import snapshot, wrap
from tiledsl.ir.dtypes import FLOAT32, INDEX, INT32
from tiledsl.ir.nodes import Accumulate, Cast, Const, Load, Store, Var, index


@pytest.fixture
def nest(builder):
    """Opens a parallel block with indices of the given extents (a str: run time)."""

    with ExitStack() as stack:

        def open_(*extents):
            block = stack.enter_context(builder.block("parallel"))
            stops = [
                Var(extent, INDEX) if isinstance(extent, str) else index(extent)
                for extent in extents
            ]
            indices = [
                wrap(builder.declare_index(name, index(0), stop))
                for name, stop in zip("ijkl", stops, strict=False)
            ]
            return block, indices

        yield open_


def _add(buffer, key, amount):
    store_element(buffer, key, buffer[key] + amount, update=("+", amount))


def _last(block):
    return [part for part in block.statements if isinstance(part, Store | Accumulate)][
        -1
    ]


def test_every_index_alone_in_a_dimension_is_a_store(nest, buffer) -> None:
    block, (i, j) = nest(16, 8)
    acc, bx = buffer("acc", (64, 64)), wrap(Var("bx", INDEX))
    for key in ((i, j), (j, i), (bx * 16 + i, bx * 8 - j), (2 * i, j + 3)):
        _add(acc, key, 1.0)
        assert isinstance(_last(block), Store)


def test_a_missing_index_is_a_reduction(nest, buffer) -> None:
    block, (i, j) = nest(16, 8)
    total = buffer("total", (16,))
    x = buffer("x", (16, 8))
    _add(total, i, x[i, j])
    assert _last(block) == Accumulate(
        "sum", total.ir, (i.expr,), Load(x.ir, (i.expr, j.expr))
    )


@pytest.mark.parametrize(
    ("key", "shared"),
    [
        (lambda i, j: i * 8 + j, False),
        (lambda i, j: j * 16 + i, False),
        (lambda i, j: i * 7 + j, True),
        (lambda i, j: i + j, True),
        (lambda i, j: i // 2, True),
        (lambda i, j: i * 0 + j, True),
        (lambda i, j: 100 - i * 8 - j, False),
    ],
)
def test_flat_subscripts(nest, buffer, key, shared: bool) -> None:
    block, (i, j) = nest(16, 8)
    flat = buffer("flat", (1000,))
    _add(flat, key(i, j), 1.0)
    assert isinstance(_last(block), Accumulate if shared else Store)


def test_an_index_fixed_by_one_dimension_may_appear_in_another(nest, buffer) -> None:
    block, (i, j) = nest(16, 8)
    _add(buffer("a", (64, 64)), (i, i + j), 1.0)
    assert isinstance(_last(block), Store)
    _add(buffer("b", (64, 64)), (i, i // 4 + j), 1.0)
    assert isinstance(_last(block), Store)


def test_extents_of_one_do_not_matter(nest, buffer) -> None:
    block, (i, _) = nest(16, 1)
    _add(buffer("a", (16,)), i, 1.0)
    assert isinstance(_last(block), Store)


def test_run_time_extents(nest, buffer) -> None:
    block, (i, j) = nest("n", "m")
    _add(buffer("a", ("n", "m")), (i, j), 1.0)
    assert isinstance(_last(block), Store)
    _add(buffer("b", ("n",)), i * 64 + j, 1.0)  # j may be 64 or more
    assert isinstance(_last(block), Accumulate)


def test_a_gathered_subscript_is_a_reduction(nest, buffer) -> None:
    block, (i,) = nest(16)
    hist, ids = buffer("hist", (32,), "int32"), buffer("ids", (16,), "int32")
    _add(hist, ids[i], 1)
    found = _last(block)
    assert isinstance(found, Accumulate) and found.reduction == "sum"
    assert found.value == Const(1, INT32)
    assert found.indices == (Cast(Load(ids.ir, (i.expr,)), INDEX),)


def test_snapshots_of_affine_subscripts_are_seen_through(nest, buffer) -> None:
    block, (i, j) = nest(16, 8)
    row = snapshot(i * 2 + 1, "row")
    _add(buffer("a", (64, 8)), (row, j), 1.0)
    assert isinstance(_last(block), Store)


def test_subscripts_of_inner_loops(nest, builder, buffer) -> None:
    _, (i,) = nest(16)
    with builder.block("loop") as inner:
        k = wrap(builder.declare_index("k", index(0), index(4)))
        _add(buffer("a", (16, 4)), (i, k), 1.0)
        assert isinstance(_last(inner), Store)
        _add(buffer("b", (64,)), i + k, 1.0)
        assert isinstance(_last(inner), Accumulate)


@pytest.mark.parametrize(
    ("operate", "reduction"),
    [
        (lambda r, v: r + v, "sum"),
        (lambda r, v: v + r, "sum"),
        (lambda r, v: r * v, "mul"),
        (lambda r, v: r & v, "and"),
        (lambda r, v: r | v, "or"),
        (lambda r, v: r ^ v, "xor"),
        (lambda r, v: T.max(r, v), "max"),
        (lambda r, v: T.min(v, r), "min"),
    ],
)
def test_written_out(nest, buffer, value, operate, reduction: str) -> None:
    block, _ = nest(16)
    r = buffer("r", (1,), "int32")
    r[0] = operate(r[0], value("int32", "v"))
    found = _last(block)
    assert isinstance(found, Accumulate) and found.reduction == reduction
    assert found.value == Var("v", INT32)


def test_narrow_floats_are_carried_in_float32(nest, buffer) -> None:
    block, (i,) = nest(16)
    r, x = buffer("r", (1,), "float16"), buffer("x", (16,), "bfloat16")
    r[0] = T.max(r[0], x[i])
    found = _last(block)
    assert isinstance(found, Accumulate)
    assert found.value == Cast(Load(x.ir, (i.expr,)), FLOAT32)


def test_other_operations_are_stores(nest, buffer) -> None:
    block, _ = nest(16)
    r = buffer("r", (1,))
    r[0] = r[0] - 1.0
    assert isinstance(_last(block), Store)
    store_element(r, 0, r[0] / 2.0, update=("/", 2.0))
    assert isinstance(_last(block), Store)
    r[0] = T.max(r[0], 1.0, nan_propagate=True)
    assert isinstance(_last(block), Store)


def test_a_value_that_reads_the_target_is_no_reduction(nest, buffer) -> None:
    block, (i,) = nest(16)
    r = buffer("r", (16,))
    _add(r, 0, r[i])
    assert isinstance(_last(block), Store)


def test_variables_reduce_unless_they_are_private(nest, builder) -> None:
    total = T.alloc_var("int32")
    block, _ = nest(16)
    total.write(total + 1, ("+", 1))
    assert isinstance(_last(block), Accumulate)
    mine = T.alloc_var("int32")
    mine.write(mine + 1, ("+", 1))
    assert isinstance(_last(block), Store)


def test_scratch_written_before_is_private(nest, builder) -> None:
    w = T.alloc_local((3,), "int32")
    block, _ = nest(16)
    w[0] = 5
    _add(w, 0, 1)
    assert isinstance(_last(block), Store)


def test_outside_parallel_everything_is_a_store(builder, buffer) -> None:
    _add(buffer("r", (1,)), 0, 1.0)
    assert isinstance(builder.scopes[-1].statements[-1], Store)
