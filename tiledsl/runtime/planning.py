"""The first call with some dtypes, shapes and strides: all dims solved, all checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Block, Buffer, Function, Launch, Reduce, TileHint, Var
from tiledsl.runtime import checks
from tiledsl.runtime.arrays import ArrayFacts, result_kind, row_major
from tiledsl.runtime.dimensions import evaluate, spell, symbols, symbols_in_body
from tiledsl.runtime.overlap import byte_range, overlaps_itself
from tiledsl.runtime.packing import of_bytes, of_elements, strides_of_bytes
from tiledsl.runtime.parameters import Parameter, Signature
from tiledsl.runtime.scalars import Number
from tiledsl.runtime.solving import Solution, solve


@dataclass(frozen=True, slots=True)
class Slot:
    """What is known of an array parameter once the dims are.

    ``strides`` are the argument's own where the parameter declares strides; ``declared``
    are those that a new output gets (None: row-major).  ``view``: the NumPy dtype to
    read the argument's memory as, if it is not its own.  ``low`` and ``high`` bound its
    bytes, relative to element 0.
    """

    position: int
    name: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    declared: tuple[int, ...] | None
    dtype: DType
    view: np.dtype[np.generic] | None
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a call that does not depend on addresses and values.

    ``inputs`` and ``outputs``: slots in the order of the signature's, None for scalars.
    ``pairs``: inputs, the first of them written, that must not share memory.  ``like``:
    the first array, which decides where and of which kind the outputs are.
    """

    inputs: tuple[Slot | None, ...]
    outputs: tuple[Slot, ...]
    dims: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    kind: str
    device: str
    place: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where an array begins, of which the caller says no more (rule L48)."""

    value: int


# an argument as the plan sees it: an array, an address, a number, or None
Seen = ArrayFacts | Address | Number | None


@dataclass(frozen=True, slots=True)
class _Given:
    """An array argument beside its parameter."""

    parameter: Parameter
    buffer: Buffer
    facts: ArrayFacts


def make_plan(function: Function, signature: Signature, seen: Sequence[Seen]) -> Plan:
    """Solves and checks.  Raises ArgumentError for the first argument that is wrong."""
    arrays = list(_arrays(signature, seen))
    for given in arrays:
        checks.check_kind(given.buffer, given.facts)
    arrays = [
        replace(given, facts=of_elements(given.facts, given.buffer.dtype))
        for given in arrays
    ]
    _require_one_device(arrays)
    solution = _solve(function, signature, arrays, seen)
    for given in arrays:
        written = given.parameter.written
        checks.check_shape(given.buffer, given.facts, solution)
        checks.check_strides(given.buffer, given.facts, solution)
        checks.check_extent(given.buffer, given.facts, written=written)
        if written:
            checks.check_writable(given.buffer, given.facts)
    _require_grids(function, solution)
    facts = {given.parameter.position: given.facts for given in arrays}
    slots = [
        _slot(part, facts.get(part.position), solution.values)
        for part in signature.inputs
    ]
    for slot, item in zip(slots, seen, strict=True):
        if slot is not None and isinstance(item, Address):
            _require_at_address(slot)
    outputs = [_slot(part, None, solution.values) for part in signature.outputs]
    for slot in outputs:
        if slot is not None:
            _require_possible(slot)
    first = arrays[0].facts if arrays else None
    return Plan(
        tuple(slots),
        tuple(slot for slot in outputs if slot is not None),
        tuple(solution.values[dim.name] for dim in function.dims),
        _pairs(signature),
        first.kind if first else result_kind(),
        first.device if first else "cpu",
        first.place if first else "cpu",
    )


def _arrays(signature: Signature, seen: Sequence[Seen]) -> Sequence[_Given]:
    arrays = []
    for parameter, item in zip(signature.inputs, seen, strict=True):
        node = parameter.node
        if isinstance(node, Buffer) and isinstance(item, ArrayFacts):
            arrays.append(_Given(parameter, node, item))
        elif isinstance(item, Address):
            continue  # all of the parameter is there: the caller says so
        elif isinstance(node, Buffer) and parameter.accessed:
            raise ArgumentError(
                "E1016",
                f"argument '{node.name}'",
                span=node.span,
                expected="an array, because the kernel accesses it",
                got="None",
            )
    return arrays


def _require_one_device(arrays: Sequence[_Given]) -> None:
    for given in arrays[1:]:
        first = arrays[0]
        if given.facts.place != first.facts.place:
            raise ArgumentError(
                "E1010",
                f"device of argument '{given.buffer.name}'",
                span=given.buffer.span,
                expected=f"{first.facts.place}, as of '{first.buffer.name}'",
                got=given.facts.place,
                hint="move all arrays to one device",
            )


def _solve(
    function: Function,
    signature: Signature,
    arrays: Sequence[_Given],
    seen: Sequence[Seen],
) -> Solution:
    scalars = {
        parameter.name: int(item)
        for parameter, item in zip(signature.inputs, seen, strict=True)
        if isinstance(item, int)
    }
    pairs = [(given.buffer, given.facts) for given in arrays]
    solution = solve(function, pairs, scalars)
    signed = _stride_only_dims(function)
    for dim in function.dims:
        value = solution.values[dim.name]
        if value < 0 and dim.name not in signed:
            raise ArgumentError(
                "E1009",
                f"{solution.sources[dim.name]} of the arguments",
                expected=f"{dim.name} >= 0, because the kernel computes with it",
                got=str(value),
                hint="pass a copy without negative strides",
            )
    return solution


def _stride_only_dims(function: Function) -> frozenset[str]:
    """Dims that only ever stand alone as a stride: no proof of bounds uses their sign."""
    elsewhere = set(symbols_in_body(function))
    for node in function.params:
        if isinstance(node, Buffer):
            computed = [
                step for step in node.strides or () if not isinstance(step, Var)
            ]
            for entry in (*node.shape, *computed):
                elsewhere.update(symbols(entry))
    return frozenset(dim.name for dim in function.dims) - elsewhere


def _require_grids(function: Function, solution: Solution) -> None:
    for statement in _host_statements(function.body):
        if isinstance(statement, Reduce):
            _require_elements(statement, solution)
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


def _host_statements(block: Block) -> Iterator[Launch | Reduce]:
    for statement in block:
        if isinstance(statement, Launch | Reduce):
            yield statement
        elif isinstance(statement, TileHint):
            yield from _host_statements(statement.body)


def _require_elements(reduce: Reduce, solution: Solution) -> None:
    """Refuses the largest of no elements (rule L68)."""
    if not reduce.clear or reduce.reduction not in ("max", "min"):
        return
    extent = reduce.source.shape[reduce.axis]
    value = evaluate(extent, solution.values)
    if value is not None and value <= 0:
        raise ArgumentError(
            "E1023",
            f"T.reduce_{reduce.reduction} over no elements",
            span=reduce.span,
            expected=f"{spell(extent)} >= 1, or clear=False",
            got=f"{value} ({solution.explain(extent)})",
        )


def _slot(
    parameter: Parameter, found: ArrayFacts | None, values: Mapping[str, int]
) -> Slot | None:
    node = parameter.node
    if isinstance(node, Var):
        return None
    shape = tuple(evaluate(extent, values) or 0 for extent in node.shape)
    declared = None
    if node.strides is not None:
        declared = tuple(evaluate(step, values) or 0 for step in node.strides)
        declared = strides_of_bytes(declared, node.dtype)
    # a backend takes the memory of packed elements as the bytes it is
    shape = of_bytes(shape, node.dtype)
    dtype = node.dtype.packed_storage if node.dtype.is_packed else node.dtype
    strides = row_major(shape) if declared is None else declared
    if found is not None and declared is not None:
        strides = strides_of_bytes(found.strides, node.dtype)
    carrier = dtype.as_numpy()
    other = found is not None and found.host is not None and found.host.dtype != carrier
    low, high = byte_range(shape, strides, dtype.bytes)
    return Slot(
        parameter.position,
        parameter.name,
        shape,
        strides,
        declared,
        dtype,
        carrier if other else None,
        low,
        high,
    )


def _require_possible(slot: Slot) -> None:
    if any(extent < 0 for extent in slot.shape):
        raise cannot_allocate(slot, "a dimension is negative")
    if slot.high >= 1 << 63:
        raise cannot_allocate(slot, "it spans more bytes than can be addressed")
    if slot.declared is None:
        return
    if any(step < 0 for step in slot.declared):
        raise cannot_allocate(slot, f"a stride of {slot.declared} is negative")
    if overlaps_itself(slot.shape, slot.declared):
        raise cannot_allocate(slot, f"with strides {slot.declared} it overlaps itself")


def _require_at_address(slot: Slot) -> None:
    if any(extent < 0 for extent in slot.shape) or slot.high - slot.low >= 1 << 47:
        raise ArgumentError(
            "E1008",
            f"argument '{slot.name}', an address",
            expected="no negative extents, and a size that memory can have",
            got=f"the shape {slot.shape}",
        )


def cannot_allocate(slot: Slot, reason: str) -> ArgumentError:
    """The error for an output that is impossible or for which there is no memory."""
    return ArgumentError(
        "E1018",
        f"cannot allocate output '{slot.name}' of shape {slot.shape}, dtype {slot.dtype}: "
        f"{reason}",
    )


def _pairs(signature: Signature) -> tuple[tuple[int, int], ...]:
    """Places of inputs to compare: each written array with every other array, once."""
    arrays = [
        (place, part.written)
        for place, part in enumerate(signature.inputs)
        if isinstance(part.node, Buffer)
    ]
    return tuple(
        (a, b) if a_written else (b, a)
        for number, (a, a_written) in enumerate(arrays)
        for b, b_written in arrays[number + 1 :]
        if a_written or b_written
    )
