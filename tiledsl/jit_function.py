"""``tiledsl.jit`` and ``tiledsl.compile``: from Python functions to kernels."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import NoReturn, Unpack, overload

from tiledsl.compile_options import (
    CompileOptions,
    JitKeywords,
    configurations,
)
from tiledsl.diagnostics import (
    ArgumentError,
    CheckReport,
    KernelError,
    UnsupportedByTarget,
    brief,
)
from tiledsl.eager_calls import EagerCalls
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.call_mode import has_launch, has_prim_func
from tiledsl.frontend.closures import Captures, frozen
from tiledsl.frontend.eager import EagerFunction
from tiledsl.frontend.pointers import PointerType
from tiledsl.frontend.prim_func import PrimFunc, names_for_strings
from tiledsl.frontend.source import place_of, read_source
from tiledsl.frontend.tunables import Tunable, assigning
from tiledsl.runtime.kernel import JITKernel
from tiledsl.tunable_parameters import TunableParameters

_CALL_OPTIONS = ("backend", "checked")


class JitFunction:
    """What ``@tiledsl.jit`` makes of a function (rule L7).

    Lazy, if the function contains or returns a ``T.prim_func``: a call with static values
    gives a ``JITKernel``.  Eager otherwise: a call with arrays runs the kernel.
    """

    def __init__(
        self,
        python: Callable[..., object],
        options: CompileOptions,
        enclosing: Mapping[str, object],
    ) -> None:
        self.python = python
        self._enclosing = names_for_strings(python, enclosing)
        self.options = options
        self.__name__ = str(getattr(python, "__name__", "kernel"))
        self.__doc__ = getattr(python, "__doc__", None)
        self.__wrapped__ = python
        self.__signature__ = self._signature
        self._captures = Captures(python)
        self._kernels: dict[Hashable, JITKernel] = {}
        self._fast: dict[bool, JitFunction] = {}
        # the tunables that traces have met
        self.met: dict[str, Tunable] = {}

    @cached_property
    def _signature(self) -> inspect.Signature:
        try:
            return inspect.signature(self.python)
        except (TypeError, ValueError):
            read_source(self.python)  # says what is wrong with it
            raise

    @cached_property
    def _plain_parameters(self) -> dict[str, object] | None:
        """The parameters with their defaults, if all may be given by position."""
        parts = self._signature.parameters.values()
        if any(part.kind != inspect.Parameter.POSITIONAL_OR_KEYWORD for part in parts):
            return None
        return {part.name: part.default for part in parts}

    @cached_property
    def tunables(self) -> TunableParameters:
        """The parameters whose default is a ``T.tunable``."""
        return TunableParameters(self._signature, self.options.tunables)

    @cached_property
    def mode(self) -> str:
        """Either lazy or eager."""
        source = read_source(self.python)
        if has_prim_func(source.tree):
            return "lazy"
        eager = EagerFunction(self.python, self._enclosing).candidates or has_launch(
            source.tree
        )
        return "eager" if eager else "lazy"

    @cached_property
    def _eager(self) -> EagerCalls:
        return EagerCalls(self.python, self._enclosing, self.options, self._captures)

    def with_fast_math(self, wanted: bool) -> JitFunction:
        """The same function with or without approximate arithmetic (rule L38)."""
        if wanted == self.options.fast_math:
            return self
        if wanted not in self._fast:
            options = replace(self.options, fast_math=wanted)
            self._fast[wanted] = JitFunction(self.python, options, self._enclosing)
        return self._fast[wanted]

    # ------------------------------------------------------------------- calling

    def __call__(self, *args: object, **named: object) -> object:
        if Builder.active_or_none() is not None:
            raise KernelError(
                "E0609",
                f"the kernel {self.__name__} cannot be called inside a kernel",
                span=here(),
                hint="make it a @T.macro, which is inlined",
            )
        try:
            if self.mode == "lazy":
                return self._lazy_kernel(args, named)
            return self._eager_call(args, named)
        except KernelError as error:
            raise error.with_traceback(None) from None

    def check(
        self, *args: object, strict: bool = False, **named: object
    ) -> CheckReport:
        """An eager call in checked mode: what is wrong with it, as ``JITKernel.check``."""
        calls = self._eager_calls("check")
        with _without_traceback():
            return calls.check(self._bind(args, named), strict=strict)

    def prepare(self, *args: object, **named: object) -> Callable[[], object]:
        """An eager call as a function to call often, as ``JITKernel.prepare``."""
        calls = self._eager_calls("prepare")
        with _without_traceback():
            return calls.prepare(self._bind(args, named))

    def _eager_calls(self, what: str) -> EagerCalls:
        if self.mode == "eager":
            return self._eager
        name = self.__name__
        raise ArgumentError(
            "E0617",
            f"{name}.{what}",
            expected=f"a kernel to {what}: {name}(...).{what}(...)",
            got="the static values of a lazy function",
        )

    def compile(self, *args: object, **named: object) -> JITKernel:
        """The kernel for these static values; runs nothing.

        Eager functions take static parameters, values of ``T.const`` and, instead of
        the latter, arrays.
        """
        with _without_traceback():
            if self.mode == "lazy":
                return self._lazy_kernel(args, named)
            return self._eager_compile(args, named)

    def par_compile(
        self, configs: Iterable[Mapping[str, object] | tuple[object, ...]]
    ) -> list[JITKernel]:
        """One kernel for each set of static values."""
        return [
            self.compile(**dict(config))
            if isinstance(config, Mapping)
            else self.compile(*config)
            for config in configurations(self.__name__, configs)
        ]

    def get_tir(self, *args: object, **named: object) -> NoReturn:
        """Refused: the function in the IR of another compiler (rule L112)."""
        raise UnsupportedByTarget(
            "E0701",
            f"{self.__name__}.get_tir has no meaning in tiledsl",
            hint="the IR is the text .compile(...).source('trace')",
        )

    def get_kernel_source(self, *args: object, **named: object) -> str:
        """The backend's text of the kernel for these static values."""
        return self.compile(*args, **named).get_kernel_source()

    def __repr__(self) -> str:
        return f"<tiledsl.jit {self.__name__}{self._signature}>"

    # ---------------------------------------------------------------------- lazy

    def _lazy_kernel(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> JITKernel:
        given = self.tunables.given(args, named)
        with assigning(given) as assignment:
            named = self.tunables.completed(args, named)
            static = self._bind(args, named)
            kept = tuple((name, frozen(name, value)) for name, value in static.items())
            key = (self._captures.token(), kept, frozen("tunables", given))
            if key not in self._kernels:
                result = self.python(*args, **named)
                if not isinstance(result, PrimFunc):
                    raise self._no_kernel(result)
                function = result.function
                self.met |= assignment.met
                assignment.require_all_met(self.__name__)
                config = {**static, **assignment.values()}
                self._kernels[key] = self.options.kernel(function, "lazy", config)
        return self._kernels[key]

    def _no_kernel(self, result: object) -> KernelError:
        return KernelError(
            "E0601",
            f"{self.__name__} declares no arguments and returns no prim_func",
            span=place_of(self.python),
            expected="X: T.Tensor(...) in the body, or a returned T.prim_func",
            got=f"a returned {type(result).__name__}",
        )

    def _bind(
        self, args: tuple[object, ...], named: Mapping[str, object]
    ) -> dict[str, object]:
        plain = self._plain_parameters
        if not named and plain is not None and len(args) <= len(plain):
            given = dict(zip(plain, args, strict=False))
            rest = {name: plain[name] for name in list(plain)[len(args) :]}
            if all(value is not inspect.Parameter.empty for value in rest.values()):
                return given | rest
        try:
            bound = self._signature.bind(*args, **named)
        except TypeError as error:
            raise self._arguments_error(str(error)) from None
        bound.apply_defaults()
        return dict(bound.arguments)

    def _arguments_error(self, problem: str) -> ArgumentError:
        return ArgumentError(
            "E0617",
            f"the arguments of {self.__name__}",
            expected=f"{self.__name__}{self._signature}",
            got=problem.removeprefix("got "),
        )

    # --------------------------------------------------------------------- eager

    def _eager_call(self, args: tuple[object, ...], named: dict[str, object]) -> object:
        chosen: dict[str, object] = {}
        for name in _CALL_OPTIONS:
            if name in named and name not in self._signature.parameters:
                chosen[name] = named.pop(name)
        given = self.tunables.given(args, named)
        if not given and not self.tunables.parameters:
            return self._eager.call(self._bind(args, named), chosen)
        with assigning(given):
            named = self.tunables.completed(args, named)
            return self._eager.call(self._bind(args, named), chosen, given)

    def _eager_compile(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> JITKernel:
        given = self.tunables.given(args, named)
        with assigning(given) as assignment:
            named = self.tunables.completed(args, named)
            arguments, constants = self._bind_partially(args, named)
            found = self._eager.kernel(arguments, constants, given)
        self.met |= assignment.met
        return found.kernel

    def _bind_partially(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> tuple[dict[str, object], dict[str, int]]:
        """Arguments, of which arrays may be left out, and values of ``T.const``."""
        parameters = self._signature.parameters
        constants: dict[str, int] = {}
        for name in [name for name in named if name not in parameters]:
            value = named.pop(name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise self._arguments_error(f"{name}={brief(value)}")
            constants[name] = value
        try:
            bound = self._signature.bind_partial(*args, **named)
        except TypeError as error:
            raise self._arguments_error(str(error)) from None
        bound.apply_defaults()
        arguments = {
            name: value
            for name, value in bound.arguments.items()
            if not isinstance(value, PointerType)
        }
        may_lack = self._eager.function.candidates
        lacking = [n for n in parameters if n not in arguments and n not in may_lack]
        if lacking:
            raise self._arguments_error(f"no value for {', '.join(lacking)}")
        return arguments, constants


@contextmanager
def _without_traceback() -> Iterator[None]:
    """An error in a kernel shows the kernel, not how it was found."""
    try:
        yield
    except KernelError as error:
        raise error.with_traceback(None) from None


@overload
def jit(function: Callable[..., object], /) -> JitFunction: ...


@overload
def jit(
    function: None = None, /, **options: Unpack[JitKeywords]
) -> Callable[[Callable[..., object]], JitFunction]: ...


def jit(
    function: Callable[..., object] | None = None,
    /,
    **options: Unpack[JitKeywords],
) -> JitFunction | Callable[[Callable[..., object]], JitFunction]:
    """Makes a kernel of a function; used as ``@jit`` or ``@jit(out_idx=-1)``.

    ``out_idx`` names outputs of a lazy kernel; ``backend`` and ``target`` fix where it
    runs; ``fast_math``, ``deterministic``, ``exact_fusion`` and ``asserts`` select how it
    is compiled.  Options without meaning here are accepted and ignored.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit  # eager: arrays in, results out
    ... def double(X):
    ...     N = T.const("N")
    ...     X: T.Tensor((N,), "float32")
    ...     Y = T.empty((N,), "float32")
    ...     with T.Kernel(N) as bx:
    ...         Y[bx] = X[bx] * 2
    ...     return Y
    >>> double(np.arange(3, dtype=np.float32))
    array([0., 2., 4.], dtype=float32)
    """
    if isinstance(function, str):
        raise ArgumentError(
            "E0615", "tiledsl.jit", expected="a function, or options by name"
        )
    checked = CompileOptions.of(options)
    enclosing = sys._getframe(1).f_locals
    if function is not None:
        return JitFunction(function, checked, enclosing)
    return lambda inner: JitFunction(inner, checked, enclosing)
