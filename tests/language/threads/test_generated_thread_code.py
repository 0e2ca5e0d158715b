"""Random thread code against a simulation of threads in lockstep."""

from __future__ import annotations

import linecache
import warnings

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tests.language.threads.thread_programs import Lockstep, Writer, source
from tiledsl.testing import runnable_backends

QUICK = {"numpy": 30, "llvm": 12, "triton": 4}


def judge(backend: str, seed: int) -> None:
    writer = Writer(seed)
    program = writer.program()
    text = source(program, writer.threads)
    file = f"<thread program {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names: dict[str, object] = {"T": T}
    exec(compile(text, file, "exec"), names)
    x = np.random.default_rng(seed).integers(-50, 50, writer.threads, dtype=np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tiledsl.jit(names["kernel"], backend=backend)(x)
    lockstep = Lockstep(x)
    expected = lockstep.result(x, program)
    stayed = ~lockstep.returned
    assert (found[:, stayed] == expected[:, stayed]).all(), f"seed {seed}\n{text}"


@pytest.mark.parametrize("backend", runnable_backends())
def test_random_programs(backend: str) -> None:
    for seed in range(QUICK.get(backend, 6)):
        judge(backend, seed)
