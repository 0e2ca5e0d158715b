"""What all lanes of a vector loop share is computed before it, once.

    parallel (j: 4096): y[j] = x[j] * rsqrt(s[0])    =>    one rsqrt

LLVM would not do it: for all it knows, storing y changes s.
"""

from __future__ import annotations

from collections.abc import Iterator

from tiledsl.analysis.effects import written
from tiledsl.ir.nodes import (
    Accumulate,
    Const,
    Expr,
    For,
    Let,
    Load,
    Parallel,
    Select,
    Store,
    Var,
)
from tiledsl.ir.visitor import children, walk
from tiledsl_llvm.expressions import evaluate
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.lanes import Slopes
from tiledsl_llvm.values import Value


def shared_values(
    frame: Frame, loop: Parallel, slopes: Slopes, extent: Expr
) -> dict[int, Value]:
    """The values, by the identity of their expressions."""
    changed = written(loop.body)
    bound = {
        part.var.name
        for statement in loop.body
        for part in walk(statement)
        if isinstance(part, Let | For)
    }
    # proofs hold for iterations, of which there may be none
    some = isinstance(extent, Const) and int(extent.value) > 0
    trusted, frame.trusted = frame.trusted, frame.trusted and some
    with frame.as_scalar():
        values = {
            id(expr): evaluate(frame, expr)
            for expr in _candidates(loop, slopes)
            if _is_fixed(expr, changed, bound)
        }
    frame.trusted = trusted
    return values


def _candidates(loop: Parallel, slopes: Slopes) -> Iterator[Expr]:
    """The largest shared expressions worth keeping that every iteration evaluates."""
    for statement in loop.body:
        if isinstance(statement, Let | Store | Accumulate):
            yield from _largest(statement.value, slopes)


def _largest(expr: Expr, slopes: Slopes) -> Iterator[Expr]:
    if expr.dtype == "index" or isinstance(expr, Const | Var):
        return
    if slopes.of(expr) == 0:
        if any(isinstance(part, Load) for part in walk(expr)):
            yield expr
        return
    if isinstance(expr, Select):
        # of the arms only one is meant
        yield from _largest(expr.condition, slopes)
    elif not isinstance(expr, Load):
        for part in children(expr):
            if isinstance(part, Expr):
                yield from _largest(part, slopes)


def _is_fixed(expr: Expr, changed: set[str], bound: set[str]) -> bool:
    """Whether no iteration changes the value."""
    return not any(
        (isinstance(part, Load) and part.buffer.root in changed)
        or (isinstance(part, Var) and part.name in bound)
        for part in walk(expr)
    )
