"""Stores that pass by the caches, for arrays that no cache would keep.

A normal store reads the line that it is about to overwrite.  Whole vectors that fill whole
lines of a large array need not: measured on a copy of 32 MiB, a third faster; on arrays of
8 MiB, which a shared cache still holds, slower.

Whether the array is large and the row starts on a line is known when the loop starts:
there are two versions of it.
"""

from __future__ import annotations

from typing import Final

from tiledsl.analysis.effects import accesses
from tiledsl.ir.nodes import Expr, Let, Load, Parallel, Store, Var
from tiledsl.ir.visitor import walk
from tiledsl_llvm.expressions import index_of
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.memory import located
from tiledsl_llvm.representation import memory_element_of
from tiledsl_llvm.values import BITS, Value, integer

_LARGE_BYTES: Final = 32 << 20
_LINE_BYTES: Final = 64


def streams(frame: Frame, loop: Parallel) -> tuple[Store, ...]:
    """The stores of the vector loop that could be streaming stores."""
    if not frame.machine.is_x86 or frame.slopes is None:
        return ()
    bound = {
        part.var.name
        for statement in loop.body
        for part in walk(statement)
        if isinstance(part, Let)
    }
    found = [part for part in loop.body if isinstance(part, Store)]
    touched = [access.buffer for access in accesses(loop.body)]
    return tuple(
        store
        for store in found
        if touched.count(store.buffer.root) == 1 and _fills_lines(frame, store, bound)
    )


def _fills_lines(frame: Frame, store: Store, bound: set[str]) -> bool:
    """Whether each vector is a line of a global buffer, and nothing masks it."""
    slopes = frame.slopes
    storage = frame.buffers[store.buffer.name]
    if store.buffer.scope != "global" or slopes is None or not store.indices:
        return False
    if not (len(store.proved) == len(store.indices) and all(store.proved)):
        return False
    if any(_varies(index, bound) for index in store.indices):
        return False
    found = [slopes.of(index) for index in store.indices]
    in_order = found[-1] == 1 and all(slope == 0 for slope in found[:-1])
    bits = BITS[memory_element_of(storage.dtype)] * frame.lanes
    whole = bits == _LINE_BYTES * 8 and storage.strides[-1].text == "1"
    return in_order and whole and _may_be_large(store)


def _varies(index: Expr, bound: set[str]) -> bool:
    return any(
        isinstance(part, Load) or (isinstance(part, Var) and part.name in bound)
        for part in walk(index)
    )


def _may_be_large(store: Store) -> bool:
    try:
        size = store.buffer.dtype.bytes
        for extent in store.buffer.static_shape:
            size *= extent
    except TypeError:
        return True
    return size >= _LARGE_BYTES


def worthwhile(frame: Frame, stores: tuple[Store, ...]) -> Value:
    """Whether all these arrays are large, and their vectors start on lines.

    The loop's variable has the value it starts with.
    """
    b = frame.builder
    result = integer(1, "i1")
    for store in stores:
        storage = frame.buffers[store.buffer.name]
        with frame.as_scalar():
            indices = [index_of(frame, index) for index in store.indices]
            place, _ = located(frame, storage, indices, store.proved)
        size = integer(store.buffer.dtype.bytes)
        for extent in storage.shape:
            size = b.binary("mul", size, extent)
        address = b.convert("ptrtoint", place, "i64")
        beyond = b.binary("and", address, integer(_LINE_BYTES - 1))
        large = b.compare("sge", size, integer(_LARGE_BYTES))
        whole = b.compare("eq", beyond, integer(0))
        result = b.binary("and", result, b.binary("and", large, whole))
    return result


def fence(frame: Frame) -> None:
    """Streaming stores of this thread are seen by whoever sees that it is done."""
    frame.builder.call("llvm.x86.sse.sfence", "void", 1, [])
