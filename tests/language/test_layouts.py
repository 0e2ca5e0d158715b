"""Layouts on the host: functions of coordinates, copied and repeated (rule L84)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError


def rows() -> T.Layout:
    return T.Layout((8, 6), lambda i, j: i * 6 + j)


def test_shapes_and_images() -> None:
    layout = T.Layout([4, 6], lambda i, j: (j % 2, i, j // 2))
    assert layout.get_input_shape() == (4, 6)
    assert layout.get_output_shape() == (2, 4, 3)
    assert layout.map_forward_index((3, 5)) == (1, 3, 2)


def test_copies_side_by_side() -> None:
    expected = T.Layout((2, 3, 8, 6), lambda a, b, i, j: [a, b, i * 6 + j])
    assert rows().expand((2, 3)).is_equal(expected)
    assert rows().expand(2).get_output_shape() == (2, 48)
    same = rows()
    assert same.expand(()) is same and same.repeat(0, 1) is same


@pytest.mark.parametrize("dim", [1, -1])
def test_repetition(dim: int) -> None:
    expected = T.Layout((8, 18), lambda i, j: [j // 6, i * 6 + j % 6])
    assert rows().repeat(dim=dim, factor=3).is_equal(expected)
    assert not rows().repeat(dim=0, factor=3).is_equal(expected)
    other = T.Layout(
        (8, 18), lambda i, j: [j // 6, i * 6 + j % 6 + (i == 7 and j == 17)]
    )
    assert not rows().repeat(dim=dim, factor=3).is_equal(other)


@pytest.mark.parametrize(
    "use",
    [
        lambda: rows().repeat(0, 0),
        lambda: rows().repeat(2, 2),
        lambda: rows().repeat(-3, 2),
        lambda: rows().expand([-1]),
        lambda: rows().expand("4"),
        lambda: T.Layout((1 << 11, 1 << 11), lambda i, j: i).get_output_shape(),
        lambda: T.Layout(("n",), lambda i: i).get_input_shape(),
    ],
)
def test_malformed(use: Callable[[], object]) -> None:
    with pytest.raises(ArgumentError, match="E1014"):
        use()
