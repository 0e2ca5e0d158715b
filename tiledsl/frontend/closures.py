"""What a function takes from around it, by content (rule L25).

A kernel is traced with the values that its globals and captured names have at that time.
``fingerprint`` turns all of them into one comparable value: if it changes, the kernel is
traced again.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Hashable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Final

import numpy as np

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.captures import Places, captured, is_installed
from tiledsl.frontend.macros import Macro, MacroParameter
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.frontend.symbols import DynamicDim
from tiledsl.ir.nodes import Node

_PLAIN: Final = (str, bytes, type(None), type(Ellipsis), slice, range, np.dtype)
_SCALARS: Final = (bool, int, float, complex, np.generic)
# types whose objects are known by identity, because their own places are watched
_WATCHED: Final = (*_PLAIN, *_SCALARS, ModuleType, FunctionType, Macro, PrimFunc)
# immutable objects of packages, known by their text
_BY_TEXT: Final = (("torch", "dtype"), ("torch", "device"))
_DEPTH: Final = 64


class Captures:
    """The fingerprint of one function, taken again only when something changed."""

    def __init__(self, function: object) -> None:
        self._function = function
        self._places = Places()
        self._token = -1
        self._tokens: dict[Hashable, int] = {}
        self._volatile = True

    def token(self) -> int:
        """A number for the present content; equal for equal content."""
        if self._volatile or not self._places.unchanged():
            name = str(getattr(self._function, "__name__", "kernel"))
            walk = _Fingerprint(name)
            content = walk.of(self._function)
            self._token = self._tokens.setdefault(content, len(self._tokens))
            self._places, self._volatile = walk.places, walk.volatile
        return self._token


def fingerprint(function: object) -> Hashable:
    """The code of a function and the content of everything that it captures."""
    return _Fingerprint(str(getattr(function, "__name__", "kernel"))).of(function)


def frozen(name: str, value: object) -> Hashable:
    """A static value by content.  Raises KernelError for arrays and other objects."""
    if value is None or type(value) in (int, bool, str):
        return type(value), value
    return _Fingerprint(name).of(value)


class _Fingerprint:
    """One walk; ``root`` is what errors name.

    ``volatile``: something was met that can change without any watched place changing.
    """

    def __init__(self, root: str) -> None:
        self.places = Places()
        self.volatile = False
        self._path = [root]
        self._open: set[int] = set()

    def of(self, value: object) -> Hashable:
        """The content of a value; the same for equal content."""
        if isinstance(value, _SCALARS):
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
        if not isinstance(value, _WATCHED):
            self.volatile |= not isinstance(value, tuple | BuiltinFunctionType)
        if isinstance(value, list | tuple):
            return type(value).__name__, tuple(self.of(part) for part in value)
        if isinstance(value, dict):
            return "dict", tuple((self.of(k), self.of(v)) for k, v in value.items())
        if isinstance(value, set | frozenset):
            return "set", frozenset(self.of(part) for part in value)
        if isinstance(value, Macro | PrimFunc):
            return type(value).__name__, self.of(value.python)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, ModuleType):
            return "module", value.__name__
        if isinstance(value, Node | MacroParameter):
            return "node", repr(value)
        if isinstance(value, DynamicDim):
            return "dim", value.name, str(value.dtype)
        return self._object(value)

    def _object(self, value: object) -> Hashable:
        if isinstance(value, enum.Enum):
            return "enum", type(value).__qualname__, value.name
        if isinstance(value, MethodType):
            return "method", self.of(value.__func__), self.of(value.__self__)
        if isinstance(value, functools.partial):
            return "partial", self.of((value.func, value.args, value.keywords))
        if isinstance(value, type):
            return self._class(value)
        if (type(value).__module__, type(value).__name__) in _BY_TEXT:
            return type(value).__name__, repr(value)
        if dataclasses.is_dataclass(value):
            names = [part.name for part in dataclasses.fields(value)]
            parts = ((name, getattr(value, name)) for name in names)
            return type(value).__qualname__, tuple((n, self.of(v)) for n, v in parts)
        inner = getattr(value, "python", None)
        if isinstance(inner, FunctionType):  # decorated by tiledsl
            return type(value).__name__, self.of(inner)
        module = getattr(value, "__module__", None)
        if callable(value) and (
            isinstance(value, BuiltinFunctionType | np.ufunc) or is_installed(module)
        ):
            return "installed", str(module), getattr(value, "__name__", repr(value))
        raise KernelError(
            "E0408",
            f"{'.'.join(self._path)} cannot be captured by a kernel",
            expected="a number, string, dtype, function, module, or a container or "
            "dataclass of these",
            got=f"a {type(value).__module__}.{type(value).__qualname__}",
            hint="pass arrays as arguments, and take numbers out of objects before",
        )

    def _class(self, value: type) -> Hashable:
        """A class of the user by what it defines; installed ones by name."""
        identity = (value.__module__, value.__qualname__)
        if is_installed(value.__module__):
            return identity
        functions = (FunctionType, Macro, property, staticmethod, classmethod)
        defined = tuple(
            (name, self.of(_unwrapped(part)))
            for name, part in vars(value).items()
            if isinstance(part, (*functions, *_PLAIN, *_SCALARS, list, tuple, dict))
            and not (name.startswith("__") and not isinstance(part, FunctionType))
        )
        return (*identity, defined)

    def _function(self, function: FunctionType) -> Hashable:
        if is_installed(function.__module__):
            return "function", function.__module__, function.__qualname__
        code = function.__code__
        place = (code.co_filename, code.co_firstlineno)
        outside = tuple(
            (name, self._named(name, value))
            for name, value in captured(function, self.places)
        )
        defaults = self.of((function.__defaults__, function.__kwdefaults__))
        return "function", place, code, outside, defaults

    def _named(self, name: str, value: object) -> Hashable:
        self._path.append(name)
        try:
            return self.of(value)
        finally:
            self._path.pop()


def _unwrapped(part: object) -> object:
    """The function inside a property, static method or class method."""
    if isinstance(part, property):
        return (part.fget, part.fset)
    return part.__func__ if isinstance(part, staticmethod | classmethod) else part
