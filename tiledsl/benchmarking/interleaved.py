"""Timing several calls in turns, so that they meet the same disturbances.

Time is spent in rounds.  In each round every contender gets one window, in which it is
called again and again.  A window is quiet if other processes used little of the
processors; only quiet windows count, unless a contender has none.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tiledsl.benchmarking.quiet import now, others

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Window:
    """One turn: the median time of a call in ms, and whether others kept still."""

    ms: float
    quiet: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """All turns of one contender, one for each round."""

    windows: tuple[Window, ...]

    @property
    def quiet(self) -> int:
        return sum(window.quiet for window in self.windows)

    @property
    def ms(self) -> float:
        """The median over quiet windows; over all of them if none was quiet."""
        counted = [w.ms for w in self.windows if w.quiet]
        return statistics.median(counted or [w.ms for w in self.windows])

    @property
    def best_ms(self) -> float:
        return min(window.ms for window in self.windows)


def ratio(slower: Timing, faster: Timing) -> float:
    """How many times as long the first takes: the median over rounds.

    Rounds in which both were quiet count; all rounds if there is no such round.
    """
    pairs = list(zip(slower.windows, faster.windows, strict=True))
    still = [(a, b) for a, b in pairs if a.quiet and b.quiet]
    return statistics.median(a.ms / b.ms for a, b in still or pairs)


def measure(
    calls: Mapping[str, Call],
    *,
    rounds: int = 5,
    window: float = 0.1,
    patience: float = 30.0,
    disturbance: float = 0.05,
) -> dict[str, Timing]:
    """Times calls until each has that many quiet windows, or patience (s) is spent.

    ``disturbance``: the processors, on average over a window, that others may use.
    """
    for call in calls.values():
        call()
    turns: dict[str, list[Window]] = {name: [] for name in calls}
    start = time.perf_counter()
    while True:
        for name, call in calls.items():
            turns[name].append(_turn(call, window, disturbance))
        enough = all(sum(w.quiet for w in turn) >= rounds for turn in turns.values())
        spent = time.perf_counter() - start
        if enough or (spent > patience and len(turns[next(iter(turns))]) >= rounds):
            return {name: Timing(tuple(turn)) for name, turn in turns.items()}


def _turn(call: Call, seconds: float, disturbance: float) -> Window:
    # what the previous contender left in the caches is not this one's time
    call()
    times: list[float] = []
    begin = now()
    while not times or time.perf_counter() - begin.clock < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    share = others(begin, now())
    quiet = share is not None and share <= disturbance
    return Window(statistics.median(times) * 1e3, quiet)
