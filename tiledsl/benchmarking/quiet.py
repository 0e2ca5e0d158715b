"""How busy other processes keep the processors while something is measured."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

# the fields of the line "cpu" of /proc/stat that count as idle: idle and iowait
_IDLE = (3, 4)
_STATISTICS = Path("/proc/stat")


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds: of the clock, of work by all processes, and of work by this one."""

    clock: float
    everybody: float | None
    own: float


def now() -> Moment:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Moment(time.perf_counter(), _everybody(), usage.ru_utime + usage.ru_stime)


def others(begin: Moment, end: Moment) -> float | None:
    """Processors that other processes kept busy between two moments; None if unknown.

    The system counts in ticks of about 10 ms: one tick for each processor is not seen.
    """
    if begin.everybody is None or end.everybody is None:
        return None
    busy = (end.everybody - begin.everybody) - (end.own - begin.own)
    blind = (os.cpu_count() or 1) / os.sysconf("SC_CLK_TCK")
    return max(0.0, busy - blind) / max(end.clock - begin.clock, 1e-9)


def _everybody() -> float | None:
    try:
        first = _STATISTICS.read_text().split("\n", 1)[0]
    except OSError:
        return None
    # guest time, after the eighth field, is contained in user time
    ticks = [int(word) for word in first.split()[1:9]]
    idle = sum(ticks[place] for place in _IDLE)
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")
