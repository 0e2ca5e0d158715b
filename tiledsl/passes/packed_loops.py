"""Loops over packed elements in which no two iterations write one byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tiledsl.analysis.affine import affine
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    At,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Range,
    Region,
    Select,
    Statement,
    Store,
    Var,
    index,
)
from tiledsl.ir.visitor import rebuild, substitute, walk
from tiledsl.passes.packed_memory import half, is_even, parity

Fresh = Callable[[str], str]
Points = tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PairLoop:
    """A loop over bytes: where each is, its two elements, and which of them are meant.

    ``present`` is None where both always are.
    """

    vars: tuple[Var, ...]
    extents: tuple[Expr, ...]
    at: Points
    proved: tuple[bool, ...]
    values: tuple[Expr, Expr]
    present: tuple[Expr, Expr] | None


def element_loop(statement: Copy | Fill, fresh: Fresh) -> Statement:
    """One iteration per element of a copy or fill."""
    shape = statement.shape if isinstance(statement, Copy) else statement.target.shape
    points = tuple(Var(fresh("e"), INDEX) for _ in shape)
    target = statement.target
    indices = _position(target, points)
    proved = claims(dim.proved for dim in target.dims)
    value = _value(statement, points, steady=True)
    store = Store(target.buffer, indices, value, proved, span=statement.span)
    inside = _within(target, points, shape)
    body: Statement = (
        store if inside is None else If(inside, (store,), span=statement.span)
    )
    if not points:
        return body
    return Parallel(points, shape, (body,), span=statement.span)


def settled(
    statement: Copy | Fill, fresh: Fresh
) -> tuple[list[Statement], Copy | Fill]:
    """Positions that are read from what is written, once, before the loop changes it."""
    root = statement.target.buffer.root
    lets: list[Statement] = []

    def name(node: Node) -> Node:
        if isinstance(node, Region | At | Range):
            return rebuild(node, name)
        if not isinstance(node, Apply | Cast | Load | Select) or node.dtype != INDEX:
            return node
        if not any(isinstance(n, Load) and n.buffer.root == root for n in walk(node)):
            return node
        var = Var(fresh("at"), INDEX)
        lets.append(Let(var, node, span=statement.span))
        return var

    return lets, rebuild(statement, name)


def pair_loop(statement: Copy | Fill, fresh: Fresh) -> PairLoop | None:
    """The loop over the bytes of the target; None if each of its rows has one element."""
    target = statement.target
    last = target.dims[-1]
    if not isinstance(last, Range):
        return None
    shape = statement.shape if isinstance(statement, Copy) else target.shape
    points = tuple(Var(fresh("b"), INDEX) for _ in shape)
    *outer, byte = points
    even = is_even(last.start)
    first: Expr = Apply("mul", (byte, index(2)))
    if not even:
        first = Apply("sub", (first, parity(last.start)))
    places = (first, Apply("add", (first, index(1))))
    count = half(Apply("add", (shape[-1], index(1 if even else 2))))
    tests = [_within(target, (*outer, place), shape) for place in places]
    whole = even and is_even(shape[-1]) and _always(target, shape)
    at = (
        *_position(target, points)[:-1],
        _sum(half(last.start), byte),
    )
    low, high = (_value(statement, (*outer, place), steady=whole) for place in places)
    proved = claims(whole and dim.proved for dim in target.dims)
    present = None
    if not whole:
        first_counts, second_counts = (
            _both(test, _counts(place, shape[-1]))
            for test, place in zip(tests, places, strict=True)
        )
        present = first_counts, second_counts
    return PairLoop(points, (*shape[:-1], count), at, proved, (low, high), present)


def _counts(place: Expr, extent: Expr) -> Expr:
    """Whether a place is one of the points of the last dimension."""
    first = Apply("ge", (place, index(0)))
    return Apply("and", (first, Apply("lt", (place, extent))))


def _both(a: Expr | None, b: Expr) -> Expr:
    return b if a is None else Apply("and", (a, b))


def _value(statement: Copy | Fill, points: Points, *, steady: bool) -> Expr:
    """What is written at a point, of the target's dtype.

    ``steady``: every point is one of the operation's, so that its proofs hold.
    """
    if isinstance(statement, Fill):
        return statement.value
    source, dtype = statement.source, statement.target.buffer.dtype
    proved = claims(steady and dim.proved for dim in source.dims)
    indices = _position(source, points)
    fill, span = source.fill, source.span
    value: Expr = Load(source.buffer, indices, fill, proved, span=span)
    inside = _within(source, points, statement.shape)
    if inside is not None:
        value = Select(inside, value, source.fill or _zero(value), span=source.span)
    return value if value.dtype == dtype else Cast(value, dtype, span=statement.span)


def claims(proved: Iterable[bool]) -> tuple[bool, ...]:
    """Claims as an access holds them: none at all if nothing is proved."""
    found = tuple(proved)
    return found if any(found) else ()


def _zero(value: Expr) -> Const:
    """All bits zero."""
    dtype = value.dtype
    if dtype.is_float:
        return Const(dtype.minimum if dtype == "float8_e8m0fnu" else 0.0, dtype)
    return Const(False if dtype.kind == "bool" else 0, dtype)


def _position(region: Region, points: Points) -> Points:
    remaining = iter(points)
    return tuple(
        dim.index if isinstance(dim, At) else _sum(dim.start, next(remaining))
        for dim in region.dims
    )


def _sum(start: Expr, point: Expr) -> Expr:
    if isinstance(start, Const) and start.value == 0:
        return point
    return Apply("add", (start, point))


def _within(region: Region, points: Points, shape: tuple[Expr, ...]) -> Expr | None:
    """Whether points are in a region's ranges; None if their extents say so."""
    result: Expr | None = None
    for point, extent, size in zip(points, region.shape, shape, strict=True):
        if not _fits(size, extent):
            test = Apply("lt", (point, extent))
            result = test if result is None else Apply("and", (result, test))
    return result


def _fits(size: Expr, extent: Expr) -> bool:
    if isinstance(size, Const) and isinstance(extent, Const):
        return int(size.value) <= int(extent.value)
    return size == extent


def _always(region: Region, shape: tuple[Expr, ...]) -> bool:
    return all(
        _fits(size, extent) for size, extent in zip(shape, region.shape, strict=True)
    )


# ------------------------------------------------------------- element stores


def apart(loop: Parallel, fresh: Fresh) -> Iterator[Statement]:
    """Loops, one after the other, in each of which no byte is written by two iterations.

    Nothing to do where the last subscripts of all packed stores differ by even numbers
    between iterations; else even and odd iterations of one variable take turns, and
    where that does not help every iteration runs by itself.
    """
    lasts = [
        node.indices[-1]
        for node in walk(loop)
        if isinstance(node, Store)
        and node.buffer.dtype.is_packed
        and node.buffer.scope == "global"
    ]
    steps = [_parities(loop, last) for last in lasts]
    single = all(extent == index(1) for extent in loop.extents)
    if single or all(step is not None and not step for step in steps):
        yield loop
        return
    _require_exact(loop)
    odd = {name for step in steps for name in step or ()}
    if None not in steps and len(odd) == 1:
        yield from _in_turns(loop, odd.pop(), fresh)
        return
    yield _one_by_one(loop, fresh)


def _parities(loop: Parallel, last: Expr) -> set[str] | None:
    """The loop variables whose parity a subscript has; None if it is not linear."""
    names = {var.name for var in loop.vars}
    odd: set[str] = set()
    for atom, factor in affine(last).terms:
        if isinstance(atom, Var) and atom.name in names:
            odd |= {atom.name} if factor % 2 else set()
        elif factor % 2 and _varies(loop, atom):
            return None
    return odd


def _varies(loop: Parallel, atom: Expr) -> bool:
    """Whether an atom may differ between iterations: it reads or uses what they declare."""
    declared = {node.var.name for node in walk(loop) if isinstance(node, For | Let)}
    declared |= {var.name for var in loop.vars}
    return any(
        isinstance(part, Load) or (isinstance(part, Var) and part.name in declared)
        for part in walk(atom)
    )


def _in_turns(loop: Parallel, name: str, fresh: Fresh) -> Iterator[Statement]:
    """The even iterations of a variable, then the odd ones."""
    axis = next(k for k, var in enumerate(loop.vars) if var.name == name)
    turn, pair = Var(fresh("turn"), INDEX), Var(fresh("pair"), INDEX)
    extent = loop.extents[axis]
    number = Apply("add", (Apply("mul", (pair, index(2))), turn))
    body = tuple(substitute(part, {name: number}) for part in loop.body)
    if not is_even(extent):
        body = (If(Apply("lt", (number, extent)), body, span=loop.span),)
    count = half(Apply("add", (extent, index(1))))
    variables = (*loop.vars[:axis], pair, *loop.vars[axis + 1 :])
    extents = (*loop.extents[:axis], count, *loop.extents[axis + 1 :])
    inner = Parallel(variables, extents, body, span=loop.span)
    yield For(turn, index(0), index(2), index(1), (inner,), span=loop.span)


def _one_by_one(loop: Parallel, fresh: Fresh) -> Statement:
    only = Var(fresh("only"), INDEX)
    body: Statement = Parallel((only,), (index(1),), loop.body, span=loop.span)
    for var, extent in reversed(list(zip(loop.vars, loop.extents, strict=True))):
        body = For(var, index(0), extent, index(1), (body,), span=loop.span)
    return body


def _require_exact(loop: Parallel) -> None:
    """A sum that is rounded when its loop ends cannot be cut into several loops."""
    for node in walk(loop):
        if isinstance(node, Accumulate) and not node.buffer.dtype.is_arithmetic:
            raise UnsupportedByTarget(
                "E2042",
                f"one loop stores 4-bit elements and adds up in {node.buffer.dtype}",
                span=loop.span,
                hint="use two loops, or accumulate in float32",
            )
