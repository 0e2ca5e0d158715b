"""What a place of a generated program may mention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import Buffer, Expr, Var, index
from tiledsl.testing.generator.choice import Choice
from tiledsl.testing.generator.policy import Policy


@dataclass
class Names:
    """Names are declared once in a function."""

    count: int = 0

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"


@dataclass
class Scope:
    """Variables and buffers that may be read here; every element of them is defined.

    ``tiles`` are block-local and may be written too.  ``dims`` are known to the host.
    """

    choice: Choice
    policy: Policy
    names: Names = field(default_factory=Names)
    dims: list[Var] = field(default_factory=list)
    variables: list[Var] = field(default_factory=list)
    globals: list[Buffer] = field(default_factory=list)
    tiles: list[Buffer] = field(default_factory=list)

    def inside(self, variables: Sequence[Var] = ()) -> Scope:
        """A block in this one: what it declares ends with it."""
        return replace(
            self,
            variables=[*self.variables, *variables],
            globals=list(self.globals),
            tiles=list(self.tiles),
        )

    def without(self, buffer: Buffer) -> Scope:
        """The same place where ``buffer`` may not be touched."""
        inner = self.inside()
        inner.tiles = [tile for tile in inner.tiles if tile != buffer]
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

    def extent(self) -> int:
        """The extent of a dimension of a tile."""
        return self.choice.pick(self.policy.tiles)

    def size(self) -> Expr:
        """The extent of a dimension of a global buffer."""
        if self.dims and self.choice.chance(self.policy.symbolic):
            return self.choice.pick(self.dims)
        return index(self.choice.pick((4, 1, 2, 3, 5, 7, 8)))
