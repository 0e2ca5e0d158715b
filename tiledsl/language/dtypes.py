"""Element types as authors use them: names, casts and everything that means one (L27)."""

from __future__ import annotations

from typing import Final

import numpy as np

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.pointers import PointerType
from tiledsl.frontend.values import Value, converted
from tiledsl.ir.dtypes import ALL_DTYPES, DType, from_numpy


class CastingDType(DType):
    """A dtype that converts when called.

    >>> float16 == "float16", float16.bytes, int32(7).dtype
    (True, 2, DType('int32'))
    """

    __slots__ = ()

    def __call__(self, value: object = 0) -> Value:
        """``value`` rounded to this dtype, as ``T.cast(value, dtype)``; zero without one."""
        return converted(value, DType(self))


bool_: Final = CastingDType("bool")
int8: Final = CastingDType("int8")
int16: Final = CastingDType("int16")
int32: Final = CastingDType("int32")
int64: Final = CastingDType("int64")
uint8: Final = CastingDType("uint8")
uint16: Final = CastingDType("uint16")
uint32: Final = CastingDType("uint32")
uint64: Final = CastingDType("uint64")
float16: Final = CastingDType("float16")
bfloat16: Final = CastingDType("bfloat16")
float32: Final = CastingDType("float32")
tfloat32: Final = CastingDType("tfloat32")
float64: Final = CastingDType("float64")
float8_e4m3fn: Final = CastingDType("float8_e4m3fn")
float8_e5m2: Final = CastingDType("float8_e5m2")
float8_e8m0fnu: Final = CastingDType("float8_e8m0fnu")
int4: Final = CastingDType("int4")
uint4: Final = CastingDType("uint4")
float4_e2m1fn: Final = CastingDType("float4_e2m1fn")

_ALIASES: Final[dict[str, str]] = {
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "uint": "uint32",
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "float8_e4m3": "float8_e4m3fn",
}
_PYTHON: Final[dict[object, str]] = {bool: "bool", int: "int32", float: "float32"}
_NAMES: Final = {str(dtype) for dtype in ALL_DTYPES if dtype != "index"}


def dtype(spec: object) -> CastingDType:
    """The element type that ``spec`` means.

    Accepts names, dtypes, NumPy, ml_dtypes and torch dtypes, and Python's ``bool``,
    ``int`` (int32) and ``float`` (float32).  Raises KernelError E0301 for anything else.

    >>> import numpy as np
    >>> dtype(np.float16), dtype("half") == "float16", dtype(int) == "int32"
    (DType('float16'), True, True)
    """
    name = _name_of(spec)
    if name is None:
        raise KernelError(
            "E0301",
            "this is not an element type",
            span=here(),
            expected="one of " + ", ".join(sorted(_NAMES)),
            got=brief(spec),
        )
    return CastingDType(name)


def _name_of(spec: object) -> str | None:
    if isinstance(spec, str):
        name = _ALIASES.get(spec, str(spec))
        return name if name in _NAMES else None
    if isinstance(spec, PointerType):
        return "int64"
    if isinstance(spec, type) and spec in _PYTHON:
        return _PYTHON[spec]
    if type(spec).__module__.partition(".")[0] == "torch":
        return _name_of(str(spec).removeprefix("torch.").removesuffix("_x2"))
    if isinstance(spec, np.dtype) or (
        isinstance(spec, type) and issubclass(spec, np.generic)
    ):
        found = from_numpy(np.dtype(spec))
        return None if found is None else str(found)
    return None
