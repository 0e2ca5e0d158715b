"""What a function takes from around it, by content (rule L25).

A kernel is traced with the values that its globals and captured names have at that time.
``fingerprint`` turns all of them into one comparable value: if it changes, the kernel is
traced again.
"""

from __future__ import annotations

import builtins
import dataclasses
import enum
from collections.abc import Callable, Hashable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Final

import numpy as np

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.macros import Macro, MacroParameter
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.frontend.symbols import DynamicDim
from tiledsl.frontend.tensor_types import TensorType
from tiledsl.ir.nodes import Node

# modules whose content belongs to the installation, not to the user's program
_INSTALLED: Final = ("tiledsl", "numpy", "torch", "math", "builtins", "ml_dtypes")
_PLAIN: Final = (str, bytes, type(None), type(Ellipsis), slice, range, np.dtype)
_DEPTH: Final = 64


def fingerprint(function: object) -> Hashable:
    """The code of a function and the content of everything that it captures."""
    return _Fingerprint(str(getattr(function, "__name__", "kernel"))).of(function)


def frozen(name: str, value: object) -> Hashable:
    """A static value by content.  Raises KernelError for arrays and other objects."""
    return _Fingerprint(name).of(value)


class _Fingerprint:
    """One walk; ``root`` is what errors name."""

    def __init__(self, root: str) -> None:
        self._path = [root]
        self._open: set[int] = set()

    def of(self, value: object) -> Hashable:
        """The content of a value; the same for equal content."""
        if isinstance(value, bool | int | float | complex | np.generic):
            return type(value).__name__, repr(value)  # 1, 1.0 and True differ
        if isinstance(value, _PLAIN):
            return type(value).__name__, str(value)
        if id(value) in self._open or len(self._open) > _DEPTH:
            return "recursive", type(value).__name__
        self._open.add(id(value))
        try:
            return self._content(value)
        finally:
            self._open.discard(id(value))

    def _content(self, value: object) -> Hashable:
        if isinstance(value, list | tuple):
            return type(value).__name__, tuple(self.of(part) for part in value)
        if isinstance(value, dict):
            return "dict", tuple((self.of(k), self.of(v)) for k, v in value.items())
        if isinstance(value, set | frozenset):
            return "set", frozenset(self.of(part) for part in value)
        if isinstance(value, enum.Enum):
            return "enum", type(value).__qualname__, value.name
        if isinstance(value, Macro | PrimFunc):
            return type(value).__name__, self.of(value.python)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType):
            return "method", self._function(value.__func__), self.of(value.__self__)
        return self._object(value)

    def _object(self, value: object) -> Hashable:
        if isinstance(value, ModuleType):
            return "module", value.__name__
        if isinstance(value, BuiltinFunctionType | type) or callable(value):
            module = getattr(value, "__module__", "") or ""
            inner = getattr(value, "__wrapped__", None) or getattr(
                value, "python", None
            )
            if isinstance(inner, FunctionType):
                return "wrapped", type(value).__name__, self._function(inner)
            return "callable", module, getattr(value, "__qualname__", repr(value))
        if isinstance(value, DynamicDim):
            return "dim", value.name, str(value.dtype)
        if isinstance(value, TensorType):
            return "tensor", self.of((value.shape, str(value.dtype), value.strides))
        if isinstance(value, Node | MacroParameter):
            return "node", repr(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts = (
                (f.name, getattr(value, f.name)) for f in dataclasses.fields(value)
            )
            return type(value).__qualname__, tuple((n, self.of(v)) for n, v in parts)
        raise KernelError(
            "E0408",
            f"{'.'.join(self._path)} cannot be captured by a kernel",
            expected="a number, string, dtype, function, module, or a container or "
            "dataclass of these",
            got=f"a {type(value).__module__}.{type(value).__qualname__}",
            hint="pass arrays as arguments, and take numbers out of objects before",
        )

    def _function(self, function: Callable[..., object]) -> Hashable:
        if not isinstance(function, FunctionType):
            return "callable", repr(function)
        code = function.__code__
        if function.__module__ and function.__module__.split(".")[0] in _INSTALLED:
            return "function", function.__module__, function.__qualname__
        captured = tuple(
            (name, self._named(name, value)) for name, value in _captured(function)
        )
        defaults = self.of((function.__defaults__, function.__kwdefaults__))
        return (
            "function",
            code.co_filename,
            code.co_firstlineno,
            code,
            captured,
            defaults,
        )

    def _named(self, name: str, value: object) -> Hashable:
        self._path.append(name)
        try:
            return self.of(value)
        finally:
            self._path.pop()


def _captured(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Names that the code and the functions inside it load from outside, with values."""
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            yield name, None  # not bound yet
    known = function.__globals__
    loaded = sorted(set(_loaded_names(function.__code__)))
    for name in loaded:
        if name not in known or not name.isidentifier():
            continue  # builtins and attributes; names that tools such as pytest insert
        value = known[name]
        if isinstance(value, ModuleType):
            yield from _module_parts(name, value, loaded)
        elif not hasattr(builtins, name) or getattr(builtins, name) is not value:
            yield name, value


def _module_parts(
    name: str, module: ModuleType, loaded: list[str]
) -> Iterator[tuple[str, object]]:
    """A user's module stands for those of its attributes that the code names."""
    yield name, module
    if module.__name__.partition(".")[0] in _INSTALLED:
        return
    for attribute in loaded:
        value = vars(module).get(attribute)
        if value is not None and not isinstance(value, ModuleType):
            yield f"{name}.{attribute}", value


def _loaded_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _loaded_names(constant)
