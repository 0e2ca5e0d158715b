"""Evaluating expressions, in one lane or in many.

What has the same value in all lanes is computed once, as a scalar; an affine subscript
stays a scalar with a slope until it meets memory or arithmetic of another kind.
"""

from __future__ import annotations

from tiledsl.diagnostics import InternalError, UnsupportedByTarget
from tiledsl.ir.nodes import Apply, Bitcast, Cast, Const, Expr, Load, Select, Var
from tiledsl.ir.visitor import walk
from tiledsl_llvm.casts import convert
from tiledsl_llvm.frame import Frame, Index, lanes_below
from tiledsl_llvm.functions import MATH
from tiledsl_llvm.memory import load_element
from tiledsl_llvm.operations import EXACT, apply_exact
from tiledsl_llvm.representation import constant_of, element_of, zero_of
from tiledsl_llvm.values import Value, integer, sequence


def evaluate(frame: Frame, expr: Expr) -> Value:
    """The value; a scalar where all lanes agree."""
    if frame.lanes == 1 or frame.slopes is None:
        return _evaluate_node(frame, expr)
    slope = frame.slopes.of(expr)
    if slope is None:
        return _evaluate_node(frame, expr)
    known = frame.shared.get(id(expr))
    if known is not None:
        return known
    with frame.as_scalar():
        first = _evaluate_node(frame, expr)
    if slope == 0:
        return first
    steps = sequence(frame.lanes, first.element, slope)
    return frame.builder.binary("add", first, steps, "each")


def index_of(frame: Frame, expr: Expr) -> Index:
    """The subscript with its slope, if it has one."""
    if frame.lanes == 1 or frame.slopes is None:
        return Index(_evaluate_node(frame, expr))
    slope = frame.slopes.of(expr)
    if slope is None:
        return Index(_evaluate_node(frame, expr), None)
    with frame.as_scalar():
        return Index(_evaluate_node(frame, expr), slope)


def scalar(frame: Frame, expr: Expr) -> Value:
    """A value that all lanes share."""
    value = evaluate(frame, expr)
    if value.lanes != 1:
        raise InternalError("E9002", f"lanes differ in {expr}", span=expr.span)
    return value


def _evaluate_node(frame: Frame, expr: Expr) -> Value:
    b = frame.builder
    if isinstance(expr, Const):
        return constant_of(expr)
    if isinstance(expr, Var):
        return frame.values[expr.name]
    if isinstance(expr, Apply):
        return _apply(frame, expr)
    if isinstance(expr, Cast):
        value = evaluate(frame, expr.value)
        source, target = expr.value.dtype, expr.dtype
        return convert(
            b, frame.machine, value, source, target, expr.rounding, expr.saturate
        )
    if isinstance(expr, Bitcast):
        return _bitcast(frame, expr)
    if isinstance(expr, Select):
        return _select(frame, expr)
    return load(frame, expr)


def load(frame: Frame, node: Load) -> Value:
    indices = [index_of(frame, index) for index in node.indices]
    storage = frame.buffers[node.buffer.name]
    fill = zero_of(node.dtype) if node.fill is None else constant_of(node.fill)
    return load_element(frame, storage, indices, node.proved, fill)


def _apply(frame: Frame, node: Apply) -> Value:
    dtype = node.args[0].dtype
    if frame.lanes > 1 and dtype == "index" and node.op in _LANE_LIMITS:
        limit = _lane_range(frame, node)
        if limit is not None:
            return limit
    operands = [evaluate(frame, argument) for argument in node.args]
    if node.op in EXACT:
        return apply_exact(frame.builder, frame.machine, node.op, dtype, operands)
    if node.op in MATH:
        return MATH[node.op](frame.builder, frame.machine, *operands)
    raise UnsupportedByTarget(
        "E2020", f"{node.op} is not available on the CPU target", span=node.span
    )


# a < b as: lane < b - a + extra, or its negation, for a - b of slope 1 (-1 if swapped)
_LANE_LIMITS = {"lt": (0, False), "ge": (0, True), "le": (1, False), "gt": (1, True)}


def _lane_range(frame: Frame, node: Apply) -> Value | None:
    """A comparison of subscripts as a range of lanes, if their slopes differ by 1."""
    slopes = frame.slopes
    a, b = (
        (index_of(frame, argument) for argument in node.args)
        if slopes
        else (None, None)
    )
    if a is None or b is None or a.slope is None or b.slope is None:
        return None
    extra, negated = _LANE_LIMITS[node.op]
    difference = a.slope - b.slope
    if difference == -1:
        # a < b is not (b <= a), and b <= a is lane < a - b + 1
        a, b, extra, negated = b, a, 1 - extra, not negated
    elif difference != 1:
        return None
    builder = frame.builder
    room = builder.intrinsic("ssub.sat", b.value, a.value)
    if extra:
        room = builder.intrinsic("sadd.sat", room, integer(1))
    mask = lanes_below(builder, room, frame.lanes)
    return builder.binary("xor", mask, integer(1, "i1")) if negated else mask


def _bitcast(frame: Frame, node: Bitcast) -> Value:
    value = evaluate(frame, node.value)
    b = frame.builder
    if node.value.dtype.kind == "bool":
        value = b.convert("zext", value, "i8")
    if node.dtype.kind == "bool":
        return b.convert("trunc", b.convert("bitcast", value, "i8"), "i1")
    return b.convert("bitcast", value, element_of(node.dtype))


def _select(frame: Frame, node: Select) -> Value:
    """Both arms are evaluated; loads in them do not rely on proofs from the condition."""
    b = frame.builder
    condition = evaluate(frame, node.condition)
    if not any(
        isinstance(part, Load)
        for arm in (node.then, node.otherwise)
        for part in walk(arm)
    ):
        return b.select(
            condition, evaluate(frame, node.then), evaluate(frame, node.otherwise)
        )
    if condition.lanes == 1:
        trusted, frame.trusted = frame.trusted, False
        then, otherwise = evaluate(frame, node.then), evaluate(frame, node.otherwise)
        frame.trusted = trusted
        return b.select(condition, then, otherwise)
    with frame.masked(condition, trusted=False):
        then = evaluate(frame, node.then)
    opposite = b.binary("xor", condition, integer(1, "i1"))
    with frame.masked(opposite, trusted=False):
        otherwise = evaluate(frame, node.otherwise)
    return b.select(condition, then, otherwise)
