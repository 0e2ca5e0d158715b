"""Running one program of thread code on every backend and under the sanitizer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
from tiledsl.testing import runnable_backends

Program = Callable[..., object]


@pytest.fixture(params=runnable_backends())
def run(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Runs a function as an eager kernel on one backend."""

    def runs(program: Program, *arguments: object, **options: object) -> object:
        return tiledsl.jit(program, backend=request.param)(*arguments, **options)

    return runs


@pytest.fixture
def report() -> Callable[..., str]:
    """What the sanitizer says of a call, as text."""

    def checked(program: Program, *arguments: object, **options: object) -> str:
        kernel = tiledsl.jit(program, backend="numpy")
        return str(kernel.check(*arguments, **options))

    return checked


@pytest.fixture
def numbers() -> Callable[..., np.ndarray]:
    """Reproducible integers of a shape."""

    def made(*shape: int, dtype: str = "int32") -> np.ndarray:
        rng = np.random.default_rng(len(shape) + sum(shape))
        return rng.integers(-1000, 1000, shape).astype(dtype)

    return made
