"""The interpreter checks what kernels do, and leaves Triton as it found it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tiledsl.diagnostics import ArgumentError, InternalError
from tiledsl.ir import nodes as ir
from tiledsl.ir.parser import parse_function
from tiledsl.ir.visitor import transform

Run = Callable[..., list[np.ndarray]]

COPY = """\
tiledsl.ir 1
func f(X: float32[20], Y: float32[20])
  launch (b: 3) threads 32
    parallel (i: 8)
      Y[b * 8 + i] = X[b * 8 + i] * 2.0
"""


def test_a_false_proof_is_caught_before_memory_is_touched(run_pair: Run) -> None:
    def lie(node: ir.Node) -> ir.Node:
        return replace(node, proved=(True,)) if isinstance(node, ir.Load) else node

    function = transform(parse_function(COPY), lie)
    x, y = np.zeros(20, np.float32), np.zeros(20, np.float32)
    with pytest.raises(InternalError, match="E9002") as caught:
        run_pair(function, x, y)
    assert "load of 4 lanes outside all arguments" in str(caught.value)
    assert "tl.load(" in "".join(caught.value.notes)


def test_triton_is_left_as_it_was(run: Run) -> None:
    import triton.language as tl
    from triton.runtime import interpreter

    run(parse_function(COPY), np.ones(20, np.float32), np.ones(20, np.float32))
    places = (
        tl,
        tl.core,
        tl.standard,
        tl.core.tensor,
        interpreter,
        interpreter.ReduceOps,
    )
    before = [dict(vars(place)) for place in places]
    run(parse_function(COPY), np.ones(20, np.float32), np.ones(20, np.float32))
    assert [dict(vars(place)) for place in places] == before
    assert "TRITON_INTERPRET" not in os.environ


def test_a_negative_grid_is_an_argument_error(run_triton: Run) -> None:
    text = COPY.replace("func f(", "func f[m](").replace("(b: 3)", "(b: m - 5)")
    arrays = [np.zeros(20, np.float32), np.zeros(20, np.float32)]
    with pytest.raises(ArgumentError, match="E1022"):
        run_triton(parse_function(text), *arrays, dims=[2])


def test_an_empty_grid_and_empty_arrays_do_nothing(run: Run) -> None:
    text = COPY.replace("func f(", "func f[m](").replace("(b: 3)", "(b: m)")
    _, y = run(
        parse_function(text), np.ones(20, np.float32), np.ones(20, np.float32), dims=[0]
    )
    np.testing.assert_array_equal(y, np.ones(20))


def test_it_runs_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from tiledsl.backend import *\n"
        "from tiledsl.ir.parser import parse_function\n"
        "from tiledsl_triton import TritonBackend\n"
        f"f = parse_function({COPY!r})\n"
        "b = TritonBackend()\n"
        "x, y = np.ones(20, np.float32), np.zeros(20, np.float32)\n"
        "refs = [ArrayRef(a.ctypes.data, a.shape, (1,), p.dtype, 'cpu', a, a)\n"
        "        for a, p in zip((x, y), f.params)]\n"
        "b.build(f, b.targets()[0], BuildOptions()).launch(Arguments(tuple(refs), ()))\n"
        "print(y.sum())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "40.0", done.stderr
