"""Hypothesis strategies for shapes, strides, dtypes, subscripts and whole programs.

Not imported by ``tiledsl.testing``: it needs the package ``hypothesis``.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tiledsl.ir.dtypes import ALL_DTYPES, INDEX, DType
from tiledsl.ir.nodes import Expr, Var
from tiledsl.testing.generator.choice import Choice
from tiledsl.testing.generator.expressions import subscript
from tiledsl.testing.generator.policy import POLICIES, Policy
from tiledsl.testing.generator.program import Program, draw_program
from tiledsl.testing.generator.scope import Scope

__all__ = ["dtypes", "indices", "programs", "shapes", "strides"]


class _DrawnChoice(Choice):
    """Decisions that hypothesis makes, and makes simpler when something fails."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


def dtypes() -> st.SearchStrategy[DType]:
    """Element types of buffers."""
    return st.sampled_from([dtype for dtype in ALL_DTYPES if dtype != INDEX])


def shapes(*, tile: int = 4, max_rank: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes with sizes around the edges of a tile: 0, 1, t - 1, t, t + 1, 2t - 1, ..."""
    near = sorted({1, 0, tile - 1, tile, tile + 1, 2 * tile - 1, 2 * tile + 1, 7, 13})
    sizes = st.sampled_from([size for size in near if size >= 0])
    return st.lists(sizes, max_size=max_rank).map(tuple)


@st.composite
def strides(draw: st.DrawFn, shape: Sequence[int]) -> tuple[int, ...]:
    """Strides in elements without overlap: any order of dimensions, gaps, either sign."""
    order = draw(st.permutations(range(len(shape))))
    steps = [0] * len(shape)
    reach = 1
    for dim in order:
        steps[dim] = reach * draw(st.sampled_from([1, -1]))
        reach = reach * max(shape[dim], 1) + draw(st.integers(0, 3))
    return tuple(steps)


@st.composite
def indices(draw: st.DrawFn, names: Sequence[str] = ("i", "j")) -> Expr:
    """Index expressions over variables: affine, divided, wrapped, mirrored."""
    scope = Scope(_DrawnChoice(draw), POLICIES[0])
    scope.variables += [Var(name, INDEX) for name in names]
    return subscript(scope, 2)


@st.composite
def programs(draw: st.DrawFn, policy: Policy | None = None) -> Program:
    """Whole programs: a function with sizes and inputs of one call."""
    return draw_program(_DrawnChoice(draw), policy)
