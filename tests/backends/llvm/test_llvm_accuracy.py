"""Errors of the approximated functions over the whole range, against long double."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend

from tiledsl.backend import Arguments, ArrayRef, BuildOptions
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    Function,
    Launch,
    Load,
    Parallel,
    Store,
    Var,
    index,
)
from tiledsl.ir.ops import SCALAR_OPS

WIDE = np.longdouble


def _erf(x: np.ndarray) -> np.ndarray:
    return np.array([math.erf(v) for v in x.astype(np.float64)], WIDE)


REFERENCES: dict[str, Callable[..., np.ndarray]] = {
    "exp": np.exp,
    "exp2": np.exp2,
    "exp10": lambda x: np.power(WIDE(10), x),
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "erf": _erf,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "pow": np.power,
}
# erf has no long double reference: the double one is itself rounded
CELLS = [
    pytest.param(name, dtype, id=f"{name}-{dtype}")
    for name in REFERENCES
    for dtype in ("float32", "float64")
    if not (name == "erf" and dtype == "float64")
]


def samples(dtype: np.dtype, count: int) -> np.ndarray:
    """All exponents, and the range where functions vary."""
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 256, count * dtype.itemsize, dtype=np.uint8).view(dtype)
    parts = [bits, rng.normal(size=count) * 20, rng.uniform(0.5, 2, count)]
    parts += [rng.normal(size=count), rng.uniform(-110, 110, count)]
    values = np.concatenate([part.astype(dtype) for part in parts])
    tiny = np.finfo(dtype).tiny
    return np.where(np.abs(values) < tiny, 0, values).astype(dtype)


def evaluate(name: str, columns: list[np.ndarray]) -> np.ndarray:
    dtype = DType(str(columns[0].dtype))
    shape, i = (index(len(columns[0])),), Var("i", INDEX)
    inputs = [Buffer(f"x{k}", shape, dtype) for k in range(len(columns))]
    out = Buffer("y", shape, dtype)
    value = Apply(name, tuple(Load(x, (i,), proved=(True,)) for x in inputs))
    loop = Parallel((i,), shape, (Store(out, (i,), value, (True,)),))
    launch = Launch((Var("b", INDEX),), (index(1),), (1,), (loop,))
    backend, result = LlvmBackend(), np.zeros_like(columns[0])
    function = Function(name, (*inputs, out), (), (launch,))
    executable = backend.build(function, backend.targets()[0], BuildOptions())
    arrays = [*columns, result]
    executable.launch(
        Arguments(
            tuple(
                ArrayRef(a.ctypes.data, a.shape, (1,), dtype, "cpu", a, a)
                for a in arrays
            ),
            (),
        )
    )
    return result


def largest_error(name: str, dtype: str, count: int) -> tuple[float, tuple[float, ...]]:
    """In ulp of the result, and where."""
    columns = [samples(np.dtype(dtype), count)]
    if SCALAR_OPS[name].arity == 2:
        columns.append(np.random.default_rng(2).permutation(columns[0]))
    found = evaluate(name, columns)
    with np.errstate(all="ignore"):
        exact = REFERENCES[name](*(column.astype(WIDE) for column in columns))
        rounded = exact.astype(found.dtype)
        spacing = np.spacing(np.abs(rounded)).astype(WIDE)
        error = (np.abs(found - exact) / spacing).astype(np.float64)
    tiny = np.finfo(found.dtype).tiny
    ordinary = np.isfinite(rounded) & (np.abs(rounded) >= tiny)
    error[~ordinary] = 0
    same = (found == rounded) | np.isnan(found) & np.isnan(rounded)
    subnormal = (np.abs(rounded) < tiny) & (np.abs(found) <= tiny)
    edge = np.isinf(rounded) & (np.abs(found) >= np.finfo(found.dtype).max * 0.999999)
    error[~ordinary & ~same & ~subnormal & ~edge] = np.inf
    error[ordinary & ~np.isfinite(found)] = np.inf
    error = np.where(np.isnan(error), np.inf, error)
    worst = int(np.argmax(error))
    return float(error[worst]), tuple(float(column[worst]) for column in columns)


@pytest.mark.parametrize(("name", "dtype"), CELLS)
def test_error_is_below_the_published_bound(name: str, dtype: str) -> None:
    error, where = largest_error(name, dtype, 20_000)
    assert error <= SCALAR_OPS[name].ulp, f"{error} ulp at {where}"
