"""Packed dtypes for targets that lack them: bytes in memory, wider elements in tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tiledsl.backend import Capabilities
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Allocate,
    Bitcast,
    Block,
    Buffer,
    Cast,
    Const,
    Copy,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Node,
    Parallel,
    Reduce,
    Region,
    Sort,
    Statement,
    Store,
    Var,
    While,
    whole,
)
from tiledsl.ir.visitor import rebuild, walk
from tiledsl.passes import packed_memory
from tiledsl.passes.base import Contract
from tiledsl.passes.packed_codes import encode, unpacked
from tiledsl.passes.packed_elements import PackedElements, in_memory
from tiledsl.passes.packed_loops import apart, element_loop, pair_loop, settled


@dataclass(frozen=True)
class PackedAsBytes:
    """Replaces the packed dtypes that the target lacks.

    Tensors become tensors of bytes, each two elements; tiles and scalars have the wider
    dtype with the same values.  Conversions, loads and stores are spelled with integer
    operations.

    Before::

        func f(X: int4[8], Y: float32[8])
          parallel (i: 8)
            Y[i] = float32(X[i])

    After::

        func f(X: int8[4], Y: float32[8])
          parallel (i: 8)
            Y[i] = float32(int8(((select(i % 2 != 0, uint8(X[i // 2]) >> 4:uint8,
              uint8(X[i // 2]) & 15:uint8, lazy=false)) ^ 8:uint8) - 8:uint8))
    """

    name: str = "packed-as-bytes"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        lacking = {
            node.dtype
            for node in walk(function)
            if isinstance(node, Buffer | Var | Cast | Bitcast | Const)
            and node.dtype.is_packed
        }
        if lacking <= capabilities.dtypes:
            return function
        return _Rewriter(_names(function)).function(function)


def _names(function: Function) -> set[str]:
    return {node.name for node in walk(function) if isinstance(node, Buffer | Var)}


class _Rewriter(PackedElements):
    """Rewrites statements."""

    def function(self, function: Function) -> Function:
        params = tuple(
            self.buffer(param)
            if isinstance(param, Buffer)
            else replace(param, dtype=unpacked(param.dtype))
            for param in function.params
        )
        return replace(function, params=params, body=self.block(function.body, ()))

    # -------------------------------------------------------------- statements

    def block(self, block: Block, lanes: tuple[Var, ...]) -> Block:
        result: list[Statement] = []
        for statement in block:
            outer, self.lets = self.lets, []
            new = list(self.statement(statement, lanes))
            result += [*self.lets, *new]
            self.lets = outer
        return tuple(result)

    def statement(
        self, statement: Statement, lanes: tuple[Var, ...]
    ) -> Iterator[Statement]:
        match statement:
            case Allocate(buffer=buffer):
                yield replace(statement, buffer=self.buffer(buffer))
            case Let(var=var, value=value):
                wide = replace(var, dtype=unpacked(var.dtype))
                yield replace(statement, var=wide, value=self.expr(value))
            case Store():
                yield self.store(statement)
            case Copy() | Fill():
                yield from self.transfer(statement)
            case Gemm() | Reduce() | Sort():
                yield from self.operation(statement)
            case Parallel():
                yield from self.parallel(statement)
            case If():
                condition = self.expr(statement.condition)
                then = self.block(statement.then, lanes)
                otherwise = self.block(statement.otherwise, lanes)
                yield replace(
                    statement, condition=condition, then=then, otherwise=otherwise
                )
            case While():
                condition = self.inline(statement.condition)
                body = self.block(statement.body, lanes)
                yield replace(statement, condition=condition, body=body)
            case For() | Launch():
                bare = rebuild(replace(statement, body=()), self._part)
                yield replace(bare, body=self.block(statement.body, lanes))
            case _:
                yield rebuild(statement, self._operand)

    def _operand(self, node: Node) -> Node:
        if isinstance(node, Buffer):
            return self.buffer(node)
        return self.expr(node)  # type: ignore[arg-type]

    def store(self, store: Store) -> Statement:
        buffer = store.buffer
        indices = tuple(self.expr(at) for at in store.indices)
        value = self.expr(store.value)
        if not in_memory(buffer):
            return replace(
                store, buffer=self.buffer(buffer), indices=indices, value=value
            )
        memory, value = self.buffer(buffer), self.named(value)
        return packed_memory.store(
            memory, buffer.dtype, indices, value, store.proved, store.span
        )

    def parallel(self, loop: Parallel) -> Iterator[Statement]:
        """Iterations that store to halves of one byte run one after the other."""
        for part in apart(loop, self.fresh):
            if isinstance(part, Parallel):
                bare = rebuild(replace(part, body=()), self._part)
                yield replace(bare, body=self.block(part.body, part.vars))
            else:
                yield from self.statement(part, ())

    def transfer(self, statement: Copy | Fill) -> Iterator[Statement]:
        """A copy or fill that packed elements take part in, as loops over elements."""
        lets, statement = settled(statement, self.fresh)
        for let in lets:
            yield from self.statement(let, ())
        target = statement.target.buffer
        source = statement.source.buffer if isinstance(statement, Copy) else None
        if in_memory(target):
            yield from self.pairs(statement)
            return
        moves = source is None or source.dtype == target.dtype
        if not (source and in_memory(source)) and (moves or not target.dtype.is_packed):
            yield from self.tiles(statement)
            return
        yield from self.statement(element_loop(statement, self.fresh), ())

    def tiles(self, statement: Copy | Fill) -> Iterator[Statement]:
        """Every value of a packed dtype is one of the wider dtype."""
        target = self.region(statement.target)
        if isinstance(statement, Fill):
            yield replace(statement, target=target, value=self.expr(statement.value))
            return
        shape = tuple(self.inline(extent) for extent in statement.shape)
        source = self.region(statement.source)
        yield replace(statement, source=source, target=target, shape=shape)

    def pairs(self, statement: Copy | Fill) -> Iterator[Statement]:
        """A byte at a time, so that no two iterations meet in one."""
        memory = self.buffer(statement.target.buffer)
        if isinstance(statement, Fill) and not isinstance(statement.value, Const):
            var = Var(self.fresh("filled"), statement.value.dtype)
            first = Let(var, statement.value, span=statement.span)
            yield from self.statement(first, ())
            statement = replace(statement, value=var)
        loop = pair_loop(statement, self.fresh)
        if loop is None:
            yield from self.statement(element_loop(statement, self.fresh), ())
            return
        extents = tuple(self.inline(extent) for extent in loop.extents)
        outer, self.lets = self.lets, []
        dtype = statement.target.buffer.dtype
        low, high = (
            encode(self.named(self.expr(value)), dtype) for value in loop.values
        )
        present = None
        if loop.present is not None:
            present = self.expr(loop.present[0]), self.expr(loop.present[1])
        at = tuple(self.expr(position) for position in loop.at)
        body = packed_memory.store_pair(
            memory, at, (low, high), present, loop.proved, statement.span
        )
        lets, self.lets = self.lets, outer
        yield Parallel(loop.vars, extents, (*lets, body), span=statement.span)

    def operation(self, statement: Gemm | Reduce | Sort) -> Iterator[Statement]:
        """Operands in packed memory are copied to tiles; results come from wide ones."""
        before: list[Statement] = []
        after: list[Statement] = []
        span = statement.span

        def operand(node: Node) -> Node:
            if not isinstance(node, Region):
                return self.expr(node)  # type: ignore[arg-type]
            buffer = node.buffer
            is_target = node is getattr(statement, "target", None)
            if not (in_memory(buffer) or (is_target and buffer.dtype.is_packed)):
                return self.region(node)
            dtype = buffer.dtype.evaluation if is_target else buffer.dtype
            tile = self.tile(node, dtype, statement)
            before.append(Allocate(tile, span=span))
            clear = isinstance(statement, Sort) or getattr(statement, "clear", False)
            if not (is_target and clear is True):
                before.append(Copy(node, whole(tile), tile.shape, span=span))
            if is_target:
                after.append(Copy(whole(tile), node, tile.shape, span=span))
            return self.region(whole(tile))

        changed = rebuild(statement, operand)
        for part in before:
            yield from self.statement(part, ())
        yield changed
        for part in after:
            yield from self.statement(part, ())

    def tile(self, region: Region, dtype: DType, statement: Statement) -> Buffer:
        if not all(isinstance(extent, Const) for extent in region.shape):
            raise UnsupportedByTarget(
                "E2041",
                f"{region.buffer.name}, of the packed dtype {region.buffer.dtype}, has a "
                "run-time extent here",
                span=statement.span,
                hint="copy it to a static tile first",
            )
        return Buffer(self.fresh("unpacked"), region.shape, dtype, "fragment")
