"""From a function to its rewritten twin, which takes a stage as first argument."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from tiledsl.diagnostics import InternalError, KernelError
from tiledsl.frontend.rewrite import Rewriter
from tiledsl.frontend.rewrite_expressions import new_function
from tiledsl.frontend.source import Source, place_of, plain_function, read_source
from tiledsl.frontend.syntax import check_syntax
from tiledsl.ir.spans import Span

FACTORY = "__factory"
_INNER = "__traced"


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """``run(stage, *arguments)`` traces the function; ``spans`` are its places."""

    original: FunctionType
    run: FunctionType
    spans: tuple[Span, ...]
    source: Source
    parameters: tuple[str, ...]


def rewritten(function: object) -> Rewritten:
    """The twin of a function, with its globals, defaults and live closure."""
    original = plain_function(function)
    code, spans, source = _rewritten_code(_Key(original))
    free = original.__code__.co_freevars
    old = dict(zip(free, original.__closure__ or (), strict=True))
    closure = tuple(old[name] for name in code.co_freevars)
    run = FunctionType(
        code, original.__globals__, original.__name__, original.__defaults__, closure
    )
    run.__kwdefaults__ = original.__kwdefaults__
    parameters = tuple(
        part.arg for part in ast.walk(source.tree.args) if isinstance(part, ast.arg)
    )
    return Rewritten(original, run, spans, source, parameters)


@dataclass(frozen=True, slots=True, eq=False)
class _Key:
    """A function, equal to others with the same code in the same file."""

    function: FunctionType

    def _identity(self) -> tuple[object, object]:
        code = self.function.__code__
        return code, code.co_filename

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


@lru_cache(maxsize=1024)
def _rewritten_code(key: _Key) -> tuple[CodeType, tuple[Span, ...], Source]:
    source = read_source(key.function)
    check_syntax(source)
    free = key.function.__code__.co_freevars
    rewriter = Rewriter(source, free)
    try:
        code = _compile(rewriter.function(), free, source)
    except (RecursionError, MemoryError):
        raise too_deep(place_of(key.function)) from None
    return code, tuple(rewriter.spans), source


def _compile(
    function: ast.FunctionDef, free: tuple[str, ...], source: Source
) -> CodeType:
    """Compiles the function inside one that binds its free names."""
    parameters = ast.arguments(
        [], [ast.arg(name) for name in free], None, [], [], None, []
    )
    # not under its own name, which the body may use for the function itself
    named, function.name = function.name, _INNER
    factory = new_function(FACTORY, parameters, [function])
    module = ast.Module([ast.copy_location(factory, function)], [])
    ast.fix_missing_locations(module)
    outer = compile(module, source.file, "exec", dont_inherit=True)
    return _nested(_nested(outer, FACTORY), _INNER).replace(co_name=named)


def _nested(code: CodeType, name: str) -> CodeType:
    for constant in code.co_consts:
        if isinstance(constant, CodeType) and constant.co_name == name:
            return constant
    raise InternalError("E9001", f"the rewritten code of {name} was not compiled")


def too_deep(span: Span | None) -> KernelError:
    """The error for code that exhausts Python's stack."""
    return KernelError(
        "E0125",
        "the code is nested too deeply, or calls itself without end",
        span=span,
        hint="give parts of the expression a name, or loop instead of recursing",
    )
