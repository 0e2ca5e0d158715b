"""What is private to a thread: within a region, or in tiles that outlive it.

A local buffer used in one region only is allocated there.  Any other one becomes a tile
whose last axes are the threads.  A name bound in one region and used in another is
computed again there if it reads no memory, else kept in such a tile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tiledsl.frontend.atomic_updates import as_reductions
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.threads.axis import ThreadAxis
from tiledsl.frontend.threads.statements import PerThread
from tiledsl.frontend.threads.uniformity import Varying, is_pure
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Block,
    Buffer,
    Cast,
    Expr,
    For,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Statement,
    Store,
    Var,
    While,
    index,
)
from tiledsl.ir.visitor import children, substitute, transform, walk


@dataclass(frozen=True, slots=True)
class _Binding:
    """A name that a region binds for the rest of its block."""

    region: int
    var: Var
    value: Expr | None

    @property
    def recomputed(self) -> Expr | None:
        """Its value, if another region can compute it again."""
        return self.value if self.value is not None and is_pure(self.value) else None


def resolved(
    builder: Builder, axis: ThreadAxis, varying: Varying, body: Block
) -> Block:
    """The body with every region as a ``Parallel`` over the threads."""
    return _State(builder, axis, varying, body).block(body)


def _regions(node: Node) -> Iterator[PerThread]:
    if isinstance(node, PerThread):
        yield node
        return
    for part in children(node):
        yield from _regions(part)


def _bound(statement: Statement) -> Iterator[tuple[Var, Expr | None]]:
    previous = getattr(statement, "previous", None)
    if isinstance(statement, Let):
        yield statement.var, statement.value
    elif isinstance(previous, Var):
        yield previous, None


class _State:
    """Regions are numbered in program order."""

    def __init__(
        self, builder: Builder, axis: ThreadAxis, varying: Varying, body: Block
    ) -> None:
        self._builder = builder
        self._axis = axis
        self._private = varying.buffers
        regions = [region for statement in body for region in _regions(statement)]
        self._numbers = {id(region): at for at, region in enumerate(regions)}
        # the regions that use a private buffer
        self._users: dict[str, set[int]] = defaultdict(set)
        self._bindings: dict[str, _Binding] = {}
        for number, region in enumerate(regions):
            for part in walk(region):
                if isinstance(part, Buffer) and part.name in self._private:
                    self._users[part.name].add(number)
            for statement in region.body:
                for var, value in _bound(statement):
                    self._bindings[var.name] = _Binding(number, var, value)
        # the tiles of private buffers, and of names kept beyond their region
        self._tiles: dict[str, Buffer] = {}
        self._kept: dict[str, Buffer] = {}
        for number, region in enumerate(regions):
            for name in self._foreign(number, region):
                binding = self._bindings[name]
                if binding.recomputed is None and name not in self._kept:
                    self._kept[name] = self._tile_for(binding)

    def _foreign(self, number: int, region: PerThread) -> list[str]:
        """Names of other regions that a region needs, each after those it depends on."""
        ordered: dict[str, None] = {}

        def visit(node: Node) -> None:
            for part in walk(node):
                if not isinstance(part, Var) or part.name in ordered:
                    continue
                binding = self._bindings.get(part.name)
                if binding is None or binding.region == number:
                    continue
                if binding.recomputed is not None:
                    visit(binding.recomputed)
                ordered[part.name] = None

        visit(region)
        return list(ordered)

    def _tile_for(self, binding: _Binding) -> Buffer:
        var = binding.var
        dtype = DType("int64") if var.dtype == INDEX else var.dtype
        return self._tile(Buffer(var.name, (), dtype, "local", span=var.span))

    def _tile(self, buffer: Buffer) -> Buffer:
        """The tile of a private buffer: the threads are its last axes."""
        threads = tuple(index(extent) for _, extent in self._axis.ordered)
        name = self._builder.unique(buffer.name)
        shape = (*buffer.shape, *threads)
        return replace(buffer, name=name, shape=shape, scope="fragment")

    # ---------------------------------------------------------------- rewriting

    def block(self, block: Block) -> Block:
        here = {
            self._numbers[id(part)] for part in block if isinstance(part, PerThread)
        }
        moved: dict[int, list[Allocate]] = defaultdict(list)
        done: list[Statement] = []
        for statement in block:
            if isinstance(statement, PerThread):
                done += self._region(statement, moved)
            elif isinstance(statement, Allocate):
                done += self._allocated(statement, here, moved)
            else:
                done.append(self._around(statement))
        return tuple(done)

    def _around(self, statement: Statement) -> Statement:
        match statement:
            case If(then=then, otherwise=otherwise):
                arms = (self.block(then), self.block(otherwise))
                return replace(statement, then=arms[0], otherwise=arms[1])
            case For(body=body) | While(body=body):
                return replace(statement, body=self.block(body))
        return statement

    def _allocated(
        self, statement: Allocate, here: set[int], moved: dict[int, list[Allocate]]
    ) -> Block:
        buffer = statement.buffer
        if buffer.name not in self._private:
            return (statement,)
        users = self._users[buffer.name]
        if not users:
            return ()
        if len(users) == 1 and users <= here:
            moved[min(users)].append(statement)
            return ()
        tile = self._tiles[buffer.name] = self._tile(buffer)
        return (Allocate(tile, span=statement.span),)

    def _region(self, region: PerThread, moved: dict[int, list[Allocate]]) -> Block:
        number = self._numbers[id(region)]
        allocated: list[Statement] = []
        body: list[Statement] = [*moved[number]]
        fresh: dict[str, Node] = {}
        threads = tuple(var for var, _ in self._axis.ordered)
        for name in self._foreign(number, region):
            value = self._bindings[name].recomputed
            var = self._bindings[name].var
            copy = Var(self._builder.unique(name), var.dtype, span=var.span)
            if value is None:
                load = Load(self._kept[name], threads, span=var.span)
                value = load if load.dtype == var.dtype else Cast(load, var.dtype)
            body.append(Let(copy, substitute(value, fresh), span=var.span))
            fresh[name] = copy
        for statement in region.body:
            body.append(substitute(statement, fresh))
            for var, _ in _bound(statement):
                tile = self._kept.get(var.name)
                if tile is not None:
                    allocated.append(Allocate(tile, span=var.span))
                    kept = var if tile.dtype == var.dtype else Cast(var, tile.dtype)
                    body.append(Store(tile, threads, kept, span=var.span))
        return (*allocated, self._parallel(body, region))

    def _parallel(self, body: list[Statement], region: PerThread) -> Statement:
        """The loop over the threads, with index variables of its own."""
        ordered = self._axis.ordered
        first = self._numbers[id(region)] == 0  # it keeps the names
        own = {
            var.name: var
            if first
            else Var(self._builder.unique(var.name), INDEX, span=var.span)
            for var, _ in ordered
        }
        threads = tuple(var for var, _ in ordered)

        def change(part: Node) -> Node:
            buffer = getattr(part, "buffer", None)
            if not isinstance(buffer, Buffer) or buffer.name not in self._tiles:
                return part
            indices = (*getattr(part, "indices", ()), *threads)
            return replace(part, buffer=self._tiles[buffer.name], indices=indices)  # type: ignore[call-arg]

        lines = tuple(
            substitute(transform(statement, change), dict(own)) for statement in body
        )
        extents = tuple(index(extent) for _, extent in ordered)
        loop_vars = tuple(own[var.name] for var, _ in ordered)
        return as_reductions(Parallel(loop_vars, extents, lines, span=region.span))
