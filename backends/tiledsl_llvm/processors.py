"""How many threads a launch may use."""

from __future__ import annotations

import os

from tiledsl.settings import THREADS


def thread_count() -> int:
    """``TILEDSL_THREADS``, else the number of processors this process may use."""
    # most often it is not set, which this says in a third of the time
    wanted = THREADS.value if THREADS.name in os.environ else None
    if wanted is not None:
        return wanted
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
