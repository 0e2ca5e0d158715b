"""``Parallel``: loops over all variables but one, whose iterations run as vector lanes."""

from __future__ import annotations

from contextlib import ExitStack

from tiledsl.ir.nodes import Const, Expr, Parallel
from tiledsl_llvm.accumulation import CHAINS, Partials, sums_in_registers
from tiledsl_llvm.expressions import scalar
from tiledsl_llvm.frame import SMALL_ELEMENTS, Frame, Storage, lanes_below
from tiledsl_llvm.lanes import Slopes, choose_lane, lane_count
from tiledsl_llvm.private import private_buffers
from tiledsl_llvm.representation import memory_element_of
from tiledsl_llvm.shared_values import shared_values
from tiledsl_llvm.streaming import streams, worthwhile
from tiledsl_llvm.values import Value, integer


def emit_parallel(frame: Frame, node: Parallel) -> None:
    """Emits the iterations: as vectors if the body allows it, else one by one."""
    lanes = lane_count(frame.machine, node)
    choice = choose_lane(node, lanes) if lanes > 1 else None
    extents = [_extent(frame, extent) for extent in node.extents]
    if choice is None:
        _one_by_one(frame, node, extents)
        return
    position, slopes = choice
    extent = node.extents[position]
    if isinstance(extent, Const):
        lanes = min(lanes, 1 << max(0, int(extent.value) - 1).bit_length())
    if lanes <= 1:
        _one_by_one(frame, node, extents)
        return
    _describe(frame, node, f"{lanes} lanes along {node.vars[position].name}")
    outer, frame.buffers = frame.buffers, dict(frame.buffers)
    _give_private_copies(frame, node, lanes)
    with ExitStack() as loops:
        for k, var in enumerate(node.vars):
            if k != position:
                loop = frame.builder.loop(integer(0), extents[k], 1, var.name)
                frame.values[var.name] = loops.enter_context(loop).counter
        _vectors(frame, node, position, slopes, extents[position], lanes)
    frame.buffers = outer


def _describe(frame: Frame, node: Parallel, how: str) -> None:
    names = ", ".join(var.name for var in node.vars)
    frame.builder.comment(f"parallel {names}: {how}")


def _extent(frame: Frame, extent: Expr) -> Value:
    if isinstance(extent, Const):
        return integer(max(0, int(extent.value)))
    return frame.builder.intrinsic("smax", scalar(frame, extent), integer(0))


def _one_by_one(frame: Frame, node: Parallel, extents: list[Value]) -> None:
    b = frame.builder
    _describe(frame, node, "one by one")
    scope = dict(frame.buffers)
    with ExitStack() as loops:
        after = b.name("iteration_end")
        for var, extent in zip(node.vars, extents, strict=True):
            loop = loops.enter_context(b.loop(integer(0), extent, 1, var.name))
            frame.values[var.name] = loop.counter
        frame.jumps.append((after, after))
        frame.run(frame, node.body)
        frame.jumps.pop()
        b.jump(after)
        b.start(after)
    frame.buffers = scope


def _give_private_copies(frame: Frame, node: Parallel, lanes: int) -> None:
    """Buffers made outside but written in each iteration get a copy per lane."""
    for name in private_buffers(node) & frame.buffers.keys():
        storage = frame.buffers[name]
        count = 1
        for extent in storage.shape:
            count *= int(extent.text)
        element = memory_element_of(storage.dtype)
        small = count <= SMALL_ELEMENTS
        base = frame.scratch(element, count * lanes, small=small, hint=name)
        frame.buffers[name] = Storage(
            base, storage.dtype, storage.shape, storage.strides, lanes
        )


def _vectors(
    frame: Frame,
    node: Parallel,
    position: int,
    slopes: Slopes,
    extent: Value,
    lanes: int,
) -> None:
    b, name = frame.builder, node.vars[position].name
    frame.shared = shared_values(frame, node, slopes, node.extents[position])
    frame.lanes, frame.slopes = lanes, slopes
    with sums_in_registers(frame, node) as partials:
        done = integer(0)
        if partials.held:
            done = _whole_vectors(frame, node, name, extent, done, partials)
        done = _whole_vectors(frame, node, name, extent, done, None)
        rest = b.binary("sub", extent, done)
        if rest.text != "0":
            with b.when(b.compare("sgt", rest, integer(0)), "rest"):
                frame.values[name] = done
                with frame.masked(lanes_below(b, rest, lanes)):
                    frame.run(frame, node.body)
    frame.lanes, frame.slopes, frame.shared = 1, None, {}


def _whole_vectors(
    frame: Frame,
    node: Parallel,
    name: str,
    extent: Value,
    start: Value,
    partials: Partials | None,
) -> Value:
    """A loop over vectors without a mask, several a step for sums; where it ends."""
    b, lanes = frame.builder, frame.lanes
    vectors = 1 if partials is None else CHAINS
    step = lanes * vectors
    end = b.binary("and", extent, integer(-step))
    if end == start:
        return start
    stores = streams(frame, node) if partials is None else ()
    if not stores:
        _loop(frame, node, name, start, end, partials)
        return end
    frame.values[name] = start
    pass_by, usual, after = b.name("streams"), b.name("stores"), b.name("stored")
    b.branch(worthwhile(frame, stores), pass_by, usual)
    b.start(pass_by)
    with frame.streaming(store.buffer.name for store in stores):
        _loop(frame, node, name, start, end, None)
    b.jump(after)
    b.start(usual)
    _loop(frame, node, name, start, end, None)
    b.jump(after)
    b.start(after)
    return end


def _loop(
    frame: Frame,
    node: Parallel,
    name: str,
    start: Value,
    end: Value,
    partials: Partials | None,
) -> None:
    b, lanes = frame.builder, frame.lanes
    vectors = 1 if partials is None else CHAINS
    step = lanes * vectors
    with b.loop(start, end, step, name, unroll=partials is None) as loop:
        for chain in range(vectors):
            if partials is not None:
                partials.select(frame, chain)
            frame.values[name] = b.binary("add", loop.counter, integer(chain * lanes))
            frame.run(frame, node.body)
    if partials is not None:
        partials.select(frame, 0)
