"""T.copy: which element goes where (rules L57 to L62, corner case C8)."""

from __future__ import annotations

import warnings

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.values import wrap
from tiledsl.ir.dtypes import FLOAT32, INDEX
from tiledsl.ir.nodes import (
    Apply,
    At,
    Cast,
    Const,
    Copy,
    Load,
    Range,
    Region,
    Store,
    Var,
    index,
    whole,
)

N = Var("n", INDEX)


def _mul(var: str, factor: int) -> Apply:
    return Apply("mul", (Var(var, INDEX), index(factor)))


@pytest.fixture
def loops(builder):
    """Block and loop indices by name, of run-time range."""
    return lambda *names: [
        wrap(builder.declare_index(name, index(0), N)) for name in names
    ]


def test_whole_buffers(builder, buffer, emitted) -> None:
    a, b = buffer("a", (4, 8), "float32", "shared"), buffer("b", (4, 8))
    T.copy(b, a)
    assert emitted() == Copy(whole(b.ir), whole(a.ir), (index(4), index(8)))
    assert emitted().span == builder.span


@pytest.mark.parametrize("shape", [(8, 4), (32,), (1, 4, 8), (4, 9)])
def test_whole_buffers_need_equal_shapes(builder, buffer, shape) -> None:
    tile = buffer("tile", shape, "float32", "shared")
    with pytest.raises(KernelError, match=r"E0201.*b\(4, 8\) and tile\(") as caught:
        T.copy(buffer("b", (4, 8)), tile)
    assert caught.value.span == builder.span


def test_a_point_is_the_origin_of_a_tile(buffer, loops, emitted) -> None:
    A = buffer("A", (16, 1000, 512), "bfloat16")
    tile = buffer("tile", (64, 32), "bfloat16", "shared")
    b, p, k = loops("b", "p", "k")
    T.copy(A[b, p * 64, k * 32], tile)
    dims = (
        At(Var("b", INDEX)),
        Range(_mul("p", 64), index(64)),
        Range(_mul("k", 32), index(32)),
    )
    expected = Copy(Region(A.ir, dims), whole(tile.ir), (index(64), index(32)))
    assert emitted() == expected


def test_surplus_leading_unit_extents_are_dropped(buffer, emitted) -> None:
    line, tile = buffer("line", (100,)), buffer("tile", (1, 64), "float32", "shared")
    T.copy(line[5], tile)
    copy = emitted()
    assert copy.source == Region(line.ir, (Range(index(5), index(64)),))
    assert copy.target.dims == (At(index(0), True), Range(index(0), index(64), True))
    assert copy.shape == (index(64),)


def test_a_point_of_too_low_rank(builder, buffer) -> None:
    line, tile = buffer("line", (100,)), buffer("tile", (2, 64), "float32", "shared")
    with pytest.raises(KernelError, match=r"E0202.*expected at least 2"):
        T.copy(line[5], tile)


def test_slices_pair_after_unit_extents_are_dropped(buffer, loops, emitted) -> None:
    A = buffer("A", (4, 8, "n", 128))
    tile = buffer("tile", (64, 128), "float32", "shared")
    b, h, i = loops("b", "h", "i")
    T.copy(A[b, h, i * 64 : (i + 1) * 64, :], tile)
    copy = emitted()
    assert copy.source.dims[2:] == (
        Range(_mul("i", 64), index(64)),
        Range(index(0), index(128), True),
    )
    assert copy.shape == (index(64), index(128))


def test_unit_slices_are_points(buffer, loops, emitted) -> None:
    S = buffer("S", (8, 64, 32))
    tile = buffer("tile", (64, 32), "float32", "shared")
    (k,) = loops("k")
    T.copy(S[k : k + 1, :, :], tile)
    assert emitted().source.dims[0] == At(Var("k", INDEX))


def test_a_tile_of_one_element(buffer, emitted) -> None:
    A, tile = buffer("A", (9, 9)), buffer("tile", (1, 1), "float32", "shared")
    T.copy(A[3, 4], tile)
    copy = emitted()
    assert copy.shape == ()
    assert copy.source == Region(A.ir, (At(index(3)), At(index(4))))


def test_a_block_size_of_one_vanishes(buffer, loops, emitted) -> None:
    A, tile = buffer("A", ("n", 64)), buffer("tile", (1, 64), "float32", "fragment")
    (i,) = loops("i")
    T.copy(A[i * 1, 0], tile)
    assert emitted().shape == (index(64),)
    assert emitted().source.dims[0] == At(_mul("i", 1))


def test_rank_4_against_rank_2(buffer, emitted) -> None:
    A, tile = buffer("A", (1, 64, 1, 32)), buffer("tile", (64, 32), "float32", "shared")
    T.copy(A[:, :, :, :], tile)
    assert emitted().shape == (index(64), index(32))


def test_run_time_extents_of_one_are_not_dropped(builder, buffer) -> None:
    A, tile = buffer("A", ("n", 64)), buffer("tile", (64,), "float32", "shared")
    with pytest.raises(KernelError, match=r"E0201.*A\(n, 64\) and tile\(64,\)"):
        T.copy(A[:, :], tile)


def test_the_inner_scope_gives_the_space_on_load(builder, buffer, emitted) -> None:
    A, tile = buffer("A", ("n",)), buffer("tile", (64,), "float32", "shared")
    lo, hi = wrap(Var("lo", INDEX)), wrap(Var("hi", INDEX))
    T.copy(A[lo:hi], tile)
    extent = Apply("sub", (Var("hi", INDEX), Var("lo", INDEX)))
    assert emitted() == Copy(
        Region(A.ir, (Range(Var("lo", INDEX), extent),)), whole(tile.ir), (index(64),)
    )


def test_the_inner_scope_gives_the_space_on_store(builder, buffer, emitted) -> None:
    A, tile = buffer("A", ("n",)), buffer("tile", (64,), "float32", "fragment")
    q0, end = wrap(Var("q0", INDEX)), wrap(Var("end", INDEX))
    T.copy(tile, A[q0:end])
    assert emitted().shape == (index(64),)
    assert emitted().target.shape == (
        Apply("sub", (Var("end", INDEX), Var("q0", INDEX))),
    )


def test_between_equal_scopes_the_source_gives_the_space(buffer, emitted) -> None:
    A, B = buffer("A", ("n",)), buffer("B", ("m",))
    T.copy(A[:], B[:])
    assert emitted().shape == (N,)


def test_shared_is_inside_global_and_fragment_inside_shared(buffer, emitted) -> None:
    shared = buffer("s", (64,), "float32", "shared")
    fragment = buffer("f", (32,), "float32", "fragment")
    with pytest.raises(
        KernelError, match=r"E0204.*expected at most \(32,\), got \(64,\)"
    ):
        T.copy(shared[:], fragment[:])
    with pytest.warns(match="W0201"):
        T.copy(fragment[:], shared[:])
    assert emitted().shape == (index(32),)


def test_a_static_slice_shorter_than_the_tile_warns(buffer, emitted) -> None:
    A, tile = buffer("A", (100,)), buffer("tile", (64,), "float32", "shared")
    with pytest.warns(match="W0201"):
        T.copy(A[0:40], tile)
    assert emitted().shape == (index(64),)


def test_tails_do_not_warn(buffer, loops) -> None:
    A, tile = buffer("A", (100,)), buffer("tile", (64,), "float32", "shared")
    (i,) = loops("i")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        T.copy(A[i * 64], tile)
        T.copy(A[i * 64 : (i + 1) * 64], tile)


def test_an_empty_slice(buffer, emitted) -> None:
    A, tile = buffer("A", (100,)), buffer("tile", (64,), "float32", "shared")
    with pytest.warns(match="W0201"):
        T.copy(A[8:4], tile)
    assert emitted().source.dims == (Range(index(8), index(0)),)


def test_a_negative_origin(buffer, loops, emitted) -> None:
    A, tile = buffer("A", (100,)), buffer("tile", (64,), "float32", "shared")
    (i,) = loops("i")
    T.copy(A[i * 64 - 32], tile)
    start = Apply("sub", (_mul("i", 64), index(32)))
    assert emitted().source.dims == (Range(start, index(64)),)


def test_points_on_both_sides_are_an_assignment(buffer, emitted) -> None:
    A, B = buffer("A", (8, 8)), buffer("B", (8,), "float16")
    T.copy(A[1, 2], B[3])
    load = Load(A.ir, (index(1), index(2)))
    assert emitted() == Store(B.ir, (index(3),), Cast(load, B.dtype))


def test_an_assignment_of_points_may_stand_in_parallel(builder, buffer) -> None:
    A, B = buffer("A", (8,)), buffer("B", (8,))
    with builder.block("parallel") as block:
        T.copy(A[1], B[2])
        with pytest.raises(KernelError, match="E0210"):
            T.copy(A, B)
    assert isinstance(block.statements[-1], Store)


def test_overlap(builder, buffer, emitted) -> None:
    A = buffer("A", (64,))
    with pytest.raises(KernelError, match="E0207"):
        T.copy(A[0:32], A[31:63])
    T.copy(A[0:32], A[32:64])
    T.copy(A[0:32], A[0:32])  # a no-op
    low = wrap(Var("low", INDEX))
    T.copy(A[low : low + 8], A[0:8])
    assert isinstance(emitted(), Copy)


def test_operands_are_buffers(builder, buffer) -> None:
    with pytest.raises(KernelError, match=r"E0206 src of T\.copy"):
        T.copy(3, buffer("A", (8,)))
    with pytest.raises(KernelError, match=r"E0206 dst of T\.copy"):
        T.copy(buffer("A", (8,)), None)


def test_safe_values_reach_every_read(buffer) -> None:
    from tiledsl.frontend.builder import Builder

    made = Builder()
    A, tile = buffer("A", ("n",)), buffer("tile", (64,), "float32", "shared")
    with made.activate(), made.block("host"), made.block("launch") as block:
        T.copy(A[0], tile)
        T.annotate_safe_value({A: -T.infinity("float32")})
        tile[0] = A[5] + 1.0
        with pytest.raises(KernelError, match="E0216"):
            T.annotate_safe_value({A: 1.0})
    fill = Const(-float("inf"), FLOAT32)
    copy, store = (part for part in block.statements)
    assert copy.source.fill == fill and copy.target.fill is None
    assert store.value.args[0] == Load(A.ir, (index(5),), fill)


def test_copies_that_truncate_warn(builder, buffer) -> None:
    tile = buffer("tile", (4,), "int32", "shared")
    with pytest.warns(match="W0302"):
        T.copy(buffer("A", (4,), "float16"), tile)


def test_static_casts_are_static_extents(builder) -> None:
    assert T.alloc_shared((T.int32(4),), "int8").shape == (4,)
