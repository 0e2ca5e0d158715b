"""Rule L35 at trace time: literals, constants, and the casts of everything else."""

from __future__ import annotations

import math
import warnings

import ml_dtypes
import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.literals import Literal, rounded
from tiledsl.frontend.values import operand, wrap
from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, FLOAT32, INT32, DType
from tiledsl.ir.nodes import Bitcast, Cast, Const, Var

FLOATS = [dtype for dtype in ALL_DTYPES if dtype.is_float]
F16, F32, I8 = DType("float16"), DType("float32"), DType("int8")


def _literal(value: float, dtype: str, implicit: bool = True) -> Const:
    result = convert(Literal(value), DType(dtype), implicit=implicit)
    assert isinstance(result, Const)
    return result


@pytest.mark.parametrize("dtype", [d for d in FLOATS if d.bits <= 16])
def test_every_narrow_float_is_a_fixed_point(dtype: DType) -> None:
    bits = np.arange(2**dtype.bits, dtype=f"uint{dtype.bits}")
    with np.errstate(invalid="ignore"):
        values = bits.view(dtype.as_numpy()).astype(np.float64)
    for value in values[np.isfinite(values)].tolist():
        assert rounded(value, dtype) == value
        assert math.copysign(1, rounded(value, dtype)) == math.copysign(1, value)


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
)
def test_rounding_is_to_the_nearest_even(dtype: str) -> None:
    kind = DType(dtype)
    bits = np.arange(2 ** (kind.bits - 1), dtype=f"uint{kind.bits}")
    with np.errstate(invalid="ignore"):
        values = bits.view(kind.as_numpy()).astype(np.float64)
    values = values[np.isfinite(values)].tolist()
    for position in range(0, len(values) - 1, max(1, len(values) // 2000)):
        low, high = values[position], values[position + 1]
        middle = (low + high) / 2
        assert rounded(middle, kind) == (low if position % 2 == 0 else high)
        assert rounded(math.nextafter(middle, math.inf), kind) == high
        assert rounded(-math.nextafter(middle, 0), kind) == -low


def test_float32_agrees_with_numpy() -> None:
    generator = np.random.default_rng(1)
    values = generator.standard_normal(2000) * 10.0 ** generator.integers(-45, 39, 2000)
    for value in values.tolist():
        assert rounded(value, F32) == float(np.float32(value))


def test_overflow() -> None:
    assert rounded(65520.0, F16) == math.inf and rounded(65519.0, F16) == 65504.0
    assert rounded(1e10, DType("float8_e4m3fn")) == 448.0
    assert rounded(-math.inf, DType("float8_e5m2")) == -57344.0
    assert math.isnan(rounded(math.nan, DType("float8_e4m3fn")))
    assert rounded(2**24 + 1, F32) == 2.0**24
    assert rounded(2**63 - 1, DType("bfloat16")) == float(ml_dtypes.bfloat16(2.0**63))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, 2.0**-127),
        (3.0, 4.0),
        (2.9, 2.0),
        (1e300, 2.0**127),
        (6.0, 8.0),
        (1.0, 1.0),
    ],
)
def test_scale_factors_round_to_powers_of_two(value: float, expected: float) -> None:
    assert rounded(value, DType("float8_e8m0fnu")) == expected
    assert math.isnan(rounded(-value - 1, DType("float8_e8m0fnu")))


def test_literals_that_fit() -> None:
    assert _literal(127, "int8") == Const(127, I8)
    assert _literal(3, "bool") == Const(True, BOOL)
    assert _literal(True, "float32") == Const(1.0, FLOAT32)
    assert _literal(2.0, "int8") == Const(2, I8)
    assert _literal(0.1, "float16") == Const(float(np.float16(0.1)), F16)
    assert _literal(-0.0, "bfloat16") == Const(-0.0, DType("bfloat16"))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(128, "int8"), (-129, "int8"), (-1, "uint8"), (300.0, "int8"), (math.inf, "int32"),
     (math.nan, "int64"), (2**63, "int64")],
)  # fmt: skip
def test_literals_that_do_not_fit(builder, value: float, dtype: str) -> None:
    for implicit in (True, False):
        with pytest.raises(KernelError, match="E0302") as caught:
            convert(Literal(value), DType(dtype), implicit=implicit)
        assert caught.value.span == builder.span


def test_a_stored_float_that_becomes_an_integer_warns(builder, value) -> None:
    f = operand(value("float32", "f"))
    with pytest.warns(match="W0302"):
        stored = convert(f, INT32, implicit=True)
    assert stored == Cast(Var("f", FLOAT32), INT32)
    with pytest.warns(match="W0302"):
        assert _literal(1.5, "int8") == Const(1, I8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert(f, INT32, implicit=False)
        _literal(2.0, "int8")


def test_typed_constants_fold() -> None:
    assert T.int8(T.int32(300)).expr == Const(44, I8)
    assert T.uint8(T.int32(-1)).expr == Const(255, DType("uint8"))
    assert T.int32(T.float32(1e20)).expr == Const(2**31 - 1, INT32)
    assert T.bool(T.float32(0.5)).expr == Const(True, BOOL)
    assert T.float16(T.float32(0.1)).dtype == "float16"


def test_a_cast_is_a_rounding_point(value) -> None:
    h = value("float16", "h")
    rounded_product = T.float16(h * h)
    assert rounded_product.expr.dtype == "float32"
    assert isinstance(rounded_product.expr, Cast)
    assert isinstance(rounded_product.expr.value, Cast)
    assert rounded_product.expr.value.dtype == "float16"


def test_a_narrow_value_goes_back_unchanged(value) -> None:
    h = value("float16", "h")
    assert convert(operand(h), F16, implicit=True) == Var("h", F16)
    product = h * h
    assert convert(operand(product), F16, implicit=True) == Cast(product.expr, F16)
    assert convert(operand(product), FLOAT32, implicit=True) == product.expr


def test_rounding_directions(builder, value) -> None:
    f = value("float32", "f")
    assert T.cast(f, "float16", round="rz").expr == Cast(
        Cast(Var("f", FLOAT32), F16, "rz"), FLOAT32
    )
    assert T.cast(f, "float8_e5m2", sat=False).expr == Cast(
        Cast(Var("f", FLOAT32), DType("float8_e5m2"), saturate=False), FLOAT32
    )
    with pytest.raises(KernelError, match="E0316"):
        T.cast(f, "float16", round="rs")
    with pytest.raises(KernelError, match="E0316"):
        T.cast(f, "int8", round="rz")


def test_reinterpret(builder, value) -> None:
    f, h = Var("f", FLOAT32), Var("h", F16)
    bits = T.reinterpret(value("float32", "f"), "uint32")
    assert bits.expr == Bitcast(f, DType("uint32"))
    product = value("float16", "h") * 2
    assert T.reinterpret(product, "uint16").expr == Bitcast(
        Cast(product.expr, F16), DType("uint16")
    )
    assert T.reinterpret(value("float16", "h"), "int16").expr == Bitcast(
        h, DType("int16")
    )
    back = T.reinterpret(wrap(Var("u", DType("uint16"))), "bfloat16")
    assert back.dtype == "bfloat16" and back.expr.dtype == "float32"
    with pytest.raises(KernelError, match="E0308"):
        T.reinterpret(value("float32", "f"), "uint16")
    with pytest.raises(KernelError, match="E0308"):
        T.reinterpret(1.0, "uint32")


def test_limits() -> None:
    assert T.infinity("float8_e5m2") == math.inf
    assert T.max_value("uint16") == 65535 and T.min_value("float32") < 0
    for dtype in ("int32", "float8_e4m3fn"):
        with pytest.raises(KernelError, match="E0309"):
            T.infinity(dtype)
