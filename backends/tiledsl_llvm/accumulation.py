"""Reduction statements: combining values of iterations into an element (rule L55).

Lanes that share an element are combined among themselves first.  If the element stays
the same during a whole vector loop, its partial results stay in registers until the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Const,
    For,
    Let,
    Load,
    Parallel,
    Store,
    Var,
)
from tiledsl.ir.ops import REDUCTIONS, identity
from tiledsl.ir.visitor import walk
from tiledsl_llvm.expressions import evaluate, index_of
from tiledsl_llvm.frame import Frame, Index, any_lane
from tiledsl_llvm.memory import load_element, store_element
from tiledsl_llvm.operations import apply_exact
from tiledsl_llvm.representation import constant_of, element_of, zero_of
from tiledsl_llvm.values import Value, floating, integer

CHAINS: Final = 4  # a power of two


def accumulate(frame: Frame, node: Accumulate) -> None:
    """Combines the active lanes' values into their elements."""
    slot = frame.sums.get(id(node))
    if slot is not None:
        _into_register(frame, node, slot)
        return
    indices = [index_of(frame, index) for index in node.indices]
    value = evaluate(frame, node.value)
    if frame.lanes > 1 and all(index.slope == 0 for index in indices):
        _into_shared(frame, node, indices, value)
    else:
        _into_element(frame, node, indices, value)


def _into_element(
    frame: Frame, node: Accumulate, indices: list[Index], value: Value
) -> None:
    """Every active lane has an element of its own."""
    storage = frame.buffers[node.buffer.name]
    old = load_element(frame, storage, indices, node.proved, zero_of(node.buffer.dtype))
    new = combine(frame, node.reduction, node.buffer.dtype, old, value)
    store_element(frame, storage, indices, node.proved, new)


def _into_shared(
    frame: Frame, node: Accumulate, indices: list[Index], value: Value
) -> None:
    b = frame.builder
    value = b.spread(value, frame.lanes)
    if frame.mask is None:
        with frame.as_scalar():
            _into_element(frame, node, indices, across(frame, node, value))
        return
    value = b.select(frame.mask, value, neutral(node))
    with b.when(any_lane(b, frame.mask), "lanes"), frame.as_scalar():
        _into_element(frame, node, indices, across(frame, node, value))


def _into_register(frame: Frame, node: Accumulate, slot: Value) -> None:
    b = frame.builder
    element = element_of(node.buffer.dtype)
    value = b.spread(evaluate(frame, node.value), frame.lanes)
    if frame.mask is not None:
        value = b.select(frame.mask, value, neutral(node))
    old = b.load(slot, element, frame.lanes, align=64)
    new = combine(frame, node.reduction, node.buffer.dtype, old, value)
    b.store(new, slot, align=64)


@dataclass(frozen=True, slots=True)
class Partials:
    """Accumulations that a vector loop keeps in registers, ``CHAINS`` copies of each.

    Copies are independent, so that one addition need not wait for the one before it.
    """

    held: tuple[Accumulate, ...]
    slots: tuple[tuple[Value, ...], ...]

    def select(self, frame: Frame, chain: int) -> None:
        """What is written next adds to the copies with that number."""
        for node, slots in zip(self.held, self.slots, strict=True):
            frame.sums[id(node)] = slots[chain]


@contextmanager
def sums_in_registers(frame: Frame, loop: Parallel) -> Iterator[Partials]:
    """Keeps in registers, over the vector loop written inside, what stays in one element."""
    b = frame.builder
    held = [node for node in _accumulations(loop) if _stays(frame, loop, node)]
    slots = []
    for node in held:
        element = element_of(node.buffer.dtype)
        copies = [b.slot(element, 1, frame.lanes, "partial") for _ in range(CHAINS)]
        for slot in copies:
            b.store(b.spread(neutral(node), frame.lanes), slot, align=64)
        slots.append(tuple(copies))
    partials = Partials(tuple(held), tuple(slots))
    partials.select(frame, 0)
    yield partials
    for node, chains in zip(partials.held, partials.slots, strict=True):
        del frame.sums[id(node)]
        value = _sum_of_copies(frame, node, chains)
        trusted, frame.trusted = frame.trusted, False
        with frame.as_scalar():
            indices = [index_of(frame, index) for index in node.indices]
            _into_element(frame, node, indices, across(frame, node, value))
        frame.trusted = trusted


def _sum_of_copies(frame: Frame, node: Accumulate, copies: tuple[Value, ...]) -> Value:
    element = element_of(node.buffer.dtype)
    values = [
        frame.builder.load(slot, element, frame.lanes, align=64) for slot in copies
    ]
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2], strict=True)
        values = [
            combine(frame, node.reduction, node.buffer.dtype, *pair) for pair in pairs
        ]
    return values[0]


def _accumulations(loop: Parallel) -> list[Accumulate]:
    return [
        node
        for part in loop.body
        for node in walk(part)
        if isinstance(node, Accumulate)
    ]


def _stays(frame: Frame, loop: Parallel, node: Accumulate) -> bool:
    """Whether the element depends on nothing that the body computes or changes."""
    slopes = frame.slopes
    if slopes is None or any(slopes.of(index) != 0 for index in node.indices):
        return False
    bound, written = _bound_names(loop)
    for index in node.indices:
        for part in walk(index):
            if isinstance(part, Var) and part.name in bound:
                return False
            if isinstance(part, Load) and part.buffer.root in written:
                return False
    others = [n for n in _accumulations(loop) if n.buffer.root == node.buffer.root]
    return len(others) == 1


def _bound_names(loop: Parallel) -> tuple[set[str], set[str]]:
    bound: set[str] = set()
    written: set[str] = set()
    for statement in loop.body:
        for part in walk(statement):
            if isinstance(part, Let | For):
                bound.add(part.var.name)
            elif isinstance(part, Store | Accumulate | Allocate):
                written.add(part.buffer.root)
    return bound, written


def combine(frame: Frame, reduction: str, dtype: DType, a: Value, b: Value) -> Value:
    operation = REDUCTIONS.get(reduction, reduction)
    return apply_exact(frame.builder, frame.machine, operation, dtype, [a, b])


def neutral(node: Accumulate) -> Value:
    """What changes nothing: unlike the identity it keeps -0, and NaN for max and min."""
    dtype = node.buffer.dtype
    if dtype.is_float and node.reduction == "sum":
        return floating(-0.0, element_of(dtype))
    if dtype.is_float and node.reduction in ("max", "min"):
        return floating(float("nan"), element_of(dtype))
    name = node.reduction.removesuffix("_nan")
    return constant_of(Const(identity(name, dtype), dtype))


def across(frame: Frame, node: Accumulate, value: Value) -> Value:
    """All lanes combined, pairwise."""
    b = frame.builder
    lanes = value.lanes
    while lanes > 1:
        lanes //= 2
        low = (
            b.shuffle(value, range(lanes))
            if lanes > 1
            else b.extract(value, integer(0))
        )
        high = (
            b.shuffle(value, range(lanes, 2 * lanes))
            if lanes > 1
            else b.extract(value, integer(1))
        )
        value = combine(frame, node.reduction, node.buffer.dtype, low, high)
    return value
