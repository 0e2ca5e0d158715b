"""Which expressions of a ``Parallel`` body are the same, or evenly spaced, in all lanes.

The innermost iterations of a ``Parallel`` run as the lanes of vectors.  The *slope* of an
expression is its difference from one lane to the next: 0 if all lanes agree (it is then
computed once, as a scalar), a constant for affine index arithmetic (subscripts with slope
1 in the last dimension are contiguous vectors), None if lanes differ otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    Atomic,
    Bitcast,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Statement,
    Store,
    Var,
    While,
)
from tiledsl.ir.visitor import children, walk
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.private import private_buffers

Slope = int | None


@dataclass
class Slopes:
    """Slopes of the names and expressions of one body, for one lane variable."""

    lane: str
    private: frozenset[str]
    names: dict[str, Slope] = field(default_factory=dict)
    _known: dict[int, tuple[Expr, Slope]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names[self.lane] = 1

    def of(self, expr: Expr) -> Slope:
        known = self._known.get(id(expr))
        if known is None:
            # the expression is kept too, so that its id stays its own
            known = self._known[id(expr)] = (expr, self._find(expr))
        return known[1]

    def _find(self, expr: Expr) -> Slope:
        if isinstance(expr, Const):
            return 0
        if isinstance(expr, Var):
            return self.names.get(expr.name, 0)
        if isinstance(expr, Load) and expr.buffer.name in self.private:
            return None
        parts = [self.of(part) for part in children(expr) if isinstance(part, Expr)]
        if all(slope == 0 for slope in parts):
            return 0
        if isinstance(expr, Apply) and expr.dtype == "index":
            return self._affine(expr, parts)
        if isinstance(expr, Cast) and {expr.dtype, expr.value.dtype} <= {
            "index",
            "int64",
        }:
            return parts[0]
        return None

    def _affine(self, expr: Apply, parts: list[Slope]) -> Slope:
        if any(slope is None for slope in parts):
            return None
        slopes = [slope or 0 for slope in parts]
        if expr.op == "add":
            return slopes[0] + slopes[1]
        if expr.op == "sub":
            return slopes[0] - slopes[1]
        if expr.op == "neg":
            return -slopes[0]
        if expr.op == "mul":
            for slope, other in zip(slopes, reversed(expr.args), strict=True):
                if isinstance(other, Const):
                    return slope * int(other.value)
        return None


def slopes_along(node: Parallel, lane: Var) -> Slopes | None:
    """The slopes of a body along one of its variables.

    None if its iterations cannot run as lanes: control flow that differs between them, or
    elements that several lanes may accumulate into at once.
    """
    slopes = Slopes(lane.name, private_buffers(node))
    return (
        slopes if all(_fits(part, slopes) for part in _statements(node.body)) else None
    )


def _fits(part: Statement, slopes: Slopes) -> bool:
    if isinstance(part, Let):
        slopes.names[part.var.name] = slopes.of(part.value)
    if isinstance(part, While | Break | Continue | Atomic):
        return False
    if isinstance(part, For):
        return all(
            slopes.of(bound) == 0 for bound in (part.start, part.stop, part.step)
        )
    if isinstance(part, Accumulate):
        return all(slopes.of(index) is not None for index in part.indices)
    return True


def _statements(block: Block) -> Iterator[Statement]:
    """All statements, each before those inside it, in program order."""
    for part in block:
        yield part
        if isinstance(part, For):
            yield from _statements(part.body)
        elif isinstance(part, If):
            yield from _statements(part.then)
            yield from _statements(part.otherwise)


def lane_count(machine: Machine, node: Parallel) -> int:
    """How many lanes fit a register for the widest data that the body computes with."""
    widest = 0
    for part in _all(node.body):
        if isinstance(part, Load | Store | Accumulate):
            dtype = part.buffer.dtype
        elif isinstance(part, Apply | Cast | Bitcast):
            dtype = part.dtype
        else:
            continue
        if dtype != "index":
            widest = max(widest, dtype.bytes)
    return machine.lanes(widest or 4)


def lane_of(machine: Machine, node: Parallel) -> int | None:
    """The position of the variable whose iterations become lanes, if there is one."""
    lanes = lane_count(machine, node)
    choice = choose_lane(node, lanes) if lanes > 1 else None
    return None if choice is None else choice[0]


def choose_lane(node: Parallel, lanes: int) -> tuple[int, Slopes] | None:
    """The variable whose iterations become lanes, by its position, and its slopes."""
    best: tuple[float, int, Slopes] | None = None
    for position, var in enumerate(node.vars):
        slopes = slopes_along(node, var)
        if slopes is None:
            continue
        score = _score(node, slopes) * _filling(node.extents[position], lanes)
        if best is None or score >= best[0]:
            best = (score, position, slopes)
    return None if best is None else best[1:]


def _filling(extent: Expr, lanes: int) -> float:
    """The share of lanes that do work; a run-time extent is taken to be large."""
    if not isinstance(extent, Const):
        return 1.0
    count = max(1, int(extent.value))
    return count / (lanes * -(-count // lanes))


def _score(node: Parallel, slopes: Slopes) -> float:
    """How much of the body's traffic is contiguous or shared between lanes."""
    total = 0.01
    for part in _all(node.body):
        if isinstance(part, Load | Store | Accumulate) and part.indices:
            found = [slopes.of(index) for index in part.indices]
            if all(slope == 0 for slope in found):
                total += 1.0 if isinstance(part, Load) else 0.5
            elif found[-1] == 1 and all(slope == 0 for slope in found[:-1]):
                total += 1.0
    return total


def _all(body: Block) -> Iterator[Node]:
    for part in body:
        yield from walk(part)
