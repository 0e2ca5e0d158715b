"""From the arguments of a call to the values that an executable takes.

The first call with some combination of dtypes, shapes and strides solves the dims and
checks everything; what was found is kept, so that the next such call only reads
addresses, converts scalars and looks for overlaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Function, Launch, Var
from tiledsl.runtime import checks, outputs
from tiledsl.runtime.arrays import ArrayFacts, address_of, describe, row_major
from tiledsl.runtime.dimensions import evaluate, spell, symbols
from tiledsl.runtime.effects import symbols_in_body
from tiledsl.runtime.overlap import byte_range, share_memory
from tiledsl.runtime.parameters import Parameter, signature_of
from tiledsl.runtime.scalars import Number, convert_scalar
from tiledsl.runtime.solving import Solution, require_determined, solve

# combinations of shapes that are remembered for one kernel
_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Bound:
    """A checked call.  ``results``: the allocated outputs, in the order returned."""

    arguments: Arguments
    results: tuple[object, ...]
    device: str


@dataclass(frozen=True, slots=True)
class _Slot:
    """What is known of an array parameter once the shapes are."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    declared_strides: tuple[int, ...] | None  # None: row-major
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything about a call that does not depend on addresses and values."""

    slots: tuple[_Slot | None, ...]  # for each parameter; None for scalars
    dims: tuple[int, ...]


class Binder:
    """Binds the calls of one function."""

    def __init__(self, function: Function, name: str) -> None:
        require_determined(function)
        self.function = function
        self.signature = signature_of(function, name)
        self._stride_only = _stride_only_dims(function)
        self._plans: dict[tuple[object, ...], _Plan] = {}

    def bind(self, args: Sequence[object], named: Mapping[str, object]) -> Bound:
        """Checks the arguments of a call.  Raises ArgumentError."""
        inputs = self.signature.inputs
        if named or len(args) != len(inputs):
            args = self.signature.ordered(args, named)
        key: list[object] = []
        facts: dict[int, ArrayFacts | None] = {}
        scalars: dict[int, Number] = {}
        for parameter, value in zip(inputs, args, strict=True):
            self._look_at(parameter, value, key, facts, scalars)
        plan = self._plans.get(tuple(key))
        if plan is None:
            plan = self._plan(facts, scalars)
            if len(self._plans) >= _REMEMBERED:
                self._plans.clear()
            self._plans[tuple(key)] = plan
        return self._fill(plan, facts, scalars)

    def _look_at(
        self,
        parameter: Parameter,
        value: object,
        key: list[object],
        facts: dict[int, ArrayFacts | None],
        scalars: dict[int, Number],
    ) -> None:
        """Describes one argument and adds to the key what the checks depend on."""
        node = parameter.node
        if isinstance(node, Var):
            number = convert_scalar(node.name, value, node.dtype)
            scalars[parameter.position] = number
            if parameter.shaping:
                key.append(number)
        elif value is None:
            facts[parameter.position] = None
            key.append(None)
        else:
            found = describe(node.name, value)
            facts[parameter.position] = found
            key += (found.dtype_name, found.shape, found.strides, found.place)
            key.append(found.writable)

    # ------------------------------------------------- the first call of its kind

    def _plan(
        self, facts: Mapping[int, ArrayFacts | None], scalars: Mapping[int, Number]
    ) -> _Plan:
        arrays: list[tuple[Parameter, Buffer, ArrayFacts]] = []
        for parameter in self.signature.inputs:
            node = parameter.node
            found = facts.get(parameter.position)
            if isinstance(node, Buffer) and found is not None:
                checks.check_kind(node, found)
                arrays.append((parameter, node, found))
            elif isinstance(node, Buffer) and parameter.accessed:
                raise ArgumentError(
                    "E1016",
                    f"argument '{node.name}'",
                    span=node.span,
                    expected="an array, because the kernel accesses it",
                    got="None",
                )
        _check_one_device(arrays)
        solution = self._solve(arrays, scalars)
        for parameter, node, found in arrays:
            checks.check_shape(node, found, solution)
            checks.check_strides(node, found, solution)
            checks.check_extent(node, found, written=parameter.written)
            if parameter.written:
                checks.check_writable(node, found)
        self._check_grids(solution)
        slots = tuple(
            self._slot(parameter, facts.get(parameter.position), solution)
            for parameter in self.signature.parameters
        )
        dims = tuple(solution.values[dim.name] for dim in self.function.dims)
        return _Plan(slots, dims)

    def _solve(
        self,
        arrays: Sequence[tuple[Parameter, Buffer, ArrayFacts]],
        scalars: Mapping[int, Number],
    ) -> Solution:
        whole = {
            self.function.params[position].name: int(number)
            for position, number in scalars.items()
            if not isinstance(number, float)
        }
        pairs = [(node, found) for _, node, found in arrays]
        solution = solve(self.function, pairs, whole)
        for dim in self.function.dims:
            value = solution.values[dim.name]
            if value < 0 and dim.name not in self._stride_only:
                raise ArgumentError(
                    "E1009",
                    f"{solution.sources[dim.name]} of the arguments",
                    expected=f"{dim.name} >= 0, because the kernel computes with it",
                    got=str(value),
                    hint="pass a copy without negative strides",
                )
        return solution

    def _check_grids(self, solution: Solution) -> None:
        for statement in self.function.body:
            if not isinstance(statement, Launch):
                continue
            for extent in statement.grid:
                value = evaluate(extent, solution.values)
                if value is not None and value < 0:
                    raise ArgumentError(
                        "E1022",
                        "grid of a launch",
                        span=statement.span,
                        expected=f"{spell(extent)} >= 0",
                        got=f"{value} ({solution.explain(extent)})",
                    )

    def _slot(
        self, parameter: Parameter, found: ArrayFacts | None, solution: Solution
    ) -> _Slot | None:
        node = parameter.node
        if isinstance(node, Var):
            return None
        shape = tuple(
            evaluate(extent, solution.values) or 0 for extent in node.shape
        )
        declared = None
        if node.strides is not None:
            declared = tuple(
                evaluate(step, solution.values) or 0 for step in node.strides
            )
        strides = row_major(shape) if declared is None else declared
        actual = found.strides if found is not None and declared is not None else strides
        low, high = byte_range(shape, actual, node.dtype.bytes)
        return _Slot(shape, actual, declared, low, high)

    # ------------------------------------------------------------- every call

    def _fill(
        self,
        plan: _Plan,
        facts: dict[int, ArrayFacts | None],
        scalars: Mapping[int, Number],
    ) -> Bound:
        first = next((found for found in facts.values() if found is not None), None)
        results: dict[int, object] = {}
        for parameter in self.signature.outputs:
            slot, node = plan.slots[parameter.position], parameter.node
            if isinstance(node, Buffer) and slot is not None:
                array = outputs.allocate(node, slot.shape, slot.declared_strides, first)
                results[parameter.position] = array
                facts[parameter.position] = outputs.refer(node, array)
        values: list[ArrayRef | Number] = []
        for parameter in self.signature.parameters:
            slot, node = plan.slots[parameter.position], parameter.node
            if slot is None:
                values.append(scalars[parameter.position])
            else:
                values.append(_reference(node.dtype, slot, facts[parameter.position]))
        self._check_overlaps(plan, values)
        return Bound(
            Arguments(tuple(values), plan.dims),
            tuple(results[position] for position in self.function.outputs),
            first.device if first is not None else "cpu",
        )

    def _check_overlaps(
        self, plan: _Plan, values: Sequence[ArrayRef | Number]
    ) -> None:
        """Refuses a written array that shares memory with another one (rule L106)."""
        parameters = self.signature.parameters
        for written in self.signature.inputs:
            a, slot = values[written.position], plan.slots[written.position]
            if not written.written or slot is None or not isinstance(a, ArrayRef):
                continue
            for other in self.signature.inputs:
                b, beside = values[other.position], plan.slots[other.position]
                if other is written or beside is None or not isinstance(b, ArrayRef):
                    continue
                if (
                    a.address + slot.low < b.address + beside.high
                    and b.address + beside.low < a.address + slot.high
                    and share_memory(_placed(a), _placed(b))
                ):
                    raise _overlap(
                        parameters[written.position], parameters[other.position], a, b
                    )


def _reference(dtype: DType, slot: _Slot, found: ArrayFacts | None) -> ArrayRef:
    carrier = dtype.as_numpy()
    if found is None:  # None was passed: nothing will be accessed
        nothing = np.broadcast_to(np.zeros((), carrier), slot.shape)
        address = address_of(nothing)
        return ArrayRef(address, slot.shape, slot.strides, dtype, "cpu", nothing, nothing)
    host = found.host
    if host is not None and host.dtype != carrier:
        host = host.view(carrier)
    return ArrayRef(
        found.address, slot.shape, slot.strides, dtype, found.device, found.owner, host
    )


def _placed(array: ArrayRef) -> tuple[int, tuple[int, ...], tuple[int, ...], int]:
    return array.address, array.shape, array.strides, array.dtype.bytes


def _overlap(
    written: Parameter, other: Parameter, a: ArrayRef, b: ArrayRef
) -> ArgumentError:
    low, high = byte_range(a.shape, a.strides, a.dtype.bytes)
    first, last = byte_range(b.shape, b.strides, b.dtype.bytes)
    shared = (
        max(a.address + low, b.address + first) - a.address,
        min(a.address + high, b.address + last) - a.address,
    )
    return ArgumentError(
        "E1012",
        f"arguments '{written.name}' and '{other.name}'",
        span=written.node.span,
        expected=f"memory of their own, because the kernel writes '{written.name}'",
        got=f"arrays that overlap in bytes {shared[0]} to {shared[1]} of '{written.name}'",
        hint=f"pass a copy of {other.name}",
    )


def _check_one_device(
    arrays: Sequence[tuple[Parameter, Buffer, ArrayFacts]],
) -> None:
    for _, node, found in arrays[1:]:
        _, first, there = arrays[0]
        if found.place != there.place:
            raise ArgumentError(
                "E1010",
                f"device of argument '{node.name}'",
                span=node.span,
                expected=f"{there.place}, as of '{first.name}'",
                got=found.place,
                hint="move all arrays to one device",
            )


def _stride_only_dims(function: Function) -> frozenset[str]:
    """Dims that only ever stand alone as a stride: they may be negative."""
    elsewhere = set(symbols_in_body(function))
    for node in function.params:
        if isinstance(node, Buffer):
            computed = [step for step in node.strides or () if not isinstance(step, Var)]
            for entry in (*node.shape, *computed):
                elsewhere.update(symbols(entry))
    return frozenset(dim.name for dim in function.dims) - elsewhere
