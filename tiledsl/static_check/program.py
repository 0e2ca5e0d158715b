"""The static check of one file: nothing of it runs, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from tiledsl import language
from tiledsl.compat.argument_names import ARGUMENTS
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.source import Source
from tiledsl.frontend.syntax import check_syntax
from tiledsl.language.names import UNAVAILABLE, unavailable_reason
from tiledsl.runtime.backends import backend_names
from tiledsl.static_check.calls import refused_arguments
from tiledsl.static_check.findings import Finding, Report, Use
from tiledsl.static_check.names import Named, named_things

_DECORATORS: Final = ("prim_func", "macro", "inline", "jit")


def check_program(file: Path, *, compat: bool = False) -> Report:
    """What a program uses, and its mistakes that need no run to be seen.

    ``compat``: a program of TileLang, whose names of arguments count too.
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        tree = ast.parse(text, str(file))
    except (SyntaxError, ValueError) as error:
        line, column = (
            getattr(error, "lineno", 1) or 1,
            getattr(error, "offset", 1) or 1,
        )
        message = f"Python cannot read this: {getattr(error, 'msg', error)}"
        return Report(
            str(file), (), (), (Finding(str(file), line, column, "E0101", message),)
        )
    names = sorted(named_things(tree), key=lambda name: _place(name.node))
    kernels = list(_kernels(tree))
    found = [
        *_of_names(file, names),
        *_of_calls(file, tree, names, ARGUMENTS if compat else {}),
        *_of_syntax(file, text, kernels),
    ]
    found.sort(key=lambda part: (part.line, part.column))
    kernel_names = tuple(kernel.name for kernel in kernels)
    return Report(str(file), kernel_names, tuple(_uses(names)), tuple(found))


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _uses(names: list[Named]) -> Iterator[Use]:
    places: dict[str, list[int]] = {}
    for name in names:
        inside = name.in_language
        if inside is not None:
            places.setdefault(inside, []).append(name.node.lineno)
    everywhere = backend_names()
    for inside, lines in sorted(places.items()):
        available = inside not in UNAVAILABLE and hasattr(language, inside)
        backends = everywhere if available else ()
        yield Use(f"T.{inside}", lines[0], len(lines), backends)


def _of_names(file: Path, names: list[Named]) -> Iterator[Finding]:
    for name in names:
        inside = name.in_language
        if inside is None or inside.startswith("__"):
            continue
        line, column = _place(name.node)
        if inside in UNAVAILABLE:
            message, hint = unavailable_reason(inside)
            yield Finding(str(file), line, column + 1, "E2001", message, hint)
        elif not hasattr(language, inside):
            near = get_close_matches(inside, [*vars(language), *UNAVAILABLE], n=1)
            hint = f"did you mean T.{near[0]}?" if near else None
            message = f"the language has no name T.{inside}"
            yield Finding(str(file), line, column + 1, "E0322", message, hint)


def _of_calls(
    file: Path,
    tree: ast.Module,
    names: list[Named],
    renamed: Mapping[str, dict[str, str]],
) -> Iterator[Finding]:
    meaning = {id(name.node): name.in_language for name in names}
    for node in ast.walk(tree):
        inside = meaning.get(id(node.func)) if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or inside is None or inside in UNAVAILABLE:
            continue
        function = getattr(language, inside, None)
        refused = refused_arguments(node, function, renamed.get(inside, {}))
        if refused is not None:
            line, column = _place(node)
            yield Finding(str(file), line, column + 1, "E0140", f"T.{refused}")


def _kernels(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions that are traced: kernels and macros, not functions that contain kernels."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(
            _last_name(part) in _DECORATORS for part in node.decorator_list
        ):
            inner = (part for part in ast.walk(node) if part is not node)
            if not any(
                isinstance(part, ast.FunctionDef)
                and any(_last_name(by) == "prim_func" for by in part.decorator_list)
                for part in inner
            ):
                yield node


def _last_name(decorator: ast.expr) -> str:
    """``jit`` of ``@tiledsl.jit(out_idx=-1)``."""
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else ""


def _of_syntax(
    file: Path, text: str, kernels: list[ast.FunctionDef]
) -> Iterator[Finding]:
    """The first construct of each kernel that no kernel may contain."""
    lines = tuple(text.splitlines(keepends=True))
    for kernel in kernels:
        try:
            check_syntax(Source(str(file), kernel, lines))
        except KernelError as error:
            span = error.span
            line, column = (span.line, span.column) if span else (kernel.lineno, 0)
            yield Finding(
                str(file), line, column + 1, error.code, error.message, error.hint
            )
