"""Elements of packed dtypes as scalar expressions over wider dtypes.

A packed element is computed in its *unpacked* dtype, which has all of its values: int8
for int4, uint8 for uint4, float8_e4m3fn for float4_e2m1fn.  Its *code* is the four bits
that memory holds, as a uint8.
"""

from __future__ import annotations

from typing import Final, Literal

from tiledsl.ir.dtypes import BOOL, FLOAT32, INT32, DType
from tiledsl.ir.nodes import Apply, Bitcast, Cast, Const, Expr, Select

_INT8: Final = DType("int8")
_UINT8: Final = DType("uint8")
_E4M3: Final = DType("float8_e4m3fn")
_UNPACKED: Final = {"int4": _INT8, "uint4": _UINT8, "float4_e2m1fn": _E4M3}
# how a quotient by the distance of neighboring values becomes an integer, for magnitudes
_WHOLE: Final = {"rn": "round", "rz": "trunc"}

Rounding = Literal["rn", "rz", "rp", "rm"]


def unpacked(dtype: DType) -> DType:
    """The dtype in which elements of this one are computed; itself unless packed."""
    return _UNPACKED.get(dtype, dtype)


def decode(code: Expr, dtype: DType) -> Expr:
    """The element that a code from 0 to 15 stands for, unpacked."""
    if dtype == "uint4":
        return code
    if dtype == "int4":
        return Cast(Apply("sub", (Apply("xor", (code, _byte(8))), _byte(8))), _INT8)
    # 0.5 is subnormal as e2m1 but not as e4m3; from 1 on only the bias differs
    magnitude = Apply("and", (code, _byte(7)))
    normal = Apply("add", (Apply("shl", (magnitude, _byte(2))), _byte(0x30)))
    small = Apply("mul", (magnitude, _byte(0x30)))
    body = Select(Apply("lt", (magnitude, _byte(2))), small, normal, lazy=False)
    sign = Apply("shl", (Apply("and", (code, _byte(8))), _byte(4)))
    return Bitcast(Apply("or", (sign, body)), _E4M3)


def encode(value: Expr, dtype: DType) -> Expr:
    """The code of an unpacked element."""
    if dtype.is_integer:
        bits = value if value.dtype == _UINT8 else Cast(value, _UINT8)
        return Apply("and", (bits, _byte(15)))
    bits = Bitcast(value, _UINT8)
    magnitude = Apply("and", (bits, _byte(0x7F)))
    normal = Apply("shr", (Apply("sub", (magnitude, _byte(0x30))), _byte(2)))
    small = Apply("shr", (magnitude, _byte(5)))
    body = Select(Apply("lt", (magnitude, _byte(0x38))), small, normal, lazy=False)
    sign = Apply("and", (Apply("shr", (bits, _byte(4))), _byte(8)))
    return Apply("or", (sign, body))


def narrow(value: Expr, dtype: DType, rounding: Rounding = "rn") -> Expr:
    """A value of any dtype converted to a packed one (rule L35), unpacked.

    The value is used several times: it should be a variable or a load.
    """
    if dtype == "float4_e2m1fn":
        return Cast(_nearest(value, rounding), _E4M3)
    target = unpacked(dtype)
    if value.dtype == BOOL:
        return Cast(value, target)
    if value.dtype.is_float:
        whole: Expr = Cast(value, INT32)
        whole = Apply("max", (whole, Const(int(dtype.minimum), INT32)))
        whole = Apply("min", (whole, Const(int(dtype.maximum), INT32)))
        return Cast(whole, target)
    low = value if value.dtype == _UINT8 else Cast(value, _UINT8)
    return decode(Apply("and", (low, _byte(15))), dtype)


def _nearest(value: Expr, rounding: Rounding) -> Expr:
    """A float rounded to 0, 0.5, 1, 1.5, 2, 3, 4 or 6 with its sign; NaN to 6."""
    wide = FLOAT32 if value.dtype != "float64" else value.dtype
    x = value if value.dtype == wide else Cast(value, wide)

    def number(n: float) -> Const:
        return Const(n, wide)

    magnitude = Apply("min", (Apply("abs", (x,)), number(6.0)))
    coarse = Select(
        Apply("lt", (magnitude, number(4.0))), number(1.0), number(2.0), lazy=False
    )
    step = Select(
        Apply("lt", (magnitude, number(2.0))), number(0.5), coarse, lazy=False
    )
    quotient = Apply("div", (magnitude, step))
    result = Apply("mul", (_integer(quotient, x, rounding), step))
    signed = Apply("copysign", (result, x))
    return Select(Apply("isnan", (x,)), number(6.0), signed, lazy=False)


def _integer(quotient: Expr, x: Expr, rounding: Rounding) -> Expr:
    """A magnitude as an integer; up and down mean those of the signed number."""
    if rounding in _WHOLE:
        return Apply(_WHOLE[rounding], (quotient,))
    zero = Const(0.0, x.dtype)
    outward = Apply("gt" if rounding == "rp" else "lt", (x, zero))
    up, down = Apply("ceil", (quotient,)), Apply("floor", (quotient,))
    return Select(outward, up, down, lazy=False)


def _byte(value: int) -> Const:
    return Const(value, _UINT8)
