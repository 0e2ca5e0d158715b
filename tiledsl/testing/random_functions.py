"""Random, race-free functions of Tile IR whose results are defined bit for bit.

Every buffer is filled when allocated, iterations and blocks write elements of their own,
loops end, and float sums are avoided, so any two correct evaluations agree exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    At,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
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
    Parallel,
    Range,
    Reduce,
    Region,
    Statement,
    Store,
    Var,
    While,
    index,
    whole,
)
from tiledsl.ir.nodes import Scope as BufferScope
from tiledsl.testing.random_expressions import Scope

_DTYPES: Final = tuple(
    DType(name) for name in ("int32", "float32", "bfloat16", "uint8", "int64", "bool")
)
_FALSE: Final = Const(False, BOOL)


def random_function(random: Random) -> Function:
    """A function with one dim ``m``, inputs, a scalar and one output per tile kept."""
    return _Generator(random).function()


@dataclass
class _Generator:
    random: Random
    names: int = 0
    tiles: list[Buffer] = field(default_factory=list)

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    # ---- whole functions

    def function(self) -> Function:
        m, s = Var("m", INDEX), Var("s", INT32)
        sizes: tuple[Expr, ...] = (m, index(5), index(8), Apply("add", (m, index(1))))
        inputs = [self.parameter(sizes) for _ in range(2)]
        grid: tuple[Expr, ...] = tuple(
            self.random.choice((index(1), index(3), Apply("ceildiv", (m, index(4)))))
            for _ in range(self.random.choice((1, 1, 2)))
        )
        blocks = tuple(Var(self.name("b"), INDEX) for _ in grid)
        scope = Scope(self.random, [m, s, *blocks], list(inputs))
        body = self.block(scope, 3, 5)
        outputs: list[Buffer] = []
        copies: list[Statement] = []
        for tile in [tile for tile in self.tiles if tile in scope.buffers][:3]:
            output = Buffer(self.name("out"), (*grid, *tile.shape), tile.dtype)
            dims = (*(At(var) for var in blocks), *whole(tile).dims)
            copies.append(Copy(whole(tile), Region(output, dims), tile.shape))
            outputs.append(output)
        launch = Launch(blocks, grid, (64,), (*body, *copies))
        statement, result = self.whole_tensor(inputs[0])
        outputs.append(result)
        params: tuple[Buffer | Var, ...] = (*inputs, s, *outputs)
        positions = tuple(range(len(inputs) + 1, len(params)))
        return Function("generated", params, (m,), (launch, statement), positions)

    def whole_tensor(self, source: Buffer) -> tuple[Statement, Buffer]:
        """A statement at host level, and the output that it writes."""
        if self.random.random() < 0.5:
            dtype = self.random.choice(_DTYPES)
            output = Buffer(self.name("whole"), source.shape, dtype)
            return Copy(whole(source), whole(output), source.shape), output
        axis = self.random.randrange(source.rank)
        kept = source.shape[:axis] + source.shape[axis + 1 :]
        output = Buffer(self.name("whole"), kept or (index(1),), source.dtype)
        target = whole(output) if kept else Region(output, (At(index(0)),))
        kind = "or" if source.dtype.kind == "bool" else "max"
        return Reduce(kind, whole(source), target, axis), output

    def parameter(self, sizes: tuple[Expr, ...]) -> Buffer:
        rank = self.random.choice((1, 2, 2))
        shape = tuple(self.random.choice(sizes) for _ in range(rank))
        return Buffer(self.name("x"), shape, self.random.choice(_DTYPES))

    # ---- statements of a block; tiles they allocate join the scope

    def block(self, scope: Scope, depth: int, count: int) -> Block:
        found: list[Statement] = []
        found += self.tile(scope)
        for _ in range(self.random.randrange(1, count + 1)):
            makers: list[Callable[[Scope, int], list[Statement]]] = [
                lambda scope, depth: self.tile(scope),
                self.let,
                self.copy,
                self.copy,
                self.fill,
                self.reduce,
                self.gemm,
                self.parallel,
                self.parallel,
            ]
            if depth > 0:
                makers += [self.loop, self.branch, self.loop_while]
            found += self.random.choice(makers)(scope, depth)
        return tuple(found)

    def tile(self, scope: Scope) -> list[Statement]:
        rank = self.random.choice((1, 2, 2))
        shape = tuple(index(self.random.choice((1, 2, 3, 4, 6))) for _ in range(rank))
        spaces: tuple[BufferScope, ...] = ("shared", "fragment")
        tile = Buffer(
            self.name("t"),
            shape,
            self.random.choice(_DTYPES),
            self.random.choice(spaces),
        )
        self.tiles.append(tile)
        filled = Fill(whole(tile), scope.constant(tile.dtype))
        scope.buffers.append(tile)
        return [Allocate(tile), filled]

    def own_tiles(self, scope: Scope) -> list[Buffer]:
        return [buffer for buffer in scope.buffers if buffer.scope != "global"]

    def let(self, scope: Scope, depth: int) -> list[Statement]:
        dtype = self.random.choice((INDEX, INT32, FLOAT32))
        value = scope.index() if dtype == INDEX else scope.value(dtype)
        var = Var(self.name("v"), dtype)
        scope.variables.append(var)
        return [Let(var, value)]

    def copy(self, scope: Scope, depth: int) -> list[Statement]:
        target = self.random.choice(self.own_tiles(scope))
        others = [buffer for buffer in scope.buffers if buffer != target]
        if not others:
            return []
        source = self.random.choice(others)
        rank = min(source.rank, target.rank)
        if rank == target.rank and scope.chance(50):
            to, shape = whole(target), target.shape
        else:
            shape = tuple(index(self.random.choice((1, 2, 4))) for _ in range(rank))
            to = self.region(scope, target, shape)
        return [Copy(self.region(scope, source, shape), to, shape)]

    def region(self, scope: Scope, buffer: Buffer, shape: tuple[Expr, ...]) -> Region:
        dims: list[At | Range] = [
            At(scope.index(1)) for _ in buffer.shape[len(shape) :]
        ]
        for extent in shape:
            own = extent if scope.chance(80) else index(3)
            dims.append(Range(scope.index(), own))
        fill = scope.constant(buffer.dtype) if scope.chance(20) else None
        return Region(buffer, tuple(dims), fill)

    def fill(self, scope: Scope, depth: int) -> list[Statement]:
        tile = self.random.choice(self.own_tiles(scope))
        region = whole(tile)
        if scope.chance(40):
            region = self.region(scope, tile, tile.shape)
        return [Fill(region, scope.value(tile.dtype, 1))]

    def reduce(self, scope: Scope, depth: int) -> list[Statement]:
        pairs = [
            (a, b, axis)
            for a in self.own_tiles(scope)
            for b in self.own_tiles(scope)
            for axis in range(a.rank)
            if a != b and b.dtype != BOOL
            if a.shape[:axis] + a.shape[axis + 1 :] == b.shape
        ]
        if not pairs:
            return []
        source, target, axis = self.random.choice(pairs)
        exact = ("max", "min") if target.dtype.is_float else ("sum", "max", "xor")
        reduction = self.random.choice(exact)
        clear = scope.chance(50)
        return [Reduce(reduction, whole(source), whole(target), axis, clear)]

    def gemm(self, scope: Scope, depth: int) -> list[Statement]:
        """An integer product of new tiles; its left one may be a copy of another tile."""
        rows, inner, columns = (index(self.random.choice((1, 2, 4))) for _ in range(3))
        made = [
            Buffer(self.name("g"), shape, INT32, "shared")
            for shape in ((rows, inner), (inner, columns), (rows, columns))
        ]
        found: list[Statement] = [Allocate(tile) for tile in made]
        found += [Fill(whole(tile), scope.value(INT32, 1)) for tile in made[1:]]
        first = whole(made[0])
        known = [b for b in scope.buffers if b.dtype == INT32 and b.rank == 2]
        if known:
            source = self.region(scope, self.random.choice(known), (rows, inner))
            if scope.chance(50):
                dims = tuple(Range(index(0), extent) for extent in (rows, inner))
                source = replace(source, dims=dims)
            found.append(Copy(source, first, (rows, inner)))
        else:
            found.append(Fill(first, scope.value(INT32, 1)))
        a, b, c = (whole(tile) for tile in made)
        scope.buffers += made
        self.tiles += made
        return [
            *found,
            Gemm(a, b, c, scope.condition(1) if scope.chance(50) else _FALSE),
        ]

    # ---- control

    def loop(self, scope: Scope, depth: int) -> list[Statement]:
        var = Var(self.name("k"), INDEX)
        start, stop = self.random.choice(((0, 3), (0, 1), (2, -2), (5, 2), (-1, 4)))
        step = self.random.choice((1, 1, 2, -1, 0))
        end: Expr = index(stop)
        if scope.chance(30):
            end = Apply("min", (scope.index(1), index(4)))
        inner = scope.inside([var])
        body = self.block(inner, depth - 1, 3)
        if scope.chance(20):
            jump = self.random.choice((Break(), Continue()))
            body = (*body, If(inner.condition(1), (jump,)), *self.fill(inner, 0))
        bounded = start if stop != start or step >= 0 else 0
        if step < 0 and scope.chance(50):
            end = index(-1)
        if not isinstance(end, Const) and step < 0:
            end = Apply("max", (end, index(-3)))
        return [For(var, index(bounded), end, index(step), body)]

    def branch(self, scope: Scope, depth: int) -> list[Statement]:
        then = self.block(scope.inside([]), depth - 1, 2)
        otherwise: Block = ()
        if scope.chance(50):
            otherwise = self.block(scope.inside([]), depth - 1, 2)
        return [If(scope.condition(), then, otherwise)]

    def loop_while(self, scope: Scope, depth: int) -> list[Statement]:
        counter = Buffer(self.name("n"), (), INT32, "local")
        now = Load(counter, ())
        more = Apply("lt", (now, Const(self.random.randrange(4), INT32)))
        step = Store(counter, (), Apply("add", (now, Const(1, INT32))))
        body = (step, *self.block(scope.inside([]), depth - 1, 2))
        start = Store(counter, (), Const(0, INT32))
        return [Allocate(counter), start, While(more, body)]

    # ---- loops over elements

    def parallel(self, scope: Scope, depth: int) -> list[Statement]:
        target = self.random.choice(self.own_tiles(scope))
        lanes = tuple(Var(self.name("i"), INDEX) for _ in target.shape)
        extents = tuple(index(self.random.choice((1, 2, 4, 7))) for _ in target.shape)
        inner = scope.inside(lanes)
        inner.buffers = [buffer for buffer in scope.buffers if buffer != target]
        if scope.chance(15) and target.dtype != BOOL and not target.dtype.is_float:
            return [Parallel(lanes, extents, (self.accumulation(inner, target),))]
        body: list[Statement] = []
        if scope.chance(40):
            body += self.let(inner, 0)
        position = tuple(
            Apply("add", (lane, index(self.random.choice((0, 0, 1, -1)))))
            for lane in lanes
        )
        if scope.chance(25):
            body += self.scratch(inner)
        store: Statement = Store(target, position, self.stored(inner, target, position))
        if scope.chance(40):
            store = If(self.guard(inner, target, position), (store,))
        return [Parallel(lanes, extents, (*body, store))]

    def stored(self, scope: Scope, target: Buffer, position: tuple[Expr, ...]) -> Expr:
        plain = [b for b in scope.buffers if b.dtype == target.dtype]
        plain = [buffer for buffer in plain if buffer.rank == target.rank]
        if plain and scope.chance(40):
            return Load(self.random.choice(plain), position)
        return scope.value(target.dtype)

    def guard(self, scope: Scope, target: Buffer, position: tuple[Expr, ...]) -> Expr:
        if scope.chance(50):
            return scope.condition()
        return Apply("lt", (position[0], target.shape[0]))

    def accumulation(self, scope: Scope, target: Buffer) -> Statement:
        where = tuple(scope.index(1) for _ in target.shape)
        reduction = self.random.choice(("sum", "max", "xor"))
        return Accumulate(reduction, target, where, scope.value(target.dtype, 1))

    def scratch(self, scope: Scope) -> list[Statement]:
        """A private variable, changed in a loop whose bounds differ between lanes."""
        private = Buffer(self.name("w"), (), INT32, "local")
        now = Load(private, ())
        grown = Apply("add", (now, scope.value(INT32, 1)))
        var = Var(self.name("k"), INDEX)
        stop = Apply("min", (scope.index(1), index(3)))
        body = (Store(private, (), grown),)
        loop = For(var, index(-1), stop, index(1), body)
        scope.variables.append(Var(self.name("u"), INT32))
        return [
            Allocate(private),
            Store(private, (), scope.constant(INT32)),
            loop,
            Let(scope.variables[-1], now),
        ]
