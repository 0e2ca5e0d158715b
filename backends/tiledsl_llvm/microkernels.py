"""Matrix multiplication on dense tiles, in blocks of accumulators held in registers.

A micro-kernel computes ``rows`` x ``vectors`` vectors of C for all k: it loads the vectors
of one row of B, spreads one element of each row of A, and adds the products to
accumulators that are phis of the k loop.  Edges use the same code with fewer rows, fewer
vectors, or fewer lanes.  Where the processor multiplies pairs of bfloat16, a step of k is
a pair, and an element of A or B a word of two numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tiledsl.ir.nodes import Gemm
from tiledsl_llvm.expressions import scalar
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.matrices import Matrix, matrix, static_shape
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import BITS, Value, floating, integer, mangled, vector_type

# two bfloat16 numbers in one word; lanes for which there is an instruction on pairs
_HALF_WORD, _WORD = "i16", "i32"
_PAIR_LANES = (4, 8, 16)


@dataclass(frozen=True, slots=True)
class Shape:
    """The accumulators of a micro-kernel: ``rows`` x ``vectors`` vectors of ``lanes``."""

    rows: int
    vectors: int
    lanes: int

    @property
    def columns(self) -> int:
        return self.vectors * self.lanes


def emit_gemm(frame: Frame, node: Gemm) -> None:
    """Emits a gemm whose operands are dense and of one dtype.

    The right operand has a row for each k, or for each word of two.
    """
    names = (node.c.buffer.name, node.a.buffer.name, node.b.buffer.name)
    frame.builder.comment("gemm {} += {} @ {}".format(*names))
    a, b, c = (matrix(frame, region) for region in (node.a, node.b, node.c))
    if node.transpose_a:
        a = Matrix(a.base, a.element, a.column, a.row)
    rows, columns = static_shape(node.c)
    depth = static_shape(node.b)[0]
    if a.element == _HALF_WORD:
        a = replace(a, column=integer(2))
    clear = scalar(frame, node.clear)
    best = _register_block(frame.machine, c.element)
    for first, shape, count in _strips(columns, best):
        _strip(frame.builder, shape, (a, b, c), (rows, first, count, depth), clear)


def _register_block(machine: Machine, element: str) -> Shape:
    """The block that keeps accumulators, a row of B and one spread element in registers."""
    lanes = machine.lanes(BITS[element] // 8)
    if machine.vector_registers == 32:
        return Shape(8, 2, lanes)
    return Shape(6 if machine.vector_bytes == 32 else 4, 2, lanes)


def _strips(columns: int, best: Shape) -> Iterator[tuple[int, Shape, int]]:
    """Column ranges: first column, block shape, and how many blocks lie side by side."""
    first = 0
    vectors, lanes = best.vectors, best.lanes
    while first < columns:
        while vectors > 1 and vectors * lanes > columns - first:
            vectors -= 1
        while lanes > 1 and lanes > columns - first:
            lanes //= 2
        count = (columns - first) // (vectors * lanes)
        yield first, Shape(best.rows, vectors, lanes), count
        first += count * vectors * lanes


def _strip(
    b: Builder,
    shape: Shape,
    matrices: tuple[Matrix, Matrix, Matrix],
    sizes: tuple[int, int, int, int],
    clear: Value,
) -> None:
    rows, first, count, depth = sizes
    last = integer(first + count * shape.columns)
    with b.loop(integer(first), last, shape.columns, "column") as column:
        full = rows // shape.rows * shape.rows
        if full:
            with b.loop(integer(0), integer(full), shape.rows, "row") as row:
                _block(b, shape, matrices, row.counter, column.counter, depth, clear)
        if full < rows:
            rest = Shape(rows - full, shape.vectors, shape.lanes)
            _block(b, rest, matrices, integer(full), column.counter, depth, clear)


def _block(
    b: Builder,
    shape: Shape,
    matrices: tuple[Matrix, Matrix, Matrix],
    row: Value,
    column: Value,
    depth: int,
    clear: Value,
) -> None:
    """One block of C: accumulators in, all of k, accumulators out."""
    left, right, out = matrices
    element = out.element
    from_row = b.binary("mul", row, left.row)
    left = replace(left, base=b.address(left.base, left.element, from_row))
    right = replace(right, base=b.address(right.base, right.element, column))
    corner = b.address(
        out.base, element, b.binary("add", b.binary("mul", row, out.row), column)
    )
    places = [
        b.address(corner, element, b.binary("add", b.binary("mul", integer(i), out.row),
                                            integer(j * shape.lanes)))
        for i in range(shape.rows) for j in range(shape.vectors)
    ]  # fmt: skip
    begin = _initial(b, shape, element, places, clear)
    for value, place in zip(
        _sum_over_k(b, shape, left, right, depth, begin), places, strict=True
    ):
        b.store(value, place, align=BITS[element] // 8)


def _initial(
    b: Builder, shape: Shape, element: str, places: list[Value], clear: Value
) -> list[Value]:
    zero = _zero(element, shape.lanes)
    if clear.text == "true":
        return [zero] * len(places)
    align = BITS[element] // 8
    old = [b.load(place, element, shape.lanes, align=align) for place in places]
    if clear.text == "false":
        return old
    return [b.select(clear, zero, value) for value in old]


def _zero(element: str, lanes: int) -> Value:
    if element in ("float", "double"):
        return floating(0.0, element, lanes)
    return integer(0, element, lanes)


def _sum_over_k(
    b: Builder,
    shape: Shape,
    left: Matrix,
    right: Matrix,
    depth: int,
    begin: list[Value],
) -> list[Value]:
    """The k loop; its accumulators are phis."""
    if depth == 0:
        return begin
    head, end, before = b.name("depth_loop"), b.name("depth_end"), b.block
    kind = begin[0].type
    k = Value(f"%{b.name('depth')}", "i64")
    sums = [replace(value, text=f"%{b.name('sum')}") for value in begin]
    b.jump(head)
    b.start(head)
    b.line(f"{k.text} = phi i64 [ 0, %{before} ], [ {k.text}.next, %{head} ]")
    for value, initial in zip(sums, begin, strict=True):
        again = f"{value.text}.next"
        b.line(
            f"{value.text} = phi {kind} [ {initial.text}, %{before} ], [ {again}, %{head} ]"
        )
    column = b.address(left.base, left.element, b.binary("mul", k, left.column))
    line = b.address(right.base, right.element, b.binary("mul", k, right.row))
    at = (replace(left, base=column), replace(right, base=line))
    _multiply(b, shape, at, sums)
    b.line(f"{k.text}.next = add nuw nsw i64 {k.text}, 1")
    more = b.compare("slt", Value(f"{k.text}.next", "i64"), integer(depth))
    b.line(
        f"br {more.typed}, label %{head}, label %{end}, !llvm.loop {_unrolled(b, depth)}"
    )
    b.start(end)
    return [Value(f"{value.text}.next", value.element, value.lanes) for value in sums]


def _unrolled(b: Builder, depth: int) -> str:
    """Metadata: a few steps of k at once; more would make LLVM spill accumulators."""
    count = next(n for n in (4, 2, 1) if depth % n == 0)
    if count == 1:
        return b.module.loop_metadata()
    return b.module.loop_metadata(f'!{{!"llvm.loop.unroll.count", i32 {count}}}')


def _multiply(
    b: Builder, shape: Shape, at: tuple[Matrix, Matrix], sums: list[Value]
) -> None:
    """One step of k: every accumulator plus its product."""
    column, line = at
    vectors = [
        b.load(
            b.address(line.base, line.element, integer(j * shape.lanes)),
            line.element,
            shape.lanes,
            align=line.align,
        )
        for j in range(shape.vectors)
    ]
    for i in range(shape.rows):
        offset = b.binary("mul", integer(i), column.row)
        place = b.address(column.base, column.element, offset)
        one = b.load(place, line.element, align=column.align)
        spread = b.spread(one, shape.lanes)
        for j, vector in enumerate(vectors):
            total = sums[i * shape.vectors + j]
            b.line(f"{total.text}.next = {_product(b, spread, vector, total)}")


def _product(b: Builder, x: Value, y: Value, total: Value) -> str:
    """The instruction for total + x * y."""
    if total.element != x.element:
        return _product_of_pairs(b, x, y, total)
    if x.element in ("float", "double"):
        name = f"llvm.fmuladd.{mangled(x.element, x.lanes)}"
        b.module.declare(name, x.type, [x.type] * 3)
        return f"call {x.type} @{name}({x.typed}, {y.typed}, {total.typed})"
    product = b.binary("mul", x, y)
    return f"add {product.typed}, {total.text}"


def _product_of_pairs(b: Builder, x: Value, y: Value, total: Value) -> str:
    """The instruction for total + x0 * y0 + x1 * y1, with words of two bfloat16."""
    if x.lanes in _PAIR_LANES:
        halves = f"<{2 * x.lanes} x bfloat>"
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * x.lanes}"
        b.module.declare(name, total.type, [total.type, halves, halves])
        first, second = (
            b.make("bfloat", 2 * x.lanes, f"bitcast {part.typed} to {halves}")
            for part in (x, y)
        )
        return (
            f"call {total.type} @{name}({total.typed}, {first.typed}, {second.typed})"
        )
    sum_of_first = b.make("float", x.lanes, _product(b, _low(b, x), _low(b, y), total))
    return _product(b, _high(b, x), _high(b, y), sum_of_first)


def _low(b: Builder, words: Value) -> Value:
    return _as_float(b, b.binary("shl", words, integer(16, _WORD)))


def _high(b: Builder, words: Value) -> Value:
    return _as_float(b, b.binary("and", words, integer(-1 << 16, _WORD)))


def _as_float(b: Builder, words: Value) -> Value:
    kind = vector_type("float", words.lanes)
    return b.make("float", words.lanes, f"bitcast {words.typed} to {kind}")
