"""Tests as a judge: collected once, run in forked children of that process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import hypothesis
import pytest

from tests.mutation.groups import ROOT
from tests.mutation.trial import allow

# a test that takes longer is left out: others see the same within the limit
_SLOW_SECONDS = 0.5
_ALLOWED_SECONDS, _BASELINE_SECONDS = 12, 120


class _Session:
    """A plugin that runs something in the place of the tests that were collected."""

    def __init__(self, instead: Callable[[Tests], None]) -> None:
        self._instead = instead

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._instead(Tests(list(session.items)))
        return True


class Tests:
    """Collected tests, in the order in which they are asked."""

    __test__ = False

    def __init__(self, items: list[pytest.Item]) -> None:
        self._items = items
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        taken = self.seconds.get(report.nodeid, 0.0)
        self.seconds[report.nodeid] = taken + report.duration
        if report.failed:
            self.failed.append(report.nodeid)

    def first_failure(self, folders: Sequence[str]) -> str | None:
        """The first test of these folders that fails; runs in a child process."""
        self._run(folders, to_the_end=False)
        return self.failed[0] if self.failed else None

    def durations(self, folders: Sequence[str]) -> str:
        """Runs all tests: lines of seconds and names, infinite for those that fail."""
        self._run(folders, to_the_end=True)
        taken = self.seconds | dict.fromkeys(self.failed, float("inf"))
        return "\n".join(f"{seconds} {name}" for name, seconds in taken.items())

    def _run(self, folders: Sequence[str], *, to_the_end: bool) -> None:
        items = [
            item
            for folder in folders
            for item in self._items
            if item.path.is_relative_to(ROOT / folder)
        ]
        if not items:
            return
        items[0].config.pluginmanager.register(self, "mutation")
        for item, following in zip(items, [*items[1:], None], strict=True):
            allow(_BASELINE_SECONDS if to_the_end else _ALLOWED_SECONDS)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed and not to_the_end:
                return

    def keep_fast(self, durations: str) -> float:
        """Leaves out slow and failing tests; files that take little come first.

        The result says how many seconds the others take.
        """
        taken: dict[str, float] = {}
        for line in durations.splitlines():
            seconds, _, name = line.partition(" ")
            taken[name] = float(seconds)
        rest = [
            item for item in self._items if taken.get(item.nodeid, 0.0) <= _SLOW_SECONDS
        ]
        files: dict[Path, float] = {}
        for path, group in groupby(rest, key=lambda item: item.path):
            files[path] = sum(taken.get(item.nodeid, 0.0) for item in group)
        self._items = sorted(rest, key=lambda item: (files[item.path], item.path))
        return sum(files.values())


def with_tests(folders: Sequence[str], instead: Callable[[Tests], None]) -> int:
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
    paths = [str(ROOT / folder) for folder in folders]
    return int(pytest.main([*options, *paths], plugins=[_Session(instead)]))
