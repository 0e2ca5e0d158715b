"""How much work a function is for given sizes: operations and bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tiledsl.analysis.effects import accesses
from tiledsl.analysis.fold import fold_apply, fold_cast
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    Atomic,
    Block,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Load,
    Node,
    Parallel,
    Reduce,
    Region,
    Select,
    Sort,
    Statement,
    Store,
    TileHint,
    Var,
    While,
)
from tiledsl.ir.visitor import walk

Values = Mapping[str, Const]
_SAMPLES: Final = 64  # iterations looked at when they cost differently


@dataclass(frozen=True, slots=True)
class Cost:
    """``flops``: scalar operations on floats; a gemm counts two per product.

    ``moved``: bytes that accesses to global buffers name, overhang and repetition
    included.  ``compulsory``: bytes of the global buffers read, plus of those written.
    """

    flops: float = 0
    moved: float = 0
    compulsory: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.flops + other.flops,
            self.moved + other.moved,
            self.compulsory + other.compulsory,
        )

    def times(self, count: float) -> Cost:
        return Cost(self.flops * count, self.moved * count, self.compulsory)


def cost(function: Function, dims: Sequence[int]) -> Cost:
    """The cost of a call whose dims have these values.

    Exact where trip counts follow from dims and indices.  A condition or trip count
    that depends on data counts as true, and as one.  Loops of more than 64 iterations
    that cost differently are sampled evenly.
    """
    values = {
        dim.name: Const(value, dim.dtype)
        for dim, value in zip(function.dims, dims, strict=True)
    }
    total = _block(function.body, values)
    read: set[str] = set()
    written: set[str] = set()
    sizes: dict[str, int] = {}
    for buffer in _global_buffers(function):
        sizes[buffer.name] = _count(buffer.shape, values) * buffer.dtype.bytes
    for access in accesses([function]):
        (written if access.writes else read).add(access.buffer)
    compulsory = sum(sizes.get(name, 0) for name in (*read, *written))
    return replace(total, compulsory=compulsory)


def _global_buffers(function: Function) -> list[Buffer]:
    found = {part.name: part for part in walk(function) if isinstance(part, Buffer)}
    return [buffer for buffer in found.values() if buffer.scope == "global"]


def evaluate(expr: Expr, values: Values) -> Const | None:
    """The value of an integer or bool expression, if the values decide it."""
    match expr:
        case Const():
            return expr
        case Var(name=name):
            return values.get(name)
        case Cast(value=value, dtype=dtype):
            inner = evaluate(value, values)
            return None if inner is None else fold_cast(Cast(inner, dtype))
        case Apply(op=op, args=args):
            parts = [evaluate(arg, values) for arg in args]
            known = tuple(part for part in parts if part is not None)
            return fold_apply(op, known) if len(known) == len(parts) else None
        case Select(condition=condition, then=then, otherwise=otherwise):
            chosen = evaluate(condition, values)
            if chosen is not None:
                return evaluate(then if chosen.value else otherwise, values)
    return None


def _count(extents: Sequence[Expr], values: Values) -> int:
    """The number of points of a box; an unknown extent counts as one."""
    total = 1
    for extent in extents:
        known = evaluate(extent, values)
        total *= 1 if known is None else max(int(known.value), 0)
    return total


def _block(block: Block, values: Values) -> Cost:
    total = Cost()
    for statement in block:
        total += _statement(statement, values)
        if isinstance(statement, Let):
            known = evaluate(statement.value, values)
            if known is not None:
                values = {**values, statement.var.name: known}
    return total


def _statement(statement: Statement, values: Values) -> Cost:
    match statement:
        case If(condition=condition, then=then, otherwise=otherwise):
            chosen = evaluate(condition, values)
            taken = then if chosen is None or chosen.value else otherwise
            return _expression(condition) + _block(taken, values)
        case While(body=body):
            return _block(body, values)
        case For(var=var, body=body):
            return _repeated([var], [_trips(statement, values)], body, values)
        case Parallel(vars=names, extents=extents, body=body):
            ranges = [range(_count([extent], values)) for extent in extents]
            return _repeated(names, ranges, body, values)
        case Launch(vars=names, grid=grid, body=body):
            ranges = [range(_count([extent], values)) for extent in grid]
            return _repeated(names, ranges, body, values)
        case TileHint(body=body):
            return _block(body, values)
        case _:
            return _operation(statement, values)


def _trips(loop: For, values: Values) -> range:
    bounds = [evaluate(part, values) for part in (loop.start, loop.stop, loop.step)]
    if None in bounds:
        return range(1)
    start, stop, step = (int(bound.value) for bound in bounds if bound is not None)
    return range(start, stop, step) if step else range(0)


def _repeated(
    names: Sequence[Var], ranges: Sequence[range], body: Block, values: Values
) -> Cost:
    """The body for every point of the ranges; once, multiplied, if it costs the same."""
    if not names:
        return _block(body, values)
    var, trips = names[0], ranges[0]
    if not trips:
        return Cost()
    samples: Sequence[int] = trips[:1]
    if _decides(var, body):
        stride = -(-len(trips) // _SAMPLES)
        samples = trips[stride // 2 :: stride]
    total = Cost()
    for value in samples:
        inner = {**values, var.name: Const(value, var.dtype)}
        total += _repeated(names[1:], ranges[1:], body, inner)
    return total.times(len(trips) / len(samples))


def _decides(var: Var, body: Block) -> bool:
    """Whether trip counts or conditions in the body may depend on the variable."""
    named = {var.name}
    for statement in body:
        for part in walk(statement):
            if isinstance(part, Let) and _mentions([part.value], named):
                named.add(part.var.name)
            elif _mentions(_deciding(part), named):
                return True
    return False


def _deciding(node: Node) -> Sequence[Expr]:
    match node:
        case If(condition=condition):
            return [condition]
        case For(start=start, stop=stop, step=step):
            return [start, stop, step]
        case Parallel(extents=extents):
            return extents
        case Copy(shape=shape):
            return shape
    return []


def _mentions(expressions: Sequence[Expr], names: set[str]) -> bool:
    return any(
        isinstance(part, Var) and part.name in names
        for expr in expressions
        for part in walk(expr)
    )


def _operation(statement: Statement, values: Values) -> Cost:
    """A statement without blocks."""
    match statement:
        case Copy(source=source, target=target, shape=shape):
            points = _count(shape, values)
            return Cost(moved=points * (_bytes(source) + _bytes(target)))
        case Fill(target=target):
            return Cost(moved=_count(target.shape, values) * _bytes(target))
        case Gemm(a=a, b=b, c=c):
            products = _count(
                [*c.shape, a.shape[0 if statement.transpose_a else 1]], values
            )
            moved = sum(_count(r.shape, values) * _bytes(r) for r in (a, b, c, c))
            return Cost(2 * products * c.buffer.dtype.is_float, moved)
        case Reduce(source=source, target=target):
            points = _count(source.shape, values)
            moved = points * _bytes(source) + _count(target.shape, values) * _bytes(
                target
            )
            return Cost(points * target.buffer.dtype.is_float, moved)
        case Sort(source=source, target=target):
            read, written = (
                _count(part.shape, values) * _bytes(part) for part in (source, target)
            )
            return Cost(moved=read + written)
        case Store(buffer=buffer) | Accumulate(buffer=buffer) | Atomic(buffer=buffer):
            extra = not isinstance(statement, Store) and buffer.dtype.is_float
            stored = buffer.dtype.bytes * (buffer.scope == "global")
            return _expression(statement) + Cost(float(extra), stored)
    return _expression(statement)


def _bytes(region: Region) -> int:
    buffer = region.buffer
    return buffer.dtype.bytes if buffer.scope == "global" else 0


def _expression(node: Node) -> Cost:
    """The float operations and global loads of expressions, each counted once."""
    flops = moved = 0
    for part in walk(node):
        if isinstance(part, Apply) and part.args[0].dtype.is_float:
            flops += 2 if part.op == "fma" else 1
        elif isinstance(part, Load) and part.buffer.scope == "global":
            moved += part.buffer.dtype.bytes
    return Cost(flops, moved)
