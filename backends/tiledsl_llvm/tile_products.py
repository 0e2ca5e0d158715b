"""Matrix products in tile registers: words of two bfloat16 or of four 8-bit integers.

A block of C is up to 32 x 32: two registers of A and two of B are loaded for four
products.  A is read in place, 16 words of a row at a time.  B is packed into panels of 16
columns, in which the words of a register lie one after the other.  A long k is cut into
chunks, so that what is loaded of B stays in the first cache for all rows of A: the second
one cannot deliver four registers in the time of four products.  At the edges registers
have fewer rows or columns, so that nothing is padded but k, which the caller does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tiledsl_llvm.expressions import scalar
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.matrices import Matrix, corner, matrix, static_shape
from tiledsl_llvm.operands import TileGemm
from tiledsl_llvm.text import Builder
from tiledsl_llvm.tile_registers import COLUMNS, ROWS, Block, split
from tiledsl_llvm.values import BITS, Value, integer

_WORD: Final = "i32"
_WORD_BYTES: Final = 4
# of the right operand for two registers of columns: they stay in the first cache while
# the rows of the left one pass
_CHUNK_WORDS: Final = 128


def emit_tile_gemm(frame: Frame, node: TileGemm) -> None:
    """C plus A times panels; k fills whole rows of registers."""
    b = frame.builder
    a, c = matrix(frame, node.a), matrix(frame, node.c)
    base, word, strides = corner(frame, node.panels)
    panels = Matrix(base, word, strides[0], strides[1])
    rows, columns = static_shape(node.c)
    words = static_shape(node.panels)[1]
    clear = scalar(frame, node.clear)
    for first, end, widths in split(columns, COLUMNS):
        for top, bottom, heights in split(rows, ROWS):
            block = Block(heights, widths)
            _configure(b, block)
            for start, stop, size in _chunks(words):
                with (
                    b.loop(integer(start), integer(stop), size, "chunk") as chunk,
                    b.loop(integer(first), integer(end), 2 * COLUMNS, "column") as n,
                    b.loop(integer(top), integer(bottom), 2 * ROWS, "row") as m,
                ):
                    one = _Block(b, block, (a, panels, c), size, node.product)
                    begin = clear
                    if size < words and clear.text != "false":
                        is_first = b.compare("eq", chunk.counter, integer(0))
                        begin = b.binary("and", clear, is_first)
                    one.emit(m.counter, n.counter, chunk.counter, begin)
    frame.uses_tiles = True


def _chunks(words: int) -> Iterator[tuple[int, int, int]]:
    """Ranges of k that follow each other, and the steps that cover each."""
    parts = max(1, -(-words // _CHUNK_WORDS))
    size = -(-words // (parts * COLUMNS)) * COLUMNS
    whole = words // size * size
    yield 0, whole, size
    if whole < words:
        yield whole, words, words - whole


def _configure(b: Builder, block: Block) -> None:
    words = "".join(f"\\{byte:02X}" for byte in block.configuration)
    name = "tiles." + ".".join(map(str, (*block.heights, "by", *block.widths)))
    b.module.constant(name, f'[64 x i8] c"{words}", align 64')
    _call(b, "ldtilecfg", Value(f"@{name}", "ptr"))


def release(b: Builder) -> None:
    """Leaves the registers empty, so that the system need not save them."""
    _call(b, "tilerelease")


class _Block:
    """One block of C: sums in, ``words`` of k, sums out."""

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

    def emit(self, row: Value, column: Value, first: Value, clear: Value) -> None:
        places = self._places(row, column)
        self._begin(places, clear)
        self._sum_over_k(row, column, first)
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

    def _sum_over_k(self, row: Value, column: Value, first: Value) -> None:
        b, block = self.builder, self.block
        heights, widths = range(len(block.heights)), range(len(block.widths))
        per_word = _WORD_BYTES * 8 // BITS[self.a.element]
        stride = self._bytes(self.a.row, self.a.element)
        lines = [b.binary("add", row, integer(ROWS * i)) for i in heights]
        panel = b.binary("udiv", column, integer(COLUMNS))
        starts = [b.binary("add", panel, integer(j)) for j in widths]
        chunk = b.binary("mul", first, integer(COLUMNS))
        panels = [
            b.address(self.panels.place(b, n, integer(0)), _WORD, chunk) for n in starts
        ]
        left = b.binary("mul", first, integer(per_word))
        with b.loop(
            integer(0), integer(self.words), COLUMNS, "word", unroll=True
        ) as word:
            offset = b.binary("mul", word.counter, integer(COLUMNS))
            for j in widths:
                place = b.address(panels[j], _WORD, offset)
                row_bytes = integer(COLUMNS * _WORD_BYTES)
                _call(b, "tileloadd64", block.right(j), place, row_bytes)
            k = b.binary("mul", word.counter, integer(per_word))
            k = b.binary("add", left, k)
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
