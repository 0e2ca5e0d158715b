"""``T.prim_func``: a kernel function with annotated parameters (rule L8)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.activation import TraceState
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.captures import enclosing_names
from tiledsl.frontend.parameters import make_parameter
from tiledsl.frontend.rewritten import Rewritten, rewritten
from tiledsl.frontend.tensor_types import TensorType
from tiledsl.frontend.trace import check_dims, finished, stage_for, tracing
from tiledsl.frontend.values import Value
from tiledsl.ir.nodes import Buffer, Function, Var
from tiledsl.ir.visitor import walk


class PrimFunc:
    """What ``@T.prim_func`` makes of a function; ``function`` is its trace."""

    def __init__(self, python: object, enclosing: Mapping[str, object]) -> None:
        self.python = python
        self.__name__ = str(getattr(python, "__name__", "kernel"))
        self.__doc__ = getattr(python, "__doc__", None)
        self._enclosing = enclosing
        self._function: Function | None = None

    @property
    def function(self) -> Function:
        """The traced function.  Raises KernelError at the user's mistake."""
        if self._function is None:
            self._function = _trace(self.python, self._enclosing)
        return self._function

    def __call__(self, *_: object, **__: object) -> NoReturn:
        if Builder.active_or_none() is not None:
            raise KernelError(
                "E0609",
                f"the kernel {self.__name__} cannot be called inside a kernel",
                span=here(),
                hint="make it a @T.macro, which is inlined",
            )
        raise KernelError(
            "E0609",
            f"{self.__name__} is not compiled yet",
            hint=f"tiledsl.compile({self.__name__})(...), or return it from @tiledsl.jit",
        )

    def __repr__(self) -> str:
        return f"<T.prim_func {self.__name__}>"


def prim_func(
    function: Callable[..., object] | None = None, **_hints: object
) -> PrimFunc | Callable[[Callable[..., object]], PrimFunc]:
    """Declares a kernel function: every parameter is an argument of each call.

    Annotations are ``T.Tensor``, ``T.StridedTensor`` or a scalar dtype; as strings they
    see the globals and the enclosing function.

    >>> import tiledsl.language as T
    >>> @T.prim_func
    ... def first(X: T.Tensor((T.dynamic("n"),), "float32"), at: T.int32):
    ...     with T.Kernel(1):
    ...         X[0] = X[at]
    >>> [param.name for param in first.function.params], first.function.dims[0].name
    (['X', 'at'], 'n')
    """
    enclosing = sys._getframe(1).f_locals
    if function is not None:
        return PrimFunc(function, names_for_strings(function, enclosing))
    return lambda inner: PrimFunc(inner, names_for_strings(inner, enclosing))


def names_for_strings(
    function: object, enclosing: Mapping[str, object]
) -> Mapping[str, object]:
    """The enclosing function's names, kept only if an annotation is a string."""
    annotations = getattr(function, "__annotations__", {})
    late = any(type(value) is str for value in annotations.values())
    return dict(enclosing) if late else {}


def _trace(python: object, enclosing: Mapping[str, object]) -> Function:
    twin = rewritten(python)
    name = twin.original.__name__
    builder = Builder()
    state = TraceState(builder)
    with tracing(state, twin) as top:
        params, arguments = parameters(builder, twin, enclosing)
        result = twin.run(stage_for(state, twin), **arguments)
        if result is not None:
            raise KernelError(
                "E0606",
                "a prim_func returns nothing",
                span=builder.span,
                hint="write results to a parameter, and name it in out_idx",
            )
    tree = twin.source.tree
    place = twin.source.span(tree)
    function = finished(name, params, top.statements, place, builder=builder)
    check_dims(function)
    return function


def parameters(
    builder: Builder,
    twin: Rewritten,
    enclosing: Mapping[str, object],
) -> tuple[tuple[Buffer | Var, ...], dict[str, object]]:
    """The IR parameters, and the objects by which the body knows them."""
    python = twin.original
    scope = {**enclosing, **enclosing_names(python)}
    declared: list[tuple[str, ast.arg, object]] = []
    for argument in plain_parameters(twin):
        builder.span = twin.source.span(argument)
        annotation = python.__annotations__.get(argument.arg)
        if type(annotation) is not str:  # a dtype is a str, too
            reserve_dims(builder, annotation, argument.arg)
        declared.append((argument.arg, argument, annotation))
    params: list[Buffer | Var] = []
    arguments: dict[str, object] = {}
    for name, argument, annotation in declared:
        builder.span = twin.source.span(argument)
        if type(annotation) is str:
            annotation = _evaluated(annotation, python.__globals__, scope)
            reserve_dims(builder, annotation, name)
        param, known_as = make_parameter(builder, name, annotation)
        if isinstance(known_as, Value):
            scope[name] = known_as  # later annotations may use it as a dimension
        params.append(param)
        arguments[name] = known_as
    return tuple(params), arguments


def plain_parameters(twin: Rewritten) -> list[ast.arg]:
    """The parameters, none of which may be ``*args``, ``**options`` or positional-only."""
    every = twin.source.tree.args
    refused = [*every.posonlyargs, every.vararg, every.kwarg]
    for argument in refused:
        if argument is not None:
            raise KernelError(
                "E0603",
                f"the parameter {argument.arg} cannot be starred or positional-only",
                span=twin.source.span(argument),
                expected="parameters with a name each",
            )
    return [*every.args, *every.kwonlyargs]


def reserve_dims(builder: Builder, annotation: object, parameter: str) -> None:
    """Keeps the names of run-time dims from being given to other variables."""
    if not isinstance(annotation, TensorType):
        return
    for entry in (*annotation.shape, *(annotation.strides or ())):
        if isinstance(entry, Value):
            for node in walk(entry.expr):
                if isinstance(node, Var):
                    builder.declare_dim(node.name)


def _evaluated(
    annotation: str, global_names: dict[str, object], scope: Mapping[str, object]
) -> object:
    try:
        value: object = eval(annotation, global_names, dict(scope))
        # quoted, and in a module with `from __future__ import annotations`
        return eval(value, global_names, dict(scope)) if type(value) is str else value
    except KernelError:
        raise
    except Exception as error:
        raise KernelError(
            "E0604",
            "this annotation cannot be evaluated",
            span=here(),
            expected="names of the module or of the enclosing function",
            got=f"{type(error).__name__}: {error}",
        ) from None
