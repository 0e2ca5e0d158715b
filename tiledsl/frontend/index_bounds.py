"""Static reasoning about subscripts: counting from the end, and bounds errors.

Rules L42 (negative indices) and L45 (accesses that are provably outside).
"""

from __future__ import annotations

from tiledsl.analysis.affine import Affine, affine, bounds, to_expr
from tiledsl.diagnostics import KernelError
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


def check_element(buffer: Buffer, dim: int, expr: Expr, written: Expr) -> None:
    """Refuses an index that is never inside (global) or sometimes outside (block-local).

    ``written`` is the index before it was counted from the end.  Under a dynamic
    condition it is a warning, since the access may not happen.
    """
    known = static_bounds(expr)
    extent = normal_form(buffer.shape[dim]).static
    if known is None or extent is None:
        return
    least, greatest = known
    inside = least >= 0 and greatest < extent
    touches = greatest >= 0 and least < extent
    if inside or (touches and buffer.scope == "global"):
        return
    what = f"index {dim} of {buffer.name}"
    got = _interval(*(static_bounds(written) or known))
    _report(buffer, what, touches, got, f"0 to {extent - 1}")


def check_range(buffer: Buffer, dim: int, start: Expr, length: Affine) -> None:
    """The same for the elements ``start`` to ``start + length`` of a slice."""
    known = static_bounds(start)
    extent, count = normal_form(buffer.shape[dim]).static, length.static
    if known is None or extent is None or count is None or count <= 0:
        return
    least, greatest = known[0], known[1] + count
    inside = least >= 0 and greatest <= extent
    touches = greatest > 0 and least < extent
    if inside or (touches and buffer.scope == "global"):
        return
    what = f"slice {dim} of {buffer.name}"
    shown = f"elements {_interval(least, greatest - 1)}"
    _report(buffer, what, touches, shown, f"0 to {extent - 1}")


def _report(buffer: Buffer, what: str, touches: bool, got: str, expected: str) -> None:
    builder = Builder.active()
    never = "is never in range" if not touches else "is out of range"
    message = f"{what} ({buffer.scope}) {never}"
    if builder.inside("arm"):
        builder.warn("W0501", f"{message}: expected {expected}, got {got}")
        return
    raise KernelError(
        "E0501" if buffer.scope == "global" else "E0502",
        message,
        span=here(),
        expected=expected,
        got=got,
        hint="make the tile larger, or guard the access with `if`",
    )


def _interval(least: int, greatest: int) -> str:
    return str(least) if least == greatest else f"{least} to {greatest}"
