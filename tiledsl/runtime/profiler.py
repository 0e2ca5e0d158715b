"""Measuring a kernel and checking it on generated inputs (rule L109)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tiledsl.diagnostics import ArgumentError, CheckError, brief
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime import torch_arrays
from tiledsl.runtime.arrays import Kind
from tiledsl.runtime.closeness import host_array, require_alike, require_close
from tiledsl.runtime.dimensions import evaluate, symbols
from tiledsl.runtime.expectations import (
    expect,
    expect_count,
    expect_function,
    expect_number,
)
from tiledsl.runtime.parameters import Parameter, Signature
from tiledsl.runtime.scalars import Number
from tiledsl.runtime.supply import TensorSupplyType as TensorSupplyType
from tiledsl.runtime.supply import generate

_DEVICE_OPTIONS = frozenset(
    {"backend", "fast_flush", "cache_size", "device", "early_stop_baseline"}
)

if TYPE_CHECKING:
    from tiledsl.backend import Backend


class _Callable(Protocol):
    latency: float | None
    ref_latency: float | None

    def __call__(
        self, *args: object, backend: str | Backend | None = None
    ) -> object: ...


def do_bench(
    fn: Callable[[], object],
    warmup: float = 25,
    rep: float = 100,
    _n_warmup: int = 0,
    _n_repeat: int = 0,
    quantiles: Sequence[float] | None = None,
    *,
    return_mode: str = "median",
    **device_options: object,
) -> float | list[float]:
    """Milliseconds of one call, over about ``rep`` ms after ``warmup`` ms.

    ``_n_warmup`` and ``_n_repeat`` are numbers of calls that replace these times;
    ``return_mode`` is median, mean, min or max; ``quantiles`` gives a list instead.
    Options that say how a GPU is timed (``backend``, ``fast_flush``, ``cache_size``,
    ``device``, ``early_stop_baseline``) are accepted and ignored.
    """
    unknown = sorted(set(device_options) - _DEVICE_OPTIONS)
    if unknown:
        raise ArgumentError(
            "E1014",
            f"argument {unknown[0]!r} of do_bench",
            expected=f"one of {', '.join(sorted(_DEVICE_OPTIONS))}",
        )
    modes: dict[str, Callable[[list[float]], float]] = {
        "median": statistics.median,
        "mean": statistics.fmean,
        "min": min,
        "max": max,
    }
    if not isinstance(return_mode, str) or return_mode not in modes:
        raise ArgumentError(
            "E1014",
            "argument 'return_mode'",
            expected=f"one of {', '.join(modes)}",
            got=brief(return_mode),
        )
    expect_function(fn, "the function given to do_bench")
    expect_number(warmup, "argument 'warmup'")
    expect_number(rep, "argument 'rep'")
    expect_count(_n_warmup, "the number of warm-up calls")
    expect_count(_n_repeat, "the number of calls")
    if quantiles is not None:
        _expect_quantiles(quantiles)
    _timed_for(fn, 0 if _n_warmup else warmup, at_least=_n_warmup or 1)
    times = _timed_for(fn, 0 if _n_repeat else rep, at_least=_n_repeat or 3)
    if quantiles is not None:
        return [float(value) for value in np.quantile(times, list(quantiles))]
    return modes[return_mode](times)


def _expect_quantiles(quantiles: object) -> None:
    parts = list(quantiles) if isinstance(quantiles, list | tuple) else [None]
    valid = all(isinstance(part, int | float) and 0 <= part <= 1 for part in parts)
    expect(valid, "argument 'quantiles'", "a list of numbers from 0 to 1", quantiles)


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
        arrays: Kind = "numpy",
        seed: int = 0,
    ) -> None:
        kinds = ("numpy", "torch")
        known = isinstance(arrays, str) and arrays in kinds
        expect(known, "argument 'arrays'", " or ".join(kinds), arrays)
        expect(
            isinstance(supply, TensorSupplyType),
            "argument 'tensor_supply_type'",
            "a tiledsl.TensorSupplyType",
            supply,
        )
        self._kernel = kernel
        self._signature = signature
        self._supply = supply
        self._arrays = arrays
        self._seed = seed

    @property
    def func(self) -> _Callable:
        """The kernel itself."""
        return self._kernel

    def inputs(
        self, dynamic_symbolic_constraints: Mapping[str, Number] | None = None
    ) -> list[object]:
        """An argument for every input; the mapping gives run-time dims and scalars."""
        given_dims = dynamic_symbolic_constraints
        expect(
            given_dims is None or isinstance(given_dims, Mapping),
            "argument 'dynamic_symbolic_constraints'",
            "a dict {name: number}",
            given_dims,
        )
        given = {str(k): v for k, v in (given_dims or {}).items()}
        generator = np.random.default_rng(self._seed)
        return [
            self._make(parameter, given, generator)
            for parameter in self._signature.inputs
        ]

    def do_bench(
        self,
        func: Callable[..., object] | None = None,
        warmup: float = 25,
        rep: float = 100,
        n_warmup: int = 0,
        n_repeat: int = 0,
        input_tensors: Sequence[object] | None = None,
        *,
        quantiles: Sequence[float] | None = None,
        return_mode: str = "median",
        dynamic_symbolic_constraints: Mapping[str, Number] | None = None,
        **device_options: object,
    ) -> float | list[float]:
        """Milliseconds of one call of the kernel, or of ``func`` on the same inputs."""
        args = self._arguments(input_tensors, dynamic_symbolic_constraints)
        call = self._kernel if func is None else func
        expect_function(call, "argument 'func'")
        result = do_bench(
            lambda: call(*args),
            warmup,
            rep,
            n_warmup,
            n_repeat,
            quantiles,
            return_mode=return_mode,
            **device_options,
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
        dynamic_symbolic_constraints: Mapping[str, Number] | None = None,
    ) -> object:
        """One call on generated inputs."""
        args = self._arguments(None, dynamic_symbolic_constraints)
        call = self._kernel if func is None else func
        expect_function(call, "argument 'func'")
        return call(*args)

    def assert_allclose(
        self,
        reference_program: Callable[..., object],
        input_tensors: Sequence[object] | None = None,
        atol: float = 1e-2,
        rtol: float = 1e-2,
        max_mismatched_ratio: float = 0.01,
        *,
        dynamic_symbolic_constraints: Mapping[str, Number] | None = None,
    ) -> None:
        """Compares every output with a reference.  Raises CheckError.

        Up to ``max_mismatched_ratio`` of the elements may differ; infinities must agree
        in sign and NaN only meets NaN.
        """
        args = self._arguments(input_tensors, dynamic_symbolic_constraints)

        def close(got: object, want: object) -> None:
            require_close(got, want, rtol, atol, max_mismatched_ratio)

        expect_number(rtol, "argument 'rtol'")
        expect_number(atol, "argument 'atol'")
        expect_number(max_mismatched_ratio, "argument 'max_mismatched_ratio'")
        self._compare(args, reference_program, close)

    def manual_assert_close(
        self,
        reference_program: Callable[..., object],
        input_tensors: Sequence[object] | None = None,
        manual_check_prog: Callable[
            [list[object], list[object]], object
        ] = require_alike,
        *,
        dynamic_symbolic_constraints: Mapping[str, Number] | None = None,
    ) -> None:
        """Hands outputs and reference outputs to the caller's own check."""
        expect_function(reference_program, "argument 'reference_program'")
        expect_function(manual_check_prog, "argument 'manual_check_prog'")
        args = self._arguments(input_tensors, dynamic_symbolic_constraints)
        expected = _results(reference_program(*args))
        manual_check_prog(_results(self._kernel(*args)), expected)

    def assert_consistent(
        self,
        repeat: int = 10,
        *,
        dynamic_symbolic_constraints: Mapping[str, Number] | None = None,
    ) -> None:
        """Runs the kernel again and again; every run must give the same bits."""
        expect_count(repeat, "argument 'repeat'", least=1)
        first: list[bytes] | None = None
        for _ in range(repeat):
            args = self._arguments(None, dynamic_symbolic_constraints)
            bits = [
                host_array(part).tobytes() for part in _results(self._kernel(*args))
            ]
            if first is not None and bits != first:
                raise CheckError("E5090", "two runs on the same inputs differ")
            first = bits

    def _arguments(
        self,
        given: Sequence[object] | None,
        dims: Mapping[str, Number] | None,
    ) -> list[object]:
        if given is None:
            return self.inputs(dims)
        valid = isinstance(given, list | tuple)
        expect(valid, "argument 'input_tensors'", "a list of arguments", given)
        return list(given)

    def _compare(
        self,
        args: Sequence[object],
        reference: Callable[..., object],
        compare: Callable[[object, object], None],
    ) -> None:
        expect_function(reference, "argument 'reference_program'")
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
        given: Mapping[str, Number],
        generator: np.random.Generator,
    ) -> object:
        node = parameter.node
        if not isinstance(node, Buffer):
            return given.get(node.name, node.dtype.kind == "bool" or 1)
        known = {name: value for name, value in given.items() if isinstance(value, int)}
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
        array = generate(tuple(shape), node.dtype, self._supply, generator)
        if self._arrays == "torch":
            return torch_arrays.from_numpy(array, node.dtype)
        return array


def _results(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
