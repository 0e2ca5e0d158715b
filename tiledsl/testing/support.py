"""What runs where: every construct of the language on every backend, from tests.

A construct counts as supported by a backend if all small programs that use it
(``tiledsl.testing.programs``) give the right bits there.  Which constructs a program uses
is read from its source.

``python -m tiledsl.testing.support docs/coming-from-tilelang.md`` runs the programs and
writes the table into the guide, between its marks.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from tiledsl.testing.language_reference import element_types, names_by_title
from tiledsl.testing.oracles import Verdict
from tiledsl.testing.programs import PROGRAMS, judge_program

BEGIN: Final = "<!-- from the small programs, by python -m tiledsl.testing.support -->"
END: Final = "<!-- end of what the small programs say -->"
BACKENDS: Final = ("numpy", "llvm", "triton")

# constructs of Python whose meaning in kernels is the language's
_SYNTAX: Final[Mapping[str, Callable[[ast.AST], bool]]] = {
    "if": lambda node: isinstance(node, ast.If),
    "while": lambda node: isinstance(node, ast.While),
    "for over a list": lambda node: isinstance(node, ast.For) and not _loop(node.iter),
    "break": lambda node: isinstance(node, ast.Break),
    "continue": lambda node: isinstance(node, ast.Continue),
    "a if c else b": lambda node: isinstance(node, ast.IfExp),
    "and, or": lambda node: isinstance(node, ast.BoolOp),
    "not": lambda node: isinstance(getattr(node, "op", None), ast.Not),
    "a < b < c": lambda node: isinstance(node, ast.Compare) and len(node.ops) > 1,
    "assert": lambda node: isinstance(node, ast.Assert),
    "a, b = c, d": lambda node: (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Tuple)
        and isinstance(node.value, ast.Tuple)
    ),
    "a = b = c": lambda node: isinstance(node, ast.Assign) and len(node.targets) > 1,
    "a op= b": lambda node: isinstance(node, ast.AugAssign),
    "name: dtype = value": lambda node: (
        isinstance(node, ast.AnnAssign) and node.value is not None
    ),
    "slices": lambda node: isinstance(node, ast.Slice),
}

# arguments that are more than hints
_ARGUMENTS: Final[Mapping[str, Sequence[str]]] = {
    "gemm": ("transpose_A", "transpose_B", "clear_accum"),
    "reduce_max": ("clear", "nan_propagate"),
    "reduce_sum": ("clear",),
    "cumsum": ("reverse",),
    "cummax": ("reverse",),
    "max": ("nan_propagate",),
    "cast": ("round", "sat"),
    "atomic_add": ("memory_order", "return_prev"),
    "sort": ("descending",),
    "topk": ("largest",),
    "Kernel": ("threads",),
    "Pipelined": ("num_stages",),
    "tile_hint": ("reduce",),
}


@cache
def constructs_of(program: str) -> frozenset[str]:
    """What a small program uses: names after ``T.``, their arguments, syntax."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(_maker(program))))
    kernels = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node is not tree.body[0]
    ]
    found: set[str] = set()
    for node in (part for kernel in kernels for part in ast.walk(kernel)):
        found.update(name for name, is_it in _SYNTAX.items() if is_it(node))
        if isinstance(node, ast.Constant) and node.value in element_types():
            found.add(f"T.{node.value}")
        if isinstance(node, ast.Call) and (name := _of_language(node.func)):
            given = {keyword.arg for keyword in node.keywords}
            wanted = given.intersection(_ARGUMENTS.get(name, ()))
            found.update(f"T.{name}({argument}=)" for argument in wanted)
        if name := _of_language(node):
            found.add(f"T.{name}")
    # the language's names outside of the kernel: T.symbolic dims, decorators
    found.update(f"T.{name}" for node in ast.walk(tree) if (name := _of_language(node)))
    return frozenset(found)


def _maker(program: str) -> Callable[..., object]:
    maker: Callable[..., object] = PROGRAMS[program].args[0]  # type: ignore[attr-defined]
    return maker


def _of_language(node: ast.AST) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id="T"), attr=name):
            return name
    return ""


def _loop(iterated: ast.expr) -> bool:
    """Whether a loop is over a range of the language or of Python."""
    called = iterated.func if isinstance(iterated, ast.Call) else iterated
    is_range = isinstance(called, ast.Name) and called.id == "range"
    return is_range or bool(_of_language(called))


def constructs() -> Iterator[tuple[str, Sequence[str]]]:
    """What there is, with a title for each group."""
    yield "Python in kernels", tuple(_SYNTAX)
    yield (
        "Element types",
        tuple(f"T.{name}" for name in element_types() if "x" not in name),
    )
    for title, names in names_by_title():
        arguments = [
            f"T.{name}({argument}=)"
            for name in names
            for argument in _ARGUMENTS.get(name, ())
        ]
        yield title, (*(f"T.{name}" for name in names), *arguments)


def judged(backends: Sequence[str] = BACKENDS) -> dict[tuple[str, str], Verdict]:
    """The verdict on every program on every backend."""
    return {
        (program, backend): judge_program(program, backend)
        for program in PROGRAMS
        for backend in backends
    }


def table(verdicts: Mapping[tuple[str, str], Verdict]) -> str:
    """Rows of constructs that fare alike, group by group."""
    backends = tuple(dict.fromkeys(backend for _, backend in verdicts))
    lines = [BEGIN, "| constructs |"]
    lines[-1] += "".join(f" {backend} |" for backend in backends)
    lines.append("|---|" + "---|" * len(backends))
    for title, names in constructs():
        lines.append(f"| **{title}** |" + " |" * len(backends))
        rows = sorted((_cells(name, backends, verdicts), name) for name in names)
        for cells, alike in groupby(rows, key=lambda row: row[0]):
            words = ", ".join(f"`{name}`" for _, name in alike)
            lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join([*lines, END])


def _programs(construct: str) -> list[str]:
    return [program for program in PROGRAMS if construct in constructs_of(program)]


def _cells(
    construct: str,
    backends: Sequence[str],
    verdicts: Mapping[tuple[str, str], Verdict],
) -> tuple[str, ...]:
    programs = _programs(construct)
    found = []
    for backend in backends:
        each = {verdicts[program, backend].status for program in programs}
        if not each:
            found.append("no program")
        elif each <= {"ok", "unsupported"}:
            part = "in part" if "ok" in each else "refused"
            found.append(part if "unsupported" in each else "yes")
        else:
            found.append("wrong")
    return tuple(found)


def written_into(text: str, made: str) -> str:
    """A page with its table replaced, or put at its end."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before.rstrip()}\n\n{made}{after.rstrip()}\n"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    made = table(judged())
    page.write_text(written_into(page.read_text(encoding="utf-8"), made), "utf-8")
