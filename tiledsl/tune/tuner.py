"""Searching the candidates for the fastest one that is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from tiledsl.compile_options import CompileOptions, JitKeywords
from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.ir.nodes import Function
from tiledsl.jit_function import JitFunction
from tiledsl.runtime.kernel import JITKernel
from tiledsl.runtime.supply import TensorSupplyType
from tiledsl.tune import store
from tiledsl.tune.inputs import inputs_for
from tiledsl.tune.measuring import Failure, Profile, Trials
from tiledsl.tune.space import Config, candidates

# how TileLang compiles and measures on GPUs; nothing of it changes what is chosen
_IGNORED = frozenset(
    {"cache_input_tensors", "backend", "do_not_specialize", "use_pipeline"}
    | {"enable_grouped_compile", "group_compile_size"}
    | {"benchmark_multi_gpu", "benchmark_devices"}
)


@dataclass(frozen=True, slots=True)
class AutotuneResult:
    """The kernel chosen, its values and milliseconds; ``failures``: candidates refused."""

    kernel: JITKernel
    config: Config
    latency: float
    ref_latency: float | None = None
    failures: tuple[Failure, ...] = ()

    @property
    def libcode(self) -> str:
        """The backend's text of the kernel chosen."""
        return self.kernel.get_kernel_source()

    @property
    def func(self) -> Function:
        """The IR of the kernel chosen."""
        return self.kernel.function


def search(
    name: str,
    make: Callable[[Config], JITKernel],
    configs: Sequence[Config],
    profile: Profile,
    call: Mapping[str, object] | None = None,
    given: Mapping[str, object] | None = None,
) -> AutotuneResult:
    """Tries all candidates.  Raises ArgumentError E0706 if none is right.

    ``call``: the arguments by name of a call that is to be tuned as it is.  What an
    earlier process found is taken over, unless functions of the caller take part in the
    check: their meaning cannot be known.  ``given``: values of the call that stand
    beside those of a candidate in what was chosen.
    """
    fixed = dict(given or {})
    custom = (profile.ref_prog, profile.supply_prog, profile.manual_check_prog)

    def inputs(kernel: JITKernel) -> list[object]:
        return inputs_for(kernel, profile.supply_prog, profile.supply_type, call)

    trials = Trials(profile, make, inputs)
    key = None
    if not any(custom):
        key = _key(trials, configs)
        record = None if key is None else store.load(key, configs)
        if record is not None:
            config = configs[record.choice]
            return _result(make(config), fixed | config, record.latency, trials)
    for config in configs:
        trials.run(config)
    if trials.kernel is None:
        raise ArgumentError(
            "E0706",
            f"tuning {name}",
            expected="a candidate that compiles, runs and passes the check",
            got=f"{len(trials.failures)} that do not, "
            f"the first: {trials.failures[0].reason}",
        )
    if key is not None:
        choice = list(configs).index(trials.config)
        store.save(key, store.Record(choice, trials.latency))
    return _result(trials.kernel, fixed | trials.config, trials.latency, trials)


def _key(trials: Trials, configs: Sequence[Config]) -> str | None:
    """The key of the store; None if the first candidate is no kernel."""
    try:
        kernel = trials.make(configs[0])
    except Exception:  # the search meets it again, and counts it
        return None
    trials.args = trials.inputs(kernel)
    return store.key_of(kernel, configs, trials.args)


def _result(
    kernel: JITKernel, config: Config, latency: float, trials: Trials
) -> AutotuneResult:
    kernel.config = dict(config)  # what TileLang programs pass on to another function
    kernel.latency, kernel.ref_latency = latency, trials.ref_latency()
    failures = tuple(trials.failures)
    return AutotuneResult(kernel, config, latency, kernel.ref_latency, failures)


def with_passes(function: JitFunction, config: Config) -> tuple[JitFunction, Config]:
    """The function for a candidate that sets ``pass_configs``, and its other values."""
    if (
        "pass_configs" not in config
        or "pass_configs" in function.__signature__.parameters
    ):
        return function, config
    rest = dict(config)
    given = rest.pop("pass_configs")
    valid = given is None or isinstance(given, Mapping)
    if not valid:
        raise ArgumentError(
            "E0706", "pass_configs of a candidate", expected="a dict", got=brief(given)
        )
    fast = CompileOptions.of({"pass_configs": given}).fast_math  # type: ignore[typeddict-item]
    return function.with_fast_math(fast or function.options.fast_math), rest


def profile_of(options: Mapping[str, object]) -> Profile:
    """The options of ``autotune`` by name.  Raises ArgumentError for unknown ones."""
    known = set(Profile.__dataclass_fields__)
    given = {name: value for name, value in options.items() if name not in _IGNORED}
    for name, value in given.items():
        if name not in known:
            raise ArgumentError(
                "E0706",
                f"the option {name} of autotune",
                expected=f"one of {', '.join(sorted(known | _IGNORED))}",
                got=brief(value),
            )
    for name in ("warmup", "rep", "timeout", "rtol", "atol", "early_stop_factor"):
        value = given.get(name, 1)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not float(str(value)) >= 0:
            raise ArgumentError(
                "E0706",
                f"the option {name} of autotune",
                expected="a number of at least 0",
                got=brief(value),
            )
    if not isinstance(
        given.get("supply_type", TensorSupplyType.Auto), TensorSupplyType
    ):
        raise ArgumentError(
            "E0706",
            "the option supply_type of autotune",
            expected="a tiledsl.TensorSupplyType",
            got=brief(given["supply_type"]),
        )
    return Profile(**given)  # type: ignore[arg-type]  # checked above


class AutoTuner:
    """Tuning step by step: ``AutoTuner.from_kernel(kernel=f, configs=[...]).run()``."""

    def __init__(self, fn: Callable[..., object], configs: object) -> None:
        self._python = fn
        self._configs = configs
        self._options: JitKeywords = {}
        self._profile: dict[str, object] = {}

    @classmethod
    def from_kernel(cls, kernel: Callable[..., object], configs: object) -> AutoTuner:
        """For a function that returns a ``T.prim_func``, decorated by ``jit`` or not."""
        return cls(kernel, configs)

    def set_compile_args(self, **options: Unpack[JitKeywords]) -> AutoTuner:
        """The options of ``tiledsl.jit``; returns the tuner."""
        CompileOptions.of(options)
        self._options = options
        return self

    def set_profile_args(self, **options: object) -> AutoTuner:
        """The options of ``tiledsl.autotune``; returns the tuner."""
        profile_of(options)
        self._profile = dict(options)
        return self

    def run(
        self, warmup: float = 25, rep: float = 100, timeout: float = 30, **more: object
    ) -> AutotuneResult:
        """Measures every candidate; returns the best."""
        times = {"warmup": warmup, "rep": rep, "timeout": timeout, **more}
        profile = profile_of({**self._profile, **times})
        python = self._python
        function = python
        if not isinstance(function, JitFunction):
            function = JitFunction(python, CompileOptions.of(self._options), {})
        jitted = function

        def make(config: Config) -> JITKernel:
            variant, values = with_passes(jitted, config)
            return variant.compile(**values)

        configs = candidates(self._configs, (), {})
        return search(function.__name__, make, configs, profile)
