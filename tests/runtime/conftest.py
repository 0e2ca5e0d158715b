from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tiledsl.backend import Arguments, BuildOptions, Capabilities, Target
from tiledsl.ir.dtypes import ALL_DTYPES
from tiledsl.ir.nodes import Function
from tiledsl.ir.parser import parse_function
from tiledsl.passes.base import Pass
from tiledsl.runtime.kernel import JITKernel


class RecordingExecutable:
    """Keeps the arguments of its calls and computes nothing."""

    binary: bytes | None = None

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.calls: list[Arguments] = []

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return {"listing": lambda: "a listing", "assembly": lambda: "an assembly"}

    def launch(self, arguments: Arguments) -> None:
        if self.failure is not None:
            raise self.failure
        self.calls.append(arguments)


class RecordingBackend:
    """A backend whose targets, passes and failures a test chooses."""

    name = "recording"

    def __init__(
        self,
        targets: tuple[Target, ...] = (Target("host"),),
        passes: tuple[Pass, ...] = (),
        build_failure: Exception | None = None,
        launch_failure: Exception | None = None,
    ) -> None:
        self._targets = targets
        self._passes = passes
        self._build_failure = build_failure
        self._launch_failure = launch_failure
        self.built: list[tuple[Function, Target, BuildOptions]] = []
        self.executables: list[RecordingExecutable] = []

    def targets(self) -> tuple[Target, ...]:
        return self._targets

    def capabilities(self, target: Target) -> Capabilities:
        return Capabilities(frozenset(ALL_DTYPES), frozenset(), 1 << 20)

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        return self._passes

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> RecordingExecutable:
        if self._build_failure is not None:
            raise self._build_failure
        self.built.append((function, target, options))
        self.executables.append(RecordingExecutable(self._launch_failure))
        return self.executables[-1]

    @property
    def last_call(self) -> Arguments:
        return self.executables[-1].calls[-1]


@pytest.fixture(autouse=True)
def _settings_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TILEDSL_BACKEND", raising=False)
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def function_of() -> Callable[[str], Function]:
    return lambda text: parse_function(
        "tiledsl.ir 1\n" + dedent(text).strip("\n") + "\n"
    )


@pytest.fixture
def recording() -> type[RecordingBackend]:
    return RecordingBackend


@pytest.fixture
def kernel_of(
    function_of: Callable[[str], Function],
) -> Callable[..., JITKernel]:
    """A kernel from the text of its IR; on a recording backend unless told otherwise."""

    def make(text: str, **options: Any) -> JITKernel:
        options.setdefault("backend", RecordingBackend())
        return JITKernel(function_of(text), **options)

    return make
