"""Reference values with a sound error bound per element.

A reference is written once, in NumPy-like code over ``Bounded`` arrays.  It yields the
float64 value of every element and how far an honest evaluation may be from it: one that
performs the same operations in the evaluation dtype, in any order of its sums, with or
without contraction to fma, and with math functions within their documented ulps.

>>> x = exact([0.1, 0.2, 0.3]) * 3.0
>>> computed = np.float32([0.1, 0.2, 0.3]) * np.float32(3.0)
>>> bool(np.all(np.abs(computed - x.value) <= x.error))
True

An infinite error means that nothing is claimed about the element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tiledsl.ir.dtypes import FLOAT32, DType

Floats: TypeAlias = npt.NDArray[np.float64]
Booleans: TypeAlias = npt.NDArray[np.bool_]
Operand: TypeAlias = "Bounded | float"

# Covers the float64 rounding of the reference itself, thousands of terms included.
_SLACK: Final = 1.0 + 2.0**-16


def roundoff(dtype: DType) -> float:
    """The largest relative error of one rounding to ``dtype``."""
    return float(2.0 ** -(dtype.fraction_bits + 1)) * _SLACK


def smallest_normal(dtype: DType) -> float:
    """Below it, roundings are absolute and some operations may flush to zero."""
    exponents = {"float16": -14, "float8_e4m3fn": -6, "float8_e5m2": -14}
    return float(2.0 ** exponents.get(dtype, -1022 if dtype == "float64" else -126))


def half_subnormal(dtype: DType) -> float:
    """The largest absolute error of a rounding to a subnormal."""
    return smallest_normal(dtype) * roundoff(dtype)


def summation_factor(terms: int, dtype: DType) -> float:
    """g(n) = n·u / (1 - n·u): the error of a sum of n terms, per unit of their magnitudes.

    ``u`` is twice the unit roundoff, because a carry may be truncated (rule L67).
    """
    product = terms * 2 * roundoff(dtype)
    return product / (1 - product) if product < 1 else np.inf


@dataclass(frozen=True, slots=True)
class Decision:
    """A comparison of bounded values: the answer, and where every evaluation agrees."""

    value: Booleans
    decided: Booleans


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """Values, and for each the largest distance of an honest evaluation.

    ``dtype`` is the one in which operations on it are rounded.
    """

    value: Floats
    error: Floats
    dtype: DType = FLOAT32

    # NumPy arrays and scalars on the left must defer to the operators below
    __array_ufunc__ = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __add__(self, other: Operand) -> Bounded:
        a, b = self, as_bounded(other, self.dtype)
        return rounded(_quiet_add(a.value, b.value), a.error + b.error, a.dtype)

    def __sub__(self, other: Operand) -> Bounded:
        return self + (-as_bounded(other, self.dtype))

    def __mul__(self, other: Operand) -> Bounded:
        a, b = self, as_bounded(other, self.dtype)
        with np.errstate(all="ignore"):
            error = _times(np.abs(a.value), b.error) + _times(np.abs(b.value), a.error)
            error += _times(a.error, b.error) + half_subnormal(a.dtype)
            return rounded(a.value * b.value, error, a.dtype)

    def __truediv__(self, other: Operand) -> Bounded:
        a, b = self, as_bounded(other, self.dtype)
        with np.errstate(all="ignore"):
            value = a.value / b.value
            smallest = np.abs(b.value) - b.error
            spread = a.error + _times(np.abs(value), b.error)
            error = np.where(spread == 0, 0.0, spread / np.maximum(smallest, 0.0))
        return rounded(value, error + half_subnormal(a.dtype), a.dtype)

    def __radd__(self, other: float) -> Bounded:
        return as_bounded(other, self.dtype) + self

    def __rsub__(self, other: float) -> Bounded:
        return as_bounded(other, self.dtype) - self

    def __rmul__(self, other: float) -> Bounded:
        return as_bounded(other, self.dtype) * self

    def __rtruediv__(self, other: float) -> Bounded:
        return as_bounded(other, self.dtype) / self

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.error, self.dtype)

    def __getitem__(self, index: npt.NDArray[np.generic] | object) -> Bounded:
        return Bounded(self.value[index], self.error[index], self.dtype)  # type: ignore[index]

    def __lt__(self, other: Operand) -> Decision:
        b = as_bounded(other, self.dtype)
        with np.errstate(invalid="ignore"):
            distance = np.abs(self.value - b.value)
        decided = ~(distance <= self.error + b.error) | (self.error + b.error == 0)
        return Decision(np.less(self.value, b.value), decided)

    def __gt__(self, other: Operand) -> Decision:
        return as_bounded(other, self.dtype) < self

    def reshape(self, *shape: int) -> Bounded:
        return Bounded(self.value.reshape(shape), self.error.reshape(shape), self.dtype)

    def transpose(self, *axes: int) -> Bounded:
        return Bounded(
            self.value.transpose(axes), self.error.transpose(axes), self.dtype
        )

    def repeat(self, times: int, axis: int) -> Bounded:
        value, error = (np.repeat(x, times, axis) for x in (self.value, self.error))
        return Bounded(value, error, self.dtype)

    def widened(self, error: Floats | float) -> Bounded:
        """The same values with ``error`` added to the bound."""
        return Bounded(
            self.value, _finite_error(self.value, self.error + error), self.dtype
        )

    def cast(self, dtype: DType | str) -> Bounded:
        """A rounding point: the error of one conversion to ``dtype`` is added.

        The 8-bit floats saturate; wider ones overflow to infinity (rule L35).
        """
        target = DType(dtype)
        value, error = self.value, self.error
        if target.bits == 8:
            value = np.clip(value, target.minimum, target.maximum)
        result = rounded(value, error + half_subnormal(target), target)
        return Bounded(result.value, result.error, target.evaluation)


def exact(values: npt.ArrayLike, dtype: DType = FLOAT32) -> Bounded:
    """Inputs of a kernel, already rounded to the dtype they are stored in."""
    array = np.asarray(values)
    # ml_dtypes arrays convert to float64 only through astype
    value = array.astype(np.float64)
    if array.dtype == np.float64 and dtype == FLOAT32:
        value = value.astype(np.float32).astype(np.float64)
    return Bounded(value, np.zeros_like(value), dtype)


def as_bounded(value: Operand, dtype: DType) -> Bounded:
    """A number written in a kernel: rounded to ``dtype`` unless it is representable."""
    if isinstance(value, Bounded):
        return value
    representable = dtype == "float64" or float(np.float32(value)) == value
    error = 0.0 if representable else abs(value) * roundoff(dtype)
    return Bounded(np.float64(value), np.float64(error), dtype)  # type: ignore[arg-type]


def rounded(value: Floats, error: Floats, dtype: DType) -> Bounded:
    """One operation: the propagated ``error`` plus the rounding of its result."""
    largest = float(dtype.maximum)
    with np.errstate(all="ignore"):
        magnitude = np.abs(value)
        own = roundoff(dtype) * (magnitude + error)
        total = np.where(np.isfinite(value), error + own, error)
        overflows = np.isfinite(value) & (magnitude + total > largest)
        certainly = overflows & (magnitude - total > largest)
        value = np.where(certainly, np.copysign(np.inf, value), value)
        total = np.where(overflows & ~certainly, np.inf, total)
    return Bounded(value, _finite_error(value, total), dtype)


def _finite_error(value: Floats, error: Floats) -> Floats:
    """Infinities and NaN are exact, unless nothing is known about the element."""
    unknown = np.where(np.isposinf(error), np.inf, 0.0)
    known = np.where(np.isnan(error), np.inf, error)
    result: Floats = np.where(np.isfinite(value), known, unknown)
    return result


def _times(magnitude: Floats, error: Floats) -> Floats:
    """A product in which an exact operand contributes nothing, even beside infinity."""
    result: Floats = np.where((error == 0) | (magnitude == 0), 0.0, magnitude * error)
    return result


def _quiet_add(a: Floats, b: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        return a + b
