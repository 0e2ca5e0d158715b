"""Copies of pipelined loops that arrive as late as their readers allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    At,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    If,
    Let,
    Load,
    Node,
    Parallel,
    Region,
    Statement,
    Store,
    Var,
    While,
    index,
)
from tiledsl.ir.visitor import blocks, substitute, transform, walk
from tiledsl.passes.base import Contract


@dataclass(frozen=True, slots=True)
class DeferredCopies:
    """What hardware with asynchronous copies may do to a pipelined loop at worst.

    A copy from global memory into a tile lands right before the next statement of the
    iteration that touches the same version of the tile (the same point of its first
    dimensions); if there is none, ``stages - 1`` iterations later.  Until then its
    target holds garbage.

    before::

        for k in pipelined(0, n, 1) stages 2
          copy A[k, ...] -> a
          copy W -> w
          gemm c += a @ b
          copy w -> C[k, ...]

    after::

        for k in pipelined(0, n, 1) stages 2
          fill a = garbage
          fill w = garbage
          copy A[k, ...] -> a
          gemm c += a @ b
          copy W -> w
          copy w -> C[k, ...]

    A loop that means the same before and after has all the dependences it needs: nothing
    overwrites a source too early or reads a target too early.
    """

    name: str = "deferred-copies"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        """The function with every copy of its pipelined loops as late as possible."""
        names = {getattr(node, "name", "") for node in walk(function)}

        def change(node: Node) -> Node | tuple[Node, ...]:
            if isinstance(node, For) and node.kind == "pipelined":
                return tuple(_defer(node, names))
            return node

        return transform(function, change)


def _defer(loop: For, names: set[str]) -> Iterator[Statement]:
    """The loop, then the copies that are still under way when it ends."""
    if _leaves_early(loop.body):
        yield loop
        return
    places = _landings(loop)
    ahead = [copy for copy, place in places if place is None]
    lag = loop.stages - 1
    body: list[Statement] = [_land(loop, copy, lag) for copy in ahead]
    waiting: dict[int, list[Copy]] = {}
    for number, statement in enumerate(loop.body):
        body += waiting.pop(number, [])
        found = [place for copy, place in places if copy is statement]
        if not found or not isinstance(statement, Copy):
            body.append(statement)
            continue
        body += _garbage(statement)
        if found[0] is not None:
            waiting.setdefault(found[0], []).append(statement)
    yield replace(loop, body=tuple(body))
    if ahead:
        yield _drain(loop, ahead, lag, names)


def _leaves_early(block: Block) -> bool:
    """Whether an iteration may end in the middle."""
    return any(
        isinstance(statement, Break | Continue)
        or (
            not isinstance(statement, For | While | Parallel)
            and any(_leaves_early(inner) for inner in blocks(statement))
        )
        for statement in block
    )


def _landings(loop: For) -> list[tuple[Copy, int | None]]:
    """The copies that may be late, each with the statement it lands before.

    None: that is in a later iteration.
    """
    found: list[tuple[Copy, int | None]] = []
    for number, copy in enumerate(loop.body):
        if not isinstance(copy, Copy) or not _is_asynchronous(copy):
            continue
        reader = next(
            (
                later
                for later in range(number + 1, len(loop.body))
                if _touches(loop.body[later], copy.target)
            ),
            None,
        )
        if reader is not None:
            moved = loop.body[number + 1 : reader]
            if not _declared(moved) & set(_names(copy)):
                found.append((copy, reader))
        elif _can_be_repeated(loop, copy):
            found.append((copy, None))
    return found


def _is_asynchronous(copy: Copy) -> bool:
    from_global = copy.source.buffer.scope == "global"
    return from_global and copy.target.buffer.scope in ("shared", "fragment")


def _touches(statement: Statement, region: Region) -> bool:
    """Whether a statement may read or write the version of the tile in ``region``."""
    versions = {
        axis: dim.index for axis, dim in enumerate(region.dims) if isinstance(dim, At)
    }
    for part in walk(statement):
        if isinstance(part, Region):
            points = [dim.index if isinstance(dim, At) else None for dim in part.dims]
        elif isinstance(part, Load | Store):
            points = list(part.indices)
        else:
            continue
        if part.buffer.root != region.buffer.root:
            continue
        if part.buffer.name != region.buffer.name or not any(
            points[axis] is not None and points[axis] != point
            for axis, point in versions.items()
        ):
            return True
    return False


def _can_be_repeated(loop: For, copy: Copy) -> bool:
    """Whether the copy of an earlier iteration can be written down in a later one."""
    counted = isinstance(loop.step, Const) and loop.step.value > 0
    bounds = (loop.start, loop.stop)
    if loop.stages < 2 or not counted:
        return False
    if any(isinstance(part, Load) for bound in bounds for part in walk(bound)):
        return False
    return not _declared(loop.body) & set(_names(copy))


def _declared(block: Block) -> set[str]:
    """The names that statements declare."""
    found: set[str] = set()
    for part in (part for statement in block for part in walk(statement)):
        match part:
            case Allocate(buffer=declared) | Let(var=declared) | For(var=declared):
                found.add(declared.name)
            case Parallel(vars=several):
                found |= {var.name for var in several}
    return found


def _names(copy: Copy) -> Iterator[str]:
    for part in walk(copy):
        if isinstance(part, Var | Buffer):
            yield part.name


def _land(loop: For, copy: Copy, lag: int) -> Statement:
    """The copy of ``lag`` iterations ago, if there was one."""
    past = _expression("sub", loop.var, _expression("mul", index(lag), loop.step))
    condition = _expression("ge", past, loop.start)
    landing = substitute(copy, {loop.var.name: past})
    return If(condition, (landing,), span=copy.span)


def _drain(loop: For, copies: list[Copy], lag: int, names: set[str]) -> Statement:
    """The copies of the last iterations, after the loop."""
    name = f"{loop.var.name}_last"
    while name in names:
        name += "_"
    names.add(name)
    var = replace(loop.var, name=name)
    distance = _expression("sub", loop.stop, loop.start)
    trips = _expression("ceildiv", distance, loop.step)
    first = _expression("max", index(0), _expression("sub", trips, index(lag)))
    passed = _expression("mul", var, loop.step)
    position = _expression("add", loop.start, passed)
    landings = tuple(substitute(copy, {loop.var.name: position}) for copy in copies)
    return For(var, first, trips, index(1), landings, span=loop.span)


def _garbage(copy: Copy) -> list[Statement]:
    """Overwrites what the copy will write; nothing if that is not the whole target."""
    target = copy.target
    if target.shape != copy.shape:
        return []
    value = Const(_unlikely(target.buffer.dtype), target.buffer.dtype)
    return [Fill(target, value, span=copy.span)]


def _unlikely(dtype: DType) -> int | float | bool:
    return True if dtype.kind == "bool" else dtype.maximum


def _expression(op: str, a: Expr, b: Expr) -> Expr:
    return Apply(op, (a, b))
