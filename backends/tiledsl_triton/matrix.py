"""Matrix products: one ``tl.dot`` for each combination of pieces."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Const, Gemm, Region
from tiledsl_triton import memory
from tiledsl_triton.expressions import Evaluator
from tiledsl_triton.lanes import Axis, Lanes, shape_text
from tiledsl_triton.lowering import Lowering
from tiledsl_triton.pieces import Piece
from tiledsl_triton.placement import gemm_axis
from tiledsl_triton.subscripts import Lanewise, Subscript
from tiledsl_triton.tile_operations import constant
from tiledsl_triton.values import Value, integer, literal, triton_type

_FLOATS: Final = ("float16", "bfloat16", "float32", "float64")
_FP8: Final = ("float8_e4m3fn", "float8_e5m2")


def gemm_dtypes() -> frozenset[tuple[DType, DType, DType]]:
    """The (a, b, c) that matrix products may have."""
    found = [(a, a, a) for a in (*_FLOATS, "int32", "int64", "uint32", "uint64")]
    found += [("float16", "float16", "float32"), ("bfloat16", "bfloat16", "float32")]
    found += [("tfloat32", "tfloat32", "float32")]
    found += [
        (a, b, c)
        for a in _FP8
        for b in _FP8
        for c in ("float32", "float16", "bfloat16")
    ]
    small = ("int8", "uint8")
    found += [(a, b, "int32") for a in small for b in small]
    return frozenset((DType(a), DType(b), DType(c)) for a, b, c in found)


class _Operand:
    """One operand as it is stored: a tile, or an array in scratch memory."""

    def __init__(self, state: Lowering, region: Region) -> None:
        self.state, self.region = state, region
        self.in_memory = region.buffer.name in state.memories

    def starts(self) -> list[int]:
        dims = (getattr(dim, "start", None) for dim in self.region.dims)
        return [constant(start) or 0 for start in dims if start is not None]

    def name(self, pieces: tuple[Piece, ...]) -> str:
        """The tensor value that holds these pieces of a tile."""
        tile = self.state.tiles[self.region.buffer.name]
        key = tuple(
            next(k for k, held in enumerate(dim) if held.start == piece.start + start)
            for dim, piece, start in zip(
                tile.pieces, pieces, self.starts(), strict=True
            )
        )
        return tile.names[key]

    def lanes(self, pieces: tuple[Piece, ...]) -> tuple[Lanes, tuple[Subscript, ...]]:
        """Lanes over the pieces of an operand in scratch memory."""
        axes, padding, subscripts = [], [], []
        for place, (piece, start) in enumerate(zip(pieces, self.starts(), strict=True)):
            lane = self.state.names.fresh("p")
            mark = "[:, None]" if place == 0 else "[None, :]"
            self.state.line(f"{lane} = tl.arange(0, {piece.size}){mark}")
            axes.append(Axis(lane, lane, integer(piece.start), piece.size))
            test = Value(f"{lane} < {piece.valid}", DType("bool"), frozenset({place}))
            padding += [test] if piece.padded else []
            subscripts.append(Subscript(((lane, 1),), Const(start, DType("index"))))
        names = frozenset(axis.name for axis in axes)
        facts = Lanewise(names, names)
        return Lanes(tuple(axes), (), tuple(padding), facts), tuple(subscripts)

    def load(self, pieces: tuple[Piece, ...]) -> str:
        """Text of the pieces' value."""
        if not self.in_memory:
            return self.name(pieces)
        lanes, subscripts = self.lanes(pieces)
        buffer = self.region.buffer
        place = memory.memory_of(self.state, buffer)
        evaluate = Evaluator(self.state, lanes)
        address = memory.Address(self.state, lanes, place, subscripts, evaluate)
        return memory.load(self.state, lanes, address, buffer, None, ()).text

    def store(self, pieces: tuple[Piece, ...], text: str) -> None:
        """Rebinds or stores the pieces."""
        if not self.in_memory:
            self.state.line(f"{self.name(pieces)} = {text}")
            return
        lanes, subscripts = self.lanes(pieces)
        buffer = self.region.buffer
        place = memory.memory_of(self.state, buffer)
        evaluate = Evaluator(self.state, lanes)
        address = memory.Address(self.state, lanes, place, subscripts, evaluate)
        value = Value(text, buffer.dtype, lanes.all_axes)
        memory.store(self.state, lanes, address, buffer, value, ())


def lower_gemm(state: Lowering, gemm: Gemm) -> None:
    """Emits the products, summed over the pieces of k."""
    number = state.gemms_of[id(gemm)]
    m, n, k = (gemm_axis(number, letter) for letter in "mnk")
    a, b, c = (_Operand(state, region) for region in (gemm.a, gemm.b, gemm.c))
    partition = state.placement.partition
    clear = Evaluator(state, Lanes())(gemm.clear)
    for row in partition.pieces(m):
        for column in partition.pieces(n):
            total = _start(state, c, (row, column), clear)
            for depth in partition.pieces(k):
                left = _oriented(state, a, (row, depth), gemm.transpose_a, 1, depth)
                right = _oriented(state, b, (depth, column), gemm.transpose_b, 0, depth)
                sizes = (row.size, depth.size, column.size)
                text = _product(state, gemm, left, right, total, sizes)
                state.line(f"{total} = {text}")
            dtype = gemm.c.buffer.dtype
            done = total
            if dtype in ("float16", "bfloat16"):
                done = f"tl.cast({total}, tl.{triton_type(dtype)})"
            if done != total or c.in_memory or c.name((row, column)) != total:
                c.store((row, column), done)


def _carried(dtype: DType) -> str:
    return "float32" if dtype in ("float16", "bfloat16") else triton_type(dtype)


def _start(
    state: Lowering, c: _Operand, pieces: tuple[Piece, ...], clear: Value
) -> str:
    """Binds the accumulator and returns its name."""
    dtype = c.region.buffer.dtype
    carried = _carried(dtype)
    shape = shape_text([piece.size for piece in pieces])
    zeros = f"tl.full({shape}, 0, tl.{carried})"
    direct = not c.in_memory and carried == triton_type(dtype)
    if clear.literal is False and direct:
        return c.name(pieces)
    total = c.name(pieces) if direct else state.names.fresh("total")
    if clear.literal is True:
        state.line(f"{total} = {zeros}")
        return total
    old = c.load(pieces)
    if carried != triton_type(dtype):
        old = f"tl.cast({old}, tl.{carried})"
    if clear.literal is None:
        old = f"tl.where({clear.text}, {zeros}, {old})"
    state.line(f"{total} = {old}")
    return total


def _oriented(
    state: Lowering,
    operand: _Operand,
    pieces: tuple[Piece, Piece],
    transposed: bool,
    inner: int,
    depth: Piece,
) -> str:
    """An operand as (m, k) or (k, n); zero in the padding of k (its axis ``inner``)."""
    stored = (pieces[1], pieces[0]) if transposed else pieces
    text = operand.load(stored)
    if transposed:
        text = f"tl.trans({text})"
    if depth.padded and not operand.in_memory and not _is_clean(state, operand):
        lane = f"tl.arange(0, {depth.size})"
        lane += "[None, :]" if inner == 1 else "[:, None]"
        dtype = operand.region.buffer.dtype
        zero = literal(0, DType("float32") if dtype.is_float else dtype).text
        text = f"tl.where({lane} < {depth.valid}, {text}, {zero})"
    return text


def _is_clean(state: Lowering, operand: _Operand) -> bool:
    return operand.region.buffer.name in state.clean


def _product(
    state: Lowering,
    gemm: Gemm,
    left: str,
    right: str,
    total: str,
    sizes: tuple[int, int, int],
) -> str:
    a, b, c = (region.buffer.dtype for region in (gemm.a, gemm.b, gemm.c))
    if (a, b, c) not in gemm_dtypes():
        raise UnsupportedByTarget(
            "E2031",
            f"matrix product of {a} and {b} into {c}",
            span=gemm.span,
            hint="convert the operands, or compile for another backend",
        )
    if c in ("int32", "int64", "uint32", "uint64") and not a == b == "int8":
        wide = triton_type(c)
        if a != c:
            left, right = f"tl.cast({left}, tl.{wide})", f"tl.cast({right}, tl.{wide})"
        return state.operations.call(
            "wrapping_dot", left, right, total, *map(str, sizes)
        )
    carried = _carried(c)
    relaxed = (gemm.allow_tf32 or "tfloat32" in (a, b)) and state.machine.tf32
    precision = "tf32" if relaxed and a in ("float32", "tfloat32") else "ieee"
    return (
        f'tl.dot({left}, {right}, {total}, input_precision="{precision}",'
        f" out_dtype=tl.{carried})"
    )
