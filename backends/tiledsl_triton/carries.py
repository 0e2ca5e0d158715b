"""Gives narrow reduction targets a wide carry, so that they are rounded once.

for i, j in Parallel:        wide = r as float32
    r[i] += x[i, j]          for i, j in Parallel: wide[i] += x[i, j]
                             r = wide as float16
"""

from __future__ import annotations

from dataclasses import replace

from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Buffer,
    Copy,
    Function,
    Node,
    Parallel,
    Statement,
    whole,
)
from tiledsl.ir.visitor import transform, walk
from tiledsl_triton.naming import Names
from tiledsl_triton.tile_operations import expand_copy


def widen_carries(function: Function, names: Names) -> Function:
    """The function with carries for block-local targets; global ones stay."""

    def change(node: Node) -> Node | tuple[Node, ...]:
        return _widen(node, names) if isinstance(node, Parallel) else node

    return transform(function, change)


def _widen(parallel: Parallel, names: Names) -> Parallel | tuple[Statement, ...]:
    inside = {n.buffer.name for n in walk(parallel) if isinstance(n, Allocate)}
    narrow = {
        node.buffer.name: node.buffer
        for node in walk(parallel)
        if isinstance(node, Accumulate)
        and node.buffer.scope != "global"
        and node.buffer.name not in inside
        and not node.buffer.dtype.is_arithmetic
    }
    if not narrow:
        return parallel
    carries = {
        name: Buffer(
            names.fresh(f"{name}_wide"),
            buffer.shape,
            buffer.dtype.evaluation,
            "fragment",
        )
        for name, buffer in narrow.items()
    }

    def retarget(node: Node) -> Node:
        if isinstance(node, Accumulate) and node.buffer.name in carries:
            return replace(node, buffer=carries[node.buffer.name])
        return node

    before: list[Statement] = []
    after: list[Statement] = []
    for name, buffer in narrow.items():
        tile, wide = whole(buffer), whole(carries[name])
        before.append(Allocate(carries[name], span=parallel.span))
        before.append(expand_copy(Copy(tile, wide, buffer.shape), names))
        after.append(expand_copy(Copy(wide, tile, buffer.shape), names))
    return (*before, transform(parallel, retarget), *after)
