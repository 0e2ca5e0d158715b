"""Overlap is decided exactly: against enumeration of all bytes."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tiledsl.runtime.overlap import byte_range, overlaps_itself, share_memory

shapes_and_strides = st.integers(0, 4).flatmap(
    lambda rank: st.tuples(
        st.tuples(*[st.integers(0, 5)] * rank), st.tuples(*[st.integers(-7, 12)] * rank)
    )
)


def offsets(shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    return [
        sum(i * stride for i, stride in zip(point, strides, strict=True))
        for point in product(*map(range, shape))
    ]


@given(shapes_and_strides)
def test_self_overlap(array: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    places = offsets(*array)
    assert overlaps_itself(*array) == (len(set(places)) < len(places))


def test_self_overlap_of_huge_arrays_is_quick() -> None:
    assert not overlaps_itself((1 << 20, 1 << 20, 1 << 20), (1 << 40, 1 << 20, 1))
    assert not overlaps_itself((1 << 30, 3), (3, 1))
    assert overlaps_itself((1 << 30, 4), (3, 1))


@given(shapes_and_strides, st.sampled_from([1, 2, 4]))
def test_byte_range(array: tuple[tuple[int, ...], tuple[int, ...]], item: int) -> None:
    places = [offset * item for offset in offsets(*array)]
    low, high = byte_range(*array, item)
    assert (low, high) == ((min(places), max(places) + item) if places else (0, 0))


@given(
    shapes_and_strides,
    shapes_and_strides,
    st.integers(-30, 30),
    st.sampled_from([1, 2, 4]),
)
def test_sharing(
    a: tuple[tuple[int, ...], tuple[int, ...]],
    b: tuple[tuple[int, ...], tuple[int, ...]],
    distance: int,
    item: int,
) -> None:
    base = 1 << 20

    def covered(array: tuple[tuple[int, ...], tuple[int, ...]], start: int) -> set[int]:
        places = [start + offset * item for offset in offsets(*array)]
        return {place + byte for place in places for byte in range(item)}

    wanted = bool(covered(a, base) & covered(b, base + distance))
    got = share_memory((base, *a, item), (base + distance, *b, item))
    assert got == wanted
