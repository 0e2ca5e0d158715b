"""Float expressions become int64 expressions; everything else stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import INT64, DType
from tiledsl.ir.nodes import (
    Apply,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Load,
    Node,
    Region,
    Select,
    Var,
)
from tiledsl.ir.visitor import rebuild
from tiledsl.testing.ring.encoding import encode
from tiledsl.testing.ring.scalars import (
    Emitter,
    apply,
    choose,
    from_integer,
    narrow,
    to_integer,
)

NodeT = TypeVar("NodeT", bound=Node)


def ring_dtype(dtype: DType) -> DType:
    return INT64 if dtype.is_float else dtype


def ring_buffer(buffer: Buffer) -> Buffer:
    """The buffer with ring elements.  Shapes are index arithmetic and hold no floats."""
    if buffer.dtype.is_packed and buffer.dtype.is_float and buffer.scope == "global":
        raise UnsupportedByTarget(
            "E2003",
            f"ring mode has no numbers of 4 bits, as {buffer.name} holds",
            span=buffer.span,
        )
    return replace(buffer, dtype=ring_dtype(buffer.dtype))


def ring_constant(constant: Const) -> Const:
    if not constant.dtype.is_float:
        return constant
    return Const(encode(float(constant.value)), INT64, span=constant.span)


def convert(emit: Emitter, value: Expr, source: DType, target: DType) -> Expr:
    """The ring form of a cast from ``source`` to ``target``."""
    if source.is_float and target.is_float:
        return narrow(emit, value, source, target)
    if source.is_float:
        return to_integer(emit, value, target)
    if target.is_float:
        return from_integer(emit, value)
    return Cast(value, target)


def ring(emit: Emitter, expr: Expr) -> Expr:
    """The ring form of an expression; intermediate values become ``Let``s of ``emit``."""
    emit.span = expr.span
    match expr:
        case Const():
            return ring_constant(expr)
        case Var():
            return replace(expr, dtype=ring_dtype(expr.dtype))
        case Apply(op, args) if args[0].dtype.is_float:
            operands = tuple(emit.name(ring(emit, arg)) for arg in args)
            return apply(emit, op, operands)
        case Cast(value, dtype) if dtype.is_float or value.dtype.is_float:
            return convert(emit, emit.name(ring(emit, value)), value.dtype, dtype)
        case Bitcast(value, dtype) if dtype.is_float or value.dtype.is_float:
            raise UnsupportedByTarget(
                "E2003",
                "ring mode cannot reinterpret the bits of a float",
                span=expr.span,
                hint="such kernels are covered by the float64 and the exact oracle",
            )
        case Select(condition, then, otherwise) if then.dtype.is_float:
            parts = (ring(emit, part) for part in (condition, then, otherwise))
            return choose(*(emit.name(part) for part in parts))
        case _:
            return ring_parts(emit, expr)


def ring_region(emit: Emitter, region: Region) -> Region:
    dims = tuple(ring_parts(emit, dim) for dim in region.dims)
    fill = None if region.fill is None else ring_constant(region.fill)
    buffer = ring_buffer(region.buffer)
    return replace(region, buffer=buffer, dims=dims, fill=fill)


_PARTS = (Const, Var, Apply, Select, Cast, Bitcast, Load)


def ring_parts(emit: Emitter, node: NodeT) -> NodeT:
    """The node with its expressions and buffers in ring form."""

    def change(part: Node) -> Node:
        if isinstance(part, _PARTS):
            return ring(emit, part)
        if isinstance(part, Buffer):
            return ring_buffer(part)
        if isinstance(part, Region):
            return ring_region(emit, part)
        return part

    return rebuild(node, change)
