"""The source of a Python function: its syntax tree and the places of its parts."""

from __future__ import annotations

import ast
import inspect
import linecache
import os
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from tiledsl.diagnostics import KernelError, brief
from tiledsl.ir.spans import Span


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The ``def`` statement of a function, as it stands in its file."""

    file: str
    tree: ast.FunctionDef
    lines: tuple[str, ...]

    def span(self, node: ast.AST) -> Span:
        """The place of a part of the function."""
        line, end_line = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        column = self._characters(line, getattr(node, "col_offset", 0))
        end_column = self._characters(end_line, getattr(node, "end_col_offset", 0))
        return Span(self.file, line, column, end_line, end_column)

    def _characters(self, line: int, offset: int) -> int:
        """The column in characters; ``ast`` counts bytes of UTF-8."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        if text.isascii():
            return offset
        return len(text.encode()[:offset].decode(errors="ignore"))


def read_source(function: object) -> Source:
    """The source of a plain Python function.  Raises KernelError otherwise (rule L17)."""
    plain = plain_function(function)
    code = plain.__code__
    lines = tuple(linecache.getlines(code.co_filename, plain.__globals__))
    if not lines:
        raise KernelError(
            "E0101",
            f"the source of {plain.__name__} is not available",
            got=_why_missing(code.co_filename),
            hint="define kernels in a file or a notebook cell",
        )
    tree = _find(code, lines)
    if tree is None:
        raise KernelError(
            "E0102",
            f"the source of {plain.__name__} is not where its code says",
            got=f"{code.co_filename}:{code.co_firstlineno}, changed since it was loaded",
            hint="import the file again",
        )
    return Source(code.co_filename, tree, lines)


def place_of(function: object) -> Span | None:
    """The first line of a function; None for objects without Python code."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    return Span(code.co_filename, code.co_firstlineno, 0, code.co_firstlineno, 0)


def plain_function(function: object) -> FunctionType:
    """The function, if it is one that kernels can be written as.  Raises KernelError."""
    if not isinstance(function, FunctionType):
        raise KernelError(
            "E0103",
            "a kernel is written as a Python function",
            expected="def name(...)",
            got=brief(function),
        )
    place = place_of(function)
    if hasattr(function, "__wrapped__"):
        raise KernelError(
            "E0104",
            f"{function.__name__} is wrapped by another decorator",
            span=place,
            hint="put the decorator of tiledsl next to def",
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise KernelError(
            "E0105",
            "a kernel cannot be an async function",
            span=place,
            hint="use def: a kernel runs in program order",
        )
    if inspect.isgeneratorfunction(function):
        raise KernelError(
            "E0106",
            "a kernel cannot be a generator (yield)",
            span=place,
            hint="write results to an output tensor",
        )
    if function.__name__ == "<lambda>":
        raise KernelError(
            "E0107",
            "a kernel cannot be a lambda",
            span=place,
            hint="write it with def",
        )
    return function


def _why_missing(file: str) -> str:
    if file in ("<stdin>", "<console>"):
        return "typed at the bare Python prompt, which keeps no source"
    if file.startswith("<"):
        return f"compiled from a string ({file}), as by exec"
    if not os.path.exists(file):
        return f"only compiled code; {file} does not exist"
    return f"{file} is empty or cannot be read"


@lru_cache(maxsize=64)
def _definitions(text: str) -> dict[int, list[ast.FunctionDef]]:
    """All functions of a file by the line on which they (or their decorators) start."""
    found: dict[int, list[ast.FunctionDef]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found.setdefault(first, []).append(node)
    return found


def _find(code: CodeType, lines: tuple[str, ...]) -> ast.FunctionDef | None:
    try:
        definitions = _definitions("".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # not the text that Python compiled
    for node in definitions.get(code.co_firstlineno, []):
        if node.name == code.co_name and _arguments(node) == _code_arguments(code):
            return node
    return None


def _arguments(node: ast.FunctionDef) -> list[str]:
    every = node.args
    named = [*every.posonlyargs, *every.args, *every.kwonlyargs]
    extra = [part for part in (every.vararg, every.kwarg) if part is not None]
    return [argument.arg for argument in named + extra]


def _code_arguments(code: CodeType) -> list[str]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS)
    count += bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return list(code.co_varnames[:count])
