"""Lends Triton's language modules to the interpreter, and gives them back unchanged.

Triton interprets by patching its own modules and leaves some patches behind.  Here all
changes happen inside ``patched``, without environment variables, so that a program's own
use of Triton is not disturbed.  Imports Triton.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import triton.language as tl
from triton.language.semantic import TritonSemantic
from triton.runtime import interpreter
from triton.runtime.jit import JITFunction

from tiledsl_triton.exact_arithmetic import REDUCTIONS
from tiledsl_triton.repaired_builder import RepairedBuilder, Spans


class _Function(interpreter.InterpretedFunction):  # type: ignore[misc]  # untyped base
    """A function that runs inside ``patched`` only, so calls need not patch again."""

    rewritten_fn: dict[Any, Any] = {}  # noqa: RUF012 - shared on purpose, as in the base

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.rewrite()(*args, **kwargs)


def is_triton_function(value: object) -> bool:
    """Whether ``triton.jit`` made the value."""
    return isinstance(value, JITFunction | interpreter.InterpretedFunction)


def interpreted(function: Any) -> Any:
    """A function made by ``triton.jit`` as one that the interpreter runs."""
    return _Function(function.fn)


@cache
def _builder() -> tuple[RepairedBuilder, Any]:
    """The one builder, which rewritten functions keep, and its semantic."""
    builder = RepairedBuilder()
    return builder, TritonSemantic(builder)


@cache
def _standard_functions() -> dict[str, Any]:
    """Triton's library functions written in Triton (sum, max, ...), to interpret."""
    found = vars(tl.standard).items()
    return {name: interpreted(f) for name, f in found if is_triton_function(f)}


def _exact_reductions(original: Callable[..., Any]) -> Callable[..., Any]:
    """Triton's reductions, with ours where they are faster or exact."""

    def apply_impl(self: Any, values: Any) -> Any:
        reduction = REDUCTIONS.get(getattr(self.combine_fn, "__name__", ""))
        one = values[0] if isinstance(values, tuple) else values
        if reduction is None or self.keep_dims:
            return original(self, values)
        return self.to_tensor(reduction(one.handle.data, self.axis), one.dtype)

    return apply_impl


_Saved = list[tuple[Any, dict[str, Any]]]


def _snapshot() -> _Saved:
    """The attributes of everything that interpretation changes."""
    places: list[Any] = [tl, tl.core, tl.math, tl.standard, interpreter]
    places += [c for c in vars(tl.core).values() if isinstance(c, type)]
    places += [interpreter.ReduceOps, interpreter.ScanOps]
    return [(place, dict(vars(place))) for place in places]


def _restore(saved: _Saved) -> None:
    for place, before in saved:
        for name, value in list(vars(place).items()):
            if name not in before:
                delattr(place, name)
            elif before[name] is not value:
                setattr(place, name, before[name])


@contextmanager
def patched(spans: Spans) -> Iterator[RepairedBuilder]:
    """Inside, ``triton.language`` computes on NumPy arrays; yields the builder."""
    saved = _snapshot()
    builder, semantic = _builder()
    builder.spans = spans
    try:
        interpreter.interpreter_builder = builder
        interpreter.interpreter_semantic = semantic
        reductions = interpreter.ReduceOps
        reductions.apply_impl = _exact_reductions(reductions.apply_impl)
        modules = types.SimpleNamespace(__globals__={"tl": tl, "core": tl.core})
        interpreter._patch_lang(modules)
        _patch_library()
        yield builder
    finally:
        _restore(saved)


def _patch_library() -> None:
    for module in (tl, tl.standard):
        for name, function in _standard_functions().items():
            if hasattr(module, name):
                setattr(module, name, function)
    for name, value in list(vars(interpreter).items()):
        # rewritten library functions look these up in their own module
        if not hasattr(tl.standard, name):
            setattr(tl.standard, name, value)
    # NumPy 2.4 refuses int() of an array of rank 1
    tl.core.tensor.__index__ = lambda self: int(self.handle.data.reshape(-1)[0])
