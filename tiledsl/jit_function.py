"""``tiledsl.jit`` and ``tiledsl.compile``: from Python functions to kernels."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import NoReturn, Unpack, overload

from tiledsl.compile_options import CompileOptions, JitKeywords, configurations
from tiledsl.diagnostics import (
    ArgumentError,
    CheckReport,
    Error,
    KernelError,
    UnsupportedByTarget,
    brief,
)
from tiledsl.eager_calls import EagerCalls
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.call_mode import has_launch, has_prim_func
from tiledsl.frontend.closures import Captures, frozen
from tiledsl.frontend.eager import EagerFunction
from tiledsl.frontend.prim_func import PrimFunc, names_for_strings
from tiledsl.frontend.source import place_of, read_source
from tiledsl.ir.nodes import Function
from tiledsl.runtime.kernel import JITKernel

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
        self, args: tuple[object, ...], named: Mapping[str, object]
    ) -> JITKernel:
        static = self._bind(args, named)
        kept = tuple((name, frozen(name, value)) for name, value in static.items())
        key = (self._captures.token(), kept)
        if key not in self._kernels:
            result = self.python(*args, **named)
            if not isinstance(result, PrimFunc):
                raise KernelError(
                    "E0601",
                    f"{self.__name__} declares no arguments and returns no prim_func",
                    span=place_of(self.python),
                    expected="X: T.Tensor(...) in the body, or a returned T.prim_func",
                    got=f"a returned {type(result).__name__}",
                )
            kernel = self.options.kernel(result.function, "lazy", static)
            self._kernels[key] = kernel
        return self._kernels[key]

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
        return self._eager.call(self._bind(args, named), chosen)

    def _eager_compile(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> JITKernel:
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
        arguments = dict(bound.arguments)
        may_lack = self._eager.function.candidates
        lacking = [n for n in parameters if n not in arguments and n not in may_lack]
        if lacking:
            raise self._arguments_error(f"no value for {', '.join(lacking)}")
        return self._eager.kernel(arguments, constants).kernel


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


def par_compile(
    functions: Iterable[PrimFunc | Function],
    out_idx: int | list[int] | tuple[int, ...] | None = None,
    /,
    **options: Unpack[JitKeywords],
) -> list[JITKernel]:
    """Compiles several functions with the same options."""
    if not isinstance(functions, list | tuple | Iterator):
        raise ArgumentError(
            "E0618",
            "tiledsl.par_compile",
            expected="a list of T.prim_func",
            got=brief(functions),
        )
    return [compile(function, out_idx, **options) for function in functions]


def compile(
    function: PrimFunc | Function,
    out_idx: int | list[int] | tuple[int, ...] | None = None,
    /,
    **options: Unpack[JitKeywords],
) -> JITKernel:
    """Compiles a ``T.prim_func``, or a function of the IR, to a callable kernel.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @T.prim_func
    ... def negate(X: T.Tensor((3,), "int32"), Y: T.Tensor((3,), "int32")):
    ...     with T.Kernel(3) as bx:
    ...         Y[bx] = -X[bx]
    >>> tiledsl.compile(negate, out_idx=-1)(np.array([1, 2, 3], dtype=np.int32))
    array([-1, -2, -3], dtype=int32)
    """
    if out_idx is not None:
        options["out_idx"] = out_idx
    checked = CompileOptions.of(options)
    if isinstance(function, PrimFunc):
        try:
            return checked.kernel(function.function, "lazy")
        except Error as error:
            raise error.with_traceback(None) from None
    if isinstance(function, Function):
        return checked.kernel(function, "lazy")
    raise ArgumentError(
        "E0618",
        "tiledsl.compile",
        expected="a T.prim_func",
        got=type(function).__name__,
        hint="decorate a function that builds kernels with @tiledsl.jit instead",
    )
