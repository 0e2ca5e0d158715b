"""The value of an expression for one iteration of everything."""

from __future__ import annotations

from tiledsl.diagnostics import InternalError
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import DType
from tiledsl.testing.scalar_evaluator.conversion import (
    Value,
    convert,
    from_bits,
    to_bits,
)
from tiledsl.testing.scalar_evaluator.memory import Memory, Position, contains
from tiledsl.testing.scalar_evaluator.operations import apply
from tiledsl.testing.scalar_evaluator.scope import Scope


def evaluate(expr: ir.Expr, scope: Scope) -> Value:
    """The value; of a select only the chosen arm."""
    match expr:
        case ir.Const(value, dtype):
            return from_bits(to_bits(value, dtype), dtype)
        case ir.Var(name):
            return scope.values[name]
        case ir.Apply(op, args):
            operands = tuple(evaluate(operand, scope) for operand in args)
            return apply(op, operands, args[0].dtype)
        case ir.Select(condition, then, otherwise):
            return evaluate(then if evaluate(condition, scope) else otherwise, scope)
        case ir.Cast(value, dtype) if value.dtype == dtype:
            return evaluate(value, scope)
        case ir.Cast(value, dtype, rounding, saturate):
            return convert(evaluate(value, scope), dtype, rounding, saturate)
        case ir.Bitcast(value, dtype):
            return from_bits(to_bits(evaluate(value, scope), value.dtype), dtype)
        case ir.Load(buffer, indices, fill):
            position = tuple(integer(index, scope) for index in indices)
            bits = read_bits(scope.memory(buffer), position, fill)
            return from_bits(bits, buffer.dtype)
    raise InternalError("E9001", f"no such expression: {expr!r}", span=expr.span)


def integer(expr: ir.Expr, scope: Scope) -> int:
    """The value of index arithmetic."""
    return int(evaluate(expr, scope))


def read_bits(memory: Memory, position: Position, fill: ir.Const | None) -> int:
    """An element's code; that of the fill, or 0, outside."""
    if contains(memory, position):
        return memory.read(position)
    return 0 if fill is None else to_bits(fill.value, fill.dtype)


def write_bits(memory: Memory, position: Position, bits: int) -> None:
    """Sets an element; nothing outside."""
    if contains(memory, position):
        memory.write(position, bits)


def recode(bits: int, source: DType, target: DType) -> int:
    """A code of one dtype converted to another; untouched if it is the same."""
    if source == target:
        return bits
    return to_bits(convert(from_bits(bits, source), target), target)
