"""Rule L28: the dtype in which operands meet (corner case C1)."""

from __future__ import annotations

import itertools
import warnings

import pytest

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.promotion import promote
from tiledsl.frontend.values import Value, select, wrap
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.nodes import Var

SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
DECODED = {
    **dict.fromkeys(("float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"), "float32"),
    **dict.fromkeys(("float4_e2m1fn", "tfloat32"), "float32"),
    **dict.fromkeys(("int4", "uint4"), "int32"),
}
TYPED = [dtype for dtype in ALL_DTYPES if dtype != "index"]


def _expected(a: str, b: str) -> str:
    """The rule, written down a second time: by ranks of one chain per family."""
    a, b = (DECODED.get(x, x) for x in (a, b))
    if a == b == "bool":
        return "int32"
    if "bool" in (a, b):
        return a if b == "bool" else b
    floats = [x for x in (a, b) if "float" in x]
    if len(floats) == 1:
        return floats[0]
    if floats:
        if {a, b} == {"float16", "bfloat16"}:
            return "float32"
        order = ["float16", "bfloat16", "float32", "float64"]
        return max(a, b, key=order.index)
    order = [name for pair in zip(SIGNED, UNSIGNED, strict=True) for name in pair]
    return max(a, b, key=order.index)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(TYPED, TYPED)))
def test_typed_operands(a: DType, b: DType) -> None:
    assert promote(a, b) == _expected(a, b)


def test_two_bools_stay_bool_outside_arithmetic() -> None:
    bool_ = DType("bool")
    assert promote(bool_, bool_, arithmetic=False) == "bool"


def test_the_examples_of_the_rule(value) -> None:
    h, u = value("float16", "h"), value("uint8", "u")
    i, w = value("int32", "i"), value("uint32", "w")
    assert (h * 2).dtype == "float16"
    assert (h * 0.5).dtype == "float32"
    assert (u * 300).dtype == "int32"
    assert (u << i).dtype == "int32"
    assert (i + w).dtype == "uint32"


@pytest.mark.parametrize(
    ("dtype", "literal", "expected"),
    [
        ("int8", 127, "int8"),
        ("int8", 128, "int32"),
        ("int8", -128, "int8"),
        ("uint8", -1, "int32"),
        ("uint8", 255, "uint8"),
        ("int32", 2**31 - 1, "int32"),
        ("int32", 2**31, "int64"),
        ("int32", 2**32 - 1, "int64"),
        ("uint32", 2**32 - 1, "uint32"),
        ("int64", 2**63 - 1, "int64"),
        ("int64", 2**63, "uint64"),
        ("uint64", 2**63, "uint64"),
        ("uint64", -1, "uint64"),
        ("bool", 1, "int32"),
        ("bool", 2**40, "int64"),
        ("float16", 70000, "float16"),
        ("bfloat16", 1, "bfloat16"),
        ("float8_e4m3fn", 1, "float32"),
        ("float16", 1.0, "float32"),
        ("int64", 1.0, "float32"),
        ("float64", 1.0, "float64"),
        ("float64", 1, "float64"),
        ("int32", True, "int32"),
        ("bool", True, "int32"),
    ],
)
def test_literals(dtype: str, literal: float, expected: str) -> None:
    x = wrap(Var("x", DType(dtype)))
    assert (x + literal).dtype == expected
    assert (literal + x).dtype == expected


def test_a_literal_that_fits_nothing_is_refused(value) -> None:
    with pytest.raises(KernelError, match="E0302"):
        value("int32", "x") + 2**64
    with pytest.raises(KernelError, match="E0302"):
        value("int32", "x") + (-(2**63) - 1)


def test_narrow_floats_are_evaluated_in_float32(value) -> None:
    product = value("float16", "a") * value("float16", "b")
    assert product.dtype == "float16"
    assert product.expr.dtype == "float32"
    assert (product * value("bfloat16", "c")).dtype == "float32"


def test_selects_promote_their_arms(value) -> None:
    h, i = value("float16", "h"), value("int32", "i")
    assert select(i > 0, h, 0).dtype == "float16"
    assert select(i > 0, h, 0.0).dtype == "float32"
    assert select(i > 0, i, h).dtype == "float16"
    assert select(i > 0, i > 1, True).dtype == "bool"
    assert select(i > 0, 1, 2).dtype == "int32"


def test_mixed_signs_warn_once_each(builder, value) -> None:
    i, w = value("int32", "i"), value("uint32", "w")
    with pytest.warns(match="W0301"):
        i + w
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value("int64", "l") + w
        w + 1
        assert isinstance(i < w, Value)


def test_bools_and_bits(value) -> None:
    a, b = value("bool", "a"), value("bool", "b")
    assert (a & b).dtype == "bool"
    assert (~a).dtype == "bool"
    assert (a & 1).dtype == "int32"
    assert (-a).dtype == "int32"
    with pytest.raises(KernelError, match=r"E0306.*got float32 and int32"):
        value("float32", "x") & value("int32", "y")
