"""Statements that contain no others as source text of the language."""

from __future__ import annotations

from typing import Final

from tiledsl.ir.nodes import (
    Assert,
    Atomic,
    Copy,
    Expr,
    Fill,
    Gemm,
    Print,
    Reduce,
    Region,
    Sort,
    Statement,
    Wait,
)
from tiledsl.testing.generator.source_expressions import (
    NoSpelling,
    element,
    expression,
    points,
    region,
)

_REDUCTIONS: Final = {"and": "bitand", "or": "bitor", "xor": "bitxor"}


def operation(statement: Statement) -> str:
    """One statement that contains no others."""
    match statement:
        case Sort():
            return _sort(statement)
        case Atomic():
            return _atomic(statement)
        case Copy(source=origin, target=target, shape=shape) if (
            origin.shape == target.shape == shape  # slices say no other extent
        ):
            if not target.shape:
                return f"{points(target)} = {points(origin)}"
            name = "async_copy" if statement.asynchronous else "copy"
            return f"T.{name}({region(origin)}, {region(target)})"
        case Fill(target=target, value=value):
            if not target.shape:
                return f"{points(target)} = {expression(value)}"
            return f"T.fill({region(target)}, {expression(value)})"
        case Gemm(a=a, b=b, c=c, clear=clear):
            return (
                f"T.gemm({region(a)}, {region(b)}, {region(c)}, "
                f"transpose_A={statement.transpose_a}, "
                f"transpose_B={statement.transpose_b}, clear_accum={expression(clear)})"
            )
        case Reduce(reduction=name, source=origin, target=target, axis=axis):
            if not target.shape:
                raise NoSpelling("a reduction to rank 0")
            more = _nan_option(statement)
            return (
                f"T.reduce_{_REDUCTIONS.get(name, name)}({region(origin)}, "
                f"{region(target)}, dim={axis}, clear={statement.clear}{more})"
            )
    return _observation(statement)


def _observation(statement: Statement) -> str:
    match statement:
        case Assert(condition=condition, assumed=assumed):
            name = "assume" if assumed else "device_assert"
            return f"T.{name}({expression(condition)}, {statement.message!r})"
        case Print(value=value, message=message):
            return f"T.print({_shown(value)}{message!r})"
        case Wait():
            return "T.ptx_wait_group(0)"
    raise NoSpelling(type(statement).__name__)


def _shown(value: Expr | Region | None) -> str:
    """What is printed before the message, if anything is."""
    if value is None:
        return ""
    return f"{region(value) if isinstance(value, Region) else expression(value)}, "


def _sort(statement: Sort) -> str:
    """``sort`` where all positions are wanted, else ``topk``."""
    origin, target, axis = statement.source, statement.target, statement.axis
    places = f"{region(origin)}, None, {region(target)}"
    wanted, given = target.shape[axis], origin.shape[axis]
    if wanted == given:
        return f"T.sort({places}, dim={axis}, descending={statement.descending})"
    count = expression(wanted)
    return f"T.topk({places}, {count}, dim={axis}, largest={statement.descending})"


def _atomic(statement: Atomic) -> str:
    if statement.fill is not None:
        raise NoSpelling("a fill of one access")
    place = element(statement.buffer, statement.indices)
    order = f"memory_order={statement.order!r}"
    if statement.op == "load" or statement.value is None:
        name = statement.previous.name if statement.previous else "_"
        return f"{name} = T.atomic_load({place}, {order})"
    new = expression(statement.value)
    if statement.op == "exchange":
        if statement.previous is not None:
            raise NoSpelling("what an exchange replaced")
        return f"T.atomic_store({place}, {new}, {order})"
    call = f"T.atomic_{statement.op}({place}, {new}, {order}"
    if statement.previous is None:
        return f"{call})"
    return f"{statement.previous.name} = {call}, return_prev=True)"


def _nan_option(statement: Reduce) -> str:
    """Only the reductions that can ignore NaN have the choice."""
    chosen = statement.nan_propagate and statement.reduction in (
        "max",
        "min",
        "absmax",
    )
    return ", nan_propagate=True" if chosen else ""
