"""What the comparison of outputs accepts, rejects and reports."""

from __future__ import annotations

import numpy as np
import pytest

from tiledsl.testing import Bounded, Exact, compare, exact


def bounded(value: list[float], error: float = 0.1) -> Bounded:
    array = np.array(value, np.float64)
    return Bounded(array, np.where(np.isfinite(array), error, 0.0))


def test_reports_the_worst_error_as_a_share_of_its_bound() -> None:
    result = compare("y", np.float32([1.05, 2.0]), bounded([1.0, 2.025]))
    assert result.ok
    assert result.worst_share == pytest.approx(0.5, abs=1e-3)
    assert "50" in str(result)


def test_reports_the_first_wrong_element() -> None:
    result = compare(
        "y", np.float32([[1, 2], [3.5, 9]]), bounded([1, 2, 3, 4]).reshape(2, 2)
    )
    assert not result.ok
    assert result.wrong == 2
    assert result.first is not None
    assert result.first.index == (1, 0)
    assert "[1, 0]: expected 3.0 +- 0.1, got 3.5" in str(result)


@pytest.mark.parametrize(
    ("got", "value", "ok"),
    [
        (np.nan, np.nan, True),
        (np.inf, np.inf, True),
        (np.nan, np.inf, False),
        (-np.inf, np.inf, False),
        (np.nan, 1.0, False),
        (1.0, np.nan, False),
        (np.inf, 1.0, False),
        (1.0, np.inf, False),
    ],
)
def test_specials_stand_exactly_where_they_should(
    got: float, value: float, ok: bool
) -> None:
    assert compare("y", np.float32([got]), bounded([value])).ok is ok


def test_an_exact_zero_allows_nothing_else() -> None:
    zero = exact(np.zeros(1, np.float32))
    assert compare("y", np.float32([0]), zero).ok
    assert not compare("y", np.float32([1e-30]), zero).ok


def test_integers_match_exactly_where_decided() -> None:
    expected = Exact(np.arange(200), np.arange(200) == 7)
    got = np.arange(200)
    got[7] = 99
    assert compare("i", got, expected).ok
    got[8] = 99
    result = compare("i", got, expected)
    assert result.wrong == 1
    assert result.first is not None
    assert result.first.index == (8,)


def test_too_many_undecided_elements_prove_nothing() -> None:
    expected = bounded([1.0] * 10).widened(np.where(np.arange(10) < 1, np.inf, 0.0))
    result = compare("y", np.ones(10, np.float32), expected)
    assert result.wrong == 0
    assert not result.conclusive
    assert not result.ok


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"expected shape \(2,\), got \(1,\)"):
        compare("y", np.ones(1), bounded([1.0, 2.0]))


def test_empty_outputs_are_right() -> None:
    assert compare("y", np.zeros((0, 4), np.float32), exact(np.zeros((0, 4)))).ok
