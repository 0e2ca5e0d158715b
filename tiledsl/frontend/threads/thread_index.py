"""The value of ``T.thread_binding``: an index that is also the iterable of a loop."""

from __future__ import annotations

from tiledsl.frontend.values import Value


class ThreadIndex(Value):
    """``for tx in T.thread_binding(n, "threadIdx.x")`` runs once in each thread."""

    __slots__ = ()
