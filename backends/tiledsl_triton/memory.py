"""Loads and stores of global and scratch memory, each dimension tested by itself."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import Apply, Buffer, Const, Expr, Var, index
from tiledsl.ir.visitor import walk
from tiledsl_triton.lanes import Lanes, conjunction
from tiledsl_triton.lowering import Lowering, Memory
from tiledsl_triton.subscripts import Subscript
from tiledsl_triton.tile_operations import constant
from tiledsl_triton.values import Value, integer, literal, storage_literal, triton_type

Evaluate = Callable[[Expr], Value]
_INT32 = 1 << 31


def row_major(shape: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The strides of a contiguous array."""
    strides: list[Expr] = [index(1)]
    for extent in reversed(shape[1:]):
        known, last = constant(extent), constant(strides[0])
        if known is not None and last is not None:
            strides.insert(0, index(known * last))
        elif last == 1:
            strides.insert(0, extent)
        else:
            strides.insert(0, Apply("mul", (extent, strides[0])))
    return tuple(strides[: len(shape)]) if shape else ()


def memory_of(state: Lowering, buffer: Buffer) -> Memory:
    """The place of a global buffer."""
    if buffer.of is not None and buffer.name not in state.memories:
        declare_view(state, buffer)
    if buffer.name not in state.memories:
        pointer = state.argument(buffer, pointer=True).name
        strides = buffer.strides or row_major(buffer.shape)
        memory = Memory(buffer, pointer, buffer.shape, strides)
        state.memories[buffer.name] = memory
    return state.memories[buffer.name]


def declare_view(state: Lowering, view: Buffer) -> None:
    """Gives a view the memory that it is a view of, as elements of its own dtype."""
    found = (part for part in walk(state.function) if isinstance(part, Buffer))
    memory = memory_of(state, next(part for part in found if part.name == view.root))
    pointer = memory.pointer
    if view.dtype != memory.buffer.dtype:
        kind = f"tl.pointer_type(tl.{triton_type(view.dtype)})"
        pointer = f"tl.cast({pointer}, {kind}, bitcast=True)"
    strides = row_major(view.shape)
    state.memories[view.name] = Memory(view, pointer, view.shape, strides)


def declare_scratch(state: Lowering, buffer: Buffer) -> None:
    """Gives a block-local buffer a part of a scratch array for each program."""
    elements = prod(buffer.static_shape)
    argument = state.argument(buffer, pointer=True, elements=elements)
    pointer = f"({argument.name} + program * {elements})"
    strides = row_major(buffer.shape)
    state.memories[buffer.name] = Memory(buffer, pointer, buffer.shape, strides)


def is_nonnegative(state: Lowering, expr: Expr) -> bool:
    """Whether an index expression is seen to be at least 0 without analysis."""
    if isinstance(expr, Const):
        return expr.value >= 0
    if isinstance(expr, Var):
        return expr.name in state.nonnegative
    if isinstance(expr, Apply):
        if expr.op in ("add", "mul", "floordiv", "min"):
            return all(is_nonnegative(state, arg) for arg in expr.args)
        if expr.op == "max":
            return any(is_nonnegative(state, arg) for arg in expr.args)
        if expr.op == "floormod":
            return (constant(expr.args[1]) or 0) > 0
    return False


class Address:
    """Pointer and tests of one access; the pointer is ``base + offset``."""

    def __init__(
        self,
        state: Lowering,
        lanes: Lanes,
        memory: Memory,
        subscripts: tuple[Subscript, ...],
        evaluate: Evaluate,
    ) -> None:
        self._state, self._lanes, self._evaluate = state, lanes, evaluate
        self._scalars: list[str] = []
        self._vectors: list[str] = []
        self.axes: frozenset[int] = frozenset()
        self._tests: list[list[Value]] = []
        dims = zip(subscripts, memory.extents, memory.strides, strict=True)
        for subscript, extent, stride in dims:
            if subscript.vector is not None:
                self._add_vector(subscript.vector, extent, stride)
            else:
                self._add_sum(subscript, extent, stride)
        parts = [f"({' + '.join(self._scalars)})"] if self._scalars else []
        parts += self._vectors
        self.base, self.offset = memory.pointer, " + ".join(parts) or "0"
        self.pointer = " + ".join([memory.pointer, *parts])

    def tests(self, proved: tuple[bool, ...]) -> list[Value]:
        """The bounds tests of the dimensions that are not proved."""
        found: list[Value] = []
        for dim, tests in enumerate(self._tests):
            if not (proved and proved[dim]):
                found += tests
        return found

    def _times(self, text: str, stride: Value) -> str:
        return text if stride.literal == 1 else f"{text} * {stride.atom}"

    def _add_vector(self, vector: Expr, extent: Expr, stride: Expr) -> None:
        value = self._evaluate(vector)
        if value.literal is None and "(" in value.text:
            value = self._state.bind("at", value)
        self._vectors.append(self._times(value.atom, self._evaluate(stride)))
        self.axes |= value.axes
        limit = self._evaluate(extent)
        tests = [Value(f"{value.atom} >= 0", BOOL, value.axes)]
        tests.append(Value(f"{value.atom} < {limit.atom}", BOOL, value.axes))
        self._tests.append(tests)

    def _start(self, subscript: Subscript) -> Value:
        """The part of the subscript that is equal in all lanes."""
        parts = [self._evaluate(subscript.uniform)]
        for name, factor in subscript.terms:
            start = self._lanes.axes[self._lanes.position(name)].start
            if start.literal is not None:
                parts.append(integer(int(start.literal) * factor))
            elif factor == 1:
                parts.append(start)
            else:
                parts.append(Value(f"{start.atom} * {factor}", INDEX))
        fixed = sum(int(part.literal) for part in parts if part.literal is not None)
        others = [part.atom for part in parts if part.literal is None]
        if not others:
            return integer(fixed)
        return Value(" + ".join(others + ([str(fixed)] if fixed else [])), INDEX)

    def _add_sum(self, subscript: Subscript, extent: Expr, stride: Expr) -> None:
        start, step = self._start(subscript), self._evaluate(stride)
        if start.literal is not None and step.literal is not None:
            offset = int(start.literal) * int(step.literal)
            if offset:
                self._scalars.append(str(offset))
        elif step.literal != 0:
            self._scalars.append(self._times(start.atom, step))
        texts: list[str] = []
        for name, factor in subscript.terms:
            position = self._lanes.position(name)
            axis = self._lanes.axes[position]
            self.axes |= {position}
            texts.append(self._lane_offset(axis.lane, axis.size, factor, integer(1)))
            self._vectors.append(self._lane_offset(axis.lane, axis.size, factor, step))
        self._tests.append(self._sum_tests(subscript, start, texts, extent))

    def _lane_offset(self, lane: str, size: int, factor: int, stride: Value) -> str:
        if stride.literal is None:
            scaled = lane if factor == 1 else f"({lane} * {factor})"
            return f"tl.cast({scaled}, tl.int64) * {stride.atom}"
        total = int(stride.literal) * factor
        if abs(total) * size >= _INT32:
            lane = f"tl.cast({lane}, tl.int64)"
        return lane if total == 1 else f"{lane} * {total}"

    def _sum_tests(
        self, subscript: Subscript, start: Value, texts: list[str], extent: Expr
    ) -> list[Value]:
        axes = frozenset(self._lanes.position(name) for name, _ in subscript.terms)
        limit = self._evaluate(extent)
        low = high = 0
        for name, factor in subscript.terms:
            reach = (self._lanes.axes[self._lanes.position(name)].size - 1) * factor
            low, high = low + min(reach, 0), high + max(reach, 0)
        fixed = start.literal
        where = " + ".join(texts + ([start.atom] if fixed != 0 or not texts else []))
        atom = Value(where, INDEX).atom
        tests = []
        uniform = subscript.uniform
        from_zero = low >= 0 and is_nonnegative(self._state, uniform)
        if not (from_zero or (fixed is not None and int(fixed) + low >= 0)):
            tests.append(Value(f"{atom} >= 0", BOOL, axes))
        known = fixed is not None and limit.literal is not None
        if not known or int(fixed or 0) + high >= int(limit.literal or 0):
            tests.append(Value(f"{atom} < {limit.atom}", BOOL, axes))
        if known and not axes and tests:
            return [Value(literal(False, BOOL).typed, BOOL)]
        return tests


def _guards(lanes: Lanes, axes: frozenset[int], proved: bool) -> list[Value]:
    """Tests of the lanes for a load that varies over ``axes``.

    A load of a switched-off lane does no harm unless a proof relied on the condition.
    """
    guards = [*lanes.padding, *lanes.conditions]
    return guards if proved else [guard for guard in guards if guard.axes <= axes]


def load(
    state: Lowering,
    lanes: Lanes,
    address: Address,
    buffer: Buffer,
    fill: Const | None,
    proved: tuple[bool, ...],
) -> Value:
    """Emits a load; the value has the storage dtype."""
    axes = address.axes
    guards = _guards(lanes, axes, any(proved))
    tests = address.tests(proved) + guards
    pointer = address.pointer
    covered = axes.union(*(test.axes for test in tests))
    if covered != axes and covered:
        pointer, axes = f"{pointer} + tl.zeros({lanes.shape}, tl.int32)", lanes.all_axes
    mask = conjunction(tests)
    text = f"tl.load({pointer})"
    if mask is not None:
        other = storage_literal(fill.value if fill else 0, buffer.dtype)
        text = f"tl.load({pointer}, mask={mask.text}, other={other.text})"
    return state.bind(buffer.name, Value(text, buffer.dtype, axes))


def store(
    state: Lowering,
    lanes: Lanes,
    address: Address,
    buffer: Buffer,
    value: Value,
    proved: tuple[bool, ...],
) -> None:
    """Emits a store, with barriers where the program also reads the buffer."""
    tests = [*address.tests(proved), *lanes.padding, *lanes.conditions]
    mask = conjunction(tests)
    covered = address.axes.union(value.axes, *(test.axes for test in tests))
    pointer = address.pointer
    if covered != address.axes:
        pointer = f"{pointer} + tl.zeros({lanes.shape}, tl.int32)"
    suffix = f", mask={mask.text}" if mask is not None else ""
    fenced = buffer.name in state.barriers
    if fenced:
        state.line("tl.debug_barrier()")
    state.line(f"tl.store({pointer}, {value.typed}{suffix})")
    if fenced:
        state.line("tl.debug_barrier()")
