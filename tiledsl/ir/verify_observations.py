"""Rules of the statements that look at a run."""

from __future__ import annotations

from tiledsl.ir.nodes import (
    Assert,
    Breakpoint,
    Expr,
    Node,
    Print,
    Region,
    Wait,
)
from tiledsl.ir.verify_expressions import ExpressionChecks


def check_observation(
    statement: Assert | Print | Breakpoint | Wait, level: str, checks: ExpressionChecks
) -> None:
    """Reports what is wrong with a statement at host, block or parallel level."""
    match statement:
        case Assert(condition=condition):
            if level == "host":
                checks.host_condition(condition)
            else:
                checks.condition(condition)
        case Print(value=None):
            pass
        case Print(value=Node() as value):
            _value(value, level, checks)
        case Breakpoint(names=names, values=values):
            if len(names) != len(values) or len(set(names)) != len(names):
                checks.report("Breakpoint needs a name of its own for each value")
            for value in values:
                _value(value, "block", checks)


def _value(value: Expr | Region, level: str, checks: ExpressionChecks) -> None:
    if not isinstance(value, Region):
        checks.expect(value, value.dtype, "a value that is looked at")
    elif level == "parallel":
        checks.report("inside Parallel only scalars are printed")
    else:
        checks.region(value)
