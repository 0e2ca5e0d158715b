"""``T.macro``: functions inlined into the kernels that call them (rule L23)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType
from typing import Literal

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.activation import TraceState
from tiledsl.frontend.buffers import Element, RegionRef, VarRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.captures import enclosing_names
from tiledsl.frontend.rewritten import Rewritten, rewritten
from tiledsl.frontend.snapshots import evaluated
from tiledsl.frontend.trace import stage_for
from tiledsl.frontend.values import Operators


@dataclass(frozen=True, slots=True)
class MacroParameter:
    """An annotation of a macro's parameter: passed by reference.

    ``kind`` is "ref" for an ``alloc_var`` or one element, "buffer" for a buffer.
    """

    name: str
    kind: Literal["ref", "buffer"]

    def __getitem__(self, _: object) -> MacroParameter:
        return self

    def __call__(self, *_: object, **__: object) -> MacroParameter:
        return self

    def __repr__(self) -> str:
        return f"T.{self.name}"


class Macro:
    """What ``@T.macro`` makes of a function: each call traces it anew."""

    def __init__(self, python: object) -> None:
        self.python = python
        self.__name__ = str(getattr(python, "__name__", "macro"))
        self.__doc__ = getattr(python, "__doc__", None)

    @cached_property
    def _twin(self) -> Rewritten:
        return rewritten(self.python)

    @cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self._twin.original)

    @cached_property
    def _annotations(self) -> dict[str, object]:
        """The annotations; strings are evaluated where that is possible."""
        python = self._twin.original
        found: dict[str, object] = {}
        scope = enclosing_names(python)
        for name, annotation in python.__annotations__.items():
            if type(annotation) is str:
                try:
                    annotation = eval(annotation, python.__globals__, dict(scope))
                except Exception:
                    annotation = None  # only references need theirs, see _reference
            found[name] = annotation
        return found

    def __get__(self, instance: object, owner: type | None = None) -> object:
        """As a method it gets its object, like any function."""
        if instance is None:
            return self
        return lambda *args, **options: self(instance, *args, **options)

    def __call__(self, *args: object, **options: object) -> object:
        builder = Builder.active()
        state = TraceState.active()
        caller = builder.span
        if state is None:
            return self.python(*args, **options)  # type: ignore[operator]  # a function
        self._check_call(state)
        twin = self._twin
        arguments = self._bound(args, options)
        state.macros.append(self)
        try:
            stage = stage_for(state, twin, caller)
            result = twin.run(stage, *arguments.args, **arguments.kwargs)
        finally:
            state.macros.pop()
        builder.span = caller
        return result

    def _check_call(self, state: TraceState) -> None:
        if any(macro is self for macro in state.macros):
            raise KernelError(
                "E0611",
                f"the macro {self.__name__} calls itself",
                span=here(),
                hint="a macro is inlined: use a loop",
            )
        if state.lazy_operands:
            raise KernelError(
                "E0134",
                f"the macro {self.__name__} is called in an operand that may be skipped",
                span=here(),
                expected="no macro calls inside and, or, a ternary or a while condition",
                hint="call it in a statement before, and use the result",
            )

    def _bound(
        self, args: tuple[object, ...], options: dict[str, object]
    ) -> inspect.BoundArguments:
        """The arguments: scalars evaluated, ``T.Ref`` ones as references."""
        try:
            arguments = self._signature.bind(*args, **options)
        except TypeError as error:
            raise KernelError(
                "E0612",
                f"the macro {self.__name__} does not take these arguments",
                span=here(),
                expected=f"{self.__name__}{self._signature}",
                got=str(error),
            ) from None
        annotations = self._annotations
        for name, value in arguments.arguments.items():
            annotation = annotations.get(name)
            if isinstance(annotation, MacroParameter) and annotation.kind == "ref":
                arguments.arguments[name] = self._reference(name, value)
            elif isinstance(value, Operators):
                arguments.arguments[name] = evaluated(value.read(), name)
            elif isinstance(value, RegionRef):
                arguments.arguments[name] = evaluated(value, name)
        arguments.apply_defaults()
        return arguments

    def _reference(self, name: str, value: object) -> VarRef:
        if isinstance(value, VarRef):
            return value
        if isinstance(value, Element):
            return VarRef(value.buffer, value.indices)
        raise KernelError(
            "E0613",
            f"the parameter {name} of the macro {self.__name__} is a T.Ref",
            span=here(),
            expected="an alloc_var or one element of a buffer, such as buf[i, j]",
            got=brief(value),
        )

    def __repr__(self) -> str:
        return f"<T.macro {self.__name__}>"


def meta_class(cls: type) -> type:
    """Makes a class whose methods are inlined where kernels call them, as macros are.

    Attributes may hold an ``alloc_var``; assigning to such an attribute stores to it.
    """
    if not isinstance(cls, type):
        raise KernelError(
            "E0209",
            "T.meta_class decorates a class",
            span=here(),
            got=brief(cls),
        )
    for name, part in list(vars(cls).items()):
        if isinstance(part, FunctionType) and not name.startswith("__"):
            setattr(cls, name, Macro(part))
    return cls


def macro(
    function: Callable[..., object] | None = None, **_hints: object
) -> Macro | Callable[[Callable[..., object]], Macro]:
    """Declares a function that is inlined, with names of its own, where it is called.

    Scalars are passed by value, buffers and slices by reference, and parameters annotated
    ``T.Ref`` by reference to an ``alloc_var`` or one element.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @T.macro
    ... def clip_(x: T.Ref, most):
    ...     if x > most:
    ...         x = most
    >>> @tiledsl.jit
    ... def clipped(X):
    ...     X: T.Tensor((4,), "float32")
    ...     with T.Kernel(4) as bx:
    ...         clip_(X[bx], 2)
    >>> x = np.arange(4, dtype=np.float32)
    >>> clipped(x)
    >>> x
    array([0., 1., 2., 2.], dtype=float32)
    """
    return Macro if function is None else Macro(function)
