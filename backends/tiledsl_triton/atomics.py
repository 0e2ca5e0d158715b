"""Atomic updates: Triton's where they mean the same, else a loop of compare-and-swap.

Triton updates words of 32 and 64 bits, and adds float16.  Narrower elements, and maxima of
floats (which must ignore NaN), are read, combined and put back until no other lane or
program came between.  Lanes that are done put back what they find at element 0.
"""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.nodes import Atomic, Cast, Var
from tiledsl.ir.ops import ATOMICS
from tiledsl_triton import memory
from tiledsl_triton.conversions import convert
from tiledsl_triton.expressions import Evaluator
from tiledsl_triton.lanes import Lanes, conjunction
from tiledsl_triton.lowering import Lowering
from tiledsl_triton.subscripts import split
from tiledsl_triton.values import Value, storage_literal, triton_type

_ORDERS: Final = {
    "relaxed": "relaxed",
    "consume": "acquire",
    "acquire": "acquire",
    "release": "release",
    "acq_rel": "acq_rel",
}
_NATIVE: Final = {
    "add": "atomic_add",
    "max": "atomic_max",
    "min": "atomic_min",
    "or": "atomic_or",
}


def atomic(state: Lowering, lanes: Lanes, node: Atomic) -> None:
    """Emits one update for each lane."""
    _check(node)
    evaluate, buffer = Evaluator(state, lanes), node.buffer
    value = None if node.value is None else evaluate(node.value)
    subscripts = tuple(split(at, lanes.facts) for at in node.indices)
    place = memory.memory_of(state, buffer)
    address = memory.Address(state, lanes, place, subscripts, evaluate)
    tests = [*address.tests(node.proved), *lanes.padding, *lanes.conditions]
    mask = conjunction(tests)
    if mask is not None:
        mask = state.bind("live", Value(lanes.spread(mask), BOOL, lanes.all_axes))
    fenced = buffer.name in state.barriers
    if fenced:
        state.line("tl.debug_barrier()")
    emit = _native if _is_native(node) else _swapped
    if buffer.dtype.bits >= 32 and node.op in ("exchange", "load"):
        emit = _moved
    before = emit(state, lanes, node, (address, value, mask))
    if fenced:
        state.line("tl.debug_barrier()")
    if node.previous is not None:
        if mask is not None:
            fill = storage_literal(node.fill.value if node.fill else 0, buffer.dtype)
            text = f"tl.where({mask.text}, {before.text}, {fill.text})"
            text = f"tl.cast({text}, tl.{triton_type(buffer.dtype)})"
            before = Value(text, buffer.dtype, lanes.all_axes)
        state.values[node.previous.name] = state.bind(node.previous.name, before)


def _check(node: Atomic) -> None:
    dtype = node.buffer.dtype
    if dtype.bits < 16:
        what, hint = f"atomic updates of {dtype}", "use int32 elements"
    elif node.order not in _ORDERS:
        what, hint = f"memory order {node.order}", 'use memory_order="acq_rel"'
    else:
        return
    raise UnsupportedByTarget(
        "E2001", f"Triton has no {what}", span=node.span, hint=hint
    )


def _is_native(node: Atomic) -> bool:
    dtype = node.buffer.dtype
    if dtype.is_float:
        return node.op == "add" and dtype != "bfloat16"
    return dtype.bits >= 32


def _pointer(lanes: Lanes, address: memory.Address) -> str:
    if address.axes == lanes.all_axes:
        return address.pointer
    return f"{address.pointer} + tl.zeros({lanes.shape}, tl.int32)"


_Parts = tuple[memory.Address, Value | None, Value | None]


def _native(state: Lowering, lanes: Lanes, node: Atomic, parts: _Parts) -> Value:
    address, value, mask = parts
    operand = "0" if value is None else value.typed
    guard = f", mask={mask.text}" if mask is not None else ""
    call = f"tl.{_NATIVE[node.op]}({_pointer(lanes, address)}, {operand}{guard}"
    text = f'{call}, sem="{_ORDERS[node.order]}")'
    return state.bind("before", Value(text, node.buffer.dtype, lanes.all_axes))


def _as(text: str, kind: str) -> str:
    return f"tl.cast({text}, {kind}, bitcast=True)"


def _moved(state: Lowering, lanes: Lanes, node: Atomic, parts: _Parts) -> Value:
    """Exchanges bits; or reads them, by an update that changes none."""
    address, value, mask = parts
    dtype = node.buffer.dtype
    word = f"tl.int{dtype.bits}"
    pointer = _as(_pointer(lanes, address), f"tl.pointer_type({word})")
    name, operand = "atomic_or", f"tl.full({lanes.shape}, 0, {word})"
    if value is not None:
        name, operand = "atomic_xchg", _as(value.typed, word)
    guard = f", mask={mask.text}" if mask is not None else ""
    text = f'tl.{name}({pointer}, {operand}{guard}, sem="{_ORDERS[node.order]}")'
    text = _as(text, f"tl.{triton_type(dtype)}")
    return state.bind("before", Value(text, dtype, lanes.all_axes))


def _swapped(state: Lowering, lanes: Lanes, node: Atomic, parts: _Parts) -> Value:
    """Repeats, for the lanes that failed, until every lane has put its element back."""
    address, value, mask = parts
    dtype, shape = node.buffer.dtype, lanes.shape
    word, kind = f"tl.int{dtype.bits}", f"tl.{triton_type(dtype)}"
    names = [state.names.fresh(n) for n in ("words", "offset", "left", "seen", "found")]
    words, offset, left, seen, found = names
    base = _as(address.base, f"tl.pointer_type({word})")
    state.line(f"{words} = {base}")
    state.line(f"{offset} = tl.full({shape}, 0, tl.int64) + {address.offset}")
    live = f"tl.full({shape}, True, tl.int1)" if mask is None else mask.text
    state.line(f"{left} = {live}")
    state.line(f"{seen} = tl.load({words} + {offset}, mask={left}, other=0)")
    going = f"tl.max(tl.cast({left}, tl.int32)) > 0" if lanes.rank else left
    with state.writer.block(f"while {going}:"):
        old = Value(_as(seen, kind), dtype, lanes.all_axes)
        new = _as(_combined(state, node, old, value), word)
        kept = f"tl.where({left}, {new}, {seen})"
        where = f"{words} + tl.where({left}, {offset}, 0)"
        order = _ORDERS[node.order]
        state.line(f'{found} = tl.atomic_cas({where}, {seen}, {kept}, sem="{order}")')
        state.line(f"{left} = {left} & ({found} != {seen})")
        state.line(f"{seen} = tl.where({left}, {found}, {seen})")
    return state.bind("before", Value(_as(seen, kind), dtype, lanes.all_axes))


def _combined(state: Lowering, node: Atomic, old: Value, value: Value | None) -> str:
    """In the evaluation dtype, rounded to the buffer's."""
    if value is None:
        return old.text
    op, dtype = ATOMICS[node.op], node.buffer.dtype
    if not op:
        return value.typed
    wide = dtype.evaluation
    operands = tuple(_widened(state, each, wide) for each in (old, value))
    result = Value(state.operations.render(op, operands), wide, old.axes)
    if wide == dtype:
        return result.text
    return convert(state.operations, result, Cast(Var("", wide), dtype))


def _widened(state: Lowering, value: Value, wide: DType) -> Value:
    if value.dtype == wide:
        return value
    cast = Cast(Var("", value.dtype), wide)
    return Value(convert(state.operations, value, cast), wide, value.axes)
