"""Faulty passes and backends, as factories for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tiledsl_numpy import NumpyBackend

from tiledsl.backend import BuildOptions, Capabilities, Executable, Target
from tiledsl.ir.nodes import Function, Node
from tiledsl.ir.visitor import transform
from tiledsl.passes.base import Contract, Pass

Change = Callable[[Node], Node | tuple[Node, ...]]


@dataclass(frozen=True)
class Faulty:
    """A pass that applies a change to every node."""

    change: Change
    name: str = "faulty"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return transform(function, self.change)


class FaultyBackend(NumpyBackend):
    """The interpreter with a pipeline, and a change made when it lowers."""

    def __init__(
        self, passes: tuple[Pass, ...] = (), lowering: Change | None = None
    ) -> None:
        self.passes, self.lowering = passes, lowering

    @property
    def name(self) -> str:
        return "faulty-backend"

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        return self.passes

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        if self.lowering is not None:
            function = transform(function, self.lowering)
        return super().build(function, target, options)


@pytest.fixture
def faulty() -> type[Faulty]:
    return Faulty


@pytest.fixture
def faulty_backend() -> type[FaultyBackend]:
    return FaultyBackend


@pytest.fixture
def capabilities() -> Capabilities:
    return NumpyBackend().capabilities(Target("host"))
