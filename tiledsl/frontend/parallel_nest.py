"""A ``T.Parallel`` directly inside another: one loop over the product (rule L53)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder
from tiledsl.ir.nodes import Let, Parallel, Var
from tiledsl.ir.visitor import walk


def check_nesting(builder: Builder) -> None:
    """Refuses a ``T.Parallel`` that opens inside another one, except directly."""
    if not builder.inside("parallel"):
        return
    block = builder.scopes[-1]
    direct = block.kind == "parallel"
    if direct and all(isinstance(part, Let) for part in block.open_statements):
        return
    raise _mixed(builder)


def merged(builder: Builder, loop: Parallel) -> Parallel:
    """The loop, or one over the product if its body ends in another ``T.Parallel``."""
    inner = [part for part in loop.body if isinstance(part, Parallel)]
    if not inner:
        return loop
    nested = loop.body[-1]
    if not isinstance(nested, Parallel) or len(inner) > 1:
        raise _mixed(builder)
    bindings = loop.body[:-1]
    own = {var.name for var in loop.vars}
    own |= {part.var.name for part in bindings if isinstance(part, Let)}
    for extent in nested.extents:
        if any(isinstance(part, Var) and part.name in own for part in walk(extent)):
            raise KernelError(
                "E0138",
                "the extent of an inner T.Parallel depends on the outer one",
                span=nested.span,
                hint="use the largest extent, and `if` inside",
            )
    return Parallel(
        loop.vars + nested.vars,
        loop.extents + nested.extents,
        bindings + nested.body,
        span=loop.span,
    )


def _mixed(builder: Builder) -> KernelError:
    return KernelError(
        "E0138",
        "a T.Parallel inside another one, with other statements between them",
        span=builder.span,
        expected="only bindings between the two",
        hint="use T.serial for the inner loop",
    )
