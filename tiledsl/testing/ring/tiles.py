"""Tile operations on floats, spelled with integer tile operations and ``Parallel``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import BOOL, INDEX, INT64, DType
from tiledsl.ir.nodes import (
    Allocate,
    Buffer,
    Const,
    Copy,
    Expr,
    Fill,
    Gemm,
    Load,
    Parallel,
    Reduce,
    Region,
    Sort,
    Statement,
    Store,
    Var,
    index,
    whole,
)
from tiledsl.testing.ring.encoding import INFINITY, NAN, NO_NUMBER
from tiledsl.testing.ring.expressions import (
    convert,
    ring,
    ring_parts,
    ring_region,
)
from tiledsl.testing.ring.scalars import (
    Emitter,
    absolute,
    add,
    choose,
    extremum,
    is_finite,
    is_nan,
    mul,
    narrow,
    number,
    op,
    wrap,
)

Element = Callable[[tuple[Var, ...]], Expr]


def tile(emit: Emitter, shape: tuple[Expr, ...], dtype: DType = INT64) -> Buffer:
    """A new buffer of the block, or of the call."""
    return Buffer(emit.fresh("t"), shape, dtype, emit.scratch)


def each(emit: Emitter, target: Buffer, value: Element) -> Parallel:
    """``target[i...] = value(i...)`` for all elements."""
    return over(emit, target.shape, lambda at: (Store(target, at, value(at)),))


def over(
    emit: Emitter,
    shape: tuple[Expr, ...],
    body: Callable[[tuple[Var, ...]], tuple[Statement, ...]],
) -> Parallel:
    """A ``Parallel`` over ``shape`` whose lets are collected inside."""
    at = tuple(Var(emit.fresh("i"), INDEX) for _ in shape) or (
        Var(emit.fresh("i"), INDEX),
    )
    outer, emit.lets = emit.lets, []
    statements = body(at[: len(shape)])
    lets = emit.take()
    emit.lets = outer
    return Parallel(at, shape or (index(1),), (*lets, *statements))


def static_shape(emit: Emitter, shape: tuple[Expr, ...]) -> tuple[Expr, ...]:
    if emit.scratch == "global" or all(isinstance(part, Const) for part in shape):
        return shape
    raise UnsupportedByTarget(
        "E2003", "ring mode converts tiles of static shape only", span=emit.span
    )


def _fetch(emit: Emitter, region: Region) -> tuple[Buffer, Iterator[Statement]]:
    """A block-local copy of a region, bounds and fill included."""
    source = ring_region(emit, region)
    local = tile(emit, static_shape(emit, region.shape), source.buffer.dtype)
    return local, iter((Allocate(local), Copy(source, whole(local), local.shape)))


def copy(emit: Emitter, node: Copy) -> Iterator[Statement]:
    source, target = node.source.buffer.dtype, node.target.buffer.dtype
    plain = replace(
        node,
        source=ring_region(emit, node.source),
        target=ring_region(emit, node.target),
    )
    same_payload = source.is_float == target.is_float and target.bits >= source.bits
    if same_payload or not (source.is_float or target.is_float):
        yield plain
        return
    raw = tile(emit, static_shape(emit, node.shape), plain.source.buffer.dtype)
    done = tile(emit, raw.shape, plain.target.buffer.dtype)
    yield Allocate(raw)
    yield replace(plain, target=whole(raw))
    yield Allocate(done)
    yield each(
        emit, done, lambda at: convert(emit, emit.name(Load(raw, at)), source, target)
    )
    yield replace(plain, source=whole(done))


def fill(emit: Emitter, node: Fill) -> Fill:
    target = ring_region(emit, node.target)
    return replace(node, target=target, value=ring(emit, node.value))


def classify(emit: Emitter, value: Expr) -> Expr:
    """1 for +inf, 2 for -inf, 4 for NaN, 0 for finite values; combined by ``or``."""
    infinite = choose(op("gt", value, number(0)), number(1), number(2))
    special = choose(is_nan(value), number(4), infinite)
    return emit.name(choose(is_finite(value), number(0), special))


def _finite_part(value: Expr) -> Expr:
    return choose(is_finite(value), value, number(0))


def classified(emit: Emitter, payload: Expr, classes: Expr) -> Expr:
    """A sum from the wrapping sum of its finite terms and the classes of the others."""
    minus = choose(op("eq", classes, number(2)), number(-INFINITY), number(NAN))
    plus = choose(op("eq", classes, number(1)), number(INFINITY), minus)
    return emit.name(choose(op("eq", classes, number(0)), wrap(payload), plus))


def gemm(emit: Emitter, node: Gemm) -> Iterator[Statement]:
    """Payloads multiply as integers; a special operand makes its row or column NaN."""
    if not node.c.buffer.dtype.is_float:
        yield ring_parts(emit, node)
        return
    clear = emit.name(ring(emit, node.clear))
    yield from emit.take()
    flags: list[Buffer] = []
    tiles: list[Buffer] = []
    for region, transposed, kept in (
        (node.a, node.transpose_a, 0),
        (node.b, node.transpose_b, 1),
    ):
        axis = kept ^ transposed  # the range of this operand that c keeps
        statements, local, flag = _gemm_operand(emit, region, 1 - axis)
        yield from statements
        tiles.append(local)
        flags.append(flag)
    rows, columns = flags[0].shape[0], flags[1].shape[0]
    product, old = tile(emit, (rows, columns)), tile(emit, (rows, columns))
    always = Const(True, BOOL)
    yield Allocate(product)
    left, right, result = whole(tiles[0]), whole(tiles[1]), whole(product)
    yield Gemm(
        left, right, result, always, node.transpose_a, node.transpose_b, span=node.span
    )
    target = ring_region(emit, node.c)
    yield Allocate(old)
    yield Copy(target, whole(old), old.shape)

    def value(at: tuple[Var, ...]) -> Expr:
        special = op("or", Load(flags[0], at[:1]), Load(flags[1], at[1:]))
        finite = wrap(Load(product, at))
        term = emit.name(choose(op("ne", special, number(0)), number(NAN), finite))
        start = emit.name(choose(clear, number(0), Load(old, at)))
        total = add(emit, start, term)
        return narrow(emit, total, node.c.buffer.dtype.evaluation, node.c.buffer.dtype)

    done = tile(emit, (rows, columns))
    yield Allocate(done)
    yield each(emit, done, value)
    yield Copy(whole(done), target, done.shape)


def _gemm_operand(
    emit: Emitter, region: Region, summed: int
) -> tuple[list[Statement], Buffer, Buffer]:
    """The finite payloads of an operand, and whether a row (column) has a special."""
    raw, fetched = _fetch(emit, region)
    statements = list(fetched)
    payload, special = tile(emit, raw.shape), tile(emit, raw.shape)
    flag = tile(emit, (raw.shape[1 - summed],))

    def split(at: tuple[Var, ...]) -> tuple[Statement, ...]:
        value = emit.name(Load(raw, at))
        return (
            Store(payload, at, _finite_part(value)),
            Store(special, at, choose(is_finite(value), number(0), number(1))),
        )

    statements += [Allocate(payload), Allocate(special), Allocate(flag)]
    statements.append(over(emit, raw.shape, split))
    statements.append(Reduce("max", whole(special), whole(flag), summed))
    return statements, payload, flag


def reduce(emit: Emitter, node: Reduce) -> Iterator[Statement]:
    source_dtype, dtype = node.source.buffer.dtype, node.target.buffer.dtype
    if not (source_dtype.is_float or dtype.is_float):
        yield ring_parts(emit, node)
        return
    raw, fetched = _fetch(emit, node.source)
    yield from fetched
    if not dtype.is_float:
        yield from _reduce_to_integers(emit, node, raw)
        return
    kind = node.reduction

    def element(at: tuple[Var, ...]) -> Expr:
        value = emit.name(Load(raw, at))
        if not source_dtype.is_float:
            value = convert(emit, value, source_dtype, dtype.evaluation)
        return absolute(emit, emit.name(value)) if kind.startswith("abs") else value

    values = tile(emit, raw.shape)
    yield Allocate(values)
    yield each(emit, values, element)
    shape = tuple(extent for k, extent in enumerate(raw.shape) if k != node.axis)
    result = tile(emit, shape)
    yield Allocate(result)
    summed = kind.endswith("sum")
    parts = _reduce_sum if summed else _reduce_extremum
    yield from parts(emit, node, values, result)
    yield from _merge(emit, node, result)


def _reduce_to_integers(
    emit: Emitter, node: Reduce, raw: Buffer
) -> Iterator[Statement]:
    """Floats are converted one by one before they meet."""
    source, dtype = node.source.buffer.dtype, node.target.buffer.dtype
    values = tile(emit, raw.shape, dtype)
    yield Allocate(values)
    yield each(
        emit, values, lambda at: convert(emit, emit.name(Load(raw, at)), source, dtype)
    )
    yield replace(node, source=whole(values), target=ring_region(emit, node.target))


def _reduce_sum(
    emit: Emitter, node: Reduce, values: Buffer, result: Buffer
) -> Iterator[Statement]:
    payload, classes = tile(emit, values.shape), tile(emit, values.shape)
    totals, kinds = tile(emit, result.shape), tile(emit, result.shape)

    def split(at: tuple[Var, ...]) -> tuple[Statement, ...]:
        value = emit.name(Load(values, at))
        return (
            Store(payload, at, _finite_part(value)),
            Store(classes, at, classify(emit, value)),
        )

    for buffer in (payload, classes, totals, kinds):
        yield Allocate(buffer)
    yield over(emit, values.shape, split)
    yield Reduce("sum", whole(payload), whole(totals), node.axis)
    yield Reduce("or", whole(classes), whole(kinds), node.axis)

    def total(at: tuple[Var, ...]) -> Expr:
        return classified(emit, emit.name(Load(totals, at)), emit.name(Load(kinds, at)))

    yield each(emit, result, total)


def _reduce_extremum(
    emit: Emitter, node: Reduce, values: Buffer, result: Buffer
) -> Iterator[Statement]:
    largest = node.reduction.endswith("max")
    # where NaN is ignored it must lose, where it propagates it must win
    loses = NO_NUMBER if largest else NAN
    wins = NAN if largest else NO_NUMBER
    code = wins if node.nan_propagate else loses
    keyed, best = tile(emit, values.shape), tile(emit, result.shape)

    def key(at: tuple[Var, ...]) -> Expr:
        value = emit.name(Load(values, at))
        return choose(is_nan(value), number(code), value)

    def decode(at: tuple[Var, ...]) -> Expr:
        value = emit.name(Load(best, at))
        return choose(op("eq", value, number(code)), number(NAN), value)

    yield Allocate(keyed)
    yield each(emit, keyed, key)
    yield Allocate(best)
    yield Reduce("max" if largest else "min", whole(keyed), whole(best), node.axis)
    yield each(emit, result, decode)


def _merge(emit: Emitter, node: Reduce, result: Buffer) -> Iterator[Statement]:
    """Writes a reduction's result, combined with the old content unless cleared."""
    target, dtype = ring_region(emit, node.target), node.target.buffer.dtype
    old, done = tile(emit, result.shape), tile(emit, result.shape)
    if not node.clear:
        yield Allocate(old)
        yield Copy(target, whole(old), old.shape)

    def value(at: tuple[Var, ...]) -> Expr:
        new: Expr = emit.name(Load(result, at))
        if not node.clear:
            before = emit.name(Load(old, at))
            new = combine(emit, node.reduction, before, new, nan=node.nan_propagate)
        return narrow(emit, new, dtype.evaluation, dtype)

    yield Allocate(done)
    yield each(emit, done, value)
    yield Copy(whole(done), target, done.shape)


def combine(emit: Emitter, reduction: str, a: Expr, b: Expr, *, nan: bool) -> Expr:
    """One step of a reduction of ring values."""
    if reduction.endswith("sum"):
        return add(emit, a, b)
    if reduction == "mul":
        return mul(emit, a, b)
    which = "max" if reduction.endswith("max") else "min"
    return extremum(emit, a, b, which=which, nan=nan)


def sort(emit: Emitter, node: Sort) -> Iterator[Statement]:
    """Ring values have the order of their integers, NaN behind all of them."""
    target = ring_region(emit, node.target)
    if not node.source.buffer.dtype.is_float:
        yield ring_parts(emit, node)
        return
    raw, fetched = _fetch(emit, node.source)
    yield from fetched
    keys = tile(emit, raw.shape)
    last = number(NO_NUMBER if node.descending else NAN)

    def key(at: tuple[Var, ...]) -> Expr:
        value = emit.name(Load(raw, at))
        return choose(is_nan(value), last, value)

    yield Allocate(keys)
    yield each(emit, keys, key)
    yield replace(node, source=whole(keys), target=target)
