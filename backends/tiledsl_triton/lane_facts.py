"""Which names differ between lanes, and all accesses of a launch to its buffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Atomic,
    Block,
    Buffer,
    Expr,
    For,
    Gemm,
    If,
    Launch,
    Let,
    Load,
    Node,
    Parallel,
    Store,
    Var,
    While,
)
from tiledsl.ir.visitor import children, walk
from tiledsl_triton.subscripts import Lanewise, Subscript, split

Kind = Literal["load", "store", "accumulate", "atomic"]
_KINDS: dict[type[Node], Kind] = {
    Load: "load",
    Store: "store",
    Accumulate: "accumulate",
    Atomic: "atomic",
}


@dataclass(frozen=True, slots=True)
class Access:
    """One access of a launch to an element; ``parallel`` is the loop around it."""

    kind: Kind
    buffer: Buffer
    subscripts: tuple[Subscript, ...]
    parallel: Parallel | None
    node: Node
    private: bool = False  # to a copy of its own lane


@dataclass
class LaneFacts:
    """What the analysis found; names are unique in a function, so sets of names do."""

    varying: set[str] = field(default_factory=set)
    private: dict[str, set[str]] = field(default_factory=dict)  # by first axis
    inner: set[str] = field(default_factory=set)  # allocated inside a Parallel
    definitions: dict[str, Expr] = field(default_factory=dict)
    accesses: list[Access] = field(default_factory=list)
    gemms: list[Gemm] = field(default_factory=list)
    parallels: list[Parallel] = field(default_factory=list)

    def lanes(self, parallel: Parallel | None) -> Lanewise:
        """The view of one ``Parallel`` on its subscripts."""
        axes = frozenset(var.name for var in parallel.vars) if parallel else frozenset()
        varying = self.varying if parallel else ()
        private = self.private_in(parallel)
        return Lanewise(axes, frozenset(varying), frozenset(private), self.definitions)

    def private_in(self, parallel: Parallel | None) -> set[str]:
        """The buffers of which each iteration has its own."""
        return self.private[parallel.vars[0].name] if parallel else set()


def find_lane_facts(launch: Launch) -> LaneFacts:
    """The facts of one launch."""
    facts = LaneFacts()
    for node in walk(launch):
        if isinstance(node, Let) and node.var.dtype == INDEX and _is_pure(node.value):
            facts.definitions[node.var.name] = node.value
        elif isinstance(node, Parallel):
            facts.parallels.append(node)
            facts.varying.update(var.name for var in node.vars)
        elif isinstance(node, Gemm):
            facts.gemms.append(node)
    for parallel in facts.parallels:
        facts.private[parallel.vars[0].name] = _private_buffers(parallel, facts)
        facts.inner.update(
            node.buffer.name for node in walk(parallel) if isinstance(node, Allocate)
        )
    for parallel in facts.parallels:
        _find_varying(parallel.body, facts, facts.private_in(parallel))
    _find_accesses(launch.body, None, facts)
    return facts


def _is_pure(expr: Expr) -> bool:
    """Whether the expression makes no access, so that it means the same anywhere."""
    return not any(isinstance(part, Load) for part in walk(expr))


def wide_axes(parallel: Parallel) -> frozenset[str]:
    """The axes with more than one iteration."""
    return frozenset(
        var.name
        for var, extent in zip(parallel.vars, parallel.extents, strict=True)
        if getattr(extent, "value", None) != 1
    )


def _mentioned(exprs: tuple[Expr, ...], facts: LaneFacts) -> set[str]:
    found: set[str] = set()
    waiting = list(exprs)
    while waiting:
        for node in walk(waiting.pop()):
            if isinstance(node, Var) and node.name not in found:
                found.add(node.name)
                if node.name in facts.definitions:
                    waiting.append(facts.definitions[node.name])
    return found


def _private_buffers(parallel: Parallel, facts: LaneFacts) -> set[str]:
    """Buffers allocated inside, and outer locals that every iteration overwrites."""
    private: set[str] = set()
    wide = wide_axes(parallel)
    for node in walk(parallel):
        if isinstance(node, Allocate) or (
            isinstance(node, Store)
            and node.buffer.scope == "local"
            and not wide <= _mentioned(node.indices, facts)
        ):
            private.add(node.buffer.name)
    return private


def _find_varying(block: Block, facts: LaneFacts, private: set[str]) -> None:
    lanes = Lanewise(frozenset(), facts.varying, private)
    for statement in block:
        if isinstance(statement, Let) and lanes.varies(statement.value):
            facts.varying.add(statement.var.name)
        elif isinstance(statement, Atomic) and statement.previous is not None:
            facts.varying.add(statement.previous.name)
        elif isinstance(statement, For):
            bounds = (statement.start, statement.stop, statement.step)
            if any(lanes.varies(bound) for bound in bounds):
                facts.varying.add(statement.var.name)
            _find_varying(statement.body, facts, private)
        elif isinstance(statement, While):
            _find_varying(statement.body, facts, private)
        elif isinstance(statement, If):
            _find_varying(statement.then, facts, private)
            _find_varying(statement.otherwise, facts, private)


def _find_accesses(block: Block, parallel: Parallel | None, facts: LaneFacts) -> None:
    lanes = facts.lanes(parallel)

    def visit(node: Node) -> None:
        if isinstance(node, Parallel):
            for extent in node.extents:
                visit(extent)
            _find_accesses(node.body, node, facts)
            return
        if isinstance(node, Load | Store | Accumulate | Atomic):
            subscripts = tuple(split(index, lanes) for index in node.indices)
            own = node.buffer.name in facts.private_in(parallel)
            kind = _KINDS[type(node)]
            facts.accesses.append(
                Access(kind, node.buffer, subscripts, parallel, node, own)
            )
        for child in children(node):
            if not isinstance(child, Buffer):
                visit(child)

    for statement in block:
        visit(statement)
