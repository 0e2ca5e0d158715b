"""What the checks need to know about a whole function before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tiledsl.analysis.effects import accesses
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.visitor import transform, walk


@dataclass(frozen=True, slots=True)
class Program:
    """Names of buffers and variables with a property.

    ``written``: buffers that anything writes; ``safe``: buffers with a safe value (rule
    L44); ``positions``: variables and scalar buffers whose value becomes part of an index.
    ``ordered``: whether atomic updates make results depend on their order (rule L6).
    ``stored_in``: for each ``Parallel``, by identity, the buffers that it stores to.
    """

    written: frozenset[str]
    safe: frozenset[str]
    positions: frozenset[str]
    ordered: bool = False
    stored_in: dict[int, frozenset[str]] = field(default_factory=dict)

    @staticmethod
    def of(function: ir.Function) -> Program:
        nodes = list(walk(function))
        return Program(
            frozenset(each.buffer for each in accesses([function]) if each.writes),
            frozenset(
                node.buffer.name
                for node in nodes
                if isinstance(node, ir.Load | ir.Region | ir.Atomic)
                and node.fill is not None
            ),
            _positions(nodes),
            any(isinstance(node, ir.Atomic) and _is_ordered(node) for node in nodes),
            {
                id(node): _stores(node)
                for node in nodes
                if isinstance(node, ir.Parallel)
            },
        )


def _is_ordered(update: ir.Atomic) -> bool:
    """Whether the order of updates shows: in what was there before, or in rounding."""
    rounds = update.op == "add" and update.buffer.dtype.is_float
    return rounds or update.op == "exchange" or update.previous is not None


def _stores(statement: ir.Parallel) -> frozenset[str]:
    return frozenset(each.buffer for each in accesses(statement.body) if each.writes)


def _positions(nodes: Iterable[ir.Node]) -> frozenset[str]:
    """Everything that an index, an offset or an extent is computed from."""
    found: set[str] = set()
    sources: dict[str, list[ir.Expr]] = {}
    for node in nodes:
        if isinstance(node, ir.Let):
            sources.setdefault(node.var.name, []).append(node.value)
        elif isinstance(node, ir.Store) and not node.indices:
            sources.setdefault(node.buffer.name, []).append(node.value)
    pending = [expr for node in nodes for expr in _indices(node)]
    while pending:
        for name in _names(pending.pop()):
            if name not in found:
                found.add(name)
                pending += sources.get(name, [])
    return frozenset(found)


def _indices(node: ir.Node) -> Iterator[ir.Expr]:
    match node:
        case ir.Load() | ir.Store() | ir.Accumulate() | ir.Atomic():
            yield from node.indices
        case ir.At(index=index):
            yield index
        case ir.Range(start=start, extent=extent):
            yield from (start, extent)
        case ir.Copy(shape=shape):
            yield from shape
        case ir.For():
            yield from (node.start, node.stop, node.step)


def _names(expr: ir.Expr) -> Iterator[str]:
    for part in walk(expr):
        if isinstance(part, ir.Var):
            yield part.name
        elif isinstance(part, ir.Load) and not part.indices:
            yield part.buffer.name


def with_plain_loops(function: ir.Function) -> ir.Function:
    """The function with ``while c: body`` as ``while true: if c: body' else: break``.

    So a condition is an operand of ``If``, which is checked whenever it is evaluated.
    """
    return transform(function, _plain)


def _plain(node: ir.Node) -> ir.Node:
    if not isinstance(node, ir.While):
        return node
    leave = ir.If(node.condition, (), (ir.Break(span=node.span),), span=node.span)
    always = ir.Const(True, BOOL, span=node.span)
    return replace(node, condition=always, body=(leave, *node.body))
