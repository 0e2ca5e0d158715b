"""The 8-bit float formats by their short names."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.language.dtypes import CastingDType, float8_e4m3fn, float8_e5m2


def determine_fp8_type(fp8_format: str = "e4m3") -> CastingDType:
    """The dtype of a format: ``e4m3`` or ``e5m2``.

    >>> determine_fp8_type("e5m2")
    DType('float8_e5m2')
    """
    formats = {"e4m3": float8_e4m3fn, "e5m2": float8_e5m2}
    if fp8_format not in formats:
        raise KernelError(
            "E0301",
            "this is not an 8-bit float format",
            span=here(),
            expected="'e4m3' or 'e5m2'",
            got=brief(fp8_format),
        )
    return formats[fp8_format]


def determine_torch_fp8_type(fp8_format: str = "e4m3") -> object:
    """The torch dtype of a format; imports torch."""
    return determine_fp8_type(fp8_format).as_torch()
