"""Tests as a judge: collected once, run in forked children of that process."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import hypothesis
import pytest

from tests.mutation.groups import GROUPS, ROOT, Group
from tests.mutation.trial import allow

# a test that takes longer is asked after all others, or not at all
_SLOW_SECONDS, _TOO_SLOW_SECONDS = 0.5, 12
_ALLOWED_SECONDS, _BASELINE_SECONDS = 12, 120
# how much longer than with unchanged code a test may run
_TIMES = 3


class _Session:
    """A plugin that runs something in the place of the tests that were collected."""

    def __init__(self, group: Group, instead: Callable[[Tests], None]) -> None:
        self._group, self._instead = group, instead

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._instead(Tests(list(session.items), self._group))
        return True


class Tests:
    """Collected tests, in the order in which they are asked."""

    __test__ = False

    def __init__(self, items: list[pytest.Item], group: Group | None = None) -> None:
        self._own = group.tests if group else ()
        self._items = [
            item
            for item in items
            if _inside(item, self._own) or group is None or _runs_on(item, group)
        ]
        self._taken: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def first_failure(self) -> str | None:
        """The first test that fails; runs in a child process."""
        self._run(to_the_end=False)
        return self.failed[0] if self.failed else None

    def durations(self) -> str:
        """Runs all tests: lines of seconds and names, infinite for those that fail."""
        self._run(to_the_end=True)
        taken = self.seconds | dict.fromkeys(self.failed, float("inf"))
        return "\n".join(f"{seconds} {name}" for name, seconds in taken.items())

    def _run(self, *, to_the_end: bool) -> None:
        items = self._items
        if not items:
            return
        items[0].config.pluginmanager.register(self, "mutation")
        for item, following in zip(items, [*items[1:], None], strict=True):
            usual = _BASELINE_SECONDS if to_the_end else _ALLOWED_SECONDS
            allow(max(usual, int(_TIMES * self._seconds(item))))
            begin = _processor_seconds()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.seconds[item.nodeid] = _processor_seconds() - begin
            if self.failed and not to_the_end:
                return

    def arrange(self, durations: str) -> float:
        """Sorts the tests and leaves out those that fail; how many seconds all take.

        Fast tests of the part come first, then its slow ones, then fast ones of others;
        among these, files that take little are first.
        """
        self._taken = {}
        for line in durations.splitlines():
            seconds, _, name = line.partition(" ")
            self._taken[name] = float(seconds)
        files: Counter[Path] = Counter()
        for item in self._items:
            files[item.path] += self._seconds(item)
        self._items = sorted(
            filter(self._wanted, self._items),
            key=lambda item: (self._turn(item), files[item.path], item.path),
        )
        return sum(map(self._seconds, self._items))

    def _wanted(self, item: pytest.Item) -> bool:
        own = _inside(item, self._own)
        return self._seconds(item) <= (_TOO_SLOW_SECONDS if own else _SLOW_SECONDS)

    def _turn(self, item: pytest.Item) -> int:
        if not _inside(item, self._own):
            return 2
        return self._seconds(item) > _SLOW_SECONDS

    def _seconds(self, item: pytest.Item) -> float:
        return self._taken.get(item.nodeid, 0.0)


def _inside(item: pytest.Item, folders: Sequence[str]) -> bool:
    """Whether the test is in one of these folders or files."""
    return any(item.path.is_relative_to(ROOT / folder) for folder in folders)


def _runs_on(item: pytest.Item, group: Group) -> bool:
    """Whether the parameters of a test name no backend but the group's."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return True
    named = {other.compiled for other in GROUPS} & set(item.callspec.id.split("-"))
    return named <= {group.compiled}


def _processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def with_tests(group: Group, instead: Callable[[Tests], None]) -> int:
    """Collects tests and calls ``instead`` with them, inside of pytest's session."""
    hypothesis.settings.register_profile(
        "mutation",
        database=None,
        derandomize=True,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutation")
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:warnings"]
    paths = [str(ROOT / folder) for folder in group.asked]
    return int(pytest.main([*options, *paths], plugins=[_Session(group, instead)]))
