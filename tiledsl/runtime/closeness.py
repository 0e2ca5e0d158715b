"""Comparing results with a reference program's, within tolerances the caller chose."""

from __future__ import annotations

import math

import numpy as np

from tiledsl.diagnostics import CheckError
from tiledsl.runtime.arrays import describe, is_array


def host_array(value: object) -> np.ndarray:
    """A result in host memory, for comparison."""
    if callable(getattr(value, "cpu", None)):
        value = value.detach().cpu()  # type: ignore[attr-defined]
    host = describe("result", value).host if is_array(value) else None
    return np.asarray(value) if host is None else host


def require_close(
    got: object, want: object, rtol: float, atol: float, allowed: float
) -> None:
    """Raises CheckError if more than the allowed share of elements is off."""
    mine, theirs = host_array(got), host_array(want)
    if mine.shape != theirs.shape:
        raise CheckError(
            "E5091",
            "shape of a result",
            expected=str(theirs.shape),
            got=str(mine.shape),
        )
    a, b = mine.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = (a == b) | (np.isnan(a) & np.isnan(b))
        good |= (
            np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= atol + rtol * np.abs(b))
        )
    wrong = int(good.size - np.count_nonzero(good))
    if wrong > math.floor(allowed * good.size):
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        raise CheckError(
            "E5091",
            f"{wrong} of {good.size} elements differ from the reference, first at {where}",
            expected=str(b[where]),
            got=str(a[where]),
        )


def require_alike(got: list[object], want: list[object]) -> None:
    """Compares results within 1e-2, the check of callers that give none of their own."""
    for mine, theirs in zip(got, want, strict=True):
        require_close(mine, theirs, 1e-2, 1e-2, 0.0)
