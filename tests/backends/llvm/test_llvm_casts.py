"""Every conversion, exhaustively from types of at most 16 bits."""

from __future__ import annotations

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_numpy import NumpyBackend

from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions
from tiledsl.ir.dtypes import INDEX, WHOLE_DTYPES, DType
from tiledsl.ir.nodes import (
    Buffer,
    Cast,
    Function,
    Launch,
    Load,
    Parallel,
    Store,
    Var,
    index,
)

PAIRS = [(a, b) for a in WHOLE_DTYPES for b in WHOLE_DTYPES if a != b]
NARROW = [d for d in WHOLE_DTYPES if d.is_float and d.bits < 32]
DIRECTED = [(a, b) for a in ("float32", "float64") for b in NARROW] + [
    ("float64", "float32")
]


def values_of(dtype: DType) -> np.ndarray:
    carrier = dtype.as_numpy()
    if dtype.kind == "bool":
        return np.array([False, True] * 20)
    if dtype.bits <= 16:
        return np.arange(1 << dtype.bits, dtype=f"u{dtype.bytes}").view(carrier)
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, 3000 * dtype.bytes, dtype=np.uint8).view(carrier)
    if not dtype.is_float:
        powers = [
            s * (1 << e) + d
            for e in range(dtype.bits)
            for s in (1, -1)
            for d in (-1, 0, 1)
        ]
        low, high = int(dtype.minimum), int(dtype.maximum)
        inside = [p for p in powers if low <= p <= high] + [low, high]
        return np.concatenate([np.array(inside, carrier), noise])
    return np.concatenate(
        [_near_ties(carrier), noise, rng.normal(size=2000).astype(carrier)]
    )


def _near_ties(carrier: np.dtype) -> np.ndarray:
    """The values of every narrow float, the midpoints between them, and their neighbors."""
    parts = []
    for narrow in NARROW:
        codes = values_of(narrow).astype(np.float64)
        exact = np.sort(codes[np.isfinite(codes)])[:: 1 if narrow.bits == 8 else 37]
        middle = (exact[1:] + exact[:-1]) / 2
        parts += [exact, middle]
    with np.errstate(over="ignore"):
        values = np.concatenate([*parts, [0.0, -0.0, 1e39, 1e300, 3e38]]).astype(
            carrier
        )
    ends = np.array([np.inf, -np.inf, np.nan], carrier)
    around = [
        np.nextafter(values, carrier.type(np.inf)),
        np.nextafter(values, -carrier.type(np.inf)),
    ]
    return np.concatenate([values, *around, ends])


def convert(
    backend: Backend,
    values: np.ndarray,
    source: DType,
    target: DType,
    how: dict[str, object],
) -> np.ndarray:
    i, shape = Var("i", INDEX), (index(len(values)),)
    x, y = Buffer("x", shape, source), Buffer("y", shape, target)
    value = Cast(Load(x, (i,), proved=(True,)), target, **how)  # type: ignore[arg-type]
    loop = Parallel((i,), shape, (Store(y, (i,), value, (True,)),))
    function = Function(
        "cast", (x, y), (), (Launch((Var("b", INDEX),), (index(1),), (1,), (loop,)),)
    )
    result = np.zeros(len(values), target.as_numpy())
    arrays = [(values, source), (result, target)]
    executable = backend.build(function, backend.targets()[0], BuildOptions())
    refs = tuple(
        ArrayRef(a.ctypes.data, a.shape, (1,), d, "cpu", a, a) for a, d in arrays
    )
    executable.launch(Arguments(refs, ()))
    return result


def check(source: str, target: str, **how: object) -> None:
    values = values_of(DType(source))
    args = (values, DType(source), DType(target), how)
    found, expected = convert(LlvmBackend(), *args), convert(NumpyBackend(), *args)
    bits = f"u{found.itemsize}"
    wrong = found.view(bits) != expected.view(bits)
    if DType(target).is_float:
        wrong &= ~(
            np.isnan(found.astype(np.float64)) & np.isnan(expected.astype(np.float64))
        )
    detail = list(
        zip(values[wrong][:5], found[wrong][:5], expected[wrong][:5], strict=True)
    )
    assert not wrong.any(), f"{wrong.sum()} wrong (value, found, expected): {detail}"


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_cast(source: str, target: str) -> None:
    check(source, target)


@pytest.mark.parametrize("rounding", ["rz", "rp", "rm"])
@pytest.mark.parametrize(("source", "target"), DIRECTED)
def test_directed_rounding(source: str, target: str, rounding: str) -> None:
    check(source, target, rounding=rounding)


@pytest.mark.parametrize("source", ["float32", "float64", "float16"])
@pytest.mark.parametrize("rounding", ["rn", "rz", "rp", "rm"])
@pytest.mark.parametrize("target", ["float8_e4m3fn", "float8_e5m2"])
def test_overflow_without_saturation(source: str, target: str, rounding: str) -> None:
    check(source, target, rounding=rounding, saturate=False)


@pytest.mark.parametrize(
    "target", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
)
def test_integer_arithmetic_gives_the_same_bits(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILEDSL_CPU", "x86-64")
    check("float32", target)
    check(target, "float32")
    check("float64", target)
