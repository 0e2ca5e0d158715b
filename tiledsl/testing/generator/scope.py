"""What a place of a generated program may mention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import Apply, Buffer, Const, Expr, Var, index
from tiledsl.testing.generator.choice import Choice
from tiledsl.testing.generator.policy import Policy


@dataclass
class Names:
    """Names are declared once in a function."""

    count: int = 0

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"


@dataclass(frozen=True, slots=True)
class Updated:
    """A global buffer and the one update of a launch, in whatever order it happens.

    ``value`` is what an exchange stores: always the same.
    """

    buffer: Buffer
    op: str
    value: Const | None = None


@dataclass
class Scope:
    """Variables and buffers that may be read here; every element of them is defined.

    ``tiles`` are block-local and may be written too.  ``dims`` are known to the host.
    ``updated`` may be changed by atomic updates of its kind only, and not be read.
    """

    choice: Choice
    policy: Policy
    names: Names = field(default_factory=Names)
    dims: list[Var] = field(default_factory=list)
    variables: list[Var] = field(default_factory=list)
    globals: list[Buffer] = field(default_factory=list)
    tiles: list[Buffer] = field(default_factory=list)
    updated: list[Updated] = field(default_factory=list)

    def inside(self, variables: Sequence[Var] = ()) -> Scope:
        """A block in this one: what it declares ends with it."""
        return replace(
            self,
            variables=[*self.variables, *variables],
            globals=list(self.globals),
            tiles=list(self.tiles),
        )

    def without(self, buffer: Buffer) -> Scope:
        """The same place where the memory of ``buffer`` may not be touched."""
        inner = self.inside()
        inner.tiles = [tile for tile in inner.tiles if tile.root != buffer.root]
        inner.globals = [part for part in inner.globals if part.root != buffer.root]
        return inner

    @property
    def readable(self) -> list[Buffer]:
        return [*self.tiles, *self.globals]

    def of_dtype(self, dtype: DType) -> list[Buffer]:
        """Buffers whose elements expressions see as ``dtype``."""
        return [part for part in self.readable if part.dtype.evaluation == dtype]

    def indices(self) -> list[Var]:
        return [var for var in self.variables if var.dtype == INDEX]

    def dtype(self) -> DType:
        return DType(self.choice.weighted(dict(self.policy.dtypes)))

    def dtype_for(self, shape: Sequence[Expr]) -> DType:
        """One whose elements fill bytes, unless the last extent is even and known."""
        return fitting(self.dtype(), shape)

    def extent(self) -> int:
        """The extent of a dimension of a tile."""
        return self.choice.pick(self.policy.tiles)

    def size(self) -> Expr:
        """The extent of a dimension of a global buffer."""
        if self.dims and self.choice.chance(self.policy.symbolic):
            return self.choice.pick(self.dims)
        return index(self.choice.pick((4, 1, 2, 3, 5, 7, 8)))

    def sizes(self, rank: int, dtype: DType) -> tuple[Expr, ...]:
        """The shape of a global buffer; rows of packed elements are whole bytes."""
        shape = [self.size() for _ in range(rank)]
        if dtype.is_packed:
            shape[-1] = Apply("mul", (shape[-1], index(2)))
        return tuple(shape)


def fitting(dtype: DType, shape: Sequence[Expr]) -> DType:
    """The dtype, or a whole one where its elements could not lie two in a byte."""
    last = shape[-1] if shape else index(1)
    even = isinstance(last, Const) and int(last.value) % 2 == 0
    return dtype.evaluation if dtype.is_packed and not even else dtype
