"""Functions that the runtime calls: one per launch, and one that computes sizes.

``launch.N(arguments, first, last, arena)`` runs the blocks numbered ``first`` to ``last``
(exclusive), the first grid index varying fastest unless blocks that differ in another one
remember operands for each other.  ``sizes(arguments, results)`` stores
for each workspace its number of elements and for each launch its grid extents.

``arguments`` is an array of 8-byte words: the address of each buffer parameter or the
value of each scalar one, then the dims, then the addresses of the workspaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.diagnostics import InternalError
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Allocate, Assert, Buffer, Function, Launch, Var
from tiledsl.ir.visitor import walk
from tiledsl_llvm.expressions import scalar
from tiledsl_llvm.frame import Frame
from tiledsl_llvm.legalize import legalize
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.remembering import record_bytes, slowest_last
from tiledsl_llvm.representation import element_of
from tiledsl_llvm.statements import declare_view, run_block, storage_of
from tiledsl_llvm.streaming import fence
from tiledsl_llvm.text import Builder, Module
from tiledsl_llvm.tile_products import release
from tiledsl_llvm.values import Value, integer

WORD = 8


@dataclass(frozen=True, slots=True)
class Emitted:
    """The LLVM IR of a function and what is needed to call it.

    ``arena_bytes``: block-local memory for each launch, of which the first
    ``record_bytes`` are zero when it starts.  ``workspaces``: the dtypes of
    host-level buffers, in the order of their words.
    """

    text: str
    arena_bytes: tuple[int, ...]
    record_bytes: tuple[int, ...]
    workspaces: tuple[DType, ...]


def emit_function(function: Function, machine: Machine) -> Emitted:
    """LLVM IR for a verified function."""
    function = legalize(function, machine)
    module = Module(machine.triple)
    declared = [part.buffer for part in function.body if isinstance(part, Allocate)]
    workspaces = [buffer for buffer in declared if buffer.of is None]
    launches = [part for part in function.body if isinstance(part, Launch)]
    known = (Allocate, Launch, Assert)  # calls verify what the host assumes
    if not all(isinstance(part, known) for part in function.body):
        raise InternalError("E9002", "a host-level statement that is not a launch")
    arenas = []
    for number, launch in enumerate(launches):
        arenas.append(
            _emit_launch(module, machine, function, workspaces, launch, number)
        )
    _emit_sizes(module, machine, function, workspaces, launches)
    dtypes = tuple(buffer.dtype for buffer in workspaces)
    records = tuple(record_bytes(launch) for launch in launches)
    return Emitted(module.text(), tuple(arenas), records, dtypes)


def _emit_launch(
    module: Module,
    machine: Machine,
    function: Function,
    workspaces: list[Buffer],
    launch: Launch,
    number: int,
) -> int:
    """Emits one launch; the bytes of block-local memory it takes."""
    b = Builder(module)
    frame = Frame(b, machine, run_block, Value("%arena", "ptr"))
    frame.take(record_bytes(launch))
    _bind(frame, function, workspaces)
    allocated = [part.buffer for part in walk(launch) if isinstance(part, Allocate)]
    frame.viewed = frozenset(buffer.of for buffer in allocated if buffer.of)
    for part in function.body:
        if isinstance(part, Allocate) and part.buffer.of is not None:
            declare_view(frame, part.buffer)
    grid = [scalar(frame, extent) for extent in launch.grid]
    with b.loop(Value("%first", "i64"), Value("%last", "i64"), 1, "block") as loop:
        rest = loop.counter
        for k in slowest_last(launch):
            var, extent = launch.vars[k], grid[k]
            frame.values[var.name] = b.binary("urem", rest, extent, var.name)
            rest = b.binary("udiv", rest, extent)
        run_block(frame, launch.body)
    if frame.uses_tiles:
        release(b)
    if frame.uses_streams:
        fence(frame)
    b.line("ret void")
    parameters = (
        "ptr noalias readonly %arguments, i64 %first, i64 %last, ptr noalias %arena"
    )
    name = f"launch.{number}"
    # without builtins LLVM leaves our vector loops alone instead of calling memcpy
    header = f'define void @{name}({parameters}) nounwind "no-builtins"'
    module.define(name, b.finish(header))
    return frame.arena_bytes


def _emit_sizes(
    module: Module,
    machine: Machine,
    function: Function,
    workspaces: list[Buffer],
    launches: list[Launch],
) -> None:
    b = Builder(module)
    frame = Frame(b, machine, run_block, Value("null", "ptr"))
    _bind(frame, function, [])
    results = []
    for buffer in workspaces:
        count = integer(1)
        for extent in buffer.shape:
            count = b.binary("mul", count, scalar(frame, extent))
        results.append(count)
    for launch in launches:
        grid = [scalar(frame, extent) for extent in launch.grid]
        results += [*grid, *[integer(1)] * (3 - len(grid))]
    for k, value in enumerate(results):
        b.store(
            value, b.address(Value("%results", "ptr"), "i64", integer(k)), align=WORD
        )
    b.line("ret void")
    parameters = "ptr noalias readonly %arguments, ptr noalias %results"
    module.define("sizes", b.finish(f"define void @sizes({parameters}) nounwind"))


def _bind(frame: Frame, function: Function, workspaces: list[Buffer]) -> None:
    """Loads the arguments and gives every name its value or its storage."""
    words: list[Buffer | Var] = [*function.params, *function.dims, *workspaces]
    addresses: dict[str, Value] = {}
    for k, part in enumerate(words):
        place = frame.builder.address(Value("%arguments", "ptr"), "i64", integer(k))
        if isinstance(part, Buffer):
            addresses[part.name] = frame.builder.load(place, "ptr", align=WORD)
        else:
            frame.values[part.name] = _scalar_argument(frame, part, place)
    for part in words:
        if isinstance(part, Buffer):
            frame.buffers[part.name] = storage_of(frame, part, addresses[part.name])


def _scalar_argument(frame: Frame, var: Var, place: Value) -> Value:
    b = frame.builder
    if var.dtype.kind == "bool":
        return b.convert("trunc", b.load(place, "i8", align=WORD), "i1")
    return b.load(place, element_of(var.dtype), align=WORD)
