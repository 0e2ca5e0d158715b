"""Tiles that are only a copy of something are read from their source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tiledsl.analysis.affine import affine, to_expr
from tiledsl.analysis.effects import accesses, written
from tiledsl.analysis.ranges import holds_load
from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import (
    Allocate,
    At,
    Block,
    Buffer,
    Copy,
    Expr,
    Function,
    Gemm,
    Launch,
    Load,
    Node,
    Range,
    Region,
    Statement,
    index,
)
from tiledsl.ir.visitor import blocks, rebuild, transform, walk
from tiledsl.passes.base import Contract


@dataclass(frozen=True)
class ForwardCopies:
    """Reads the source of a copy instead of the tile it made; dead-code drops the tile.

    The tile must be whole copied once, to its own dtype, and only be read afterwards in
    the same block, in bounds, while the source is not written.  ``operands`` says which
    operands of a gemm may be such reads (a compact copy of ``b`` is usually faster),
    ``most_reads`` how many reads a tile may have.  Only ranges that are ``proved`` are
    forwarded to a gemm, whose inner loops should have no tests, unless the backend copies
    its operands itself and says so with ``unproved``.

    Before::

        copy A[!r +: 64, !k +: 32] -> a[!0 +: 64, !0 +: 32] shape (64, 32)
        gemm c[!0 +: 64, !0 +: 64] += a[!0 +: 64, !0 +: 32] @ b[!0 +: 32, !0 +: 64]

    After, with the copy still there::

        gemm c[!0 +: 64, !0 +: 64] += A[!r +: 64, !k +: 32] @ b[!0 +: 32, !0 +: 64]
    """

    operands: tuple[str, ...] = ("a",)
    most_reads: int = 1
    unproved: bool = False
    name: str = "forward-copies"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        def change(node: Node) -> Node:
            return self._launch(node) if isinstance(node, Launch) else node

        return transform(function, change)

    def _launch(self, launch: Launch) -> Launch:
        """One copy after the other; each forwarding removes all reads of a tile.

        A tile that nobody reads is not forwarded, so that this ends.
        """
        while True:
            step = self._next(launch)
            if step is None:
                return launch
            copy, rest = step
            launch = _replaced(launch, copy, rest)

    def _next(self, launch: Launch) -> tuple[Copy, Sequence[Statement]] | None:
        for block in _blocks(launch):
            for at, statement in enumerate(block):
                if isinstance(statement, Copy):
                    rest = block[at + 1 :]
                    if self._may(statement, rest, launch):
                        return statement, rest
        return None

    def _may(self, copy: Copy, rest: Sequence[Statement], launch: Launch) -> bool:
        if not _is_plain(copy) or _has_views(copy.target.buffer, launch):
            return False
        tile, source = copy.target.buffer.name, copy.source.buffer.root
        everywhere = [a for a in accesses([launch]) if a.buffer == tile]
        later = [a for a in accesses(rest) if a.buffer == tile]
        reads = [access.node for access in later if not access.writes]
        if len(everywhere) != len(reads) + 1 or not 0 < len(reads) <= self.most_reads:
            return False
        if source in written(rest):
            return False
        return all(_inside(node) for node in reads) and self._gemms_agree(copy, rest)

    def _gemms_agree(self, copy: Copy, rest: Sequence[Statement]) -> bool:
        """Whether gemms that read the tile may read the source."""
        tile = copy.target.buffer.name
        proved = all(dim.proved for dim in copy.source.dims)
        for statement in rest:
            for part in walk(statement):
                if isinstance(part, Gemm):
                    for operand in ("a", "b"):
                        region: Region = getattr(part, operand)
                        mine = region.buffer.name == tile
                        if mine and operand not in self.operands:
                            return False
                        # in a loop the backend would copy again and again
                        near = self.unproved and part is statement
                        if mine and not (proved or near):
                            return False
        return True


def _blocks(node: Node) -> Iterator[Block]:
    for part in walk(node):
        yield from blocks(part)


def _is_plain(copy: Copy) -> bool:
    """Whether the target is a whole tile with, element for element, the source's values."""
    source, target = copy.source, copy.target
    tile = target.buffer
    if tile.scope not in ("shared", "fragment") or tile.dtype != source.buffer.dtype:
        return False
    whole = all(
        isinstance(dim, Range) and dim.start == index(0) and dim.extent == extent
        for dim, extent in zip(target.dims, tile.shape, strict=True)
    )
    positions = [d.index if isinstance(d, At) else d.start for d in source.dims]
    steady = not any(holds_load(position) for position in positions)
    return whole and steady and copy.shape == tile.shape == source.shape


def _has_views(tile: Buffer, launch: Launch) -> bool:
    """Whether the memory of a tile has several names."""
    return any(
        isinstance(part, Allocate) and part.buffer.of == tile.root
        for part in walk(launch)
    )


def _inside(node: Node) -> bool:
    """Whether a read is known to be inside its tile."""
    if isinstance(node, Load):
        return len(node.proved) == len(node.indices) and all(node.proved)
    return isinstance(node, Region) and all(dim.proved for dim in node.dims)


def _replaced(launch: Launch, copy: Copy, rest: Sequence[Statement]) -> Launch:
    """The launch whose statements ``rest`` read the source of the copy."""
    ids = {id(statement) for statement in rest}
    tile = copy.target.buffer.name

    def forward(node: Node) -> Node:
        if isinstance(node, Load | Region) and node.buffer.name == tile:
            return _forwarded(node, copy.source)
        return node

    def visit(node: Node) -> Node:
        if id(node) in ids:
            return transform(node, forward)
        return rebuild(node, visit)

    return rebuild(launch, visit)


def _forwarded(node: Load | Region, source: Region) -> Node:
    parts: Iterator[Expr | At | Range]
    parts = iter(node.indices if isinstance(node, Load) else node.dims)
    dims: list[At | Range] = []
    for dim in source.dims:
        dims.append(dim if isinstance(dim, At) else _composed(dim, next(parts)))
    if isinstance(node, Region):
        return replace(node, buffer=source.buffer, dims=tuple(dims), fill=source.fill)
    indices = tuple(dim.index for dim in dims if isinstance(dim, At))
    claims = tuple(dim.proved for dim in dims)
    proved = claims if any(claims) else ()
    return Load(source.buffer, indices, source.fill, proved, span=node.span)


def _composed(base: Range, part: Expr | At | Range) -> At | Range:
    """A position or range of a tile as one of the source that the tile was copied from."""
    if isinstance(part, Range):
        return replace(part, start=_sum(base.start, part.start), proved=base.proved)
    position = part.index if isinstance(part, At) else part
    return At(_sum(base.start, position), base.proved, span=part.span)


def _sum(a: Expr, b: Expr) -> Expr:
    return to_expr(affine(a) + affine(b))
