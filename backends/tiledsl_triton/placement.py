"""Where a block's buffers live: as tensor values, or in scratch memory.

A tensor has no addressable elements, so a buffer becomes one only if every access is a
box (axes of the ``Parallel``, each plus a constant) or one position per dimension.  All
others lie in global scratch memory, a part for each program: slower, always right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from tiledsl.ir.nodes import Allocate, Buffer, Gemm, Launch, Parallel, Range
from tiledsl.ir.visitor import walk
from tiledsl_triton.lane_facts import Access, LaneFacts, wide_axes
from tiledsl_triton.pieces import MATRIX, Partition, power_of_two
from tiledsl_triton.tile_operations import constant

LANES = 1 << 17  # most lanes of one vectorized statement
SPREAD = 1 << 18  # most lanes times positions of a reduction into arbitrary positions


@dataclass
class Placement:
    """The decisions for one launch."""

    partition: Partition
    scratch: set[str] = field(default_factory=set)
    looped: set[str] = field(default_factory=set)  # axes run in blocks, not at once
    serial: list[Parallel] = field(default_factory=list)


def place(launch: Launch, facts: LaneFacts) -> Placement:
    """Decides for every buffer; repeats where pieces become too many."""
    placement = Placement(Partition())
    for parallel in facts.parallels:
        placement.looped |= _looped_axes(parallel)
    placement.scratch |= _too_large(launch, facts) | _viewed(launch)
    before = -1
    while len(placement.scratch) != before:
        before = len(placement.scratch)
        placement.scratch |= _boxless(facts, placement)
        placement.partition = _partition(launch, facts, placement)
        placement.scratch |= placement.partition.crowded
    for access in facts.accesses:
        around = access.parallel
        if access.kind != "accumulate" or around is None:
            continue
        if _collides(access, around, facts, placement):
            placement.serial.append(around)
    return placement


def _too_large(launch: Launch, facts: LaneFacts) -> set[str]:
    """Buffers with more elements than a statement has lanes."""
    buffers = [node.buffer for node in walk(launch) if isinstance(node, Allocate)]
    return {
        buffer.name
        for buffer in buffers
        if buffer.name not in facts.inner
        and prod(power_of_two(extent) for extent in buffer.static_shape) > LANES
    }


def _viewed(launch: Launch) -> set[str]:
    """Views and what they are views of: a tensor value has one shape and dtype."""
    buffers = [node.buffer for node in walk(launch) if isinstance(node, Allocate)]
    views = [buffer for buffer in buffers if buffer.of is not None]
    return {name for view in views for name in (view.name, view.root)}


def _boxless(facts: LaneFacts, placement: Placement) -> set[str]:
    """Tiles with an access that does not fit a tensor value."""
    return {
        access.buffer.name
        for access in facts.accesses
        if not access.private
        and _is_tile(access.buffer, facts, placement)
        and not _is_box(access, placement)
    }


def _is_tile(buffer: Buffer, facts: LaneFacts, placement: Placement) -> bool:
    return (
        buffer.scope != "global"
        and buffer.name not in facts.inner
        and buffer.name not in placement.scratch
    )


def static_extents(parallel: Parallel) -> dict[str, int]:
    """The constant extents by axis."""
    found = {}
    for var, extent in zip(parallel.vars, parallel.extents, strict=True):
        value = constant(extent)
        if value is not None:
            found[var.name] = value
    return found


def _looped_axes(parallel: Parallel) -> set[str]:
    """Axes of run-time extent, and the first ones if there are too many lanes."""
    extents = static_extents(parallel)
    looped = {var.name for var in parallel.vars} - set(extents)
    for name in list(extents):
        if prod(power_of_two(max(n, 1)) for n in extents.values()) <= LANES:
            break
        del extents[name]
        looped.add(name)
    return looped


def _is_box(access: Access, placement: Placement) -> bool:
    """Whether the access fits a tensor value; its elements have no updates of their own."""
    if access.kind == "atomic":
        return False
    extents = static_extents(access.parallel) if access.parallel else {}
    axes: list[str] = []
    for subscript, size in zip(
        access.subscripts, access.buffer.static_shape, strict=True
    ):
        if subscript.is_point:
            continue
        if subscript.vector is not None and access.kind == "accumulate":
            continue
        axis, offset = subscript.axis, constant(subscript.uniform)
        if axis is None or offset is None or axis in placement.looped:
            return False
        if offset < 0 or offset + extents[axis] > size:
            return False
        axes.append(axis)
    if len(set(axes)) != len(axes):
        return False
    if access.kind == "store" and access.parallel is not None:
        return wide_axes(access.parallel) <= set(axes)
    return True


def _collides(
    access: Access, parallel: Parallel, facts: LaneFacts, placement: Placement
) -> bool:
    """Whether lanes may meet in one element in a way that no reduction over axes expresses."""
    if access.private:
        return False
    simple = all(s.is_point or s.axis is not None for s in access.subscripts)
    axes = [s.axis for s in access.subscripts if s.axis is not None]
    if simple and len(set(axes)) == len(axes):
        return False
    if not _is_tile(access.buffer, facts, placement):
        return True
    lanes = prod(power_of_two(max(n, 1)) for n in static_extents(parallel).values())
    spread = prod(
        power_of_two(size)
        for subscript, size in zip(
            access.subscripts, access.buffer.static_shape, strict=True
        )
        if subscript.vector is not None
    )
    return lanes * spread > SPREAD


def _partition(launch: Launch, facts: LaneFacts, placement: Placement) -> Partition:
    partition = Partition()
    for node in walk(launch):
        if isinstance(node, Allocate) and _is_tile(node.buffer, facts, placement):
            for dim, size in enumerate(node.buffer.static_shape):
                partition.declare((node.buffer.name, dim), size)
    for parallel in facts.parallels:
        for name, extent in static_extents(parallel).items():
            if name not in placement.looped:
                partition.declare((name, 0), extent)
    _link_accesses(partition, facts, placement)
    for number, gemm in enumerate(facts.gemms):
        _link_gemm(partition, gemm, number, placement)
    partition.solve()
    return partition


def _link_accesses(
    partition: Partition, facts: LaneFacts, placement: Placement
) -> None:
    """An axis that indexes a dimension meets its elements."""
    for access in facts.accesses:
        if access.private or access.parallel is None:
            continue
        if not _is_tile(access.buffer, facts, placement):
            continue
        extents = static_extents(access.parallel)
        for dim, subscript in enumerate(access.subscripts):
            offset = constant(subscript.uniform)
            if subscript.axis is not None and offset is not None:
                key, axis = (access.buffer.name, dim), (subscript.axis, 0)
                partition.link(key, offset, axis, 0, extents[subscript.axis])


def gemm_axis(number: int, letter: str) -> tuple[str, int]:
    """The key of axis m, n or k of a gemm."""
    return (f"gemm {letter}", number)


def _link_gemm(
    partition: Partition, gemm: Gemm, number: int, placement: Placement
) -> None:
    spellings = (
        (gemm.a, "km" if gemm.transpose_a else "mk"),
        (gemm.b, "nk" if gemm.transpose_b else "kn"),
        (gemm.c, "mn"),
    )
    for region, letters in spellings:
        for dim, (part, letter) in enumerate(zip(region.dims, letters, strict=True)):
            if not isinstance(part, Range):
                continue
            size = constant(part.extent) or 0
            axis = gemm_axis(number, letter)
            # the depth of products of bytes is at least 32
            narrow = letter == "k" and region.buffer.dtype.bits == 8
            partition.declare(axis, size, matrix=2 * MATRIX if narrow else MATRIX)
            if region.buffer.name not in placement.scratch:
                start = constant(part.start) or 0
                partition.link((region.buffer.name, dim), start, axis, 0, size)
