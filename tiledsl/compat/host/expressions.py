"""``tvm.tirx``: expressions by the names of TileLang's compiler.

Functions that decode packed weights are written with them.
"""

from __future__ import annotations

from tiledsl.frontend.values import ScalarLike, Value
from tiledsl.language.casts import reinterpret as of_value
from tiledsl.language.dtypes import dtype as dtype_of
from tiledsl.language.packs import Pack


def const(value: float, dtype: object = None) -> Value:
    """A constant of a dtype; without one int32, bool or float32 as Python's number is.

    >>> const(7, "uint16").dtype
    DType('uint16')
    """
    return dtype_of(type(value) if dtype is None else dtype)(value)


def reinterpret(dtype: object, value: ScalarLike | Pack) -> Value | Pack:
    """``T.reinterpret`` with the dtype first.

    >>> reinterpret("uint32", const(1.0, "float32")).dtype
    DType('uint32')
    """
    return of_value(value, dtype)
