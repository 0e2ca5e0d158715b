"""The state of one block: what the names mean and which lanes are active.

Outside ``Parallel`` there is one lane and every value is a scalar.  Inside, a value is a
scalar (equal in all lanes) or an array with one axis per loop variable, of extent 1
where it does not depend on that variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tiledsl.backend import BuildOptions
from tiledsl.diagnostics import InternalError
from tiledsl.diagnostics.findings import Findings
from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.masks import Mask

Execute = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Options:
    """``poison`` seeds the undefined content; ``check_proofs`` tests every ``proved``."""

    poison: int = 0
    check_proofs: bool = False

    @staticmethod
    def of(options: BuildOptions) -> Options:
        """Reads ``extra``: ("poison", seed) and ("check-proofs", "on")."""
        extra = dict(options.extra)
        return Options(
            int(extra.get("poison", "0")), extra.get("check-proofs", "off") == "on"
        )


@dataclass(frozen=True, slots=True)
class Lanes:
    """A box of iterations of a ``Parallel``; no axes outside one."""

    names: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    origin: tuple[int, ...] = ()

    def positions(self, axis: int) -> np.ndarray:
        """The loop variable of an axis, extending along that axis only."""
        shape = [1] * len(self.shape)
        shape[axis] = self.shape[axis]
        positions = np.arange(self.shape[axis], dtype=np.int64) + self.origin[axis]
        return positions.reshape(shape)


@dataclass(frozen=True, slots=True)
class Storage:
    """A buffer's memory; if ``private``, the lanes' axes come before its own."""

    array: np.ndarray
    private: bool = False


@dataclass(slots=True)
class Loop:
    """The innermost loop: who has left it, and who has left only this iteration."""

    broken: Mask = field(default_factory=masks.nobody)
    stopped: Mask = field(default_factory=masks.nobody)


@dataclass(frozen=True, slots=True)
class Update:
    """Values to combine, in order, into elements given by their row-major numbers."""

    reduction: str
    buffer: ir.Buffer
    elements: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Facts:
    """What is found out about a node once, by its identity: for all blocks of a launch.

    ``constants`` in their carriers; ``private``: the buffers of which a ``Parallel``
    gives each lane a copy.
    """

    constants: dict[int, np.ndarray] = field(default_factory=dict)
    private: dict[int, tuple[ir.Buffer, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Frame:
    """Everything a statement may read and write.

    ``failures``: the assertions that did not hold, in all blocks.  ``block`` and
    ``loops``: where the run is, the names of the loops from outside in.
    """

    execute: Mapping[type, Execute]
    options: Options
    values: dict[str, np.ndarray] = field(default_factory=dict)
    storage: dict[str, Storage] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    lanes: Lanes = Lanes()
    active: Mask = None
    loop: Loop = field(default_factory=Loop)
    pending: list[Update] = field(default_factory=list)
    failures: Findings = field(default_factory=Findings)
    block: tuple[int, ...] | None = None
    loops: list[str] = field(default_factory=list)

    def run(self, block: ir.Block) -> None:
        """Executes statements in order, as long as a lane is active."""
        for statement in block:
            if self.active is not None and not masks.some(self.active):
                return
            self.execute[type(statement)](statement, self)

    def memory(self, buffer: ir.Buffer) -> Storage:
        """The memory of a declared buffer."""
        try:
            return self.storage[buffer.name]
        except KeyError:
            raise InternalError(
                "E9001", f"buffer {buffer.name} is not declared", span=buffer.span
            ) from None
