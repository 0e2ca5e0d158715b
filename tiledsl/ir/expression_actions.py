"""From syntax trees to expressions, regions and names.

Names mean what the lines above declared; types come with declarations, so nothing has to
be inferred.  A part whose text gives no span has ``NO_SPAN`` itself, to be settled later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, cast

from lark import Token
from lark.visitors import Transformer_NonRecursive

from tiledsl.ir.dtypes import ALL_DTYPES, INDEX, DType
from tiledsl.ir.expression_text import PRECEDENCE
from tiledsl.ir.literals import const_value, name_value
from tiledsl.ir.nodes import (
    Apply,
    At,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Load,
    Range,
    Region,
    Select,
    Var,
)
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.spans import NO_SPAN, Span

_OF_SYMBOL: Final = {
    op.symbol: op.name for op in SCALAR_OPS.values() if op.symbol in PRECEDENCE
}


class TextProblem(Exception):
    """Something in a line that its grammar allows but that means nothing."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Access:
    """``name[dims; fill]``: a load, a region or an element, as its place decides."""

    buffer: Buffer
    dims: tuple[At | Range, ...]
    fill: Const | None = None

    def indices(self) -> tuple[Expr, ...]:
        if any(isinstance(dim, Range) for dim in self.dims):
            raise TextProblem("E3002", "a range where one element is accessed")
        return tuple(dim.index for dim in self.dims if isinstance(dim, At))

    def claims(self) -> tuple[bool, ...]:
        """Empty if nothing is claimed, as the verifier demands."""
        claims = tuple(dim.proved for dim in self.dims)
        return claims if any(claims) else ()


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    value: str


@dataclass
class Names:
    """What a text has declared so far."""

    spans: dict[int, Span]
    declared: dict[str, Var | Buffer] = field(default_factory=dict)

    def declare(self, node: Var | Buffer) -> None:
        if node.name in self.declared:
            raise TextProblem("E3005", f"{node.name!r} is declared twice")
        self.declared[node.name] = node

    def variable(self, name: str) -> Var:
        node = self.declared.get(name)
        if not isinstance(node, Var):
            raise TextProblem("E3005", f"no variable is called {name!r}")
        return Var(node.name, node.dtype)

    def buffer(self, name: str) -> Buffer:
        node = self.declared.get(name)
        if not isinstance(node, Buffer):
            raise TextProblem("E3005", f"no buffer is called {name!r}")
        return node


def dtype_of(word: str) -> DType:
    """The dtype called so; a coded problem if there is none."""
    if word not in ALL_DTYPES:
        raise TextProblem("E3003", f"unknown dtype {word!r}")
    return DType(word)


class ExpressionActions(Transformer_NonRecursive[Token, object]):
    """One method per rule of the lower half of the grammar."""

    def __init__(self, names: Names) -> None:
        super().__init__(visit_tokens=False)
        self.names = names

    def literal(self, parts: list[Token]) -> Const:
        try:
            const = const_value(str(parts[0]))
        except ValueError as error:
            raise TextProblem("E3007", str(error)) from None
        return Const(const.value, const.dtype)

    def name(self, parts: list[Token]) -> str:
        try:
            return name_value(str(parts[0]))
        except ValueError:
            raise TextProblem("E3007", "malformed quoted name") from None

    def word(self, parts: list[Token]) -> str:
        return str(parts[0])

    def integer(self, parts: list[Token]) -> int:
        const = self.literal(parts)
        if const.dtype != INDEX or not 0 <= int(const.value) < 2**31:
            raise TextProblem("E3007", "expected a small non-negative integer")
        return int(const.value)

    def mark(self, parts: list[Token]) -> Span:
        number = str(parts[0])[1:]
        span = self.names.spans.get(int(number)) if len(number) < 10 else None
        if span is None:
            raise TextProblem("E3005", f"no span has the number {number[:10]}")
        return span

    def tail(self, parts: list[Token]) -> Span:
        return self.mark(parts)

    def variable(self, parts: list[str]) -> Var:
        return self.names.variable(parts[0])

    def binary(self, parts: list[object]) -> Apply:
        left, symbol, right = cast("tuple[Expr, Token, Expr]", tuple(parts))
        return Apply(_OF_SYMBOL[str(symbol)], (left, right))

    def marked(self, parts: list[object]) -> Expr:
        expr, token = cast("tuple[Expr, Token]", tuple(parts))
        object.__setattr__(expr, "span", self.mark([token]))  # not yet shared
        return expr

    def at(self, parts: list[object]) -> At:
        *claim, index = parts
        return At(cast(Expr, index), bool(claim))

    def range(self, parts: list[object]) -> Range:
        *claim, start, extent = parts
        return Range(cast(Expr, start), cast(Expr, extent), bool(claim))

    def access(self, parts: list[object]) -> Access:
        name, *dims = parts
        buffer = self.names.buffer(cast(str, name))
        return Access(buffer, tuple(cast("list[At | Range]", dims)))

    def filled_access(self, parts: list[object]) -> Access:
        *rest, fill = parts
        access = self.access(rest)
        return Access(access.buffer, access.dims, cast(Const, fill))

    def load(self, parts: list[Access]) -> Load:
        access = parts[0]
        return Load(
            access.buffer,
            access.indices(),
            access.fill,
            access.claims(),
        )

    def region(self, parts: list[object]) -> Region:
        access = cast(Access, parts[0])
        span = cast(Span, parts[1]) if parts[1:] else NO_SPAN
        return Region(access.buffer, access.dims, access.fill, span=span)

    def rounding(self, parts: list[str]) -> Option:
        return Option("rounding", parts[0])

    def saturate(self, parts: list[Token]) -> Option:
        return Option("saturate", str(parts[0]))

    def call(self, parts: list[object]) -> Expr:
        word = cast(str, parts[0])
        options = {part.name: part.value for part in parts if isinstance(part, Option)}
        args = tuple(
            cast("list[Expr]", [p for p in parts[1:] if not isinstance(p, Option)])
        )
        if word in ALL_DTYPES:
            return _cast(DType(word), args, options)
        if options:
            raise TextProblem("E3003", f"{word} has no attribute {min(options)!r}")
        if word in ("select", "select_both"):
            _expect(word, args, 3)
            condition, then, otherwise = args
            return Select(condition, then, otherwise, lazy=word == "select")
        if word not in SCALAR_OPS:
            raise TextProblem("E3003", f"unknown operation {word!r}")
        _expect(word, args, SCALAR_OPS[word].arity)
        return Apply(word, args)

    def bitcast(self, parts: list[object]) -> Bitcast:
        value, word = parts
        return Bitcast(cast(Expr, value), dtype_of(cast(str, word)))


def _expect(word: str, args: tuple[Expr, ...], count: int) -> None:
    if len(args) != count:
        message = f"{word} takes {count} operands, here are {len(args)}"
        raise TextProblem("E3002", message)


def _cast(dtype: DType, args: tuple[Expr, ...], options: dict[str, str]) -> Cast:
    _expect(str(dtype), args, 1)
    rounding = options.get("rounding", "rn")
    if rounding not in ("rn", "rz", "rp", "rm"):
        raise TextProblem("E3003", f"unknown rounding {rounding!r}")
    return Cast(
        args[0],
        dtype,
        cast("Literal['rn', 'rz', 'rp', 'rm']", rounding),
        options.get("saturate", "true") == "true",
    )
