"""What the names of a block mean at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from tiledsl.ir.nodes import Buffer
from tiledsl.testing.scalar_evaluator.conversion import Value
from tiledsl.testing.scalar_evaluator.memory import Memory, Position


@dataclass
class Carried:
    """Elements of reduction statements, in evaluation format until their loop ends.

    ``shared``: the memories outside the loop, of which an element may have several
    contributions.
    """

    shared: dict[str, Memory] = field(default_factory=dict)
    values: dict[tuple[str, Position], Value] = field(default_factory=dict)


@dataclass
class Scope:
    """Values of variables and memories of buffers, by name."""

    values: dict[str, Value] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    carried: Carried | None = None

    def copy(self) -> Scope:
        """The same names, to be extended without effect on this scope."""
        return Scope(dict(self.values), dict(self.memories), self.carried)

    def memory(self, buffer: Buffer) -> Memory:
        return self.memories[buffer.name]
