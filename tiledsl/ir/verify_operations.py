"""Rules of the statements that access buffers."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Accumulate,
    Atomic,
    Const,
    Copy,
    Expr,
    Fill,
    Gemm,
    Range,
    Reduce,
    Region,
    Sort,
    Statement,
    Store,
)
from tiledsl.ir.ops import ATOMICS, MEMORY_ORDERS, REDUCTIONS, SCALAR_OPS
from tiledsl.ir.verify_expressions import ExpressionChecks


def check_operation(statement: Statement, checks: ExpressionChecks) -> None:
    """Reports what is wrong with an element or tile operation."""
    match statement:
        case Store(buffer=buffer, indices=indices, value=value, proved=proved):
            checks.element(buffer, indices, proved)
            checks.expect(value, buffer.dtype, f"a value stored to {buffer.name!r}")
        case Accumulate():
            _accumulate(statement, checks)
        case Atomic():
            _atomic(statement, checks)
        case Copy():
            _copy(statement, checks)
        case Fill(target=target, value=value):
            checks.region(target)
            name = target.buffer.name
            checks.expect(value, target.buffer.dtype, f"the fill of {name!r}")
        case Gemm():
            _gemm(statement, checks)
        case Reduce():
            _reduce(statement, checks)
        case Sort():
            _sort(statement, checks)
        case _:
            checks.report(f"{type(statement).__name__} is not a statement")


def _accumulate(statement: Accumulate, checks: ExpressionChecks) -> None:
    buffer = statement.buffer
    checks.element(buffer, statement.indices, statement.proved)
    carried = buffer.dtype.evaluation
    if buffer.dtype.is_packed:
        checks.report(f"Accumulate does not take {buffer.dtype}")
    checks.expect(statement.value, carried, f"a value for {buffer.name!r}")
    if statement.reduction in ("abssum", "absmax"):
        checks.report(f"Accumulate has no reduction {statement.reduction!r}")
    _reduction(statement.reduction, carried, checks)


def _atomic(statement: Atomic, checks: ExpressionChecks) -> None:
    buffer, value = statement.buffer, statement.value
    checks.element(buffer, statement.indices, statement.proved)
    checks.fill(buffer, statement.fill)
    op = ATOMICS.get(statement.op)
    if op is None:
        checks.report(f"unknown atomic operation {statement.op!r}")
    elif op and not SCALAR_OPS[op].accepts(buffer.dtype.evaluation):
        checks.report(f"atomic {statement.op} does not take {buffer.dtype}")
    if (value is None) != (statement.op == "load"):
        checks.report("an atomic operation has a value, a load has none")
    if value is not None:
        checks.expect(value, buffer.dtype, f"a value for {buffer.name!r}")
    if statement.previous is not None and statement.previous.dtype != buffer.dtype:
        checks.report(f"{statement.previous.name!r} must have dtype {buffer.dtype}")
    if statement.order not in MEMORY_ORDERS:
        checks.report(f"unknown memory order {statement.order!r}")


def _reduction(reduction: str, carried: DType, checks: ExpressionChecks) -> None:
    op = REDUCTIONS.get(reduction)
    if op is None:
        checks.report(f"unknown reduction {reduction!r}")
    elif not SCALAR_OPS[op].accepts(carried):
        checks.report(f"{reduction} cannot be carried in {carried}")


def _copy(statement: Copy, checks: ExpressionChecks) -> None:
    for extent in statement.shape:
        checks.index(extent, "an extent of a copy")
        if isinstance(extent, Const) and int(extent.value) < 0:
            checks.report("an extent of a copy is negative")
    for region in (statement.source, statement.target):
        checks.region(region)
        _ranges(region, len(statement.shape), checks)


def _ranges(region: Region, count: int, checks: ExpressionChecks) -> bool:
    found = sum(isinstance(dim, Range) for dim in region.dims)
    if found != count:
        name = region.buffer.name
        checks.report(f"the region of {name!r} has {found} ranges, not {count}")
    return found == count


def _gemm(statement: Gemm, checks: ExpressionChecks) -> None:
    a, b, c = statement.a, statement.b, statement.c
    for region in (a, b, c):
        checks.region(region)
    checks.condition(statement.clear)
    if not all([_ranges(region, 2, checks) for region in (a, b, c)]):
        return
    rows, inner = a.shape[::-1] if statement.transpose_a else a.shape
    inner_b, columns = b.shape[::-1] if statement.transpose_b else b.shape
    _equal([("M", rows, c.shape[0]), ("K", inner, inner_b)], checks)
    _equal([("N", columns, c.shape[1])], checks)
    kinds = {region.buffer.dtype.is_float for region in (a, b, c)}
    if len(kinds) > 1 or "bool" in (a.buffer.dtype, b.buffer.dtype, c.buffer.dtype):
        checks.report("gemm takes floats only or integers only")


def _equal(pairs: Sequence[tuple[str, Expr, Expr]], checks: ExpressionChecks) -> None:
    """Static extents that must agree."""
    for what, one, other in pairs:
        if isinstance(one, Const) and isinstance(other, Const) and one != other:
            checks.report(f"extents {what} differ: {one.value} and {other.value}")


def _reduce(statement: Reduce, checks: ExpressionChecks) -> None:
    source, target, axis = statement.source, statement.target, statement.axis
    checks.region(source)
    checks.region(target)
    _reduction(statement.reduction, target.buffer.dtype.evaluation, checks)
    extents = source.shape
    if not 0 <= axis < len(extents):
        checks.report(f"reduce has no axis {axis}")
        return
    kept = extents[:axis] + extents[axis + 1 :]
    if _ranges(target, len(kept), checks):
        pairs = zip(kept, target.shape, strict=True)
        _equal([(str(at), *pair) for at, pair in enumerate(pairs)], checks)


def _sort(statement: Sort, checks: ExpressionChecks) -> None:
    source, target, axis = statement.source, statement.target, statement.axis
    checks.region(source)
    checks.region(target)
    if not target.buffer.dtype.is_integer:
        checks.report(
            f"sort gives positions, and {target.buffer.name!r} has no integers"
        )
    extents = source.shape
    if not 0 <= axis < len(extents):
        checks.report(f"sort has no axis {axis}")
        return
    if not _ranges(target, len(extents), checks):
        return
    for number, (given, found) in enumerate(zip(extents, target.shape, strict=True)):
        if number != axis:
            _equal([(str(number), given, found)], checks)
        elif not (isinstance(given, Const) and isinstance(found, Const)):
            checks.report("sort needs static extents along its axis")
        elif int(found.value) > int(given.value):
            checks.report(
                f"sort of {given.value} elements gives {found.value} positions"
            )
