"""Pieces cover their axis, have legal sizes, and meet where axes meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiledsl_triton.emit import tidy
from tiledsl_triton.pieces import Partition, split_extent


@given(st.integers(0, 50), st.integers(1, 9000), st.sampled_from([0, 16, 32]))
def test_pieces_cover_a_stretch(start: int, length: int, matrix: int) -> None:
    pieces = split_extent(start, start + length, matrix)
    place = start
    for piece in pieces:
        assert piece.start == place
        assert piece.size & (piece.size - 1) == 0
        assert max(matrix, 1) <= piece.size
        assert 0 < piece.valid <= piece.size
        place += piece.valid
    assert place == start + length


@pytest.mark.parametrize(
    ("length", "matrix", "sizes"),
    [
        (192, 0, [256]),
        (192, 16, [128, 64]),
        (576, 0, [512, 64]),
        (7168, 0, [8192]),
        (3, 0, [4]),
        (3, 16, [16]),
        (100, 16, [64, 64]),
        (128, 16, [128]),
    ],
)
def test_waste_is_bounded(length: int, matrix: int, sizes: list[int]) -> None:
    assert [piece.size for piece in split_extent(0, length, matrix)] == sizes


def test_cuts_spread_over_links() -> None:
    partition = Partition()
    for name, extent in (("t", 576), ("i", 512), ("j", 576)):
        partition.declare((name, 0), extent)
    partition.link(("t", 0), 64, ("i", 0), 0, 512)
    partition.link(("t", 0), 0, ("j", 0), 0, 576)
    partition.solve()
    starts = [piece.start for piece in partition.pieces(("j", 0))]
    assert starts == [piece.start for piece in partition.pieces(("t", 0))] == [0, 64]
    assert [piece.size for piece in partition.pieces(("i", 0))] == [512]


def test_tidy_drops_ranges_and_copies_nobody_needs() -> None:
    lines = [
        "    i = tl.arange(0, 8)",
        "    j = tl.arange(0, 8)",
        "    X = tl.load(p + j)",
        "    t = X",
        "    tl.store(q + j, t)",
    ]
    assert tidy(lines) == [lines[1], "    t = tl.load(p + j)", lines[4]]
