"""Static reasoning about subscripts: counting from the end, and slices outside (L42)."""

from __future__ import annotations

from tiledsl.analysis.affine import Affine, affine, bounds, to_expr
from tiledsl.frontend.bounds_errors import outside
from tiledsl.frontend.builder import Builder, here
from tiledsl.ir.nodes import Buffer, Expr


def normal_form(expr: Expr) -> Affine:
    """An index expression as a sum, looking through the snapshots of this trace."""
    builder = Builder.active_or_none()
    return affine(expr, builder.definitions if builder else None)


def static_bounds(expr: Expr) -> tuple[int, int] | None:
    """The least and greatest value of an affine index over static loops, if known."""
    builder = Builder.active_or_none()
    return bounds(normal_form(expr), builder.ranges if builder else {})


def simplified(expr: Expr) -> Expr:
    """An extent or bound in its shortest affine form (rule L58)."""
    return to_expr(normal_form(expr))


def from_end(expr: Expr, extent: Expr) -> Expr:
    """The index, counted from the end if it is always negative (rule L42)."""
    known = static_bounds(expr)
    if known is None or known[1] >= 0:
        return expr
    return to_expr(normal_form(expr) + normal_form(extent))


def check_range(buffer: Buffer, dim: int, start: Expr, length: Affine) -> None:
    """Refuses a slice ``start`` to ``start + length`` that is provably outside (L45)."""
    known, count = static_bounds(start), length.static
    if known is None or count is None or count <= 0:
        return
    positions = (known[0], known[1] + count - 1)
    error = outside(buffer, dim, "slice", positions, here())
    builder = Builder.active()
    if error and builder.conditional:
        builder.warn("W0501", error.summary.partition(" ")[2])
    elif error:
        raise error
