"""Tile operations rewritten as loops over elements.

    copy A[i0 +: n] -> B[j0 +: n] shape (n)   =>   parallel (p: n): B[j0 + p] = A[i0 + p]
    fill T = v                                =>   let f = v; parallel: T[...] = f
    reduce sum S -> T along k                 =>   fill T = 0; parallel: T[...] += S[...]
    gemm on anything                          =>   copies; gemm on dense tiles; copy back

What remains are scalar statements, ``Parallel``, and gemms on dense tiles of one
arithmetic dtype, so that the code generator has one way to loop and one way to touch
memory.  Accumulation in narrow floats goes through a float32 tile, rounded once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    At,
    Buffer,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    Gemm,
    Launch,
    Let,
    Load,
    Node,
    Parallel,
    Range,
    Reduce,
    Region,
    Sort,
    Statement,
    Var,
    whole,
)
from tiledsl.ir.ops import identity
from tiledsl.ir.visitor import rebuild, walk
from tiledsl_llvm.forward_stores import forward_stores
from tiledsl_llvm.fuse_loops import fuse_loops
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.products import Products
from tiledsl_llvm.regions import cast, read, subscripts, write
from tiledsl_llvm.sorting import sort
from tiledsl_llvm.whole_tiles import split_whole_tiles

OperationT = TypeVar("OperationT", bound=Copy | Fill | Reduce | Sort | Gemm)


def legalize(function: Function, machine: Machine) -> Function:
    """The function with tile operations as loops."""
    loops = rebuild(function, _Legalizer(machine).change)
    return forward_stores(split_whole_tiles(fuse_loops(loops, machine)))


def _of_the_block(node: OperationT) -> OperationT:
    """The operation on local buffers as tiles, which the loops it becomes share."""

    def change(part: Node) -> Node:
        if isinstance(part, Region) and part.buffer.scope == "local":
            return replace(part, buffer=replace(part.buffer, scope="fragment"))
        return part

    return rebuild(node, change)


@dataclass
class _Legalizer:
    machine: Machine
    _count: int = 0
    _launch: Launch | None = None
    _loops: tuple[For, ...] = ()

    def change(self, node: Node) -> Node | tuple[Node, ...]:
        launch, loops = self._launch, self._loops
        if isinstance(node, Launch):
            self._launch = node
        elif isinstance(node, For):
            self._loops = (*loops, node)
        changed = self.lowered(rebuild(node, self.change))
        self._launch, self._loops = launch, loops
        return changed

    def lowered(self, node: Node) -> Node | tuple[Node, ...]:
        if isinstance(node, Parallel):
            return self.accumulate_wide(node)
        if not isinstance(node, Copy | Fill | Reduce | Sort | Gemm):
            return node
        before, node = self.settle(_of_the_block(node))
        return (*before, *self.operation(node))

    def operation(self, node: Copy | Fill | Reduce | Sort | Gemm) -> tuple[Node, ...]:
        match node:
            case Copy():
                return self.copy(node)
            case Fill():
                return self.fill(node)
            case Reduce():
                return self.reduce(node)
            case Sort():
                return sort(node, self.name)
        return Products(self.machine, self.name, self._launch, self._loops).gemm(node)

    def settle(self, node: OperationT) -> tuple[tuple[Statement, ...], OperationT]:
        """Bounds read from memory are read once, before the operation changes it."""
        known: dict[Expr, Var] = {}

        def bound(expr: Expr) -> Expr:
            if not any(isinstance(part, Load) for part in walk(expr)):
                return expr
            return known.setdefault(expr, Var(self.name("bound"), INDEX))

        def change(part: Node) -> Node:
            match part:
                case At(index=at):
                    return replace(part, index=bound(at))
                case Range(start=start, extent=extent):
                    return replace(part, start=bound(start), extent=bound(extent))
                case Region():
                    return rebuild(part, change)
            return part

        node = rebuild(node, change)
        if isinstance(node, Copy):
            node = replace(node, shape=tuple(map(bound, node.shape)))
        lets = tuple(Let(var, expr, span=expr.span) for expr, var in known.items())
        return lets, node

    def name(self, hint: str) -> str:
        self._count += 1
        # a user's name has no dot
        return f"{hint}.{self._count}"

    def vars(self, count: int) -> tuple[Var, ...]:
        return tuple(Var(self.name("p"), INDEX) for _ in range(count))

    def tile(self, hint: str, dtype: DType, shape: tuple[Expr, ...]) -> Buffer:
        return Buffer(self.name(hint), shape, dtype, "fragment")

    # -------------------------------------------------------------- statements

    def copy(self, node: Copy) -> tuple[Statement, ...]:
        points = self.vars(len(node.shape))
        value = cast(read(node.source, points, node.shape), node.target.buffer.dtype)
        body = write(node.target, points, node.shape, value)
        return (Parallel(points, node.shape, body, span=node.span),)

    def fill(self, node: Fill) -> tuple[Statement, ...]:
        points = self.vars(len(node.target.shape))
        before: tuple[Statement, ...] = ()
        value = node.value
        if not isinstance(value, Const):
            var = Var(self.name("fill"), value.dtype)
            before, value = (Let(var, value, span=node.span),), var
        body = write(node.target, points, node.target.shape, value)
        return (*before, Parallel(points, node.target.shape, body, span=node.span))

    def reduce(self, node: Reduce) -> tuple[Statement, ...]:
        target, source = node.target, node.source
        carry = target.buffer.dtype.evaluation
        direct = (
            carry == target.buffer.dtype and target.buffer.name != source.buffer.name
        )
        if not direct:
            tile = self.tile("carry", carry, target.shape)
            fetch = (
                () if node.clear else self.copy(Copy(target, whole(tile), target.shape))
            )
            inner = self.reduce(replace(node, target=whole(tile)))
            back = self.copy(Copy(whole(tile), target, target.shape))
            return (Allocate(tile), *fetch, *inner, *back)
        points = self.vars(len(source.shape))
        value = cast(read(source, points, source.shape), carry)
        if node.reduction.startswith("abs"):
            value = Apply("abs", (value,))
        kept = points[: node.axis] + points[node.axis + 1 :]
        name = node.reduction.removeprefix("abs")
        if node.nan_propagate and name in ("max", "min") and carry.is_float:
            name += "_nan"
        indices, proved = subscripts(target, kept)
        update = Accumulate(name, target.buffer, indices, value, proved, span=node.span)
        loop = Parallel(points, source.shape, (update,), span=node.span)
        if not node.clear:
            return (loop,)
        start = Const(identity(node.reduction, carry), carry)
        return (*self.fill(Fill(target, start, span=node.span)), loop)

    def accumulate_wide(self, node: Parallel) -> tuple[Node, ...]:
        """Narrow floats are accumulated in a float32 copy of their buffer."""
        narrow = {
            part.buffer.name: part.buffer
            for part in walk(node)
            if isinstance(part, Accumulate) and not part.buffer.dtype.is_arithmetic
        }
        if not narrow:
            return (node,)
        before: list[Node] = []
        after: list[Node] = []
        wide: dict[str, Buffer] = {}
        for name, buffer in narrow.items():
            if buffer.scope == "global":
                raise UnsupportedByTarget(
                    "E2023",
                    f"accumulating into the {buffer.dtype} elements of {name}, which is global,"
                    " is not available on the CPU target",
                    span=node.span,
                    hint="accumulate into a block-local buffer and copy it",
                )
            tile = wide[name] = self.tile("wide", buffer.dtype.evaluation, buffer.shape)
            before.append(Allocate(tile))
            before += self.copy(Copy(whole(buffer), whole(tile), buffer.shape))
            after += self.copy(Copy(whole(tile), whole(buffer), buffer.shape))

        def widen(part: Node) -> Node | tuple[Node, ...]:
            part = rebuild(part, widen)
            if isinstance(part, Accumulate) and part.buffer.name in wide:
                return replace(part, buffer=wide[part.buffer.name])
            return part

        return (*before, rebuild(node, widen), *after)
