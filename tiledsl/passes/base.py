"""What a pass is."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import Function

# exact: every value keeps its bits.  reassociates: float sums may be reordered.
# approximates: named operations may change within a declared bound.
Contract = Literal["exact", "reassociates", "approximates"]


@runtime_checkable
class Pass(Protocol):
    """A frozen dataclass whose fields are the pass's options.

    ``run`` is a pure function; its result verifies.  The docstring of an implementation
    shows IR before and after.
    """

    @property
    def name(self) -> str: ...

    @property
    def contract(self) -> Contract: ...

    def run(self, function: Function, capabilities: Capabilities) -> Function: ...
