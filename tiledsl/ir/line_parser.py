"""One line of IR text: its syntax (grammar.lark), its nodes, its coded errors."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from tiledsl.diagnostics import KernelError
from tiledsl.ir.expression_actions import Names, TextProblem, dtype_of
from tiledsl.ir.literals import RESERVED, name_value
from tiledsl.ir.nodes import (
    Allocate,
    Atomic,
    Buffer,
    For,
    Function,
    Launch,
    Let,
    Node,
    Parallel,
    Statement,
    Var,
)
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.ir.statement_actions import LineActions
from tiledsl.ir.text_format import MAX_NESTING, VERSION, text_error
from tiledsl.ir.visitor import children, rebuild

_GRAMMAR: Final = Path(__file__).with_name("grammar.lark")


class Line(NamedTuple):
    """A line without its indentation."""

    number: int
    indent: int
    text: str


class LineParser:
    """Parses the lines of one text in order; later lines see what earlier ones declare."""

    def __init__(self, spans: dict[int, Span], file: str) -> None:
        self._names = Names(spans)
        self._actions = LineActions(self._names)
        self._file = file

    def parse(self, line: Line, depth: int) -> Function | Statement | str:
        """The statement (its body empty), the function, or the word else or pass.

        ``depth`` is the number of blocks around the line.
        """
        try:
            tree = _grammar().parse(line.text)
            if tree.data == "func":
                self._declare_scalars(tree)
            node = cast("Node | str", self._actions.transform(tree))
            if isinstance(node, str):
                return node
            _check_nesting(node, depth)
            if self._names.spans:
                node = self._settled(node, NO_SPAN)
            self._declare(node)
        except UnexpectedInput as error:
            raise self._syntax_error(line, error) from None
        except VisitError as error:
            raise self._meaning_error(line, error.orig_exc, error.obj) from None
        except TextProblem as error:
            raise self._meaning_error(line, error, None) from None
        return node  # type: ignore[return-value]

    def _declare_scalars(self, header: Tree[Token]) -> None:
        """Dims and scalar parameters, which the shapes of the same line mention."""
        for part in header.iter_subtrees():
            if part.data == "dims":
                for name in part.children:
                    self._names.declare(Var(_name(name), dtype_of("index")))
            elif part.data == "scalar_param":
                name, word = part.children[:2]
                dtype = dtype_of(str(word.children[0]))  # type: ignore[union-attr]
                self._names.declare(Var(_name(name), dtype))

    def _declare(self, node: Node) -> None:
        """What the finished line declares."""
        new: tuple[Var | Buffer, ...] = ()
        match node:
            case Function(params=params):
                new = tuple(param for param in params if isinstance(param, Buffer))
            case Allocate(buffer=buffer):
                new = (buffer,)
            case Let(var=var) | For(var=var):
                new = (var,)
            case Atomic(previous=Var() as var):
                new = (var,)
            case Parallel(vars=names) | Launch(vars=names):
                new = names
        for part in new:
            self._names.declare(part)

    def _settled(self, node: Node, around: Span) -> Node:
        """The node with spans inherited by the parts whose text gives none."""
        if self._names.declared.get(getattr(node, "name", "")) is node:
            return node
        span = around if node.span is NO_SPAN else node.span
        node = rebuild(node, lambda part: self._settled(part, span))
        return node if node.span is span else replace(node, span=span)

    def _syntax_error(self, line: Line, error: UnexpectedInput) -> KernelError:
        column = error.column if error.column > 0 else len(line.text) + 1
        first = line.text.split(" ", 1)[0]
        unknown = first.isidentifier() and first not in RESERVED
        if unknown and column <= len(first) + 2:
            code, message = "E3003", f"unknown statement {first[:40]!r}"
            message += f" (this reader knows version {VERSION})"
        elif isinstance(error, UnexpectedToken) and error.token:
            code, message = "E3002", f"unexpected {str(error.token)[:40]!r}"
        else:
            rest = line.text[column - 1 :]
            code, message = (
                "E3002",
                f"cannot read {rest[:20]!r}" if rest else "line ends early",
            )
        return text_error(code, message, self._file, line.number, line.indent + column)

    def _meaning_error(
        self, line: Line, problem: BaseException, place: object
    ) -> KernelError:
        column = 1
        if isinstance(place, Tree) and not place.meta.empty:
            column = place.meta.column
        if not isinstance(problem, TextProblem):
            raise problem
        message = problem.message
        if problem.code == "E3003":
            message += f" (this reader knows version {VERSION})"
        return text_error(
            problem.code, message, self._file, line.number, line.indent + column
        )


def _name(tree: Tree[Token] | Token) -> str:
    token = tree.children[0] if isinstance(tree, Tree) else tree
    try:
        return name_value(str(token))
    except ValueError:
        raise TextProblem("E3007", "malformed quoted name") from None


def _check_nesting(node: Node, depth: int) -> None:
    stack = [(node, depth)]
    while stack:
        top, level = stack.pop()
        if level > MAX_NESTING:
            raise TextProblem("E3004", f"nested deeper than {MAX_NESTING}")
        stack.extend((child, level + 1) for child in children(top))


@cache
def _grammar() -> Lark:
    return Lark(
        _GRAMMAR.read_text(encoding="ascii"),
        parser="lalr",
        start="line",
        propagate_positions=True,
        maybe_placeholders=False,
    )
