"""Source text with a mistake in it, as a user might write.

One to three places of a correct program are changed: names, constants, dtypes, operands,
statements, or whole constructs that the language does not have.  The result may still be
correct; what the frontend says to it must be a coded error, whatever it is.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from typing import Final

import tiledsl.language
from tiledsl.testing.generator.choice import Choice

_CONSTANTS: Final = (
    "0", "-1", "1.5", "2 ** 31", "2 ** 64", "-(2 ** 63)", "True", "None", "'text'",
    "()", "(1, 2)", "[]", "{}", "...", "float('nan')", "float('inf')", "1j", "b'x'",
    "1e400", "lambda: 0", "T", "int", "object()",
)  # fmt: skip
_DTYPES: Final = (
    "float32", "float16", "bfloat16", "int8", "uint64", "bool", "float8_e4m3fn",
    "float8_e8m0fnu", "float64", "no_dtype", "", "int128", "index",
)  # fmt: skip
_STATEMENTS: Final = (
    "yield 1", "raise ValueError", "del {name}", "global {name}", "import math",
    "assert {name}", "return {name}", "break", "continue", "pass", "{name} += 1",
    "{name} = {name}", "{name}, other = 1, 2", "{name}[0] = 1", "{name}: T.int32 = 3",
    "other = undefined", "T.clear({name})", "T.copy({name}, {name})", "T.sync_threads()",
    "T.gemm({name}, {name}, {name})", "T.reduce_sum({name}, {name}, dim=0)",
    "{name} = T.alloc_shared((0,), 'float32')", "{name} = T.alloc_fragment(4, 'int8')",
    "{name} = T.alloc_var('int32')", "{name} = [i for i in range(3)]",
    "print({name})", "(other := 3)", "lambda: {name}", "{name}()", "{name}.shape[9]",
    "T.no_such_name({name})", "T.fill({name}, {name})", "T.alloc_local((4,), 'x')",
    "try:\n    pass\nfinally:\n    pass", "while {name}:\n    pass",
    "for i in {name}:\n    pass", "for i in T.Parallel({name}):\n    pass",
    "for i in T.unroll(0, 4, 0):\n    pass", "if {name}:\n    pass",
    "with T.Kernel(1) as other:\n    pass", "with {name}:\n    pass",
    "class A:\n    pass", "def inner():\n    pass", "match {name}:\n    case _:\n        pass",
    "for i in range(3):\n    break\nelse:\n    pass", "async def other():\n    pass",
)  # fmt: skip
# classes answer wrong arguments as Python's classes do
_CALLEES: Final = tuple(
    name
    for name, value in vars(tiledsl.language).items()
    if not name.startswith("_") and callable(value) and not isinstance(value, type)
)


def broken(text: str, choice: Choice) -> str:
    """The module with one to three changes inside its kernel."""
    tree = ast.parse(text)
    for _ in range(choice.integer(1, 3)):
        kernel = next(
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name == "main"
        )
        choice.pick(_CHANGES)(kernel, choice)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _replaced(
    kernel: ast.FunctionDef,
    choice: Choice,
    kind: type[ast.expr],
    new: Callable[[], str],
) -> None:
    """Puts another expression in the place of one of a kind."""
    places: list[tuple[ast.AST, str, int | None]] = []
    for node in ast.walk(kernel):
        for name, value in ast.iter_fields(node):
            if isinstance(value, kind) and _is_read(value):
                places.append((node, name, None))
            elif isinstance(value, list):
                places += [
                    (node, name, at)
                    for at, part in enumerate(value)
                    if isinstance(part, kind) and _is_read(part)
                ]
    if not places:
        return
    node, name, at = choice.pick(places)
    if at is None:
        setattr(node, name, _expression(new()))
    else:
        getattr(node, name)[at] = _expression(new())


def _is_read(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _names(kernel: ast.FunctionDef) -> list[str]:
    return sorted({n.id for n in ast.walk(kernel) if isinstance(n, ast.Name)})


def _change_constant(kernel: ast.FunctionDef, choice: Choice) -> None:
    _replaced(kernel, choice, ast.Constant, lambda: choice.pick(_CONSTANTS))


def _change_dtype(kernel: ast.FunctionDef, choice: Choice) -> None:
    found = [
        node
        for node in ast.walk(kernel)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    if found:
        choice.pick(found).value = choice.pick(_DTYPES)


def _change_name(kernel: ast.FunctionDef, choice: Choice) -> None:
    names = [*_names(kernel), "undefined", "print", "T.float32", "T.Parallel"]
    _replaced(kernel, choice, ast.Name, lambda: choice.pick(names))


def _change_callee(kernel: ast.FunctionDef, choice: Choice) -> None:
    found = [
        node.func
        for node in ast.walk(kernel)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    if found:
        choice.pick(found).attr = choice.pick(_CALLEES)


def _change_arguments(kernel: ast.FunctionDef, choice: Choice) -> None:
    found = [node for node in ast.walk(kernel) if isinstance(node, ast.Call)]
    if not found:
        return
    call = choice.pick(found)
    match choice.integer(0, 4):
        case 0 if call.args:
            call.args.pop(choice.integer(0, len(call.args) - 1))
        case 1:
            call.args.append(_expression(choice.pick(_CONSTANTS)))
        case 2 if call.keywords:
            choice.pick(call.keywords).arg = "no_such_keyword"
        case 3 if call.keywords:
            choice.pick(call.keywords).value = _expression(choice.pick(_CONSTANTS))
        case _:
            call.args.reverse()


def _change_subscript(kernel: ast.FunctionDef, choice: Choice) -> None:
    found = [node for node in ast.walk(kernel) if isinstance(node, ast.Subscript)]
    if not found:
        return
    place = choice.pick(found)
    old = ast.unparse(place.slice)
    others = (
        f"{old}, 0", "0", "-1", ":", "1:0", "::2", "...", "None", "1.5", "True",
        f"({old}) + 1000", f"({old},)[:-1]", "0:4, 0:4", "'text'",
    )  # fmt: skip
    place.slice = _expression(f"x[{choice.pick(others)}]").slice  # type: ignore[attr-defined]


def _change_statement(kernel: ast.FunctionDef, choice: Choice) -> None:
    """Drops, repeats or exchanges a statement, or puts another one before it."""
    bodies = [
        body
        for node in ast.walk(kernel)
        if isinstance(body := getattr(node, "body", None), list) and body
    ]
    body = choice.pick(bodies)
    at = choice.integer(0, len(body) - 1)
    match choice.integer(0, 4):
        case 0 if len(body) > 1:
            del body[at]
        case 1:
            body.insert(at, copy.deepcopy(body[at]))
        case 2:
            body[at] = copy.deepcopy(choice.pick(choice.pick(bodies)))
        case _:
            name = choice.pick(_names(kernel))
            body.insert(
                at, ast.parse(choice.pick(_STATEMENTS).format(name=name)).body[0]
            )


_CHANGES: Final = (
    _change_constant,
    _change_dtype,
    _change_name,
    _change_callee,
    _change_arguments,
    _change_subscript,
    _change_statement,
    _change_statement,
)
