"""Gemms as copies, packed operands, and products of what the micro-kernels read.

    gemm c += a @ b.T     =>   remember: pack b -> rows
                               gemm c += a @ rows

The left operand and the sums are used where they are if their last dimension is dense,
of the right dtype and known to be inside; the right operand too, if it is a tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Final

from tiledsl.analysis.effects import written
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Buffer,
    Const,
    Expr,
    For,
    Gemm,
    If,
    Launch,
    Let,
    Parallel,
    Range,
    Region,
    Select,
    Statement,
    Var,
    index,
    whole,
)
from tiledsl.ir.visitor import walk
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.operands import Pack, Remember, TileGemm
from tiledsl_llvm.regions import cast, inside, read, write
from tiledsl_llvm.tile_registers import COLUMNS
from tiledsl_llvm.units import Unit, operand_dtypes, padded_depth, tile_product, unit_of

GEMM_DTYPES = ("float32", "float64", "int32", "uint32", "int64", "uint64")
_WORD: Final = DType("uint32")
# of one operand, over all steps of its loops: it should stay in a core's cache
_MOST_REMEMBERED: Final = 2 << 20

# operand nodes stand among statements from here to the emitter
Made = tuple[Statement | Pack | Remember | TileGemm, ...]


@dataclass(frozen=True)
class Products:
    """Legalizes the gemms of one place: a launch, and the loops around."""

    machine: Machine
    name: Callable[[str], str]
    launch: Launch | None
    loops: tuple[For, ...]

    def gemm(self, node: Gemm) -> Made:
        carry = node.c.buffer.dtype.evaluation
        _check(node, carry)
        unit = unit_of(self.machine, node)
        operands = operand_dtypes(unit, node)
        a, load_a = self.dense(
            node.a, operands[0], padded=(1, padded_depth(unit, node))
        )
        b, load_b = self.right(node, unit, operands[1])
        c, load_c = self.dense(node.c, carry)
        clear = node.clear
        store_c: Made = ()
        if load_c:
            store_c = self.copied(c, node.c)
            if not isinstance(clear, Const):
                var = Var(self.name("clear"), clear.dtype)
                clear = var
                fetch = If(Apply("not", (var,)), load_c[1:])  # type: ignore[arg-type]
                load_c = (load_c[0], Let(var, node.clear), fetch)
            elif clear.value:
                load_c = load_c[:1]
        core: Gemm | TileGemm = replace(
            node, a=a, b=b, c=c, clear=clear, transpose_b=False
        )
        if unit == "tiles":
            product = tile_product(node.a.buffer.dtype, node.b.buffer.dtype)
            core = TileGemm(a, b, c, clear, product, span=node.span)
        return (*load_a, *load_b, *load_c, core, *store_c)

    def dense(
        self,
        region: Region,
        dtype: DType,
        *,
        padded: tuple[int, Expr | None] = (0, None),
    ) -> tuple[Region, Made]:
        """The region itself if it can be read directly, or a tile that is copied from it.

        ``padded``: a dimension and the extent that it shall have, filled up with zeros.
        """
        shape = _grown(region.shape, *padded)
        if _is_dense(region, dtype) and shape == region.shape:
            return region, ()
        tile = self.tile("dense", dtype, shape)
        return whole(tile), (Allocate(tile), *self.copied(region, whole(tile)))

    def copied(self, source: Region, target: Region) -> tuple[Statement, ...]:
        """Copies what the source has; beyond that the target gets zeros."""
        dtype = target.buffer.dtype
        shape = target.shape
        p = tuple(Var(self.name("p"), whole_number.dtype) for whole_number in shape)
        value = cast(read(source, p, shape), dtype)
        for point, extent, size in zip(p, source.shape, shape, strict=True):
            if extent != size:
                zero = Const(0.0 if dtype.is_float else 0, dtype)
                value = Select(Apply("lt", (point, extent)), value, zero)
        body = write(target, p, shape, value)
        return (Parallel(p, shape, body, span=source.span),)

    def tile(self, hint: str, dtype: DType, shape: tuple[Expr, ...]) -> Buffer:
        return Buffer(self.name(hint), shape, dtype, "fragment")

    # ------------------------------------------------------- the right operand

    def right(self, node: Gemm, unit: Unit, dtype: DType) -> tuple[Region, Made]:
        """The right operand as rows of k, rows of words, or panels."""
        region = node.b
        if unit is None and not node.transpose_b:
            # its rows are read once per block of rows of a: they have to be close together
            if region.buffer.scope != "global" and _is_dense(region, dtype):
                return region, ()
            return self.remembered(
                region, dtype, region.shape, lambda to: self.copied(region, to)
            )
        axis = 1 if node.transpose_b else 0
        found, load = self.dense(region, dtype, padded=(axis, padded_depth(unit, node)))
        depth, columns = _numbers(found.shape)
        if node.transpose_b:
            depth, columns = columns, depth
        per_word = 4 // dtype.bytes if unit else 1
        shape = [depth // per_word, columns]
        if unit == "tiles":
            shape = [-(-columns // COLUMNS), depth // per_word, COLUMNS]

        def make(to: Region) -> Made:
            turn = node.transpose_b
            made: Made = (*load, Pack(found, to, turn, span=region.span))
            if (
                not load
                or not _would_be_dense(region, dtype)
                or found.shape != region.shape
            ):
                return made
            # most blocks are inside
            direct = Pack(_as_inside(region), to, turn, span=region.span)
            return (If(inside(region), (direct,), made),)  # type: ignore[arg-type]

        word = _WORD if unit else dtype
        return self.remembered(region, word, tuple(map(index, shape)), make)

    def remembered(
        self,
        source: Region,
        dtype: DType,
        shape: tuple[Expr, ...],
        make: Callable[[Region], Made],
    ) -> tuple[Region, Made]:
        """A tile that is made from the source, once if several blocks need the same."""
        bytes_ = prod(_numbers(shape)) * dtype.bytes
        key = _key(source)
        steps = self.steps(source, key, bytes_)
        if steps is None:
            tile = self.tile("packed", dtype, shape)
            return whole(tile), (Allocate(tile), *make(whole(tile)))
        slot, slots = steps
        tile = self.tile("packed", dtype, (index(slots), *shape))
        rest = tuple(Range(index(0), extent, True) for extent in shape)
        region = Region(tile, (At(slot, True), *rest))
        body: Sequence[object] = make(region)
        remember = Remember(key, slot, slots, tuple(body), span=source.span)  # type: ignore[arg-type]
        return region, (Allocate(tile), remember)

    def steps(
        self, source: Region, key: tuple[Expr, ...], bytes_: int
    ) -> tuple[Expr, int] | None:
        """Which of how many results this is; None if no other block can use it."""
        launch = self.launch
        if launch is None or source.buffer.scope != "global":
            return None
        if source.buffer.name in written(launch.body):
            return None
        used = {p.name for expr in key for p in walk(expr) if isinstance(p, Var)}
        if all(var.name in used for var in launch.vars):
            return None
        slot: Expr = index(0)
        slots = 1
        for loop in self.loops:
            if loop.var.name not in used:
                continue
            if not (isinstance(loop.stop, Const) and _counts_up(loop)):
                return None
            trips = int(loop.stop.value)
            slot = Apply("add", (Apply("mul", (slot, index(trips))), loop.var))
            slots *= max(1, trips)
        return (slot, slots) if slots * bytes_ <= _MOST_REMEMBERED else None


def _counts_up(loop: For) -> bool:
    return loop.start == index(0) and loop.step == index(1)


def _key(region: Region) -> tuple[Expr, ...]:
    """Where the region starts; its extents are constants."""
    starts = (dim.index if isinstance(dim, At) else dim.start for dim in region.dims)
    return tuple(start for start in starts if not isinstance(start, Const))


def _is_dense(region: Region, dtype: DType) -> bool:
    """Whether the region can be read as it is."""
    return _would_be_dense(region, dtype) and all(dim.proved for dim in region.dims)


def _would_be_dense(region: Region, dtype: DType) -> bool:
    strides = region.buffer.strides
    unit = strides is None or strides[-1] == index(1)
    last = isinstance(region.dims[-1], Range)
    return region.buffer.dtype == dtype and unit and last


def _as_inside(region: Region) -> Region:
    dims = tuple(replace(dim, proved=True) for dim in region.dims)
    return replace(region, dims=dims)


def _grown(shape: tuple[Expr, ...], axis: int, extent: Expr | None) -> tuple[Expr, ...]:
    return shape if extent is None else (*shape[:axis], extent, *shape[axis + 1 :])


def _numbers(shape: tuple[Expr, ...]) -> tuple[int, ...]:
    return tuple(int(e.value) for e in shape if isinstance(e, Const))


def _check(node: Gemm, carry: DType) -> None:
    if carry not in GEMM_DTYPES:
        raise UnsupportedByTarget(
            "E2022",
            f"gemm into {node.c.buffer.dtype} is not available on the CPU target",
            span=node.span,
            hint="accumulate in float32, float64, int32 or int64",
        )
    for region in (node.a, node.b, node.c):
        if not all(isinstance(extent, Const) for extent in region.shape):
            raise UnsupportedByTarget(
                "E2024",
                "gemm needs operands of static shape",
                span=node.span,
                got=str(region.shape),
            )
