"""Values that were read but not yet used, and the writes that would change them.

``v = buf[0]`` makes a value whose expression contains a load.  Python has read the
element at that point, so a later write to ``buf`` must not change ``v``: just before such
a write the value is evaluated into a ``Let`` of the block that read it.  The common case,
a value used before any write, costs nothing in the IR.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Protocol

from tiledsl.ir.nodes import (
    Accumulate,
    Copy,
    Expr,
    Fill,
    Gemm,
    Reduce,
    Statement,
    Store,
    Var,
)

if TYPE_CHECKING:
    from tiledsl.frontend.builder import Builder, Collected


class Pending(Protocol):
    """A value with loads in its expression."""

    loads: frozenset[str]

    @property
    def expr(self) -> Expr: ...

    def settle(self, var: Var) -> None: ...


def written_buffer(statement: Statement) -> str | None:
    """The buffer that a statement without blocks writes."""
    match statement:
        case Store() | Accumulate():
            return statement.buffer.name
        case Copy() | Fill() | Reduce():
            return statement.target.buffer.name
        case Gemm():
            return statement.c.buffer.name
    return None


class PendingReads:
    """The live values that contain loads, by the block that was open when they were made."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[weakref.ref[Pending], Collected]] = {}

    def add(self, value: Pending, block: Collected) -> None:
        key = id(value)
        reference = weakref.ref(value, lambda _: self._values.pop(key, None))
        self._values[key] = (reference, block)

    def settle_before(self, builder: Builder, statement: Statement) -> None:
        """Evaluates the values that ``statement`` is about to change."""
        name = written_buffer(statement)
        if name is None:
            return
        for key, (reference, block) in list(self._values.items()):
            value = reference()
            if value is not None and name in value.loads:
                del self._values[key]
                value.settle(builder.let("read", value.expr, block))

    def close(self, block: Collected) -> None:
        """Forgets the values of a block that ends; no code after it can use them."""
        for key, (_, owner) in list(self._values.items()):
            if owner is block:
                del self._values[key]
