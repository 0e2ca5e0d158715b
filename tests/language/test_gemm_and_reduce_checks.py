"""T.gemm, T.reduce_*, T.fill: nodes and errors (rules L64, L66, L68)."""

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.values import wrap
from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, DType
from tiledsl.ir.nodes import (
    Apply,
    At,
    Const,
    Fill,
    Gemm,
    Load,
    Range,
    Reduce,
    Region,
    Store,
    Var,
    index,
    whole,
)

FALSE = Const(False, BOOL)


@pytest.fixture
def tile(buffer):
    return lambda name, shape, dtype="float32": buffer(name, shape, dtype, "shared")


def test_a_product(builder, tile, emitted) -> None:
    a, b, c = (
        tile("a", (16, 8), "float16"),
        tile("b", (8, 4), "float16"),
        tile("c", (16, 4)),
    )
    T.gemm(a, b, c)
    assert emitted() == Gemm(whole(a.ir), whole(b.ir), whole(c.ir), FALSE)
    assert emitted().span == builder.span


def test_transposes_and_clear(builder, tile, emitted) -> None:
    a, b, c = tile("a", (8, 16)), tile("b", (4, 8)), tile("c", (16, 4))
    k = wrap(Var("k", INDEX))
    T.gemm(a, b, c, True, True, T.GemmWarpPolicy.FullRow, clear_accum=(k == 0))
    clear = Apply("eq", (Var("k", INDEX), index(0)))
    assert emitted() == Gemm(whole(a.ir), whole(b.ir), whole(c.ir), clear, True, True)
    T.gemm(a, b, c, transpose_A=True, transpose_B=True, clear_accum=True)
    assert emitted().clear == Const(True, BOOL)


def test_leading_units_are_points(builder, buffer, tile, emitted) -> None:
    stages = tile("stages", (3, 1, 16, 8))
    T.gemm(stages[2, 0, :, :], tile("b", (8, 4)), tile("c", (16, 4)))
    assert emitted().a.dims[:2] == (At(index(2)), At(index(0)))
    T.gemm(tile("m", (1, 16, 8)), tile("b", (8, 4)), tile("c", (16, 4)))
    assert emitted().a.dims[0] == At(index(0), True)


def test_columns_of_one(builder, tile, emitted) -> None:
    a, b, c = tile("a", (16, 8)), tile("b", (8, 1)), tile("c", (16, 9))
    T.gemm(a, b, c[:, 3])
    assert emitted().c.dims[1] == Range(index(3), index(1))


@pytest.mark.parametrize(
    ("shapes", "wrong"),
    [
        (((16, 8), (9, 4), (16, 4)), "K"),
        (((16, 8), (8, 4), (15, 4)), "M"),
        (((16, 8), (8, 4), (16, 5)), "N"),
        (((8, 16), (8, 4), (16, 4)), "K, M"),
    ],
)
def test_shapes_that_disagree(builder, tile, shapes, wrong) -> None:
    operands = [tile(name, shape) for name, shape in zip("abc", shapes, strict=True)]
    with pytest.raises(KernelError) as caught:
        T.gemm(*operands)
    error = caught.value
    assert error.code == "E0203" and error.span == builder.span
    assert error.message.startswith(f"T.gemm: {wrong} disagree")
    for name, shape in zip("ABC", shapes, strict=True):
        assert f"{name} {shape}" in (error.got or "")


@pytest.mark.parametrize("shape", [(8,), (2, 16, 8)])
def test_operands_are_matrices(builder, tile, shape) -> None:
    with pytest.raises(KernelError, match=r"E0203.* is not a matrix"):
        T.gemm(tile("a", shape), tile("b", (8, 4)), tile("c", (16, 4)))


def test_run_time_extents_are_refused(builder, buffer, tile) -> None:
    with pytest.raises(KernelError, match="E0208"):
        T.gemm(buffer("A", (16, "n"))[:, :], tile("b", (8, 4)), tile("c", (16, 4)))


_BYTES = ("int8", "uint8", "int4", "uint4")
_ALLOWED = {
    ("float16", "float16"): {"float16", "float32"},
    ("bfloat16", "bfloat16"): {"bfloat16", "float32"},
    ("float32", "float32"): {"float32"},
    ("tfloat32", "tfloat32"): {"float32"},
    ("float64", "float64"): {"float64"},
    **{
        (a, b): {"float32", "float16", "bfloat16"}
        for a in ("float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
        for b in ("float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
    },
    **{(a, b): {"int32"} for a in _BYTES for b in _BYTES},
}
_DTYPES = (
    "bool", "int8", "uint8", "int32", "float16", "bfloat16", "float32", "tfloat32",
    "float64", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu",
    "int4", "uint4", "float4_e2m1fn",
)  # fmt: skip


@pytest.mark.parametrize("a", _DTYPES)
def test_dtype_triples(builder, tile, a: str) -> None:
    for b in _DTYPES:
        for c in _DTYPES:
            operands = tile("a", (4, 4), a), tile("b", (4, 4), b), tile("c", (4, 4), c)
            if c in _ALLOWED.get((a, b), ()):
                T.gemm(*operands)
                continue
            with pytest.raises(KernelError, match="E0205") as caught:
                T.gemm(*operands)
            assert caught.value.got == f"{a}, {b} -> {c}"
            assert "int4, uint4 -> int32" in (caught.value.expected or "")


def test_a_product_onto_its_operand(builder, tile) -> None:
    c = tile("c", (8, 8))
    with pytest.raises(KernelError, match="E0207"):
        T.gemm(c, tile("b", (8, 8)), c)
    d = tile("d", (16, 8))
    T.gemm(d[0:8, :], tile("b", (8, 8)), d[8:16, :])


def test_products_stay_out_of_parallel(builder, tile) -> None:
    with builder.block("parallel"), pytest.raises(KernelError, match="E0210"):
        T.gemm(tile("a", (8, 8)), tile("b", (8, 8)), tile("c", (8, 8)))


# ------------------------------------------------------------------- reductions

_KINDS = {
    "sum": T.reduce_sum, "max": T.reduce_max, "min": T.reduce_min,
    "abssum": T.reduce_abssum, "absmax": T.reduce_absmax,
    "and": T.reduce_bitand, "or": T.reduce_bitor, "xor": T.reduce_bitxor,
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(_KINDS))
def test_a_reduction(builder, tile, emitted, kind: str) -> None:
    x, s = tile("x", (16, 8), "int32"), tile("s", (16,), "int32")
    _KINDS[kind](x, s, dim=1)
    assert emitted() == Reduce(kind, whole(x.ir), whole(s.ir), 1)
    _KINDS[kind](x, s, -1, False)
    assert emitted() == Reduce(kind, whole(x.ir), whole(s.ir), 1, clear=False)


@pytest.mark.parametrize("out", [(16,), (16, 1), (1, 16)])
def test_units_are_ignored(builder, tile, emitted, out) -> None:
    T.reduce_sum(tile("x", (16, 8)), tile("s", out), dim=1)
    assert emitted().axis == 1
    assert len(emitted().target.shape) == 1


def test_the_axis_counts_ranges_only(builder, tile, emitted) -> None:
    x = tile("x", (3, 16, 8))
    T.reduce_max(x[1, :, :], tile("s", (16,)), dim=2, nan_propagate=True)
    reduce = emitted()
    assert reduce.source.dims[0] == At(index(1))
    assert reduce.axis == 1 and reduce.nan_propagate


def test_reducing_an_extent_of_one(builder, tile, emitted) -> None:
    T.reduce_sum(tile("x", (16, 1)), tile("s", (16,)), dim=1)
    assert emitted().source.shape == (index(16), index(1))
    x = tile("x", (1, 16))
    T.reduce_sum(x, x, dim=0)


def test_reducing_to_a_scalar(builder, tile, emitted) -> None:
    total = T.alloc_var("float32")
    T.reduce_sum(tile("x", (16,)), total)
    assert emitted().target == Region(total.buffer, ())
    s = tile("s", (4,))
    T.reduce_sum(tile("x", (16,)), s[2])
    assert emitted().target == Region(s.ir, (At(index(2)),))


@pytest.mark.parametrize("out", [(8,), (15,), (16, 2), (16, 8)])
def test_shapes_of_reductions(builder, tile, out) -> None:
    with pytest.raises(KernelError, match=r"E0214.*expected \(16,\)") as caught:
        T.reduce_sum(tile("x", (16, 8)), tile("s", out), dim=1)
    assert caught.value.span == builder.span


@pytest.mark.parametrize("dim", [2, -3, True, 1.0, None])
def test_dims_of_reductions(builder, tile, dim) -> None:
    with pytest.raises(KernelError, match="E0214"):
        T.reduce_sum(tile("x", (16, 8)), tile("s", (16,)), dim=dim)


def test_dtypes_of_reductions(builder, tile) -> None:
    with pytest.raises(KernelError, match="E0215"):
        T.reduce_bitand(tile("x", (16, 8)), tile("s", (16,), "int32"))
    with pytest.raises(KernelError, match="E0215"):
        T.reduce_sum(tile("x", (16, 8), "bool"), tile("s", (16,), "int32"))
    T.reduce_bitor(tile("x", (16, 8), "bool"), tile("s", (16,), "bool"))


def test_a_reduction_onto_its_source(builder, tile) -> None:
    x = tile("x", (16, 8))
    with pytest.raises(KernelError, match="E0207"):
        T.reduce_sum(x, x[:, 0], dim=1)


# ------------------------------------------------------------------------ fills


def test_fills(builder, buffer, tile, emitted) -> None:
    x = tile("x", (16, 8), "float16")
    T.fill(x, 0.1)
    assert emitted() == Fill(whole(x.ir), Const(0.0999755859375, DType("float16")))
    T.clear(x[0:4, :])
    assert emitted().target.shape == (index(4), index(8))
    s = buffer("S", (4,))
    T.fill(x, s[1])
    assert emitted().value.value == Load(s.ir, (index(1),))
    T.fill(x[1, 2], 3)
    assert isinstance(emitted(), Store)
    n = T.alloc_var("float32")
    T.clear(n)
    assert emitted() == Store(n.buffer, (), Const(0.0, FLOAT32))


def test_fills_check_their_target(builder) -> None:
    with pytest.raises(KernelError, match="E0206"):
        T.fill(3, 1)
