"""Every scalar operation of ``tiledsl.ir.ops`` as a function of arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tiledsl_numpy import float_operations as floats
from tiledsl_numpy import integer_operations as integers
from tiledsl_numpy.approximations import APPROXIMATIONS

Operation = Callable[..., np.ndarray]


def _by_kind(of_floats: Operation, of_integers: Operation) -> Operation:
    """One operation with a meaning for floats and another for integers."""

    def evaluate(*operands: np.ndarray) -> np.ndarray:
        is_float = operands[0].dtype.kind == "f"
        return (of_floats if is_float else of_integers)(*operands)

    return evaluate


OPERATIONS: dict[str, Operation] = {
    **APPROXIMATIONS,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "fma": floats.fused_multiply_add,
    "neg": _by_kind(np.negative, integers.negate),
    "abs": _by_kind(np.abs, integers.absolute),
    "min": _by_kind(floats.minimum, np.minimum),
    "max": _by_kind(floats.maximum, np.maximum),
    "min_nan": floats.minimum_nan,
    "max_nan": floats.maximum_nan,
    "floordiv": integers.floor_divide,
    "floormod": integers.floor_modulo,
    "truncdiv": integers.truncate_divide,
    "truncmod": integers.truncate_modulo,
    "ceildiv": integers.ceiling_divide,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "shl": integers.shift_left,
    "shr": integers.shift_right,
    "popcount": integers.count_ones,
    "clz": integers.count_leading_zeros,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.rint,
    "round_away": floats.round_half_away,
    "sqrt": np.sqrt,
    "fmod": np.fmod,
    "copysign": np.copysign,
    "ldexp": floats.scale_by_power,
    "nextafter": np.nextafter,
}
