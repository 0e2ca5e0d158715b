"""Assertions and assumptions: where they stand in the IR (rule L72)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.snapshots import element_at_host, reads_memory
from tiledsl.frontend.values import as_condition
from tiledsl.ir.nodes import Apply, Assert, Bitcast, Expr, Node, Var
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.visitor import substitute, walk


def emit_assertion(condition: object, message: str, *, assumed: bool) -> None:
    """Says here that a condition holds.

    A promise about dims and scalar parameters that does not depend on control flow
    moves to the host, where each call verifies it.
    """
    builder, test = Builder.active(), as_condition(condition)
    if not builder.inside("launch"):
        _emit_at_host(builder, Assert(test, message, assumed, span=here()))
        return
    known = _at_call(test, builder)
    unconditional = all(block.kind in ("host", "launch") for block in builder.scopes)
    if assumed and unconditional and known is not None:
        builder.emit_in(builder.scopes[0], Assert(known, message, assumed, span=here()))
        return
    builder.emit(Assert(test, message, assumed, span=here()))


def _emit_at_host(builder: Builder, statement: Assert) -> None:
    if builder.inside("parallel"):
        raise UnsupportedByTarget(
            "E2001",
            "an assertion in a T.Parallel outside T.Kernel is not available",
            span=statement.span,
            hint="write the loop inside a T.Kernel",
        )
    _require_computable(statement.condition)
    if builder.inside("arm"):
        builder.emit(statement)  # the condition around it becomes part of it
    else:
        builder.emit_in(builder.scopes[0], statement)


def _at_call(condition: Expr, builder: Builder) -> Expr | None:
    """The condition over dims and scalar parameters; None if it depends on more."""
    while True:
        names = {part.name for part in walk(condition) if isinstance(part, Var)}
        inside: dict[str, Node] = {
            name: builder.definitions[name]
            for name in names
            if name in builder.definitions
        }
        if not inside:
            break
        condition = substitute(condition, inside)
    if names & builder.inner_names or not _computable(condition):
        return None
    return condition


def _computable(condition: Expr) -> bool:
    """Whether the host gets the same value as every backend."""
    return not reads_memory(condition) and not any(
        isinstance(part, Bitcast)
        or (isinstance(part, Apply) and SCALAR_OPS[part.op].ulp > 0)
        for part in walk(condition)
    )


def _require_computable(condition: Expr) -> None:
    if reads_memory(condition):
        raise element_at_host()
    if not _computable(condition):
        raise KernelError(
            "E0210",
            "a condition outside T.Kernel depends on an approximated function",
            span=here(),
            expected="a condition on dims and scalars by exact operations",
            hint="put the statement inside the T.Kernel",
        )
