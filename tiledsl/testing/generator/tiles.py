"""Tile operations on regions: allocations, copies, fills, reductions, products."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.dtypes import BOOL, FLOAT32, INT32, DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Buffer,
    Const,
    Copy,
    Expr,
    Fill,
    Gemm,
    Load,
    Range,
    Reduce,
    Region,
    Statement,
    Store,
    index,
    whole,
)
from tiledsl.ir.nodes import Scope as Space
from tiledsl.testing.generator import parallel
from tiledsl.testing.generator.expressions import (
    condition,
    constant,
    subscript,
    value,
)
from tiledsl.testing.generator.scope import Scope, fitting

SPACES: Final[tuple[Space, ...]] = ("fragment", "shared", "local")
_FALSE: Final = Const(False, BOOL)
_EXACT_PRODUCTS: Final = tuple(
    tuple(map(DType, row))
    for row in (
        ("int32", "int32", "int32"),
        ("int8", "int8", "int32"),
        ("uint8", "int8", "int32"),
        ("int64", "int64", "int64"),
        ("uint32", "uint32", "uint32"),
    )
)
_PRODUCTS: Final = (
    *_EXACT_PRODUCTS,
    *(
        tuple(map(DType, row))
        for row in (
            ("float32", "float32", "float32"),
            ("bfloat16", "bfloat16", "float32"),
            ("float16", "float16", "float32"),
            ("bfloat16", "bfloat16", "bfloat16"),
            ("float64", "float64", "float64"),
            ("float8_e4m3fn", "float8_e5m2", "float32"),
        )
    ),
)


def tile(scope: Scope) -> list[Statement]:
    """A new tile of any dtype and rank."""
    rank = scope.choice.weighted({1: 4, 2: 5, 3: 1, 0: 1})
    shape = tuple(scope.extent() for _ in range(rank))
    dtype = scope.dtype()
    if dtype.is_packed:
        shape = (*shape[:-1], shape[-1] + shape[-1] % 2) if shape else (2,)
    return new_tile(scope, shape, dtype)[1]


def new_tile(
    scope: Scope, shape: tuple[int, ...], dtype: DType
) -> tuple[Buffer, list[Statement]]:
    """A tile with every element written; it joins the scope."""
    space = scope.choice.pick(SPACES[:2] if shape else SPACES)
    extents = tuple(index(extent) for extent in shape)
    buffer = Buffer(scope.names.fresh("t"), extents, fitting(dtype, extents), space)
    start = _initialized(scope, buffer)
    scope.tiles.append(buffer)
    return buffer, [Allocate(buffer), start]


def _initialized(scope: Scope, buffer: Buffer) -> Statement:
    choice = scope.choice
    form = choice.pick(("fill", "copy", "copy", "loop"))
    sources = [part for part in scope.readable if part.rank >= buffer.rank]
    if form == "copy" and sources:
        source = region(scope, choice.pick(sources), buffer.shape)
        return Copy(source, whole(buffer), buffer.shape)
    if form == "loop" and buffer.scope != "local":
        return parallel.filled(scope, buffer)
    if not buffer.shape and choice.chance(50):
        return Store(buffer, (), value(scope, buffer.dtype, 1))
    return Fill(whole(buffer), constant(scope, buffer.dtype))


def region(scope: Scope, buffer: Buffer, shape: tuple[Expr, ...]) -> Region:
    """A box of ``buffer`` with as many ranges as ``shape``; its own extents may differ."""
    choice = scope.choice
    points = buffer.rank - len(shape)
    ranges = iter(shape)
    left = len(shape)
    dims: list[At | Range] = []
    for _ in range(buffer.rank):
        if points and (left == 0 or choice.chance(50)):
            dims.append(At(subscript(scope)))
            points -= 1
            continue
        extent, left = next(ranges), left - 1
        if choice.chance(scope.policy.outside // 2):
            extent = _other_extent(scope, extent)
        start = index(0) if choice.chance(55) else subscript(scope)
        dims.append(Range(start, extent))
    fill = constant(scope, buffer.dtype) if choice.chance(15) else None
    return Region(buffer, tuple(dims), fill)


def _other_extent(scope: Scope, extent: Expr) -> Expr:
    """An extent that clips, exceeds, or is known at run time only."""
    choice = scope.choice
    if choice.chance(50):
        return Apply("min", (extent, subscript(scope, 0)))
    return index(choice.pick((1, 2, 4, 0)))


def copy(scope: Scope) -> list[Statement]:
    """Into a tile: all of it or a box, from anything of sufficient rank."""
    choice = scope.choice
    target = choice.pick(scope.tiles)
    if choice.chance(25):
        return _copy_within(scope, target)
    sources = [part for part in scope.readable if part.root != target.root]
    if not sources:
        return []
    source = choice.pick(sources)
    rank = min(source.rank, target.rank)
    if rank == target.rank and choice.chance(55):
        shape = target.shape
        return [Copy(region(scope, source, shape), whole(target), shape)]
    shape = tuple(index(scope.extent()) for _ in range(rank))
    if choice.chance(20) and shape:
        limit = Apply("min", (subscript(scope), shape[0]))
        shape = (Apply("max", (limit, index(0))), *shape[1:])
    return [Copy(region(scope, source, shape), region(scope, target, shape), shape)]


def _copy_within(scope: Scope, target: Buffer) -> list[Statement]:
    """Between disjoint halves of one buffer, along its first dimension."""
    if not target.shape or target.static_shape[0] < 2:
        return []
    half = target.static_shape[0] // 2
    shape = (index(half), *target.shape[1:])
    rest = tuple(Range(index(0), extent) for extent in target.shape[1:])
    halves = [Region(target, (Range(index(at), shape[0]), *rest)) for at in (0, half)]
    source, goal = halves if scope.choice.chance(50) else halves[::-1]
    return [Copy(source, goal, shape)]


def fill(scope: Scope) -> list[Statement]:
    target = scope.choice.pick(scope.tiles)
    part = whole(target)
    if scope.choice.chance(50):
        part = region(scope, target, target.shape)
    others = scope.without(target) if scope.choice.chance(50) else scope
    return [Fill(part, value(others, target.dtype, 1))]


def reduce(scope: Scope) -> list[Statement]:
    """Along an axis of a tile, mostly into a new one."""
    choice = scope.choice
    sources = [part for part in scope.tiles if part.rank]
    if not sources:
        return []
    source = choice.pick(sources)
    axis = choice.integer(0, source.rank - 1)
    kept = source.static_shape[:axis] + source.static_shape[axis + 1 :]
    known = [
        part
        for part in scope.tiles
        if part.static_shape == kept and part.root != source.root
    ]
    before: list[Statement] = []
    if known and choice.chance(40):
        target = choice.pick(known)
    else:
        dtype = choice.pick((source.dtype, source.dtype, FLOAT32, INT32))
        target, before = new_tile(scope, kept, dtype)
    reduction = choice.pick(reductions(scope, target.dtype))
    operand = whole(source)
    if choice.chance(30):
        shape = list(source.shape)
        shape[axis] = index(choice.pick((1, 2, 3)))
        operand = region(scope.without(target), source, tuple(shape))
        operand = _same_extents(operand, tuple(shape), axis)
    clear, propagate = choice.chance(60), choice.chance(25)
    found = Reduce(reduction, operand, whole(target), axis, clear, propagate)
    return [*before, found]


def _same_extents(part: Region, shape: tuple[Expr, ...], axis: int) -> Region:
    """Ranges as long as ``shape`` says, so that they pair with the result."""
    dims = tuple(
        Range(dim.start, extent) if isinstance(dim, Range) else dim
        for dim, extent in zip(part.dims, shape, strict=True)
    )
    return Region(part.buffer, dims, part.fill)


def reductions(scope: Scope, dtype: DType) -> tuple[str, ...]:
    """What a reduction of a dtype may be."""
    if dtype == BOOL:
        return ("or", "and", "xor")
    if dtype == "float8_e8m0fnu":
        return ("max", "min")
    extrema = ("max", "min", "absmax")
    if dtype.is_float:
        return extrema if scope.policy.exact else ("sum", *extrema, "abssum")
    return ("sum", *extrema, "abssum", "or", "and", "xor")


def gemm(scope: Scope) -> list[Statement]:
    """A product of two operands, old or new, into a new tile."""
    choice = scope.choice
    a_dtype, b_dtype, c_dtype = choice.pick(products(scope))
    m, n, k = (choice.pick((2, 1, 3, 4, 5)) for _ in range(3))
    transposed = choice.chance(40), choice.chance(40)
    a, before = _operand(scope, (k, m) if transposed[0] else (m, k), a_dtype)
    b, more = _operand(scope, (n, k) if transposed[1] else (k, n), b_dtype)
    c, start = new_tile(scope, (m, n), c_dtype)
    clear: Expr = Const(choice.chance(50), BOOL)
    if choice.chance(25):
        clear = condition(scope)
    product = Gemm(a, b, whole(c), clear, *transposed)
    again = [product] if choice.chance(15) else []
    return [*before, *more, *start, product, *again]


def products(scope: Scope) -> tuple[tuple[DType, ...], ...]:
    """Dtypes of the operands and the result."""
    return _EXACT_PRODUCTS if scope.policy.exact else _PRODUCTS


def _operand(
    scope: Scope, shape: tuple[int, int], dtype: DType
) -> tuple[Region, list[Statement]]:
    """A box of a known buffer, global ones included, or a new tile."""
    extents = tuple(index(extent) for extent in shape)
    known = [p for p in scope.readable if p.dtype == dtype and p.rank >= 2]
    if known and scope.choice.chance(40):
        buffer = scope.choice.pick(known)
        dims: list[At | Range] = [At(subscript(scope)) for _ in buffer.shape[2:]]
        dims += [Range(subscript(scope), extent) for extent in extents]
        return Region(buffer, tuple(dims)), []
    buffer, start = new_tile(scope, shape, dtype)
    return whole(buffer), start


def variable(scope: Scope) -> list[Statement]:
    """A mutable scalar: a tile of rank 0, initialized or changed."""
    known = [part for part in scope.tiles if not part.shape]
    if known and scope.choice.chance(70):
        target = scope.choice.pick(known)
        old = Load(target, ())
        if target.dtype.is_arithmetic and target.dtype != BOOL:
            step = value(scope, target.dtype, 1)
            return [Store(target, (), Apply("add", (old, step)))]
        return [Store(target, (), value(scope, target.dtype, 1))]
    return new_tile(scope, (), scope.dtype())[1]
