"""Tile IR to Triton source: buffers and mutation become rebound tensor values.

One Triton function for each launch.  Rewrites of Tile IR come first (tile operations to
elements, jumps to flags, wide carries), then analysis decides where buffers live, then
each statement is written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Allocate,
    Cast,
    Const,
    Expr,
    Function,
    Gemm,
    Launch,
    Load,
    Select,
    Store,
)
from tiledsl.ir.visitor import walk
from tiledsl_triton.carries import widen_carries
from tiledsl_triton.emit import render_kernel
from tiledsl_triton.expressions import Evaluator
from tiledsl_triton.jumps import remove_jumps
from tiledsl_triton.lane_facts import LaneFacts, find_lane_facts
from tiledsl_triton.lanes import Lanes
from tiledsl_triton.lowering import Argument, Lowering, Machine
from tiledsl_triton.naming import Names, names_of
from tiledsl_triton.operations import Operations
from tiledsl_triton.placement import place
from tiledsl_triton.prelude import FUNCTIONS
from tiledsl_triton.serialize import serialize
from tiledsl_triton.sorting import expand_sorts
from tiledsl_triton.statements import lower_block
from tiledsl_triton.tile_operations import constant, expand_tile_operations
from tiledsl_triton.values import Value

_GRID_LIMIT = 65535  # of the second and third extent


@dataclass(frozen=True, slots=True)
class Kernel:
    """The Triton function of one launch.

    ``folded``: the grid is launched as one extent, the product of its extents.
    ``pressure``: elements of the largest tile that lies in registers.
    """

    name: str
    source: str
    arguments: tuple[Argument, ...]
    launch: Launch
    folded: bool
    pressure: int


def functionalize(
    function: Function, machine: Machine, *, fast_math: bool = False
) -> tuple[Function, tuple[Kernel, ...]]:
    """The rewritten function, whose launches stand for the kernels, in order."""
    names = names_of(function)
    function = expand_sorts(function, names)
    function = expand_tile_operations(function, names)
    function = remove_jumps(function, names)
    function = widen_carries(function, names)
    function = _serialize_collisions(function)
    launches = [node for node in walk(function) if isinstance(node, Launch)]
    kernels = []
    for number, launch in enumerate(launches):
        suffix = f"_{number}" if len(launches) > 1 else ""
        name = Names().fresh(function.name + suffix)
        kernels.append(_lower(function, launch, name, machine, fast_math))
    return function, tuple(kernels)


def _serialize_collisions(function: Function) -> Function:
    """Runs loops one iteration at a time whose reductions cannot be vectorized."""
    chosen: set[str] = set()
    for node in walk(function):
        if isinstance(node, Launch):
            placement = place(node, find_lane_facts(node))
            chosen |= {parallel.vars[0].name for parallel in placement.serial}
    return serialize(function, chosen) if chosen else function


def _lower(
    function: Function, launch: Launch, name: str, machine: Machine, fast_math: bool
) -> Kernel:
    facts = find_lane_facts(launch)
    operations = Operations(fast_math=fast_math or function.fast_math)
    names = Names((name, "program", *FUNCTIONS))
    placement = place(launch, facts)
    state = Lowering(function, launch, names, facts, placement, machine, operations)
    state.barriers = _fenced(facts, placement.scratch)
    state.clean = _clean_buffers(launch, facts)
    gemms = [node for node in walk(launch) if isinstance(node, Gemm)]
    state.gemms_of = {id(gemm): number for number, gemm in enumerate(gemms)}
    folded = _bind_blocks(state)
    lower_block(state, Lanes(), launch.body)
    arguments = tuple(state.arguments.values())
    source = render_kernel(name, arguments, state)
    return Kernel(name, source, arguments, launch, folded, _pressure(state, gemms))


def _pressure(state: Lowering, gemms: list[Gemm]) -> int:
    """Operands of products can stay in shared memory; everything else is in registers."""
    operands = {region.buffer.name for gemm in gemms for region in (gemm.a, gemm.b)}
    operands -= {gemm.c.buffer.name for gemm in gemms}
    sizes = [
        sum(prod(tile.sizes(key)) for key in tile.names)
        for name, tile in state.tiles.items()
        if name not in operands
    ]
    return max(sizes, default=0)


def _fenced(facts: LaneFacts, scratch: set[str]) -> set[str]:
    """Memory that a program both writes and reads: other threads must see it."""
    loaded = {a.buffer.root for a in facts.accesses if a.kind != "store"}
    stored = {a.buffer.root for a in facts.accesses if a.kind != "load"}
    both = {
        access.buffer.name
        for access in facts.accesses
        if access.buffer.scope == "global" and access.buffer.root in loaded & stored
    }
    return both | scratch


def _clean_buffers(launch: Launch, facts: LaneFacts) -> set[str]:
    """Tiles that only ever get zeros in their padding: loads of memory, and zero."""
    written: dict[str, bool] = {}
    for node in walk(launch):
        if isinstance(node, Store) and node.buffer.scope != "global":
            clean = _pads_with_zero(node.value)
            written[node.buffer.name] = written.get(node.buffer.name, True) and clean
    dirty = {
        access.buffer.name for access in facts.accesses if access.kind == "accumulate"
    }
    dirty |= {gemm.c.buffer.name for gemm in facts.gemms}
    return {name for name, clean in written.items() if clean} - dirty


def _pads_with_zero(value: Expr) -> bool:
    if isinstance(value, Cast):
        return value.dtype != "float8_e8m0fnu" and _pads_with_zero(value.value)
    if isinstance(value, Const):
        return value.value == 0
    if isinstance(value, Select):
        return _pads_with_zero(value.then) and _pads_with_zero(value.otherwise)
    if isinstance(value, Load) and value.buffer.scope == "global":
        return value.fill is None or value.fill.value == 0
    return False


def _bind_blocks(state: Lowering) -> bool:
    """Binds block indices, and ``program`` if scratch memory needs it."""
    launch = state.launch
    evaluate = Evaluator(state, Lanes())
    state.nonnegative.update(var.name for var in launch.vars)
    later = [constant(extent) for extent in launch.grid[1:]]
    folded = any(extent is None or extent > _GRID_LIMIT for extent in later)
    names = [state.names.fresh(var.name) for var in launch.vars]
    if folded:
        state.line("program = tl.cast(tl.program_id(0), tl.int64)")
        rest = "program"
        for name, extent in zip(names[:-1], launch.grid[:-1], strict=True):
            size = evaluate(extent).atom
            state.line(f"{name} = {rest} % {size}")
            rest = f"{rest} // {size}"
        state.line(f"{names[-1]} = {rest}")
    else:
        for axis, name in enumerate(names):
            state.line(f"{name} = tl.cast(tl.program_id({axis}), tl.int64)")
        if _uses_scratch(launch, state.placement.scratch):
            state.line("program = " + _linear(names, launch))
    for var, name in zip(launch.vars, names, strict=True):
        state.values[var.name] = Value(name, INDEX)
    return folded


def _linear(names: list[str], launch: Launch) -> str:
    text = names[-1]
    for axis in reversed(range(len(names) - 1)):
        text = f"({text}) * tl.num_programs({axis}) + {names[axis]}"
    return text


def _uses_scratch(launch: Launch, scratch: set[str]) -> bool:
    return any(
        isinstance(node, Allocate) and node.buffer.name in scratch
        for node in walk(launch)
    )
