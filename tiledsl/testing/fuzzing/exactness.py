"""Which functions leave honest evaluations no choice of bits."""

from __future__ import annotations

from tiledsl.ir.nodes import Accumulate, Apply, Atomic, Function, Gemm, Node, Reduce
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.visitor import walk


def is_exact(function: Function) -> bool:
    """Whether every operation on floats is rounded in one way only."""
    return not any(_rounds_freely(node) for node in walk(function))


def _rounds_freely(node: Node) -> bool:
    """Approximated functions, and sums, whose order is free."""
    match node:
        case Apply(op=op):
            return SCALAR_OPS[op].ulp > 0
        case Gemm(c=c):
            return c.buffer.dtype.is_float
        case Reduce(reduction=reduction, target=target):
            return target.buffer.dtype.is_float and reduction in (
                "sum",
                "mul",
                "abssum",
            )
        case Accumulate(reduction=reduction, buffer=buffer):
            return buffer.dtype.is_float and reduction in ("sum", "mul")
        case Atomic(op=op, buffer=buffer):
            return buffer.dtype.is_float and op == "add"
    return False
