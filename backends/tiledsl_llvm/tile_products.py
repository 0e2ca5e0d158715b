"""Matrix products in tile registers: words of two bfloat16 or of four 8-bit integers.

A block of C is up to 32 x 32: two registers of A and two of B are loaded for four
products.  A is read in place, 16 words of a row at a time.  B is packed into panels of 16
columns, in which the words of a register lie one after the other.  At the edges registers
have fewer rows or columns, so that nothing is padded but k, which the caller does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tiledsl.ir.dtypes import DType
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.matrices import Matrix, row_major
from tiledsl_llvm.packing import pack_rows, pack_transposed
from tiledsl_llvm.text import Builder
from tiledsl_llvm.tile_registers import COLUMNS, ROWS, Block, split
from tiledsl_llvm.values import BITS, Value, integer

_WORD: Final = "i32"
_WORD_BYTES: Final = 4
# by the dtypes of both operands
_PRODUCTS: Final = {
    ("bfloat16", "bfloat16"): "tdpbf16ps",
    ("int8", "int8"): "tdpbssd",
    ("int8", "uint8"): "tdpbsud",
    ("uint8", "int8"): "tdpbusd",
    ("uint8", "uint8"): "tdpbuud",
}


def emit_tile_gemm(
    frame: Frame,
    matrices: tuple[Matrix, Matrix, Matrix],
    sizes: tuple[int, int, int],
    dtypes: tuple[DType, DType],
    *,
    transposed: bool,
    clear: Value,
) -> None:
    """C (rows x columns) plus A times B; ``transposed``: B has a row for each column of C.

    ``sizes``: rows, columns, and the depth in elements, a multiple of a register's.
    """
    a, b, c = matrices
    rows, columns, depth = sizes
    words = depth * (BITS[a.element] // 8) // _WORD_BYTES
    panels = _packed(frame, b, words, columns, transposed=transposed)
    product = _PRODUCTS[dtypes]
    for first, end, widths in split(columns, COLUMNS):
        for top, bottom, heights in split(rows, ROWS):
            block = Block(heights, widths)
            _configure(frame.builder, block)
            with (
                frame.builder.loop(integer(first), integer(end), 32, "column") as n,
                frame.builder.loop(integer(top), integer(bottom), 32, "row") as m,
            ):
                at = (m.counter, n.counter)
                emitted = _Block(frame.builder, block, (a, panels, c), words, product)
                emitted.emit(*at, clear)
    frame.uses_tiles = True


def _packed(
    frame: Frame, b: Matrix, words: int, columns: int, *, transposed: bool
) -> Matrix:
    """B as panels: a row of words for every register's row, ``row`` apart per panel."""
    builder = frame.builder
    count = -(-columns // COLUMNS)
    memory = frame.take(count * words * COLUMNS * _WORD_BYTES)
    per_word = _WORD_BYTES * 8 // BITS[b.element]
    for first, end, width in _panel_ranges(columns):
        with builder.loop(integer(first), integer(end), COLUMNS, "panel") as panel:
            start = builder.binary("mul", panel.counter, integer(words))
            base = builder.address(memory, _WORD, start)
            target = row_major(base, _WORD, COLUMNS)
            lanes = min(COLUMNS, frame.machine.lanes(_WORD_BYTES))
            if transposed:
                source = Matrix(
                    b.place(builder, panel.counter, integer(0)),
                    b.element,
                    b.row,
                    integer(per_word),
                )
                pack_transposed(builder, source, target, words, width, lanes)
            else:
                source = Matrix(
                    b.place(builder, integer(0), panel.counter),
                    b.element,
                    b.row,
                    b.column,
                )
                pack_rows(builder, source, target, words, width, lanes)
    return row_major(memory, _WORD, words)


def _panel_ranges(columns: int) -> list[tuple[int, int, int]]:
    whole = columns // COLUMNS * COLUMNS
    ranges = [(0, whole, COLUMNS)] if whole else []
    if whole < columns:
        ranges.append((whole, columns, columns - whole))
    return ranges


def _configure(b: Builder, block: Block) -> None:
    words = "".join(f"\\{byte:02X}" for byte in block.configuration)
    name = "tiles." + ".".join(map(str, (*block.heights, "by", *block.widths)))
    b.module.constant(name, f'[64 x i8] c"{words}", align 64')
    _call(b, "ldtilecfg", Value(f"@{name}", "ptr"))


def release(b: Builder) -> None:
    """Leaves the registers empty, so that the system need not save them."""
    _call(b, "tilerelease")


class _Block:
    """One block of C: sums in, all of k, sums out."""

    def __init__(
        self,
        builder: Builder,
        block: Block,
        matrices: tuple[Matrix, Matrix, Matrix],
        words: int,
        product: str,
    ) -> None:
        self.builder = builder
        self.block = block
        self.a, self.panels, self.c = matrices
        self.words = words
        self.product = product

    def emit(self, row: Value, column: Value, clear: Value) -> None:
        places = self._places(row, column)
        self._begin(places, clear)
        self._sum_over_k(row, column)
        stride = self._bytes(self.c.row, self.c.element)
        for register, place in places:
            _call(self.builder, "tilestored64", register, place, stride)

    def _places(self, row: Value, column: Value) -> list[tuple[int, Value]]:
        """Each sum's register and its corner in C."""
        b = self.builder
        return [
            (
                self.block.sum(i, j),
                self.c.place(
                    b,
                    b.binary("add", row, integer(ROWS * i)),
                    b.binary("add", column, integer(COLUMNS * j)),
                ),
            )
            for i in range(len(self.block.heights))
            for j in range(len(self.block.widths))
        ]

    def _begin(self, places: Sequence[tuple[int, Value]], clear: Value) -> None:
        b = self.builder
        if clear.text == "false":
            self._load_sums(places)
            return
        for register, _ in places:
            _call(b, "tilezero", register)
        if clear.text != "true":
            with b.when(b.binary("xor", clear, integer(1, "i1")), "old"):
                self._load_sums(places)

    def _load_sums(self, places: Sequence[tuple[int, Value]]) -> None:
        stride = self._bytes(self.c.row, self.c.element)
        for register, place in places:
            _call(self.builder, "tileloadd64", register, place, stride)

    def _sum_over_k(self, row: Value, column: Value) -> None:
        b, block = self.builder, self.block
        heights, widths = range(len(block.heights)), range(len(block.widths))
        per_word = _WORD_BYTES * 8 // BITS[self.a.element]
        stride = self._bytes(self.a.row, self.a.element)
        lines = [b.binary("add", row, integer(ROWS * i)) for i in heights]
        starts = [b.binary("add", column, integer(COLUMNS * j)) for j in widths]
        panels = [
            b.address(self.panels.base, _WORD, b.binary("mul", n, integer(self.words)))
            for n in starts
        ]
        with b.loop(
            integer(0), integer(self.words), COLUMNS, "word", unroll=True
        ) as word:
            offset = b.binary("mul", word.counter, integer(COLUMNS))
            for j in widths:
                place = b.address(panels[j], _WORD, offset)
                row_bytes = integer(COLUMNS * _WORD_BYTES)
                _call(b, "tileloadd64", block.right(j), place, row_bytes)
            k = b.binary("mul", word.counter, integer(per_word))
            for i in heights:
                place = self.a.place(b, lines[i], k)
                _call(b, "tileloadd64", block.left(i), place, stride)
                for j in widths:
                    registers = (block.sum(i, j), block.left(i), block.right(j))
                    _call(b, self.product, *registers)

    def _bytes(self, stride: Value, element: str) -> Value:
        return self.builder.binary("mul", stride, integer(BITS[element] // 8))


def _call(b: Builder, instruction: str, *operands: int | Value) -> None:
    """Registers are constants of the instruction."""
    words = [f"i8 {part}" if isinstance(part, int) else part for part in operands]
    b.call(f"llvm.x86.{instruction}", "void", 1, words)
