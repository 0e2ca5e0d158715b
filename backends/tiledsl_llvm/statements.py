"""Scalar statements: each emits itself; the same text serves one lane and many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl.diagnostics import InternalError
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Atomic,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    For,
    Gemm,
    If,
    Let,
    Node,
    Parallel,
    Store,
    While,
)
from tiledsl_llvm.accumulation import accumulate
from tiledsl_llvm.atomics import atomic
from tiledsl_llvm.expressions import evaluate, index_of, scalar
from tiledsl_llvm.frame import SMALL_ELEMENTS, Frame, Storage, any_lane, both
from tiledsl_llvm.memory import store_element
from tiledsl_llvm.microkernels import emit_gemm
from tiledsl_llvm.operands import Pack, Remember, TileGemm
from tiledsl_llvm.packing import emit_pack
from tiledsl_llvm.parallel import emit_parallel
from tiledsl_llvm.remembering import emit_remembered
from tiledsl_llvm.representation import memory_element_of
from tiledsl_llvm.text import Builder
from tiledsl_llvm.tile_products import emit_tile_gemm
from tiledsl_llvm.values import BITS, Value, integer

_FAR_BYTES: Final = 256
_LINE_BYTES: Final = 64


def run_block(frame: Frame, block: Block) -> None:
    """Emits the statements in order."""
    for statement in block:
        emit = _EMITTERS.get(type(statement))
        if emit is None:
            name = type(statement).__name__
            raise InternalError("E9002", f"{name} inside a block", span=statement.span)
        emit(frame, statement)


def _allocate(frame: Frame, node: Allocate) -> None:
    if node.buffer.of is not None:
        declare_view(frame, node.buffer)
        return
    declare(frame, node.buffer, frame.lanes)


def declare_view(frame: Frame, view: Buffer) -> None:
    """Gives a view the memory that it is a view of."""
    base = frame.buffers[view.root].base
    frame.buffers[view.name] = storage_of(frame, view, base)


def storage_of(frame: Frame, buffer: Buffer, base: Value) -> Storage:
    """Where the elements of a buffer are that begins at ``base``."""
    b = frame.builder
    shape = [scalar(frame, extent) for extent in buffer.shape]
    if buffer.strides is not None:
        strides = [scalar(frame, stride) for stride in buffer.strides]
    else:
        strides = [integer(1)] * len(shape)
        for k in reversed(range(len(shape) - 1)):
            strides[k] = b.binary("mul", strides[k + 1], shape[k + 1])
    return Storage(base, buffer.dtype, tuple(shape), tuple(strides))


def declare(frame: Frame, buffer: Buffer, lanes: int) -> None:
    """Gives a block-local buffer its memory; ``lanes`` copies of a private one."""
    shape = buffer.static_shape
    element = memory_element_of(buffer.dtype)
    padded = lanes == 1 and buffer.name not in frame.viewed
    padding = _row_padding(buffer, BITS[element] // 8) if padded else 0
    count = 1
    strides: list[int] = []
    for extent in reversed(shape):
        strides.insert(0, count)
        count = count * extent + (padding if len(strides) == 1 else 0)
    small = buffer.scope == "local" and count <= SMALL_ELEMENTS
    base = frame.scratch(element, count * lanes, small=small, hint=buffer.name)
    frame.buffers[buffer.name] = Storage(
        base,
        buffer.dtype,
        tuple(integer(extent) for extent in shape),
        tuple(integer(stride) for stride in strides),
        lanes,
    )


def _row_padding(buffer: Buffer, element_bytes: int) -> int:
    """Elements between the rows of a tile.

    Rows a power of two apart would share a few sets of the cache: what walks over rows,
    as products do, would find half of a tile evicted.
    """
    if buffer.scope == "local" or buffer.rank < 2:
        return 0
    far = buffer.static_shape[-1] * element_bytes % _FAR_BYTES == 0
    return _LINE_BYTES // element_bytes if far else 0


def _let(frame: Frame, node: Let) -> None:
    slopes = frame.slopes
    if (
        frame.lanes > 1
        and slopes is not None
        and slopes.names.get(node.var.name, 0) is not None
    ):
        frame.values[node.var.name] = index_of(frame, node.value).value
    else:
        frame.values[node.var.name] = evaluate(frame, node.value)


def _store(frame: Frame, node: Store) -> None:
    indices = [index_of(frame, index) for index in node.indices]
    value = evaluate(frame, node.value)
    store_element(frame, frame.buffers[node.buffer.name], indices, node.proved, value)


# ---------------------------------------------------------------- control flow


def _if(frame: Frame, node: If) -> None:
    condition = evaluate(frame, node.condition)
    if condition.lanes == 1:
        _branch(frame, node, condition)
        return
    b = frame.builder
    _run_masked(frame, node.then, condition)
    if node.otherwise:
        _run_masked(frame, node.otherwise, b.binary("xor", condition, integer(1, "i1")))


def _run_masked(frame: Frame, block: Block, condition: Value) -> None:
    b = frame.builder
    # an arm that no lane enters is skipped: its shared loads may have no valid address
    with (
        b.when(any_lane(b, both(b, frame.mask, condition)), "lanes"),
        frame.masked(condition),
    ):
        run_block(frame, block)


def _branch(frame: Frame, node: If, condition: Value) -> None:
    b = frame.builder
    then, otherwise, end = b.name("then"), b.name("else"), b.name("endif")
    b.branch(condition, then, otherwise if node.otherwise else end)
    b.start(then)
    run_block(frame, node.then)
    b.jump(end)
    if node.otherwise:
        b.start(otherwise)
        run_block(frame, node.otherwise)
        b.jump(end)
    b.start(end)


def _for(frame: Frame, node: For) -> None:
    b = frame.builder
    start, stop = scalar(frame, node.start), scalar(frame, node.stop)
    simple = isinstance(node.step, Const) and node.step.value == 1
    step = integer(1) if simple else scalar(frame, node.step)
    trips = stop if simple else _trips(b, start, stop, step)
    with b.loop(start if simple else integer(0), trips, 1, node.var.name) as loop:
        value = loop.counter
        if not simple:
            value = b.binary("add", start, b.binary("mul", value, step), node.var.name)
        frame.values[node.var.name] = value
        frame.jumps.append((loop.next, loop.end))
        run_block(frame, node.body)
        frame.jumps.pop()


def _trips(b: Builder, start: Value, stop: Value, step: Value) -> Value:
    """How often a loop runs, without overflow: 0 for step 0."""
    zero, one = integer(0), integer(1)
    up = b.compare("sgt", step, zero)
    low, high = b.select(up, start, stop), b.select(up, stop, start)
    size = b.select(up, step, b.binary("sub", zero, step))
    safe = b.intrinsic("umax", size, one)
    distance = b.binary("sub", b.binary("sub", high, low), one)
    count = b.binary("add", b.binary("udiv", distance, safe), one)
    runs = b.binary("and", b.compare("slt", low, high), b.compare("ne", step, zero))
    return b.select(runs, count, zero)


def _while(frame: Frame, node: While) -> None:
    b = frame.builder
    head, body, end = b.name("while"), b.name("while_body"), b.name("while_end")
    b.jump(head)
    b.start(head)
    b.branch(scalar(frame, node.condition), body, end)
    b.start(body)
    frame.jumps.append((head, end))
    run_block(frame, node.body)
    frame.jumps.pop()
    b.jump(head)
    b.start(end)


def _break(frame: Frame, node: Break) -> None:
    _leave(frame, frame.jumps[-1][1])


def _continue(frame: Frame, node: Continue) -> None:
    _leave(frame, frame.jumps[-1][0])


def _leave(frame: Frame, label: str) -> None:
    b = frame.builder
    b.jump(label)
    # statements that follow are unreachable, but have to be in some block
    b.start(b.name("unreachable"))


_EMITTERS: Final[dict[type[Node], Callable[..., None]]] = {
    Allocate: _allocate,
    Let: _let,
    Store: _store,
    Accumulate: accumulate,
    Atomic: atomic,
    For: _for,
    While: _while,
    If: _if,
    Break: _break,
    Continue: _continue,
    Parallel: emit_parallel,
    Gemm: emit_gemm,
    TileGemm: emit_tile_gemm,
    Pack: emit_pack,
    Remember: emit_remembered,
}
