"""Arguments as the 8-byte words that compiled functions read."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tiledsl.backend import ArrayRef
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Var
from tiledsl_llvm.representation import bits_of


def word_writer(part: Buffer | Var) -> Callable[[object], int]:
    """How an argument becomes a word."""
    if isinstance(part, Buffer):
        return _address
    if not part.dtype.is_float:
        return int  # type: ignore[return-value]  # called with numbers only
    return _float_writer(part.dtype)


def _address(value: object) -> int:
    return value.address if isinstance(value, ArrayRef) else 0


def _float_writer(dtype: DType) -> Callable[[object], int]:
    def write(value: object) -> int:
        number = float(value)  # type: ignore[arg-type]  # called with numbers only
        if dtype == "float64":
            return int(struct.unpack("<q", struct.pack("<d", number))[0])
        return bits_of(number, dtype)

    return write
