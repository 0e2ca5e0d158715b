"""One candidate after the other: compiled, checked, timed (rule L110)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tiledsl.analysis.cost import cost
from tiledsl.diagnostics import CheckError, Error
from tiledsl.runtime.arrays import is_array
from tiledsl.runtime.closeness import host_array, require_close
from tiledsl.runtime.kernel import JITKernel
from tiledsl.runtime.profiler import do_bench
from tiledsl.runtime.supply import TensorSupplyType
from tiledsl.tune.inputs import copied
from tiledsl.tune.space import Config

# what the interpreter does in about a second: then it is the reference of the check
_INTERPRETED_FLOPS = 3e7


@dataclass(frozen=True, slots=True)
class Profile:
    """How candidates are judged; times in milliseconds, ``timeout`` in seconds."""

    warmup: float = 25
    rep: float = 100
    timeout: float = 30
    supply_type: TensorSupplyType = TensorSupplyType.Auto
    ref_prog: Callable[..., object] | None = None
    supply_prog: Callable[..., object] | None = None
    rtol: float = 1e-2
    atol: float = 1e-2
    max_mismatched_ratio: float = 0.01
    skip_check: bool = False
    manual_check_prog: Callable[..., object] | None = None
    early_stop: bool = False
    early_stop_factor: float = 2.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A candidate that is no choice, and why."""

    config: Config
    reason: str


@dataclass(slots=True)
class Trials:
    """What measuring found: the best candidate so far, and those that failed."""

    profile: Profile
    make: Callable[[Config], JITKernel]
    inputs: Callable[[JITKernel], list[object]]
    args: list[object] | None = None
    kernel: JITKernel | None = None
    config: Config = field(default_factory=dict)
    latency: float = float("inf")
    failures: list[Failure] = field(default_factory=list)
    _expected: list[object] | None = None

    def run(self, config: Config) -> None:
        """Tries a candidate.  Whatever is wrong with it is counted, never fatal."""
        try:
            kernel = self.make(config)
        except Exception as error:  # tracing runs the user's code: anything may come
            self.failures.append(Failure(config, _reason(error)))
            return
        if self.args is None:
            # without arguments no candidate can run: that is an error of the call
            self.args = self.inputs(kernel)
        try:
            self._measure(kernel, config, self.args)
        except Exception as error:
            self.failures.append(Failure(config, _reason(error)))

    def _measure(self, kernel: JITKernel, config: Config, args: list[object]) -> None:
        profile = self.profile
        started = time.perf_counter()
        results = _results(kernel, args)  # compiles, too
        if time.perf_counter() - started > profile.timeout:
            raise TimeoutError(f"one call took more than {profile.timeout} s")
        if not profile.skip_check:
            self._check(kernel, args, results)
        own = copied(args)
        if profile.early_stop and self._is_slow(kernel, own):
            raise TimeoutError("slower than the best one by early_stop_factor")
        latency = do_bench(lambda: kernel(*own), profile.warmup, profile.rep)
        if isinstance(latency, float) and latency < self.latency:
            self.kernel, self.config, self.latency = kernel, config, latency

    def ref_latency(self) -> float | None:
        """Milliseconds of the reference program on the same arguments."""
        profile = self.profile
        if profile.ref_prog is None or self.args is None:
            return None
        program, own = profile.ref_prog, copied(self.args)
        found = do_bench(lambda: program(*own), profile.warmup, profile.rep)
        return found if isinstance(found, float) else None

    def _is_slow(self, kernel: JITKernel, args: list[object]) -> bool:
        started = time.perf_counter()
        kernel(*args)
        elapsed = (time.perf_counter() - started) * 1e3
        return elapsed > self.profile.early_stop_factor * self.latency

    def _check(
        self, kernel: JITKernel, args: list[object], results: list[object]
    ) -> None:
        """Compares with the reference program, or with what the kernel means."""
        profile = self.profile
        if self._expected is None:
            self._expected = self._reference(kernel, args, results)
        expected = self._expected
        if profile.manual_check_prog is not None:
            profile.manual_check_prog(results, expected)
            return
        if len(expected) > len(results):
            raise CheckError(
                "E5091",
                "the reference program",
                expected=f"at most {len(results)} results",
                got=str(len(expected)),
            )
        for mine, theirs in zip(results, expected, strict=False):
            ratio = profile.max_mismatched_ratio
            require_close(mine, theirs, profile.rtol, profile.atol, ratio)

    def _reference(
        self, kernel: JITKernel, args: list[object], results: list[object]
    ) -> list[object]:
        """Of the reference program; else the interpreter's if that is fast enough; else
        of the first candidate that runs, which all others then have to agree with.
        """
        if self.profile.ref_prog is not None:
            found = self.profile.ref_prog(*copied(args))
            return list(found) if isinstance(found, list | tuple) else [found]
        if _flops(kernel) <= _INTERPRETED_FLOPS:
            return _results(kernel.interpret, args)
        return results


def _results(call: Callable[..., object], args: list[object]) -> list[object]:
    """What a call returns, then the arrays that it changed."""
    own = copied(args)
    returned = call(*own)
    found = list(returned) if isinstance(returned, list | tuple) else [returned]
    changed = [
        mine
        for mine, given in zip(own, args, strict=True)
        if is_array(mine) and host_array(mine).tobytes() != host_array(given).tobytes()
    ]
    return [part for part in found if part is not None] + changed


def _flops(kernel: JITKernel) -> float:
    """What one call costs; without bound where dims are known at calls only."""
    if kernel.function.dims:
        return float("inf")
    return float(cost(kernel.function, ()).flops)


def _reason(error: Exception) -> str:
    text = error.summary if isinstance(error, Error) else str(error)
    return f"{type(error).__name__}: {text}".partition("\n")[0]
