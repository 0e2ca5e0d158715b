"""Neighboring loops over the same tile as one loop.

    parallel (i, j): p[i, j] = exp(x[i, j] - m[i])
    parallel (i): s[i] = 0
    parallel (i, j): s[i] += p[i, j]
    =>
    parallel (i): s[i] = 0
    parallel (i, j):
      p[i, j] = exp(x[i, j] - m[i])
      s[i] += p[i, j]

Two loops may become one if each element that both touch and one writes is touched by the
same iteration of both, and by no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from tiledsl.analysis.affine import affine
from tiledsl.analysis.effects import read, written
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Block,
    Const,
    Expr,
    For,
    Function,
    If,
    Launch,
    Let,
    Load,
    Node,
    Parallel,
    Statement,
    Store,
    Var,
    While,
    index,
)
from tiledsl.ir.visitor import rebuild, substitute, walk
from tiledsl_llvm.lanes import lane_of
from tiledsl_llvm.machine import Machine

# more streams than this at once, and the processor no longer foresees them all
_MOST_BUFFERS: Final = 8


def fuse_loops(function: Function, machine: Machine) -> Function:
    """The function with loops of tile operations fused where that is legal."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        if isinstance(node, Parallel):
            return _without_single(node)
        if isinstance(node, Launch | For | While):
            return replace(node, body=_fused(node.body, machine))
        if isinstance(node, If):
            then, otherwise = (
                _fused(arm, machine) for arm in (node.then, node.otherwise)
            )
            return replace(node, then=then, otherwise=otherwise)
        return node

    return rebuild(function, change)


def _without_single(loop: Parallel) -> Parallel:
    """The loop without variables that are 0 only: tile operations make none for these."""
    pairs = list(zip(loop.vars, loop.extents, strict=True))
    single: dict[str, Node] = {
        var.name: index(0) for var, extent in pairs if extent == index(1)
    }
    if not single:
        return loop
    kept = [(var, extent) for var, extent in pairs if var.name not in single]
    return replace(
        loop,
        vars=tuple(var for var, _ in kept),
        extents=tuple(extent for _, extent in kept),
        body=tuple(substitute(statement, single) for statement in loop.body),
    )


def _fused(block: Block, machine: Machine) -> Block:
    done: list[Statement] = []
    for statement in block:
        joined = (
            _joined(done, statement, machine)
            if isinstance(statement, Parallel)
            else None
        )
        done = [*done, statement] if joined is None else joined
    # what has not changed stays the same object
    return block if len(done) == len(block) else tuple(done)


def _joined(
    done: Sequence[Statement], loop: Parallel, machine: Machine
) -> list[Statement] | None:
    """The statements with the loop as part of an earlier one; None if there is none."""
    for place in reversed(range(len(done))):
        earlier = done[place]
        if not isinstance(earlier, Parallel | Allocate | Let):
            return None
        if not isinstance(earlier, Parallel):
            continue
        order = _order(earlier, done[place + 1 :], loop)
        both = _one_loop(earlier, loop, machine) if order is not None else None
        if order is not None and both is not None:
            before, after = order
            return [*done[:place], *before, both, *after]
    return None


def _order(
    first: Parallel, between: Sequence[Statement], last: Parallel
) -> tuple[list[Statement], list[Statement]] | None:
    """What is between two loops, as what can run before both and what after both."""
    before: list[Statement] = []
    after: list[Statement] = []
    for statement in between:
        if all(_independent(statement, other) for other in (first, *after)):
            before.append(statement)
        else:
            after.append(statement)
    if all(_independent(statement, last) for statement in after):
        return before, after
    return None


def _independent(a: Statement, b: Statement) -> bool:
    """Whether the order of two statements makes no difference."""
    for one, other in ((a, b), (b, a)):
        if written([one]) & (read([other]) | written([other])):
            return False
        names = _declared(one)
        if names and any(getattr(part, "name", None) in names for part in walk(other)):
            return False
    return True


def _declared(statement: Statement) -> frozenset[str]:
    if isinstance(statement, Let):
        return frozenset({statement.var.name})
    if isinstance(statement, Allocate):
        return frozenset({statement.buffer.name})
    return frozenset()


# ------------------------------------------------------------- making one of two


def _one_loop(first: Parallel, last: Parallel, machine: Machine) -> Parallel | None:
    if first.extents != last.extents:
        return None
    names: dict[str, Node] = {
        old.name: new for old, new in zip(last.vars, first.vars, strict=True)
    }
    body = tuple(substitute(statement, names) for statement in last.body)
    both = replace(first, body=(*first.body, *body))
    if not _is_simple(both) or not _touches_in_step(first, body):
        return None
    lanes = {lane_of(machine, loop) for loop in (first, last, both)}
    return both if len(lanes) == 1 and None not in lanes else None


def _is_simple(loop: Parallel) -> bool:
    """Whether nothing ends an iteration early and no iteration has buffers of its own."""
    if not all(isinstance(extent, Const) for extent in loop.extents):
        return False
    buffers = set()
    for part in _parts(loop.body):
        if isinstance(part, Statement) and not isinstance(
            part, Let | Store | Accumulate | If
        ):
            return False
        if isinstance(part, Load | Store | Accumulate):
            if part.buffer.scope == "local":
                return False
            buffers.add(part.buffer.name)
    return len(buffers) <= _MOST_BUFFERS


def _touches_in_step(first: Parallel, body: Block) -> bool:
    """Whether what one part writes and the other touches belongs to one iteration."""
    here, there = first.body, body
    shared = (written(here) & (read(there) | written(there))) | (
        written(there) & read(here)
    )
    if not shared:
        return True
    bound = {part.var.name for part in _parts((*here, *there)) if isinstance(part, Let)}
    seen: dict[str, tuple[str, tuple[Expr, ...]]] = {}
    for part in _parts((*here, *there)):
        if not isinstance(part, Load | Store | Accumulate):
            continue
        if part.buffer.root not in shared:
            continue
        place = (part.buffer.name, part.indices)
        if seen.setdefault(part.buffer.root, place) != place:
            return False
    return all(_own(indices, first, bound) for _, indices in seen.values())


def _own(indices: tuple[Expr, ...], loop: Parallel, bound: set[str]) -> bool:
    """Whether no two iterations have these subscripts."""
    variables = {var.name for var in loop.vars}
    found = set()
    for subscript in indices:
        for part in walk(subscript):
            if isinstance(part, Load) or (isinstance(part, Var) and part.name in bound):
                return False
        mentioned = {
            part.name
            for part in walk(subscript)
            if isinstance(part, Var) and part.name in variables
        }
        # a sum with one variable of the loop tells its values apart
        atoms = [
            atom for atom, _ in affine(subscript).terms if _mentions(atom, mentioned)
        ]
        if len(mentioned) == 1 and len(atoms) == 1 and isinstance(atoms[0], Var):
            found |= mentioned
    return found == variables


def _mentions(atom: Expr, names: set[str]) -> bool:
    return any(isinstance(part, Var) and part.name in names for part in walk(atom))


def _parts(block: Block) -> Iterator[Node]:
    for statement in block:
        yield from walk(statement)
