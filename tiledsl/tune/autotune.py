"""``@tiledsl.autotune`` above ``@tiledsl.jit`` (rule L110)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import overload

from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.frontend.closures import frozen
from tiledsl.jit_function import JitFunction
from tiledsl.runtime.arrays import describe, is_array
from tiledsl.runtime.kernel import JITKernel
from tiledsl.tune.inputs import get_autotune_inputs
from tiledsl.tune.measuring import Profile
from tiledsl.tune.space import Config, candidates, of_tunables, remaining
from tiledsl.tune.tuner import AutotuneResult, profile_of, search, with_passes


class TunedFunction:
    """A jit function whose calls choose the values that they leave open by measuring."""

    def __init__(
        self,
        function: JitFunction,
        configs: object,
        profile: Profile,
        do_not_specialize: frozenset[str],
    ) -> None:
        self.function = function
        self.python = function.python
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self._configs = configs
        self._profile = profile
        self._ignored = do_not_specialize
        self._results: dict[Hashable, AutotuneResult] = {}

    def __call__(self, *args: object, **named: object) -> object:
        """The call of the function with the best values, found at the first such call.

        A call that gives every value itself measures nothing.  With
        ``__return_kernel=True`` an eager call gives the kernel instead of running it.
        """
        wanted = named.pop("__return_kernel", False)
        configs = self._open(args, named)
        if configs == [{}]:
            function = self.function
            return (function.compile if wanted else function)(*args, **named)
        result = self._result(args, named, configs)
        if wanted or self.function.mode == "lazy":
            return result.kernel
        variant, values = with_passes(self.function, result.config)
        return variant(*args, **self._merged(named, values))

    def compile(self, *args: object, **named: object) -> JITKernel:
        """The kernel with the best values; an eager function takes its dims by name.

        Candidates run on the arrays of the call, or on generated ones without these.
        """
        configs = self._open(args, named)
        if configs == [{}]:
            return self.function.compile(*args, **named)
        return self._result(args, named, configs).kernel

    def tune(self, *args: object, **named: object) -> AutotuneResult:
        """What the call would choose: kernel, values, milliseconds, failures."""
        return self._result(args, named, self._open(args, named))

    def __getattr__(self, name: str) -> object:
        return getattr(self.function, name)

    def _open(
        self, args: tuple[object, ...], named: Mapping[str, object]
    ) -> list[Config]:
        """The candidates for what the call leaves open."""
        names = list(self.function.__signature__.parameters)
        fixed = {*names[: len(args)], *named}
        chosen = named.get("tunables")
        fixed |= set(chosen) if isinstance(chosen, Mapping) else set()
        if self._configs is not None:
            return remaining(candidates(self._configs, args, named), fixed)
        if not self.function.met:
            self.function.compile(*args, **named)  # meets them
        parameters = self.function.tunables.parameters
        fixed |= {part.name for name, part in parameters.items() if name in fixed}
        return remaining(of_tunables(self.function.met.values()), fixed)

    def _result(
        self,
        args: tuple[object, ...],
        named: dict[str, object],
        configs: list[Config],
    ) -> AutotuneResult:
        key = self._key(args, named)
        if key not in self._results:

            def make(config: Config) -> JITKernel:
                variant, values = with_passes(self.function, config)
                return variant.compile(*args, **self._merged(named, values))

            arrays, given = self._arrays(args, named), self._given(args, named)
            self._results[key] = search(
                self.__name__, make, configs, self._profile, arrays, given
            )
        return self._results[key]

    def _given(self, args: tuple[object, ...], named: Mapping[str, object]) -> Config:
        """What the call gives of the values that candidates have."""
        if self._configs is None:
            tuned = {part.name for part in self.function.met.values()}
        else:
            listed = candidates(self._configs, args, named)
            tuned = {name for config in listed for name in config}
        names = list(self.function.__signature__.parameters)
        values = {**dict(zip(names, args, strict=False)), **named}
        return {name: value for name, value in values.items() if name in tuned}

    def _arrays(
        self, args: tuple[object, ...], named: Mapping[str, object]
    ) -> dict[str, object] | None:
        """The arguments of an eager call by name; None if no array is among them."""
        if self.function.mode != "eager":
            return None
        names = list(self.function.__signature__.parameters)
        given = {**dict(zip(names, args, strict=False)), **named}
        return given if any(is_array(value) for value in given.values()) else None

    def _merged(self, named: Mapping[str, object], values: Config) -> dict[str, object]:
        """A call's arguments with a candidate's: of parameters, or else of tunables."""
        parameters = self.function.__signature__.parameters
        own = {name: value for name, value in values.items() if name in parameters}
        rest = {name: value for name, value in values.items() if name not in parameters}
        given = named.get("tunables") if rest else None
        if rest:
            rest = {**(given if isinstance(given, Mapping) else {}), **rest}
            return {**named, **own, "tunables": rest}
        return {**named, **own}

    def _key(self, args: tuple[object, ...], named: Mapping[str, object]) -> Hashable:
        """What a choice is made for: static values, shapes and dtypes of arrays."""
        names = list(self.function.__signature__.parameters)
        given = {**dict(zip(names, args, strict=False)), **named}
        parts = tuple(
            (name, _content(name, value))
            for name, value in given.items()
            if name not in self._ignored
        )
        inputs = get_autotune_inputs() or ()
        return parts, tuple(_content("input", value) for value in inputs)


def _content(name: str, value: object) -> Hashable:
    if is_array(value):
        facts = describe(name, value)
        return str(facts.dtype), facts.shape, facts.strides
    return frozen(name, value)


@overload
def autotune(func: JitFunction, /) -> TunedFunction: ...


@overload
def autotune(
    func: None = None, *, configs: object = None, **options: object
) -> Callable[[JitFunction], TunedFunction]: ...


def autotune(
    func: JitFunction | None = None, *, configs: object = None, **options: object
) -> TunedFunction | Callable[[JitFunction], TunedFunction]:
    """Stands above ``jit``: calls choose the values they leave open by measuring.

    ``configs`` is a list of dicts {parameter: value}, a dict of lists, or a function of
    the call's arguments that returns one; without it every ``T.tunable`` is measured.  A
    call that gives all these values measures nothing.  Each candidate must give the
    results of ``ref_prog`` before it is timed, or without one those that the kernel means;
    one that fails is counted, never fatal.  The choice is kept in the cache directory.

    Options: ``warmup`` and ``rep`` (ms), ``timeout`` (s, of one call), ``supply_type``,
    ``supply_prog``, ``rtol``, ``atol``, ``max_mismatched_ratio``, ``skip_check``,
    ``manual_check_prog``, ``early_stop``, ``early_stop_factor``, ``do_not_specialize``
    (parameters whose values do not ask for another choice).

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.autotune(configs={"rows": [2, 4]}, warmup=1, rep=1)
    ... @tiledsl.jit(out_idx=-1)
    ... def negated(N, rows=1):
    ...     @T.prim_func
    ...     def main(X: T.Tensor((N,), "int32"), Y: T.Tensor((N,), "int32")):
    ...         with T.Kernel(T.ceildiv(N, rows)) as bx:
    ...             for i in T.Parallel(rows):
    ...                 Y[bx * rows + i] = -X[bx * rows + i]
    ...     return main
    >>> kernel = negated(5)
    >>> kernel.config["rows"] in (2, 4), kernel.latency > 0
    (True, True)
    """
    ignored = options.get("do_not_specialize") or ()
    valid = isinstance(ignored, list | tuple | set | frozenset)
    if not valid or not all(isinstance(name, str) for name in ignored):  # type: ignore[attr-defined]
        raise ArgumentError(
            "E0706",
            "the option do_not_specialize of autotune",
            expected="a list of parameters",
            got=brief(ignored),
        )
    profile = profile_of(options)
    names = frozenset(str(name) for name in ignored)  # type: ignore[attr-defined]

    def decorate(function: JitFunction) -> TunedFunction:
        if not isinstance(function, JitFunction):
            raise ArgumentError(
                "E0704",
                "autotune",
                expected="a function decorated by jit below it",
                got=type(function).__name__,
            )
        return TunedFunction(function, configs, profile, names)

    return decorate if func is None else decorate(func)
