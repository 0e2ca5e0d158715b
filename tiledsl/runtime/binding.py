"""From the arguments of a call to the values that an executable takes.

What the first call with some dtypes, shapes and strides finds out is kept, so that the
next such call only reads addresses, converts scalars and looks for overlaps.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.nodes import Buffer, Function, Var
from tiledsl.runtime import outputs, torch_arrays
from tiledsl.runtime.arrays import ArrayFacts, address_of, describe
from tiledsl.runtime.overlap import byte_range, share_memory
from tiledsl.runtime.parameters import Parameter, signature_of
from tiledsl.runtime.planning import Address, Plan, Seen, Slot, make_plan
from tiledsl.runtime.promises import Promises
from tiledsl.runtime.scalars import Number, convert_scalar
from tiledsl.runtime.solving import require_determined

if TYPE_CHECKING:
    import torch

# combinations of shapes that are remembered for one kernel
_REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A plain torch tensor, whose facts are in the key of its call."""

    tensor: torch.Tensor


# an argument after the first look at it; plain arrays and tensors are described only
# when a plan is made
_Item = np.ndarray | _Tensor | ArrayFacts | Address | Number | None


class Bound(NamedTuple):
    """A checked call.  ``results``: the allocated outputs, in the order returned."""

    arguments: Arguments
    results: tuple[object, ...]
    device: str


class Binder:
    """Binds the calls of one function."""

    def __init__(self, function: Function, name: str) -> None:
        require_determined(function)
        self.function = function
        self.signature = signature_of(function, name)
        # whether each input is an array, beside it
        self._inputs = tuple(
            (part, isinstance(part.node, Buffer)) for part in self.signature.inputs
        )
        self._promises = Promises(function)
        self._plans: dict[tuple[object, ...], Plan] = {}

    def bind(self, args: Sequence[object], named: Mapping[str, object]) -> Bound:
        """Checks the arguments of a call.  Raises ArgumentError."""
        try:
            return self._bind(args, named)
        except ArgumentError as error:
            error.notes = (*error.notes, f"signature: {self.signature}")
            raise

    def _bind(self, args: Sequence[object], named: Mapping[str, object]) -> Bound:
        if named or len(args) != len(self._inputs):
            args = self.signature.ordered(args, named)
        key: list[object] = []
        items: list[_Item] = []
        for (parameter, is_array), value in zip(self._inputs, args, strict=True):
            if is_array and value.__class__ is np.ndarray:
                array: np.ndarray = value
                key += (array.dtype, array.shape, array.strides, array.flags.writeable)
                items.append(array)
            else:
                items.append(self._look_at(parameter, value, key))
        plan = self._plans.get(tuple(key))
        if plan is None:
            plan = self._plan(tuple(key), items)
        return self._fill(plan, items)

    def _look_at(self, parameter: Parameter, value: object, key: list[object]) -> _Item:
        """Describes one argument and adds to the key what the checks depend on."""
        node = parameter.node
        if isinstance(node, Var):
            number = convert_scalar(node.name, value, node.dtype)
            if parameter.shaping:
                key.append(number)
            return number
        if value is None:
            key.append(None)
            return None
        if parameter.pointer and isinstance(value, int) and not isinstance(value, bool):
            key.append(Address)
            return Address(_checked(parameter, value))
        quick = torch_arrays.quick_key(value)
        if quick is not None:
            key += quick
            return _Tensor(value)
        found = describe(node.name, value)
        key += (found.kind, found.dtype_name, found.shape, found.strides)
        key += (found.place, found.writable)
        return found

    def _plan(self, key: tuple[object, ...], items: Sequence[_Item]) -> Plan:
        seen: list[Seen] = []
        for (parameter, _), item in zip(self._inputs, items, strict=True):
            if isinstance(item, _Tensor):
                seen.append(describe(parameter.name, item.tensor))
            elif isinstance(item, np.ndarray):
                seen.append(describe(parameter.name, item))
            else:
                seen.append(item)
        plan = make_plan(self.function, self.signature, seen)
        if len(self._plans) >= _REMEMBERED:
            self._plans.clear()
        self._plans[key] = plan
        return plan

    def _fill(self, plan: Plan, items: Sequence[_Item]) -> Bound:
        values: list[ArrayRef | Number] = [0] * len(self.signature.parameters)
        for slot, item, (parameter, _) in zip(
            plan.inputs, items, self._inputs, strict=True
        ):
            if slot is not None:
                values[slot.position] = _reference(slot, item, plan.device)
            elif isinstance(item, bool | int | float):
                values[parameter.position] = item
        for first, second in plan.pairs:
            self._require_apart(plan, values, first, second)
        results = []
        for slot in plan.outputs:
            array, reference = outputs.allocate(
                slot, plan.kind, plan.device, plan.place
            )
            values[slot.position] = reference
            results.append(array)
        arguments = Arguments(tuple(values), plan.dims)
        self._promises.require(arguments)
        return Bound(arguments, tuple(results), plan.device)

    def _require_apart(
        self, plan: Plan, values: Sequence[ArrayRef | Number], first: int, second: int
    ) -> None:
        """Refuses a written array that shares memory with another one (rule L106)."""
        slot, beside = plan.inputs[first], plan.inputs[second]
        if slot is None or beside is None:
            return
        a, b = values[slot.position], values[beside.position]
        if not isinstance(a, ArrayRef) or not isinstance(b, ArrayRef):
            return
        if (
            a.address + slot.low < b.address + beside.high
            and b.address + beside.low < a.address + slot.high
            and share_memory(_placed(a), _placed(b))
        ):
            parameters = self.signature.parameters
            raise _overlap(parameters[slot.position], parameters[beside.position], a, b)


def _reference(slot: Slot, item: _Item, device: str) -> ArrayRef:
    if item.__class__ is np.ndarray:
        array: np.ndarray = item
        host = array if slot.view is None else partial(array.view, slot.view)
        address = address_of(array)
        return ArrayRef(
            address, slot.shape, slot.strides, slot.dtype, "cpu", array, host
        )
    if isinstance(item, _Tensor):
        return _tensor_reference(slot, item.tensor, device)
    if isinstance(item, ArrayFacts):
        view = item.host
        if view is not None and slot.view is not None:
            view = view.view(slot.view)
        return ArrayRef(
            item.address,
            slot.shape,
            slot.strides,
            slot.dtype,
            item.device,
            item.owner,
            view,
        )
    if isinstance(item, Address):
        return _memory_at(slot, item.value, device)
    # None was passed: nothing will be accessed, but a backend may look at the shape
    nothing = np.broadcast_to(np.zeros((), slot.dtype.as_numpy()), slot.shape)
    return ArrayRef(
        address_of(nothing),
        slot.shape,
        slot.strides,
        slot.dtype,
        "cpu",
        nothing,
        nothing,
    )


def _tensor_reference(slot: Slot, tensor: torch.Tensor, device: str) -> ArrayRef:
    host = None
    if device == "cpu":
        host = partial(torch_arrays.viewed, tensor, slot.dtype, slot.view)
    address = tensor.data_ptr()
    return ArrayRef(address, slot.shape, slot.strides, slot.dtype, device, tensor, host)


def _checked(parameter: Parameter, address: int) -> int:
    """An address that is none for sure, or not one of an element, is refused."""
    node = parameter.node
    size = node.dtype.bytes if isinstance(node, Buffer) else 1
    if address <= 0 or address >= 1 << 63 or address % size:
        raise ArgumentError(
            "E1004",
            f"argument '{parameter.name}'",
            expected=f"an array, or an address that is a multiple of {size}",
            got=str(address),
        )
    return address


def _memory_at(slot: Slot, address: int, device: str) -> ArrayRef:
    """The array of a slot at an address, in the memory of the other arrays."""

    def view() -> np.ndarray:
        count = max(slot.high - slot.low, 1)
        memory = (ctypes.c_uint8 * count).from_address(address + slot.low)
        carrier = slot.dtype.as_numpy()
        steps = tuple(stride * slot.dtype.bytes for stride in slot.strides)
        return np.ndarray(slot.shape, carrier, memoryview(memory), -slot.low, steps)

    host = view if device == "cpu" else None
    return ArrayRef(
        address, slot.shape, slot.strides, slot.dtype, device, address, host
    )


def _placed(array: ArrayRef) -> tuple[int, tuple[int, ...], tuple[int, ...], int]:
    return array.address, array.shape, array.strides, array.dtype.bytes


def _overlap(
    written: Parameter, other: Parameter, a: ArrayRef, b: ArrayRef
) -> ArgumentError:
    low, high = byte_range(a.shape, a.strides, a.dtype.bytes)
    first, last = byte_range(b.shape, b.strides, b.dtype.bytes)
    begin = max(a.address + low, b.address + first) - a.address
    end = min(a.address + high, b.address + last) - a.address
    return ArgumentError(
        "E1012",
        f"arguments '{written.name}' and '{other.name}'",
        span=written.node.span,
        expected=f"memory of their own, because the kernel writes '{written.name}'",
        got=f"arrays that overlap in bytes {begin} to {end} of '{written.name}'",
        hint=f"pass a copy of {other.name}",
    )
