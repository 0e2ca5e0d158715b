"""Atomic updates (rules L73 to L75): machine instructions, or a loop of compare-and-swap.

Integers have instructions of their own; a float is read, combined and put back unless
another thread came between.  A block runs on one thread, so what is local to it needs
neither.
"""

from __future__ import annotations

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Atomic
from tiledsl.ir.ops import ATOMICS
from tiledsl_llvm.casts import convert
from tiledsl_llvm.expressions import evaluate, index_of
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.memory import load_element, located, store_element
from tiledsl_llvm.operations import apply_exact
from tiledsl_llvm.representation import constant_of, element_of, zero_of
from tiledsl_llvm.values import Value, integer

_ORDERS = {
    "relaxed": "monotonic",
    "consume": "acquire",
    "acquire": "acquire",
    "release": "release",
    "acq_rel": "acq_rel",
    "seq_cst": "seq_cst",
}
# what a read alone may have; a stronger order where it may not have the one asked for
_READING = {"release": "seq_cst", "acq_rel": "seq_cst"}
# what a failed compare-and-swap, which only reads, may have
_FAILING = {"release": "monotonic", "acq_rel": "acquire"}


def atomic(frame: Frame, node: Atomic) -> None:
    """Updates one element; ``Parallel`` runs iterations with updates one by one."""
    dtype = node.buffer.dtype
    value = None if node.value is None else evaluate(frame, node.value)
    fill = zero_of(dtype) if node.fill is None else constant_of(node.fill)
    if node.buffer.scope == "global":
        before = _shared(frame, node, value, fill)
    else:
        before = _own(frame, node, value, fill)
    if node.previous is not None:
        frame.values[node.previous.name] = before


def _own(frame: Frame, node: Atomic, value: Value | None, fill: Value) -> Value:
    """The element of a block that one thread runs: read, then written."""
    storage = frame.buffers[node.buffer.name]
    indices = [index_of(frame, index) for index in node.indices]
    before = load_element(frame, storage, indices, node.proved, fill)
    if value is not None:
        new = _combined(frame, node, before, value)
        store_element(frame, storage, indices, node.proved, new)
    return before


def _shared(frame: Frame, node: Atomic, value: Value | None, fill: Value) -> Value:
    """The element that other threads may update at the same time."""
    b, dtype = frame.builder, node.buffer.dtype
    storage = frame.buffers[node.buffer.name]
    indices = [index_of(frame, index) for index in node.indices]
    pointer, inside = located(frame, storage, indices, node.proved)
    result = b.slot(_word(dtype), 1, hint="before")
    b.store(_as_word(frame, fill, dtype), result, align=1)
    inside = integer(1, "i1") if inside is None else inside
    with b.when(inside, "update"):
        b.store(_updated(frame, node, pointer, value), result, align=1)
    return _from_word(frame, b.load(result, _word(dtype), align=1), dtype)


def _updated(frame: Frame, node: Atomic, pointer: Value, value: Value | None) -> Value:
    """Emits the update; the bits of the element as it was before."""
    b, dtype = frame.builder, node.buffer.dtype
    order, word = _ORDERS[node.order], _word(dtype)
    at = f"ptr {pointer.text}"
    if value is None:
        how = f"{_READING.get(order, order)}, align {dtype.bytes}"
        return b.make(word, 1, f"load atomic {word}, {at} {how}", "before")
    instruction = _instruction(node.op, dtype)
    if instruction is None:
        return _swapped(frame, node, pointer, value)
    operand = _as_word(frame, value, dtype)
    text = f"atomicrmw {instruction} {at}, {operand.typed} {order}"
    return b.make(word, 1, text, "before")


def _instruction(op: str, dtype: DType) -> str | None:
    """The instruction of integers, and of bits that are only exchanged."""
    if op == "exchange":
        return "xchg"
    if dtype.is_float:
        return None
    if op in ("max", "min"):
        return op if dtype.is_signed else f"u{op}"
    return op


def _swapped(frame: Frame, node: Atomic, pointer: Value, value: Value) -> Value:
    """Repeats until nobody else changed the element between reading and writing it."""
    b, dtype = frame.builder, node.buffer.dtype
    order, word = _ORDERS[node.order], _word(dtype)
    at = f"ptr {pointer.text}"
    text = f"load atomic {word}, {at} monotonic, align {dtype.bytes}"
    slot = b.slot(word, 1, hint="seen")
    b.store(b.make(word, 1, text, "seen"), slot, align=1)
    again, done = b.name("retry"), b.name("swapped")
    b.jump(again)
    b.start(again)
    seen = b.load(slot, word, align=1)
    new = _combined(frame, node, _from_word(frame, seen, dtype), value)
    bits = _as_word(frame, new, dtype)
    orders = f"{order} {_FAILING.get(order, order)}"
    pair = b.name("pair")
    b.line(f"%{pair} = cmpxchg {at}, {seen.typed}, {bits.typed} {orders}")
    found = f"{{ {word}, i1 }} %{pair}"
    b.store(b.make(word, 1, f"extractvalue {found}, 0"), slot, align=1)
    b.branch(b.make("i1", 1, f"extractvalue {found}, 1"), done, again)
    b.start(done)
    return seen


def _combined(frame: Frame, node: Atomic, old: Value, value: Value) -> Value:
    """In the evaluation dtype, rounded to the buffer's."""
    b, machine, op = frame.builder, frame.machine, ATOMICS[node.op]
    if not op:
        return value
    dtype = node.buffer.dtype
    wide = dtype.evaluation
    operands = [convert(b, machine, each, dtype, wide) for each in (old, value)]
    return convert(b, machine, apply_exact(b, machine, op, wide, operands), wide, dtype)


def _word(dtype: DType) -> str:
    """The integer that holds an element's bits in memory."""
    return f"i{dtype.bits}"


def _as_word(frame: Frame, value: Value, dtype: DType) -> Value:
    if dtype.kind == "bool":
        return frame.builder.convert("zext", value, "i8")
    return frame.builder.convert("bitcast", value, _word(dtype))


def _from_word(frame: Frame, value: Value, dtype: DType) -> Value:
    if dtype.kind == "bool":
        return frame.builder.convert("trunc", value, "i1")
    return frame.builder.convert("bitcast", value, element_of(dtype))
