"""What became of each test function, while pytest runs a file of tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

from tiledsl.compat.survey.outcome import Observed, Outcome, failed


class Recorder:
    """A plugin of pytest.  All parameters of a function make one outcome.

    Passed is ``right``, unless every case was skipped: ``no kernel``.
    """

    def __init__(
        self,
        names: Sequence[str],
        observed: Observed,
        report: Callable[[Outcome], None],
        started: Callable[[], None],
    ) -> None:
        self._names = {name.rpartition("::")[2]: name for name in names}
        self._observed = observed
        self._report = report
        self._started = started
        self._current = ""
        self._ran = False
        self._error: BaseException | None = None
        self._since = 0.0

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> None:
        """The next case; perhaps the first of its function."""
        function = item.originalname
        if function != self._current:
            self.finish()
            self._current, self._ran, self._error = function, False, None
            self._since = process_time()
            self._started()

    def pytest_runtest_call(self, item: Any) -> None:
        """The case is not skipped."""
        self._ran = True

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        """Keeps the first error."""
        raised = call.excinfo
        skipped = raised is not None and raised.typename == "Skipped"
        if skipped and call.when == "call":
            self._ran = False
        elif raised is not None and not skipped and self._error is None:
            self._error = raised.value

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """A file that cannot be imported: each of its functions fails so."""
        if report.when == "collect":
            error = call.excinfo.value
            for name in self._names.values():
                self._report(self._outcome(name, error.__cause__ or error, 0.0))
            self._names = {}

    def finish(self) -> None:
        """Reports the function that ran last, if there is one."""
        name = self._names.pop(self._current, None)
        if name is None:
            return
        seconds = process_time() - self._since
        if self._error is not None:
            self._report(self._outcome(name, self._error, seconds))
        elif self._ran:
            self._report(Outcome(name, "right", seconds=round(seconds, 1)))
        else:
            self._report(Outcome(name, "no kernel", "skipped"))

    def _outcome(self, name: str, error: BaseException, seconds: float) -> Outcome:
        kind, reason = failed(error, self._observed)
        detail = f"{type(error).__name__}: {error}"
        return Outcome(name, kind, reason, detail[:600], round(seconds, 1))
