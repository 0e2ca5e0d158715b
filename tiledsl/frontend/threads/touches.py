"""Which elements the threads touch, and whether two threads may meet at one.

An access is private to its thread if its subscripts determine the thread: ``s[tx, j]``,
or ``s[tx * 8 + j]`` with j below 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tiledsl.analysis.affine import affine
from tiledsl.frontend.threads.axis import ThreadAxis
from tiledsl.frontend.threads.uniformity import Varying
from tiledsl.ir.nodes import (
    Accumulate,
    Buffer,
    Expr,
    For,
    Let,
    Load,
    Node,
    Region,
    Store,
    Var,
)
from tiledsl.ir.visitor import children, walk


@dataclass(frozen=True, slots=True)
class Subscript:
    """A sum of thread indices, indices of loops in the region, and what is the same."""

    threads: Mapping[str, int]
    loops: Mapping[str, int]
    fixed: Mapping[Expr, int]
    constant: int


@dataclass(frozen=True, slots=True)
class Touch:
    """One access of a buffer that threads share.

    ``atomic`` names the update if other threads' updates may come between.  ``agreed``:
    all threads write the same value to the same element.  ``loops`` are the loops around
    it inside the region.  A subscript that is no usable sum is None; ``subscripts`` is
    None for an access of a whole region.
    """

    buffer: str
    writes: bool
    subscripts: tuple[Subscript | None, ...] | None
    loops: frozenset[str]
    atomic: str = ""
    agreed: bool = False


@dataclass(frozen=True, slots=True)
class Touches:
    """Finds accesses and compares them."""

    axis: ThreadAxis
    varying: Varying
    ranges: Mapping[str, tuple[int, int]]
    definitions: Mapping[str, Expr]

    # ------------------------------------------------------------------ finding

    def of(self, *statements: Node) -> list[Touch]:
        """The accesses of statements to what is not private to a thread."""
        bound = {
            part.var.name
            for statement in statements
            for part in walk(statement)
            if isinstance(part, Let | For)
        }
        found: list[Touch] = []
        for statement in statements:
            found += self._within(statement, frozenset(), bound)
        return found

    def _within(
        self, node: Node, loops: frozenset[str], bound: set[str]
    ) -> Iterator[Touch]:
        touch = self._own(node, loops, bound)
        if touch is not None:
            yield touch
        inside = loops | {node.var.name} if isinstance(node, For) else loops
        for part in children(node):
            if not isinstance(part, Buffer):
                yield from self._within(part, inside, bound)

    def _own(self, node: Node, loops: frozenset[str], bound: set[str]) -> Touch | None:
        buffer = getattr(node, "buffer", None)
        if not isinstance(buffer, Buffer) or type(node).__name__ == "Allocate":
            return None
        if buffer.scope == "local" and buffer.name in self.varying.buffers:
            return None
        if isinstance(node, Region):
            return Touch(buffer.root, True, None, loops)
        indices: tuple[Expr, ...] = getattr(node, "indices", ())
        subscripts = tuple(self._subscript(expr, loops, bound) for expr in indices)
        # subscripts of different views say nothing about each other
        known = subscripts if buffer.of is None else None
        touch = Touch(buffer.root, True, known, loops)
        match node:
            case Load():
                return replace(touch, writes=False)
            case Store(value=value):
                agreed = not self.varying.any_of(value, *indices)
                return replace(touch, agreed=agreed)
            case Accumulate(reduction=reduction):
                return replace(touch, atomic=reduction)
        return replace(touch, atomic="atomic")

    def _subscript(
        self, expr: Expr, loops: frozenset[str], bound: set[str]
    ) -> Subscript | None:
        form = affine(expr, self.definitions)
        own = {var.name for var in self.axis.vars}
        threads: dict[str, int] = {}
        around: dict[str, int] = {}
        fixed: dict[Expr, int] = {}
        for atom, coefficient in form.terms:
            name = atom.name if isinstance(atom, Var) else ""
            if name in own:
                threads[name] = coefficient
            elif name in loops and name not in self.varying.vars:
                around[name] = coefficient
            elif self._is_fixed(atom, loops, bound):
                fixed[atom] = coefficient
            else:
                return None
        return Subscript(threads, around, fixed, form.constant)

    def _is_fixed(self, atom: Expr, loops: frozenset[str], bound: set[str]) -> bool:
        if atom in self.varying:
            return False
        return not any(
            isinstance(part, Load)
            or (isinstance(part, Var) and (part.name in bound or part.name in loops))
            for part in walk(atom)
        )

    # ---------------------------------------------------------------- comparing

    def meet(self, first: Iterable[Touch], second: Sequence[Touch]) -> bool:
        """Whether an access of one thread may disturb one of another thread."""
        return any(self._disturb(a, b) for a in first for b in second)

    def meet_within(self, touches: Sequence[Touch]) -> bool:
        """Whether this may happen between accesses of one statement that repeats."""
        for position, a in enumerate(touches):
            if a.loops and a.writes and not a.atomic and not self._alone(a):
                return True
            if any(self._disturb(a, b) for b in touches[position + 1 :]):
                return True
        return False

    def _alone(self, touch: Touch) -> bool:
        """Whether a repeated write disturbs no other repetition of itself."""
        determined = self._determined(touch, touch)
        if self._threads <= determined:
            return True
        return touch.agreed and all(
            name in determined or self.ranges.get(name, (0, 1))[0] == self._last(name)
            for name in touch.loops
        )

    def _last(self, name: str) -> int | None:
        known = self.ranges.get(name)
        return None if known is None else known[1]

    def _disturb(self, a: Touch, b: Touch) -> bool:
        if a.buffer != b.buffer or not (a.writes or b.writes):
            return False
        if a.atomic and a.atomic == b.atomic:
            return False
        return not self._distinct(a, b) and not self._threads <= self._determined(a, b)

    @property
    def _threads(self) -> set[str]:
        pairs = zip(self.axis.vars, self.axis.extents, strict=True)
        return {var.name for var, extent in pairs if extent > 1}

    def _distinct(self, a: Touch, b: Touch) -> bool:
        """Whether the two never touch one element: constant subscripts that differ."""
        return any(
            one is not None
            and other is not None
            and not (one.threads or one.loops or other.threads or other.loops)
            and one.fixed == other.fixed
            and one.constant != other.constant
            for one, other in zip(a.subscripts or (), b.subscripts or (), strict=False)
        )

    def _determined(self, a: Touch, b: Touch) -> set[str]:
        """The indices that are equal wherever the two touch one element."""
        found: set[str] = set()
        for one, other in zip(a.subscripts or (), b.subscripts or (), strict=False):
            if one is None or other is None:
                continue
            if one.threads != other.threads or one.fixed != other.fixed:
                continue
            if one.loops == other.loops and one.constant == other.constant:
                found |= self._from_steps({**one.threads, **one.loops}, 0)
            else:
                reach = self._difference(one, other)
                if reach is not None:
                    found |= self._from_steps(one.threads, reach)
        return found

    def _from_steps(self, steps: Mapping[str, int], reach: int) -> set[str]:
        """All indices of a sum, if each step is longer than what smaller ones reach."""
        ordered = sorted((abs(step), name) for name, step in steps.items())
        for position, (step, name) in enumerate(ordered):
            known = self.ranges.get(name)
            if step <= reach or (known is None and position < len(ordered) - 1):
                return set()
            reach += step * (known[1] - known[0]) if known else 0
        return set(steps)

    def _difference(self, one: Subscript, other: Subscript) -> int | None:
        """How far apart two sums with equal thread indices may be."""
        least = greatest = one.constant - other.constant
        for loops, sign in ((one.loops, 1), (other.loops, -1)):
            for name, step in loops.items():
                known = self.ranges.get(name)
                if known is None:
                    return None
                ends = [sign * step * end for end in known]
                least, greatest = least + min(ends), greatest + max(ends)
        return max(abs(least), abs(greatest))
