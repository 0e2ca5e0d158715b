"""``breakpoint()`` in a kernel: which names the debugger will see."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping

from tiledsl.frontend.activation import Activation, Unbound
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.values import as_value, is_symbolic
from tiledsl.ir.nodes import Breakpoint, Expr, Region, whole

_LARGEST = 2**63 - 1


class Debugger(Activation):
    """``breakpoint()`` as a statement."""

    def stop(
        self, k: int, function: Callable[[], object], names: Mapping[str, object]
    ) -> None:
        """Stops here whenever the kernel is interpreted.

        Outside ``T.Kernel`` nothing of the kernel runs: Python stops while it is traced.
        """
        span = self.here(k)
        if function is not builtins.breakpoint or self.builder.at_host_level:
            function()
            return
        seen: dict[str, Expr | Region] = {}
        for name, content in names.items():
            value = self._value(name, content)
            if value is not None:
                seen[name] = value
        self.builder.emit(Breakpoint(tuple(seen), tuple(seen.values()), span=span))

    def _value(self, name: str, content: object) -> Expr | Region | None:
        """What a name stands for at this place, if the debugger can show it."""
        if isinstance(content, Unbound) or not self.names.holds(name):
            return None
        if isinstance(content, BufferRef):
            return whole(content.ir)
        number = isinstance(content, bool | float) or (
            isinstance(content, int) and -_LARGEST <= content <= _LARGEST
        )
        return as_value(content).expr if number or is_symbolic(content) else None
