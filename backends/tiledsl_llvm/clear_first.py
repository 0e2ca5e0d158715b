"""Products that start from zero clear their sums themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tiledsl.analysis.effects import accesses
from tiledsl.analysis.ranges import holds_load
from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    Expr,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Node,
    Statement,
    While,
    index,
    whole,
)
from tiledsl.ir.visitor import rebuild, transform, walk
from tiledsl.passes.base import Contract
from tiledsl.passes.canonicalize import canonical

_TRUE: Final = Const(True, BOOL)
_FALSE: Final = Const(False, BOOL)


@dataclass(frozen=True)
class ClearFirst:
    """Drops the fill with zeros of a tile that a product then adds to.

    The product must be the next to use the tile, all of it.  Sums then start in registers
    instead of being written and read once.  If the product stands in a loop, its first
    iteration clears; where the loop may have no iteration, the fill stays for that case.

    Before::

        fill c[!0 +: 64, !0 +: 64] = 0.0
        for k in 0 .. 8 step 1
          gemm c[!0 +: 64, !0 +: 64] += A[0 +: 64, k * 32 +: 32] @ B[k * 32 +: 32, 0 +: 64]

    After::

        for k in 0 .. 8 step 1
          gemm c[!0 +: 64, !0 +: 64] += A[...] @ B[...] clear k == 0
    """

    name: str = "clear-first"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        def in_launch(node: Node) -> Node:
            if not isinstance(node, Launch):
                return node
            viewed = frozenset(
                part.buffer.of for part in walk(node) if isinstance(part, Allocate)
            )
            return transform(node, lambda part: _without_fills(part, viewed))

        return rebuild(function, in_launch)


def _without_fills(node: Node, viewed: frozenset[str | None]) -> Node:
    """The statement with the fills that are directly in its blocks dropped."""
    match node:
        case If(then=then, otherwise=otherwise):
            arms = _block(then, viewed), _block(otherwise, viewed)
            if arms == (then, otherwise):
                return node
            return replace(node, then=arms[0], otherwise=arms[1])
        case For(body=body) | While(body=body) | Launch(body=body):
            changed = _block(body, viewed)
            return node if changed == body else replace(node, body=changed)
    return node


def _block(block: Block, viewed: frozenset[str | None]) -> Block:
    """The last fill first: what stands before it keeps its place."""
    result = list(block)
    for at in reversed(range(len(block))):
        fill = result[at]
        if not isinstance(fill, Fill) or not _clears_a_tile(fill, viewed):
            continue
        user = _next_user(result, at + 1, fill.target.buffer)
        if user is None:
            continue
        cleared = _cleared(result[user], fill)
        if cleared is not None:
            result[user : user + 1] = cleared
            del result[at]
    return tuple(result)


def _clears_a_tile(fill: Fill, viewed: frozenset[str | None]) -> bool:
    tile = fill.target.buffer
    local = tile.scope in ("shared", "fragment") and tile.of is None
    # sums that start from -0.0 end differently
    zero = Const(0.0 if tile.dtype.is_float else 0, tile.dtype)
    alone = local and tile.name not in viewed
    return alone and fill.value == zero and fill.target == whole(tile)


def _next_user(block: Sequence[Statement], start: int, tile: Buffer) -> int | None:
    """The position of the statement that uses the tile next, if it is always reached."""
    for at in range(start, len(block)):
        if any(access.buffer == tile.name for access in accesses([block[at]])):
            return at
        if _may_jump(block[at]):
            return None
    return None


def _may_jump(part: Statement) -> bool:
    return any(isinstance(inner, Break | Continue) for inner in walk(part))


def _cleared(user: Statement, fill: Fill) -> Block | None:
    """What takes the place of the statement that uses the tile next."""
    tile = fill.target.buffer
    if isinstance(user, Gemm):
        return (replace(user, clear=_TRUE),) if _adds(user, tile) else None
    if not isinstance(user, For) or _may_jump(user):
        return None
    position = _next_user(user.body, 0, tile)
    if position is None:
        return None
    gemm = user.body[position]
    if not isinstance(gemm, Gemm) or not _adds(gemm, tile):
        return None
    if user.step != index(1) or holds_load(user.start) or holds_load(user.stop):
        return None
    never = canonical(Apply("le", (user.stop, user.start)))
    if never == _TRUE:
        return None
    begins: Expr = Apply("eq", (user.var, user.start))
    if canonical(Apply("sub", (user.stop, user.start))) == index(1):
        begins = _TRUE
    body = list(user.body)
    body[position] = replace(gemm, clear=begins)
    loop = replace(user, body=tuple(body))
    if never == _FALSE:
        return (loop,)
    return If(never, (fill,), span=fill.span), loop


def _adds(gemm: Gemm, tile: Buffer) -> bool:
    """Whether the product adds to all of the tile, and reads it for nothing else."""
    touches = sum(access.buffer == tile.name for access in accesses([gemm]))
    # it reads and writes its sums
    return gemm.clear == _FALSE and gemm.c == whole(tile) and touches == 2
