"""Measuring a kernel and checking it on generated inputs (rule L109)."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tiledsl.diagnostics import ArgumentError, CheckError
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime.dimensions import evaluate, symbols
from tiledsl.runtime.parameters import Parameter, Signature

if TYPE_CHECKING:
    from tiledsl.backend import Backend


class TensorSupplyType(Enum):
    """How inputs are generated.  ``Auto``: integers for integer dtypes, else normal."""

    Integer = 1
    Uniform = 2
    Normal = 3
    Randn = 4
    Zero = 5
    One = 6
    Auto = 7


class _Callable(Protocol):
    latency: float | None
    ref_latency: float | None

    def __call__(
        self, *args: object, backend: str | Backend | None = None
    ) -> object: ...


def do_bench(
    function: Callable[[], object],
    warmup: float = 25,
    rep: float = 100,
    *,
    quantiles: Sequence[float] | None = None,
    return_mode: str = "median",
) -> float | list[float]:
    """Milliseconds of one call, over about ``rep`` ms after ``warmup`` ms.

    ``return_mode`` is median, mean, min or max; ``quantiles`` gives a list instead.
    """
    modes: dict[str, Callable[[list[float]], float]] = {
        "median": statistics.median,
        "mean": statistics.fmean,
        "min": min,
        "max": max,
    }
    if return_mode not in modes:
        raise ArgumentError(
            "E1014",
            "argument 'return_mode'",
            expected=f"one of {', '.join(modes)}",
            got=repr(return_mode),
        )
    _timed_for(function, warmup, at_least=1)
    times = _timed_for(function, rep, at_least=3)
    if quantiles is not None:
        return [float(value) for value in np.quantile(times, list(quantiles))]
    return modes[return_mode](times)


def _timed_for(
    function: Callable[[], object], milliseconds: float, at_least: int
) -> list[float]:
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < at_least or (time.perf_counter() - start) * 1e3 < milliseconds:
        begin = time.perf_counter()
        function()
        times.append((time.perf_counter() - begin) * 1e3)
    return times


class Profiler:
    """Runs one kernel on generated inputs; a fixed seed gives the same ones again."""

    def __init__(
        self,
        kernel: _Callable,
        signature: Signature,
        supply: TensorSupplyType,
        seed: int = 0,
    ) -> None:
        self._kernel = kernel
        self._signature = signature
        self._supply = supply
        self._seed = seed

    def inputs(
        self, dynamic_symbolic_constraints: Mapping[str, int] | None = None
    ) -> list[object]:
        """An argument for every input; the mapping gives run-time dims and scalars."""
        known = {
            str(key): int(v) for key, v in (dynamic_symbolic_constraints or {}).items()
        }
        generator = np.random.default_rng(self._seed)
        return [
            self._make(parameter, known, generator)
            for parameter in self._signature.inputs
        ]

    def do_bench(
        self,
        func: Callable[..., object] | None = None,
        warmup: float = 25,
        rep: float = 100,
        *,
        input_tensors: Sequence[object] | None = None,
        quantiles: Sequence[float] | None = None,
        return_mode: str = "median",
        dynamic_symbolic_constraints: Mapping[str, int] | None = None,
    ) -> float | list[float]:
        """Milliseconds of one call of the kernel, or of ``func`` on the same inputs."""
        args = self._arguments(input_tensors, dynamic_symbolic_constraints)
        call = self._kernel if func is None else func
        result = do_bench(
            lambda: call(*args),
            warmup,
            rep,
            quantiles=quantiles,
            return_mode=return_mode,
        )
        if not isinstance(result, list):
            if func is None:
                self._kernel.latency = result
            else:
                self._kernel.ref_latency = result
        return result

    def run_once(
        self,
        func: Callable[..., object] | None = None,
        *,
        dynamic_symbolic_constraints: Mapping[str, int] | None = None,
    ) -> object:
        """One call on generated inputs."""
        args = self._arguments(None, dynamic_symbolic_constraints)
        return (self._kernel if func is None else func)(*args)

    def assert_allclose(
        self,
        reference_program: Callable[..., object],
        atol: float = 1e-2,
        rtol: float = 1e-2,
        max_mismatched_ratio: float = 0.0,
        *,
        input_tensors: Sequence[object] | None = None,
        dynamic_symbolic_constraints: Mapping[str, int] | None = None,
    ) -> None:
        """Compares every output with a reference.  Raises CheckError.

        Infinities must agree in sign and NaN only meets NaN.
        """
        args = self._arguments(input_tensors, dynamic_symbolic_constraints)

        def close(got: object, want: object) -> None:
            _require_close(got, want, rtol, atol, max_mismatched_ratio)

        self._compare(args, reference_program, close)

    def manual_assert_close(
        self,
        reference_program: Callable[..., object],
        manual_check_prog: Callable[[list[object], list[object]], object],
        *,
        input_tensors: Sequence[object] | None = None,
        dynamic_symbolic_constraints: Mapping[str, int] | None = None,
    ) -> None:
        """Hands outputs and reference outputs to the caller's own check."""
        args = self._arguments(input_tensors, dynamic_symbolic_constraints)
        expected = _results(reference_program(*args))
        manual_check_prog(_results(self._kernel(*args)), expected)

    def assert_consistent(
        self,
        repeat: int = 10,
        *,
        dynamic_symbolic_constraints: Mapping[str, int] | None = None,
    ) -> None:
        """Runs the kernel again and again; every run must give the same bits."""
        first: list[bytes] | None = None
        for _ in range(repeat):
            args = self._arguments(None, dynamic_symbolic_constraints)
            bits = [_host(part).tobytes() for part in _results(self._kernel(*args))]
            if first is not None and bits != first:
                raise CheckError("E5090", "two runs on the same inputs differ")
            first = bits

    def _arguments(
        self,
        given: Sequence[object] | None,
        dims: Mapping[str, int] | None,
    ) -> list[object]:
        return self.inputs(dims) if given is None else list(given)

    def _compare(
        self,
        args: Sequence[object],
        reference: Callable[..., object],
        compare: Callable[[object, object], None],
    ) -> None:
        expected = _results(reference(*args))
        got = _results(self._kernel(*args))
        if len(expected) != len(got):
            raise CheckError(
                "E5091",
                "the reference program",
                expected=f"{len(got)} results",
                got=f"{len(expected)}",
            )
        for mine, theirs in zip(got, expected, strict=True):
            compare(mine, theirs)

    def _make(
        self,
        parameter: Parameter,
        known: Mapping[str, int],
        generator: np.random.Generator,
    ) -> object:
        node = parameter.node
        if not isinstance(node, Buffer):
            return known.get(node.name, 1)
        shape = []
        for extent in node.shape:
            value = evaluate(extent, known)
            if value is None:
                names = ", ".join(sorted(set(symbols(extent)) - set(known)))
                raise ArgumentError(
                    "E1017",
                    f"cannot generate argument '{node.name}'",
                    expected=f"a value for {names}",
                    got="none",
                    hint="pass dynamic_symbolic_constraints={...}",
                )
            shape.append(value)
        return _generate(tuple(shape), node.dtype, self._supply, generator)


def _generate(
    shape: tuple[int, ...],
    dtype: DType,
    supply: TensorSupplyType,
    generator: np.random.Generator,
) -> np.ndarray:
    kind = supply
    if kind is TensorSupplyType.Auto:
        whole = not dtype.is_float
        kind = TensorSupplyType.Integer if whole else TensorSupplyType.Normal
    lowest = 0 if not dtype.is_signed else -2
    values: np.ndarray
    if kind is TensorSupplyType.Integer:
        values = generator.integers(lowest, 3, shape)
    elif kind is TensorSupplyType.Uniform:
        values = generator.uniform(-1.0, 1.0, shape)
    elif kind in (TensorSupplyType.Normal, TensorSupplyType.Randn):
        values = generator.standard_normal(shape)
    else:
        values = np.full(shape, float(kind is TensorSupplyType.One))
    return values.astype(dtype.as_numpy())


def _results(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _host(value: object) -> np.ndarray:
    """A result in host memory, for comparison."""
    cpu = getattr(value, "cpu", None)
    if callable(cpu):
        tensor = value.detach().cpu()  # type: ignore[attr-defined]
        narrow = str(tensor.dtype) in ("torch.bfloat16",) or "float8" in str(
            tensor.dtype
        )
        return np.asarray((tensor.float() if narrow else tensor).numpy())
    return np.asarray(value)


def _require_close(
    got: object, want: object, rtol: float, atol: float, allowed: float
) -> None:
    mine, theirs = _host(got), _host(want)
    if mine.shape != theirs.shape:
        raise CheckError(
            "E5091",
            "shape of a result",
            expected=str(theirs.shape),
            got=str(mine.shape),
        )
    a, b = mine.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = (a == b) | (np.isnan(a) & np.isnan(b))
        good |= (
            np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= atol + rtol * np.abs(b))
        )
    wrong = int(good.size - np.count_nonzero(good))
    if wrong > math.floor(allowed * good.size):
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        raise CheckError(
            "E5091",
            f"{wrong} of {good.size} elements differ from the reference, first at {where}",
            expected=str(b[where]),
            got=str(a[where]),
        )
