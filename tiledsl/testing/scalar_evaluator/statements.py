"""Statements in program order, iteration by iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from tiledsl.ir import nodes as ir
from tiledsl.ir.ops import ATOMICS, REDUCTIONS
from tiledsl.ir.visitor import walk
from tiledsl.testing.scalar_evaluator import tiles
from tiledsl.testing.scalar_evaluator.conversion import convert, from_bits, to_bits
from tiledsl.testing.scalar_evaluator.expressions import (
    evaluate,
    integer,
    read_bits,
    write_bits,
)
from tiledsl.testing.scalar_evaluator.memory import (
    LocalMemory,
    Memory,
    ViewedMemory,
    contains,
    points,
)
from tiledsl.testing.scalar_evaluator.operations import apply
from tiledsl.testing.scalar_evaluator.scope import Carried, Scope

# how a block ended: by a break, by a continue, or by its last statement
Ending = Literal["break", "continue", None]


def execute(block: ir.Block, scope: Scope) -> Ending:
    """Runs statements until one of them leaves the block."""
    for statement in block:
        ending = _EXECUTE[type(statement)](statement, scope)
        if ending is not None:
            return ending
    return None


def _allocate(statement: ir.Allocate, scope: Scope) -> None:
    buffer = statement.buffer
    shape = tuple(integer(extent, scope) for extent in buffer.shape)
    if buffer.of is not None:
        memory: Memory = ViewedMemory(scope.memories[buffer.of], shape, buffer.dtype)
    else:
        memory = LocalMemory(shape, buffer.dtype)
    scope.memories[buffer.name] = memory


def _let(statement: ir.Let, scope: Scope) -> None:
    scope.values[statement.var.name] = evaluate(statement.value, scope)


def _store(statement: ir.Store, scope: Scope) -> None:
    position = tuple(integer(index, scope) for index in statement.indices)
    bits = to_bits(evaluate(statement.value, scope), statement.buffer.dtype)
    write_bits(scope.memory(statement.buffer), position, bits)


def _accumulate(statement: ir.Accumulate, scope: Scope) -> None:
    """Combines into the carried element, which the end of the loop stores.

    An element that only this iteration can reach is loaded and stored at once.
    """
    memory = scope.memory(statement.buffer)
    position = tuple(integer(index, scope) for index in statement.indices)
    value = evaluate(statement.value, scope)
    if not contains(memory, position):
        return
    name, dtype = statement.buffer.name, statement.buffer.dtype
    carried = scope.carried
    is_shared = carried is not None and carried.shared.get(name) is memory
    old = from_bits(memory.read(position), dtype)
    if carried is not None and is_shared:
        old = carried.values.get((name, position), old)
    new = apply(REDUCTIONS[statement.reduction], (old, value), dtype.evaluation)
    if carried is not None and is_shared:
        carried.values[name, position] = new
    else:
        memory.write(position, to_bits(convert(new, dtype), dtype))


def _atomic(statement: ir.Atomic, scope: Scope) -> None:
    """One update after the other, each rounded to the buffer's dtype."""
    memory, dtype = scope.memory(statement.buffer), statement.buffer.dtype
    position = tuple(integer(index, scope) for index in statement.indices)
    old = from_bits(read_bits(memory, position, statement.fill), dtype)
    if statement.value is not None:
        new = evaluate(statement.value, scope)
        op = ATOMICS[statement.op]
        if op:
            new = convert(apply(op, (old, new), dtype.evaluation), dtype)
        write_bits(memory, position, to_bits(new, dtype))
    if statement.previous is not None:
        scope.values[statement.previous.name] = old


def _for(statement: ir.For, scope: Scope) -> None:
    start, stop, step = (
        integer(bound, scope)
        for bound in (statement.start, statement.stop, statement.step)
    )
    for value in range(start, stop, step) if step else ():
        scope.values[statement.var.name] = value
        if execute(statement.body, scope) == "break":
            break


def _while(statement: ir.While, scope: Scope) -> None:
    while evaluate(statement.condition, scope):
        if execute(statement.body, scope) == "break":
            break


def _if(statement: ir.If, scope: Scope) -> Ending:
    chosen = evaluate(statement.condition, scope)
    return execute(statement.then if chosen else statement.otherwise, scope)


def _parallel(statement: ir.Parallel, scope: Scope) -> None:
    """One iteration after the other, each with its own copy of what is private."""
    names = [var.name for var in statement.vars]
    private = _stored_locals(statement)
    carried = Carried(dict(scope.memories))
    for point in points(tuple(integer(extent, scope) for extent in statement.extents)):
        inner = scope.copy()
        inner.carried = carried
        inner.values.update(zip(names, point, strict=True))
        for buffer in private:
            _allocate(ir.Allocate(buffer), inner)
        execute(statement.body, inner)
    for (name, position), value in carried.values.items():
        memory = carried.shared[name]
        rounded = convert(value, memory.dtype)
        memory.write(position, to_bits(rounded, memory.dtype))


def _stored_locals(statement: ir.Parallel) -> list[ir.Buffer]:
    """The local buffers that the body stores to; its own are allocated anew anyway."""
    stores = (part for part in walk(statement) if isinstance(part, ir.Store))
    found = {part.buffer.name: part.buffer for part in stores}
    return [buffer for buffer in found.values() if buffer.scope == "local"]


def _launch(statement: ir.Launch, scope: Scope) -> None:
    names = [var.name for var in statement.vars]
    for point in points(tuple(integer(extent, scope) for extent in statement.grid)):
        block = scope.copy()
        block.values.update(zip(names, point, strict=True))
        execute(statement.body, block)


def _hint(statement: ir.TileHint, scope: Scope) -> None:
    execute(statement.body, scope)


def _break(statement: ir.Break, scope: Scope) -> Ending:
    return "break"


def _continue(statement: ir.Continue, scope: Scope) -> Ending:
    return "continue"


def _observe(
    statement: ir.Assert | ir.Print | ir.Breakpoint | ir.Wait, scope: Scope
) -> None:
    """Nothing that is computed depends on it."""


_EXECUTE: Final[dict[type, Callable[..., Ending]]] = {
    ir.Allocate: _allocate,
    ir.Let: _let,
    ir.Store: _store,
    ir.Accumulate: _accumulate,
    ir.Atomic: _atomic,
    ir.Copy: tiles.copy,
    ir.Fill: tiles.fill,
    ir.Gemm: tiles.gemm,
    ir.Reduce: tiles.reduce,
    ir.Sort: tiles.sort,
    ir.For: _for,
    ir.While: _while,
    ir.If: _if,
    ir.Parallel: _parallel,
    ir.Launch: _launch,
    ir.TileHint: _hint,
    ir.Break: _break,
    ir.Continue: _continue,
    ir.Assert: _observe,
    ir.Print: _observe,
    ir.Breakpoint: _observe,
    ir.Wait: _observe,
}
