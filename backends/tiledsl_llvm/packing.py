"""The right operand of a product, copied into the order in which it is read.

    transposed   packed[k, n] = b[n, k]
    in words     packed[p, n] = the word of b[2p, n] and b[2p + 1, n]
    both         packed[p, n] = the word of b[n, 2p] and b[n, 2p + 1]

A word holds two 16-bit numbers, or four of 8 bits, the first one lowest.  Words of a transposed
operand lie in memory already, so that they are transposed like other elements: in squares
of as many vectors as a vector has lanes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tiledsl_llvm.frame import Frame
from tiledsl_llvm.matrices import Matrix, corner, matrix, static_shape
from tiledsl_llvm.operands import Pack
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import BITS, Value, integer

# words of k between a row that is packed and the one that is fetched meanwhile
_AHEAD: Final = 16


def emit_pack(frame: Frame, node: Pack) -> None:
    """A target of three ranges takes panels, each of the columns of a tile register."""
    source = matrix(frame, node.source)
    *shape, width = static_shape(node.target)
    columns = static_shape(node.source)[0 if node.transposed else 1]
    base, element, strides = corner(frame, node.target)
    if len(shape) == 1:
        target = Matrix(base, element, *strides)
        _pack(frame, source, target, shape[0], columns, transposed=node.transposed)
        return
    b = frame.builder
    whole = columns // width * width
    done = 0
    if not node.transposed and whole:
        # row by row, a vector for each panel: n steps of the stride lead to panel n / 16
        apart = b.binary("udiv", strides[0], integer(width))
        target = Matrix(base, element, strides[1], apart)
        pack_rows(b, source, target, shape[1], whole, width)
        done = whole
    for first, end in ((done, whole), (whole, columns)):
        if first == end:
            continue
        step = min(width, end - first)
        with b.loop(integer(first), integer(end), width, "panel") as panel:
            number = b.binary("udiv", panel.counter, integer(width))
            place = b.address(base, element, b.binary("mul", number, strides[0]))
            target = Matrix(place, element, strides[1], strides[2])
            zero, column = integer(0), panel.counter
            at = (column, zero) if node.transposed else (zero, column)
            part = replace(source, base=source.place(b, *at))
            _pack(frame, part, target, shape[1], step, transposed=node.transposed)


def _pack(
    frame: Frame,
    source: Matrix,
    target: Matrix,
    depth: int,
    columns: int,
    *,
    transposed: bool,
) -> None:
    bits = BITS[target.element]
    lanes = frame.machine.lanes(bits // 8)
    per_word = bits // BITS[source.element]
    if transposed:
        words = replace(source, column=integer(per_word))
        pack_transposed(frame.builder, words, target, depth, columns, lanes)
    else:
        pack_rows(frame.builder, source, target, depth, columns, lanes)


def pack_transposed(
    b: Builder, source: Matrix, target: Matrix, depth: int, columns: int, lanes: int
) -> None:
    """``source`` has ``columns`` rows of ``depth`` elements of the target's type."""
    b.comment("transpose into rows")
    whole_columns, whole_depth = columns // lanes * lanes, depth // lanes * lanes
    if whole_columns and whole_depth:
        with (
            b.loop(integer(0), integer(whole_columns), lanes, "n") as n,
            b.loop(integer(0), integer(whole_depth), lanes, "k") as k,
        ):
            _square(b, source, target, n.counter, k.counter, lanes)
    _elements(b, source, target, (whole_columns, columns), (0, depth))
    _elements(b, source, target, (0, whole_columns), (whole_depth, depth))


def _square(
    b: Builder, source: Matrix, target: Matrix, n: Value, k: Value, lanes: int
) -> None:
    corner = source.place(b, n, k)
    rows = [
        b.load(
            b.address(corner, source.element, b.binary("mul", integer(i), source.row)),
            target.element,
            lanes,
            align=source.align,
        )
        for i in range(lanes)
    ]
    corner = target.place(b, k, n)
    for i, row in enumerate(_transposed(b, rows)):
        at = b.address(corner, target.element, b.binary("mul", integer(i), target.row))
        b.store(row, at, align=target.align)


def _transposed(b: Builder, rows: list[Value]) -> list[Value]:
    """The columns of a square: exchanges blocks of half the size, a quarter, ..., 1."""
    lanes = len(rows)
    rows = list(rows)
    half = lanes // 2
    while half:
        upper = [
            lane if not lane & half else lane - half + lanes for lane in range(lanes)
        ]
        lower = [
            lane + half if not lane & half else lane + lanes for lane in range(lanes)
        ]
        for i in range(lanes):
            if not i & half:
                x, y = rows[i], rows[i + half]
                rows[i] = b.shuffle(x, upper, y)
                rows[i + half] = b.shuffle(x, lower, y)
        half //= 2
    return rows


def _elements(
    b: Builder,
    source: Matrix,
    target: Matrix,
    columns: tuple[int, int],
    depth: tuple[int, int],
) -> None:
    """One by one."""
    if columns[0] == columns[1] or depth[0] == depth[1]:
        return
    with (
        b.loop(integer(columns[0]), integer(columns[1]), 1, "n") as n,
        b.loop(integer(depth[0]), integer(depth[1]), 1, "k") as k,
    ):
        place = source.place(b, n.counter, k.counter)
        word = b.load(place, target.element, align=source.align)
        b.store(word, target.place(b, k.counter, n.counter), align=target.align)


def pack_rows(
    b: Builder, source: Matrix, target: Matrix, words: int, columns: int, lanes: int
) -> None:
    """``source`` has as many rows for each of ``words`` as a word has numbers."""
    b.comment("rows into words")
    bits = BITS[source.element]
    per_word = BITS[target.element] // bits
    ahead = integer(_AHEAD * per_word)
    with b.loop(integer(0), integer(words), 1, "word") as row:
        first = b.binary("mul", row.counter, integer(per_word))
        for start, stop, width in _widths(columns, lanes):
            with b.loop(integer(start), integer(stop), width, "n") as n:
                word = integer(0, target.element, width)
                for k in range(per_word):
                    line = b.binary("add", first, integer(k))
                    place = source.place(b, line, n.counter)
                    _prefetch(
                        b, source.place(b, b.binary("add", line, ahead), n.counter)
                    )
                    part = b.load(place, source.element, width, align=source.align)
                    wide = b.convert("zext", part, target.element)
                    shift = integer(k * bits, target.element, width)
                    word = b.binary("or", word, b.binary("shl", wide, shift))
                place = target.place(b, row.counter, n.counter)
                b.store(word, place, align=target.align)


def _prefetch(b: Builder, place: Value) -> None:
    """Rows far apart are no stream that a processor sees; outside memory it does nothing."""
    b.call("llvm.prefetch.p0", "void", 1, [place, "i32 0", "i32 3", "i32 1"])


def _widths(count: int, lanes: int) -> Iterator[tuple[int, int, int]]:
    """Ranges that cover ``count`` elements, each with the width of its vectors."""
    first = 0
    while first < count:
        while lanes > count - first:
            lanes //= 2
        end = first + (count - first) // lanes * lanes
        yield first, end, lanes
        first = end
