"""Ring mode: an IR-to-IR pass that makes every float program exact.

Floats become ring values (``encoding``), so that any two legal evaluations of a program
agree bit by bit: on every backend, before and after every pass, for every tile size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

from tiledsl.backend import Capabilities
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Accumulate,
    Assert,
    Atomic,
    Block,
    Break,
    Breakpoint,
    Buffer,
    Const,
    Copy,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Parallel,
    Print,
    Reduce,
    Sort,
    Statement,
    TileHint,
    Var,
    Wait,
    While,
)
from tiledsl.ir.visitor import walk
from tiledsl.passes.base import Contract
from tiledsl.testing.ring import tiles
from tiledsl.testing.ring.accumulators import Accumulators
from tiledsl.testing.ring.expressions import (
    ring,
    ring_buffer,
    ring_dtype,
    ring_parts,
)
from tiledsl.testing.ring.scalars import Emitter, op
from tiledsl.testing.ring.updates import Updates


@dataclass(frozen=True, slots=True)
class RingMode:
    """Replaces floats by Z/2^32 with tagged infinities and NaN, held in int64.

    before::

        y[i] = x[i] * 2.0          (x, y: float32)

    after::

        ring_v_1 = x[i]            (x, y: int64)
        ...
        y[i] = select(both finite, wrap(ring_v_1 * 2), ...)

    Raises UnsupportedByTarget (E2003) for what has no ring meaning: the bits of a float,
    conversions of block-local tiles of run-time shape.
    """

    name: str = "ring-mode"
    contract: Contract = "approximates"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        """The function on ring values; arrays of floats become arrays of int64."""
        _check_views(function)
        emit = Emitter(_unused_prefix(function))
        params = tuple(_parameter(param) for param in function.params)
        body = _block(emit, function.body, None)
        return replace(function, params=params, body=body, fast_math=False)


def _check_views(function: Function) -> None:
    """Refuses views that read floats as something else."""
    buffers = {n.name: n for n in walk(function) if isinstance(n, Buffer)}
    for view in buffers.values():
        dtype = buffers[view.root].dtype
        if view.dtype != dtype and (view.dtype.is_float or dtype.is_float):
            raise UnsupportedByTarget(
                "E2003",
                f"ring mode cannot view {dtype} elements as {view.dtype}",
                span=view.span,
            )


def _unused_prefix(function: Function) -> str:
    names = {getattr(node, "name", "") for node in walk(function)}
    prefix = "ring"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    return prefix


def _parameter(param: Buffer | Var) -> Buffer | Var:
    if isinstance(param, Buffer):
        return ring_buffer(param)
    return replace(param, dtype=ring_dtype(param.dtype))


def _block(emit: Emitter, block: Block, sums: Accumulators | None) -> Block:
    outer, emit.lets = emit.lets, []
    result: list[Statement] = []
    for statement in block:
        if isinstance(statement, Assert | Print | Breakpoint | Wait):
            continue  # they look at floats, and nothing depends on them
        emit.span = statement.span
        new = list(_statement(emit, statement, sums))
        result += [*emit.take(), *new]
    emit.lets = outer
    return tuple(result)


def _statement(
    emit: Emitter, statement: Statement, sums: Accumulators | None
) -> Iterator[Statement]:
    """The statements that replace one; lets they need are left in ``emit``."""
    match statement:
        case Copy() | Gemm() | Reduce() | Sort():
            yield from _TILES[type(statement)](emit, statement)
        case Fill():
            yield tiles.fill(emit, statement)
        case Accumulate() if statement.buffer.dtype.is_float and sums is not None:
            yield from sums.add(emit, statement)
        case Atomic(buffer=buffer) if buffer.dtype.is_float:
            yield from emit.update(statement)
        case Launch():
            yield from _launch(emit, statement)
        case Parallel():
            yield from _parallel(emit, statement)
        case Let(var, value):
            new = ring(emit, value)
            yield Let(
                replace(var, dtype=ring_dtype(var.dtype)), new, span=statement.span
            )
        case _:
            yield _nested(emit, statement, sums)


_TILES: Final[dict[type, Callable[..., Iterator[Statement]]]] = {
    Copy: tiles.copy,
    Gemm: tiles.gemm,
    Reduce: tiles.reduce,
    Sort: tiles.sort,
}


def _launch(emit: Emitter, launch: Launch) -> Iterator[Statement]:
    updates = Updates.of(emit, launch)
    emit.update = partial(updates.update, emit)
    emit.scratch = "fragment"
    inside = cast("Launch", _nested(emit, launch, None))
    emit.scratch = "global"
    yield from updates.around(emit, inside)


def _nested(
    emit: Emitter, statement: Statement, sums: Accumulators | None
) -> Statement:
    """A statement with blocks inside, or one whose parts alone change."""
    match statement:
        case While():
            return _while(emit, statement, sums)
        case For():
            loop = ring_parts(emit, replace(statement, body=()))
            return replace(loop, body=_block(emit, statement.body, sums))
        case Launch() | TileHint():
            launch = ring_parts(emit, replace(statement, body=()))
            return replace(launch, body=_block(emit, statement.body, sums))
        case If():
            bare = ring_parts(emit, replace(statement, then=(), otherwise=()))
            then = _block(emit, statement.then, sums)
            return replace(
                bare, then=then, otherwise=_block(emit, statement.otherwise, sums)
            )
        case _:
            return ring_parts(emit, statement)


def _parallel(emit: Emitter, statement: Parallel) -> Iterator[Statement]:
    sums = Accumulators()
    bare = ring_parts(emit, replace(statement, body=()))
    lets = emit.take()
    body = _block(emit, statement.body, sums)
    yield from (*lets, *sums.before, replace(bare, body=body), *sums.after)


def _while(emit: Emitter, loop: While, sums: Accumulators | None) -> While:
    """The condition's lets are evaluated in every iteration, inside the body."""
    outer, emit.lets = emit.lets, []
    condition = emit.name(ring(emit, loop.condition))
    lets = emit.take()
    emit.lets = outer
    body = _block(emit, loop.body, sums)
    if not lets:
        return replace(loop, condition=condition, body=body)
    leave = If(op("not", condition), (Break(span=loop.span),), span=loop.span)
    always = Const(True, BOOL, span=loop.span)
    return replace(loop, condition=always, body=(*lets, leave, *body))
