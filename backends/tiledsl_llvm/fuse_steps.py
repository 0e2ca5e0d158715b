"""Loops that copy tiles and multiply them take several steps of k at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from tiledsl.analysis.affine import affine
from tiledsl.analysis.effects import accesses
from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Buffer,
    Const,
    Copy,
    Expr,
    For,
    Function,
    Gemm,
    Launch,
    Node,
    Range,
    Region,
    Statement,
    Var,
    index,
    whole,
)
from tiledsl.ir.visitor import rebuild, substitute, walk
from tiledsl.passes.base import Contract
from tiledsl_llvm.units import operand_dtype

_ROW_BYTES: Final = 1024  # of k: 256 float32 numbers
_UNIT_ROW_BYTES: Final = 2048  # where sums are cheap to keep and dear to move
_MOST_BYTES: Final = (
    1 << 20
)  # of the tiles together: they should stay in a core's cache


@dataclass(frozen=True)
class FuseSteps:
    """Makes longer products of short ones, which load and store their sums less often.

    The loop may only copy tiles that it alone uses and multiply them; each step has to
    continue where the previous one ended.  The CPU adds in the same order as before.
    Tiles of narrow floats become tiles of the dtype that sums are carried in, or of
    bfloat16 if it is as exact and ``bfloat_products`` says that the processor has them.

    Before::

        for k in 0 .. 64 step 1
          copy B[k * 32 +: 32, 0 +: 64] -> b[!0 +: 32, !0 +: 64] shape (32, 64)
          gemm c[!0 +: 64, !0 +: 64] += A[0 +: 64, k * 32 +: 32] @ b[!0 +: 32, !0 +: 64]

    After::

        alloc shared b_long: float32[256, 64]
        for k_long in 0 .. 8 step 1
          copy B[k_long * 8 * 32 +: 256, 0 +: 64] -> b_long[!0 +: 256, !0 +: 64] shape (256, 64)
          gemm c[!0 +: 64, !0 +: 64] += A[0 +: 64, k_long * 8 * 32 +: 256] @ b_long[...]
    """

    bfloat_products: bool = False
    name: str = "fuse-steps"
    contract: Contract = "reassociates"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        names = {part.name for part in walk(function) if isinstance(part, Var | Buffer)}

        def in_launch(node: Node) -> Node:
            return self._loops(node, names) if isinstance(node, Launch) else node

        return rebuild(function, in_launch)

    def _loops(self, launch: Launch, names: set[str]) -> Launch:
        def change(node: Node) -> Node | tuple[Node, ...]:
            if isinstance(node, For):
                fused = _fused(
                    node, launch, names, bfloat_products=self.bfloat_products
                )
                if fused is not None:
                    return fused
            return rebuild(node, change)

        return rebuild(launch, change)


@dataclass(frozen=True, slots=True)
class _Step:
    """One step: the copies by their tiles, the product, and how far it goes along k."""

    var: Var
    copies: dict[str, Copy]
    gemm: Gemm
    depth: int

    @property
    def operands(self) -> Iterator[tuple[Region, int]]:
        """Both operands, each with the position of k among its ranges."""
        yield self.gemm.a, 0 if self.gemm.transpose_a else 1
        yield self.gemm.b, 1 if self.gemm.transpose_b else 0


def _fused(
    loop: For, launch: Launch, names: set[str], *, bfloat_products: bool
) -> tuple[Statement, ...] | None:
    step = _step(loop)
    if step is None or not _alone(step, loop, launch):
        return None
    count = _count(step, loop, bfloat_products=bfloat_products)
    if count < 2:
        return None
    var = Var(_fresh(loop.var.name, names), INDEX)
    carry = step.gemm.c.buffer.dtype
    body: list[Statement] = []
    tiles: list[Statement] = []
    gemm = step.gemm
    for operand, (region, position) in zip(("a", "b"), step.operands, strict=True):
        copy = step.copies.get(region.buffer.name)
        if copy is None:
            longer = _longer(region, position, step, var, count)
        else:
            made = _longer_copy(copy, position, step, var, count)
            if made is None:
                return None
            wide = operand_dtype(
                made.target.buffer.dtype, carry, bfloat_products=bfloat_products
            )
            tile = _named(made.target.buffer, copy, wide, names)
            tiles.append(Allocate(tile, span=copy.span))
            longer = whole(tile)
            body.append(replace(made, target=longer))
        if longer is None:
            return None
        gemm = replace(gemm, a=longer) if operand == "a" else replace(gemm, b=longer)
    steps, rest = _split(loop, count)
    first = replace(loop, var=var, stop=steps, body=(*body, gemm))
    return (*tiles, first, *rest)


def _split(loop: For, count: int) -> tuple[Expr, Block]:
    """How many long steps there are, and the loop over the steps that are left."""
    if isinstance(loop.stop, Const):
        total = int(loop.stop.value)
        steps: Expr = index(total // count)
        start: Expr = index(total // count * count)
        if total % count == 0:
            return steps, ()
    else:
        steps = Apply("floordiv", (loop.stop, index(count)))
        start = Apply("mul", (Apply("max", (steps, index(0))), index(count)))
    return steps, (replace(loop, start=start),)


def _fresh(name: str, names: set[str]) -> str:
    fresh = f"{name}_long"
    while fresh in names:
        fresh += "_"
    names.add(fresh)
    return fresh


# ----------------------------------------------------------------- conditions


def _step(loop: For) -> _Step | None:
    """The loop's body as a step, if it consists of copies and one product."""
    *copies, gemm = loop.body
    simple = loop.start == index(0) and loop.step == index(1)
    if (
        not simple
        or not isinstance(gemm, Gemm)
        or gemm.clear != Const(False, gemm.clear.dtype)
    ):
        return None
    if not gemm.c.buffer.dtype.is_arithmetic or _mentions(gemm.c, loop.var):
        return None
    depth = gemm.a.shape[0 if gemm.transpose_a else 1]
    if not isinstance(depth, Const):
        return None
    found: dict[str, Copy] = {}
    for copy in copies:
        if not isinstance(copy, Copy) or copy.target.buffer.name in found:
            return None
        found[copy.target.buffer.name] = copy
    operands = [gemm.a.buffer.name, gemm.b.buffer.name]
    if operands[0] == operands[1] or not found.keys() <= set(operands):
        return None
    return _Step(loop.var, found, gemm, int(depth.value))


def _alone(step: _Step, loop: For, launch: Launch) -> bool:
    """Whether only the loop uses its tiles, and it changes nothing that it copies."""
    for name in step.copies:
        inside = sum(access.buffer == name for access in accesses([loop]))
        if inside != sum(access.buffer == name for access in accesses([launch])):
            return False
    buffers = [part for part in walk(launch) if isinstance(part, Buffer)]
    if any(part.of is not None for part in buffers):
        return False  # names do not tell what the loop changes
    changed = {step.gemm.c.buffer.name, *step.copies}
    reads = [copy.source for copy in step.copies.values()]
    reads += [r for r, _ in step.operands if r.buffer.name not in step.copies]
    return not any(
        isinstance(part, Buffer) and part.name in changed
        for region in reads
        for part in walk(region)
    )


def _count(step: _Step, loop: For, *, bfloat_products: bool) -> int:
    """How many steps become one: as many as fit, if possible a divisor of all steps."""
    carry, operand = step.gemm.c.buffer.dtype, step.gemm.a.buffer.dtype
    wide = operand_dtype(operand, carry, bfloat_products=bfloat_products).bytes
    row_bytes = _ROW_BYTES if wide == carry.bytes else _UNIT_ROW_BYTES
    most = row_bytes // (wide * max(1, step.depth))
    size = sum(wide * _elements(copy.target.buffer) for copy in step.copies.values())
    most = min(most, _MOST_BYTES // max(1, size))
    if isinstance(loop.stop, Const):
        total = int(loop.stop.value)
        most = min(most, total)
        even = [n for n in range(most, most // 2, -1) if total % n == 0]
        return even[0] if even else most
    return most


def _elements(tile: Buffer) -> int:
    count = 1
    for extent in tile.static_shape:
        count *= extent
    return count


def _mentions(node: Node, var: Var) -> bool:
    return any(isinstance(part, Var) and part.name == var.name for part in walk(node))


# ----------------------------------------------------------------- long steps


def _longer(
    region: Region, position: int, step: _Step, var: Var, count: int
) -> Region | None:
    """The region of ``count`` steps; None unless they follow each other along k only."""
    ranges = [k for k, dim in enumerate(region.dims) if isinstance(dim, Range)]
    place = ranges[position]
    for k, dim in enumerate(region.dims):
        if k != place and _mentions(dim, step.var):
            return None
    along = region.dims[place]
    if not isinstance(along, Range) or along.extent != index(step.depth):
        return None
    moved = substitute(along.start, {step.var.name: Apply("mul", (var, index(count)))})
    next_start = Apply("add", (step.var, index(1)))
    following = affine(substitute(along.start, {step.var.name: next_start}))
    if (following - affine(along.start)).static != step.depth:
        return None
    grown = replace(along, start=moved, extent=index(step.depth * count))
    return replace(
        region, dims=(*region.dims[:place], grown, *region.dims[place + 1 :])
    )


def _longer_copy(
    copy: Copy, position: int, step: _Step, var: Var, count: int
) -> Copy | None:
    tile = copy.target.buffer
    if copy.target != whole(tile) or copy.shape[position] != index(step.depth):
        return None
    source = _longer(copy.source, position, step, var, count)
    if source is None:
        return None

    def grown(shape: tuple[Expr, ...]) -> tuple[Expr, ...]:
        length = index(step.depth * count)
        return (*shape[:position], length, *shape[position + 1 :])

    longer = replace(tile, shape=grown(tile.shape))
    return replace(copy, source=source, target=whole(longer), shape=grown(copy.shape))


def _named(tile: Buffer, copy: Copy, wide: DType, names: set[str]) -> Buffer:
    """The tile under a new name; wide if its narrow numbers are the source's."""
    narrow = tile.dtype.is_float and not tile.dtype.is_arithmetic
    if narrow and copy.source.buffer.dtype == tile.dtype:
        tile = replace(tile, dtype=wide)
    return replace(tile, name=_fresh(tile.name, names))
