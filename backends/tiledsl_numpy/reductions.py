"""Reduce: combines along one axis, carried in the target's evaluation dtype."""

from __future__ import annotations

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl.ir.ops import REDUCTIONS, identity
from tiledsl_numpy import regions
from tiledsl_numpy.casts import cast
from tiledsl_numpy.expressions import constant
from tiledsl_numpy.float_operations import quiet
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.operations import OPERATIONS

_UFUNCS: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.fmax,
    "min": np.fmin,
    "max_nan": np.maximum,
    "min_nan": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}


def reduce(statement: ir.Reduce, frame: Frame) -> None:
    """Reduces a region to one with an axis less."""
    source, target = statement.source.buffer.dtype, statement.target.buffer.dtype
    carry = target.evaluation
    shape = regions.shape_of(statement.source.shape, frame)
    value = cast(regions.read(statement.source, shape, frame), source, carry)
    if statement.reduction in ("abssum", "absmax"):
        value = OPERATIONS["abs"](value)
    kept = shape[: statement.axis] + shape[statement.axis + 1 :]
    if statement.clear:
        start = np.broadcast_to(
            constant(identity(statement.reduction, carry), carry), kept
        )
    else:
        start = cast(regions.read(statement.target, kept, frame), target, carry)
    if shape[statement.axis] > 0:
        name = _operation(statement, carry.is_float)
        start = OPERATIONS[name](start, _along(name, value, statement.axis))
    regions.write(statement.target, cast(start, carry, target), frame)


def _operation(statement: ir.Reduce, is_float: bool) -> str:
    name = REDUCTIONS[statement.reduction]
    propagates = statement.nan_propagate and is_float and name in ("max", "min")
    return f"{name}_nan" if propagates else name


def _along(name: str, value: np.ndarray, axis: int) -> np.ndarray:
    """All elements of an axis combined; there is at least one."""
    chooses = value.dtype.kind == "f" and name.startswith(("max", "min"))
    given = quiet(value) if chooses else value
    result: np.ndarray = _UFUNCS[name].reduce(given, axis=axis, dtype=value.dtype)
    return _order_zeros(result, value, axis, name) if chooses else result


def _order_zeros(
    result: np.ndarray, value: np.ndarray, axis: int, name: str
) -> np.ndarray:
    """A result of zero is +0 for max, and -0 for min, if any such zero took part."""
    zero = result == 0
    if not np.any(zero):
        return result
    negative = np.signbit(value) if name.startswith("min") else ~np.signbit(value)
    found = np.any((value == 0) & negative, axis=axis)
    is_negative = found if name.startswith("min") else ~found
    signed = np.where(is_negative, result.dtype.type(-0.0), result.dtype.type(0.0))
    return np.where(zero, signed, result)
