"""NaN, infinities, zeros of both signs and subnormals: placed in inputs, and compared.

Positions of NaN and of each infinity do not depend on the order of sums, so backends must
agree on them exactly.  The sign of a zero may depend on it, and is compared for functions
that add nothing up.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tiledsl.ir.dtypes import DType, from_numpy
from tiledsl.ir.nodes import Accumulate, Apply, Function, Gemm, Node, Reduce
from tiledsl.ir.visitor import walk
from tiledsl.testing.registry import Array

_ADDING: Final = frozenset({"add", "sub", "fma"})


def special_numbers(dtype: DType) -> Array:
    """The special values of a float dtype, as far as it has them."""
    carrier = dtype.as_numpy()
    smallest = np.array([1], f"u{carrier.itemsize}").view(
        carrier
    )  # a subnormal, or 2^-126
    some = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    kinds = [some.astype(carrier), smallest]
    if float(dtype.minimum) < 0:
        kinds.append(-smallest)
    return np.concatenate(kinds)


def place_specials(array: Array, rng: np.random.Generator) -> Array:
    """A copy of a float array with special values at a few random positions.

    So few that most rows and columns of a matrix stay ordinary.
    """
    result = np.array(array)
    dtype = from_numpy(array.dtype)
    if dtype is None or not dtype.is_float or not array.size:
        return result
    count = max(1, round(array.size**0.5 / 4))
    places = rng.choice(array.size, count, replace=False)
    result.reshape(-1)[places] = rng.choice(special_numbers(dtype), count)
    return result


def class_of(array: Array, *, signed_zeros: bool) -> Array:
    """For each element its class: NaN, an infinity, or a number; or a zero of a sign."""
    wide = array.astype(np.float64)
    classes = np.zeros(wide.shape, np.int8)
    classes[np.isnan(wide)] = 1
    classes[np.isposinf(wide)] = 2
    classes[np.isneginf(wide)] = 3
    if signed_zeros:
        zero = wide == 0
        classes[zero] = np.where(np.signbit(wide[zero]), 5, 4)
    return classes


CLASS_NAMES: Final = ("a number", "nan", "inf", "-inf", "0.0", "-0.0")


def keeps_zeros(function: Function) -> bool:
    """Whether the signs of zeros cannot depend on rounding or the order of sums."""
    return not any(_adds(node) for node in walk(function))


def _adds(node: Node) -> bool:
    match node:
        case Apply(op=op):
            return node.dtype.is_float and op in _ADDING
        case Reduce(reduction=reduction) | Accumulate(reduction=reduction):
            return reduction not in ("max", "min")
    return isinstance(node, Gemm)
