"""How many threads a launch may use."""

from __future__ import annotations

import os

_MOST = 1024


def thread_count() -> int:
    """``TILEDSL_THREADS``, else the number of processors this process may use."""
    wanted = os.environ.get("TILEDSL_THREADS", "").strip()
    if wanted.isdigit() and int(wanted) > 0:
        return min(int(wanted), _MOST)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
