"""The order of ``Sort`` as unsigned integers: comparing keys compares elements."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Apply, Bitcast, Cast, Const, Expr, Select

_LARGEST_E8M0: Final = 0xFE


def order_key(value: Expr, *, descending: bool) -> Expr:
    """A key of value's width: ordered as the values, -0 < +0, and the greatest for NaN.

    >>> from tiledsl.ir.nodes import Var
    >>> order_key(Var("x", DType("int16")), descending=False).dtype
    DType('uint16')
    """
    dtype = value.dtype
    word = DType(f"uint{dtype.bits}")
    if not dtype.is_float:
        return _integer_key(value, word, descending)
    bits = Bitcast(value, word)
    key: Expr
    if dtype == "float8_e8m0fnu":  # codes without a sign, in the order of their values
        largest = Const(_LARGEST_E8M0, word)
        key = Apply("sub", (largest, bits)) if descending else bits
    else:
        top = Const(1 << (word.bits - 1), word)
        negative = Apply("ne", (Apply("and", (bits, top)), Const(0, word)))
        # magnitudes of negative numbers count down
        down, up = Apply("not", (bits,)), Apply("or", (bits, top))
        key = Select(negative, down, up, lazy=False)
        key = Apply("not", (key,)) if descending else key
    wide = value if dtype.is_arithmetic else Cast(value, dtype.evaluation)
    last = Const((1 << word.bits) - 1, word)
    return Select(Apply("isnan", (wide,)), last, key, lazy=False)


def _integer_key(value: Expr, word: DType, descending: bool) -> Expr:
    key: Expr = value if value.dtype == word else Cast(value, word)
    if value.dtype.is_signed:
        key = Apply("xor", (key, Const(1 << (word.bits - 1), word)))
    return Apply("not", (key,)) if descending else key
