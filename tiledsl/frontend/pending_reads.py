"""Values that were read but not yet used, and the writes that would change them.

``v = buf[0]`` makes a value whose expression contains a load.  Python has read the
element at that point, so a later write to ``buf`` must not change ``v``: before such a
write the value is evaluated into a ``Let`` of the block that read it, which is dropped
again if nobody looks at the value any more.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tiledsl.ir.nodes import (
    Accumulate,
    Atomic,
    Copy,
    Expr,
    Fill,
    Gemm,
    Let,
    Reduce,
    Sort,
    Statement,
    Store,
    Var,
)

if TYPE_CHECKING:
    from tiledsl.frontend.builder import Builder, Collected


@dataclass(slots=True, eq=False)
class Kept:
    """A value evaluated before a write: its variable, and whether it was used since."""

    var: Var
    used: bool = False


class Pending(Protocol):
    """A value with loads in its expression."""

    loads: frozenset[str]

    @property
    def expr(self) -> Expr: ...

    def keep(self, kept: Kept) -> None: ...


def written_buffer(statement: Statement) -> str | None:
    """The memory that a statement without blocks writes (``Buffer.root``)."""
    match statement:
        case Store() | Accumulate() | Atomic():
            return statement.buffer.root
        case Copy() | Fill() | Reduce() | Sort():
            return statement.target.buffer.root
        case Gemm():
            return statement.c.buffer.root
    return None


class PendingReads:
    """The live values that contain loads, by the block that was open when they were made."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[weakref.ref[Pending], Collected]] = {}
        self._kept: dict[str, Kept] = {}

    def add(self, value: Pending, block: Collected) -> None:
        key = id(value)
        reference = weakref.ref(value, lambda _: self._values.pop(key, None))
        self._values[key] = (reference, block)

    def forget(self, value: Pending) -> None:
        """The value is used as a place, not read."""
        self._values.pop(id(value), None)

    def settle_before(self, builder: Builder, statement: Statement) -> None:
        """Evaluates the values that ``statement`` is about to change."""
        name = written_buffer(statement)
        if name is None:
            return
        for key, (reference, block) in list(self._values.items()):
            value = reference()
            if value is not None and name in value.loads:
                del self._values[key]
                kept = Kept(builder.let("read", value.expr, block))
                self._kept[kept.var.name] = kept
                value.keep(kept)

    def close(self, block: Collected) -> None:
        """Drops what nobody used, and forgets the values of a block that ends."""
        for key, (_, owner) in list(self._values.items()):
            if owner is block:
                del self._values[key]
        if self._kept:
            block.open_statements = [
                part for part in block.open_statements if not self._is_unused(part)
            ]

    def _is_unused(self, statement: Statement) -> bool:
        kept = (
            self._kept.get(statement.var.name) if isinstance(statement, Let) else None
        )
        return kept is not None and not kept.used
