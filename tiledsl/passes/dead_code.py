"""Removes what no result depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tiledsl.analysis.effects import read
from tiledsl.analysis.uses import allocated, variable_uses
from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Block,
    Break,
    Buffer,
    Continue,
    Copy,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Node,
    Parallel,
    Reduce,
    Sort,
    Store,
    While,
)
from tiledsl.ir.visitor import transform
from tiledsl.passes.base import Contract


@dataclass(frozen=True)
class DeadCode:
    """Removes unused lets, buffers that are never read with their writes, empty blocks.

    What follows a ``break`` or ``continue`` in its block goes too.  A ``while`` stays,
    because it might not end.

    Before::

        alloc fragment t: float32[64]
        fill t[0 +: 64] = 0.0
        let v: float32 = x[0]
        for serial i in 0 .. 8 step 1
          t[i] = 1.0

    After::

        pass
    """

    name: str = "dead-code"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        while True:
            smaller = _once(function)
            if smaller is function:
                return function
            function = smaller


def _once(function: Function) -> Function:
    used = variable_uses([function])
    unread = allocated([function]) - read([function])

    def change(node: Node) -> Node | Block:
        if isinstance(node, Let) and not used[node.var.name]:
            return ()
        target = _target(node)
        if target is not None and target.root in unread:
            return ()
        if isinstance(node, If) and not node.then and not node.otherwise:
            return ()
        if isinstance(node, For | Parallel | Launch) and not node.body:
            return ()
        return _reachable(node)

    return transform(function, change)


def _target(node: Node) -> Buffer | None:
    """The buffer that a statement writes or declares, and does nothing else."""
    match node:
        case Allocate(buffer=buffer) | Store(buffer=buffer) | Accumulate(buffer=buffer):
            return buffer
        case Copy(target=region) | Fill(target=region) | Reduce(target=region):
            return region.buffer
        case Gemm(c=region) | Sort(target=region):
            return region.buffer
    return None


def _reachable(node: Node) -> Node:
    """The node without statements behind a jump in its blocks."""
    match node:
        case If(then=then, otherwise=otherwise):
            cut, rest = _until_jump(then), _until_jump(otherwise)
            if cut is not then or rest is not otherwise:
                return replace(node, then=cut, otherwise=rest)
        case For(body=body) | While(body=body) | Parallel(body=body):
            cut = _until_jump(body)
            if cut is not body:
                return replace(node, body=cut)
    return node


def _until_jump(block: Block) -> Block:
    for at, statement in enumerate(block[:-1]):
        if isinstance(statement, Break | Continue):
            return block[: at + 1]
    return block
