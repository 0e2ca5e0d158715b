"""The state of lowering one launch to a Triton function."""

from __future__ import annotations

from dataclasses import dataclass, field

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import Buffer, Expr, Function, Launch, Var
from tiledsl_triton.lane_facts import LaneFacts
from tiledsl_triton.naming import Names
from tiledsl_triton.operations import Operations
from tiledsl_triton.pieces import Piece
from tiledsl_triton.placement import Placement
from tiledsl_triton.values import Value
from tiledsl_triton.writer import Writer


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of the Triton function and what the launcher passes for it.

    ``source`` is a parameter, a dim or a workspace of the function; or, for scratch
    memory, the buffer of which each program gets ``elements``.
    """

    name: str
    dtype: DType
    source: Var | Buffer
    pointer: bool
    elements: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """A buffer as tensor values: one named value for each combination of pieces."""

    buffer: Buffer
    pieces: tuple[tuple[Piece, ...], ...]
    names: dict[tuple[int, ...], str]

    def sizes(self, key: tuple[int, ...]) -> list[int]:
        """The shape of one of the values."""
        return [pieces[k].size for pieces, k in zip(self.pieces, key, strict=True)]


@dataclass(frozen=True, slots=True)
class Private:
    """A buffer of which every lane has its own: lanes first, then its own dimensions."""

    buffer: Buffer
    name: str
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """A buffer that lies in memory: pointer text, extents and strides in elements."""

    buffer: Buffer
    pointer: str
    extents: tuple[Expr, ...]
    strides: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """What lowering must know about the target."""

    tf32: bool = True
    vendor: str = "cuda"


@dataclass
class Lowering:
    """Everything that lowering reads and fills in, for one launch."""

    function: Function
    launch: Launch
    names: Names
    facts: LaneFacts
    placement: Placement
    machine: Machine
    operations: Operations
    writer: Writer = field(default_factory=Writer)
    values: dict[str, Value] = field(default_factory=dict)
    tiles: dict[str, Tile] = field(default_factory=dict)
    privates: dict[str, Private] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    arguments: dict[str, Argument] = field(default_factory=dict)
    nonnegative: set[str] = field(default_factory=set)
    barriers: set[str] = field(default_factory=set)
    gemms_of: dict[int, int] = field(default_factory=dict)
    clean: set[str] = field(default_factory=set)

    def line(self, text: str) -> None:
        """One line of source."""
        self.writer.line(text)

    def bind(self, hint: str, value: Value) -> Value:
        """Gives an expression a name."""
        name = self.names.fresh(hint)
        self.line(f"{name} = {value.typed}")
        return Value(name, value.dtype, value.axes)

    def argument(
        self, source: Var | Buffer, *, pointer: bool, elements: int = 0
    ) -> Argument:
        """The parameter that carries a variable or buffer, added when first asked for."""
        if source.name not in self.arguments:
            name = self.names.fresh(source.name + ("_ptr" if pointer else "_arg"))
            argument = Argument(name, source.dtype, source, pointer, elements)
            self.arguments[source.name] = argument
        return self.arguments[source.name]

    def variable(self, var: Var) -> Value:
        """The value of a variable: bound here, or a parameter of the function."""
        if var.name not in self.values:
            argument = self.argument(var, pointer=False)
            self.values[var.name] = Value(argument.name, var.dtype)
            if var.dtype == INDEX and var in self.function.dims:
                self.nonnegative.add(var.name)
        return self.values[var.name]
