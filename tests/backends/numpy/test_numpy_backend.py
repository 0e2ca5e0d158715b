"""The backend's five members, proofs that are false, large spaces and refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend, parallel

from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions, Executable
from tiledsl.diagnostics import (
    ArgumentError,
    CheckError,
    InternalError,
    UnsupportedByTarget,
)
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, FLOAT32, INDEX, DType
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function

Run = Callable[..., list]

X = ir.Buffer("X", (ir.index(6),), FLOAT32)
ROW, COLUMN = ir.Var("i", INDEX), ir.Var("j", INDEX)
ONE = ir.Const(1.0, FLOAT32)


def function(*body: ir.Statement, params: tuple[ir.Buffer, ...] = (X,)) -> ir.Function:
    block = ir.Launch((ir.Var("b", INDEX),), (ir.index(1),), (1,), body)
    return ir.Function("f", params, (), (block,))


def add(left: ir.Expr, right: ir.Expr) -> ir.Expr:
    return ir.Apply("add", (left, right))


def test_protocol() -> None:
    backend = NumpyBackend()
    assert isinstance(backend, Backend)
    (target,) = backend.targets()
    assert (backend.name, target.name, target.device) == ("numpy", "host", "cpu")
    assert target.runnable and backend.pipeline(target) == ()
    assert backend.capabilities(target).dtypes == set(ALL_DTYPES)
    program = function(ir.Store(X, (ir.index(0),), ONE))
    executable = backend.build(program, target, BuildOptions())
    assert isinstance(executable, Executable)
    assert executable.binary is None
    assert executable.stages["numpy"]() == print_function(program)


@pytest.mark.parametrize(
    "access",
    [
        ir.Parallel((ROW,), (ir.index(7),), (ir.Store(X, (ROW,), ONE, (True,)),)),
        ir.Store(X, (ir.index(-1),), ONE, (True,)),
        ir.Store(X, (ir.index(0),), ir.Load(X, (ir.index(6),), None, (True,))),
        ir.Parallel((ROW,), (ir.index(3),), (
            ir.Accumulate("sum", X, (add(ROW, ROW), ), ONE, (True,)),
            ir.Accumulate("sum", X, (add(add(ROW, ROW), ROW), ), ONE, (True,)),
        )),
        ir.Fill(ir.Region(X, (ir.Range(ir.index(3), ir.index(4), True),)), ONE),
        ir.Copy(
            ir.Region(X, (ir.Range(ir.index(3), ir.index(4), True),)),
            ir.Region(X, (ir.Range(ir.index(8), ir.index(4)),)),
            (ir.index(4),),
        ),
        ir.Copy(
            ir.Region(X, (ir.At(ir.index(6), True),)),
            ir.Region(X, (ir.At(ir.index(0)),)),
            (),
        ),
    ],
)  # fmt: skip
def test_a_false_proof_is_a_bug(interpret: Run, access: ir.Statement) -> None:
    values = np.zeros(6, np.float32)
    with pytest.raises(InternalError, match=r"E9010 dimension 0 of X"):
        interpret(function(access), values)


def test_unchecked_runs_stay_inside_all_the_same() -> None:
    memory = np.full(8, 5, np.float32)
    store = ir.Store(X, (add(ROW, ir.index(-1)),), ONE, (True,))
    program = function(ir.Parallel((ROW,), (ir.index(8),), (store,)))
    backend, view = NumpyBackend(), memory[1:7]
    reference = ArrayRef(view.ctypes.data, (6,), (1,), FLOAT32, "cpu", view, view)
    executable = backend.build(program, backend.targets()[0], BuildOptions())
    executable.launch(Arguments((reference,), ()))
    assert memory.tolist() == [5, 1, 1, 1, 1, 1, 1, 5]


def test_proofs_may_rest_on_conditions(run: Run) -> None:
    inside = ir.Apply("lt", (ROW, ir.index(6)))
    load = ir.Load(X, (ROW,), None, (True,))
    body = (
        ir.If(inside, (ir.Store(X, (ROW,), ONE, (True,)),)),
        ir.Let(ir.Var("v", FLOAT32), ir.Select(inside, load, ONE)),
        ir.If(
            ir.Apply("lt", (COLUMN, ir.index(1))),
            (ir.Continue(),),
        ),
        ir.Store(X, (add(COLUMN, ir.index(-1)),), ONE, (True,)),
    )
    loop = ir.Parallel((ROW, COLUMN), (ir.index(9), ir.index(7)), body)
    (found,) = run(function(loop), np.zeros(6, np.float32))
    assert found.tolist() == [1] * 6


def test_gemm_of_dtypes_without_a_meaning() -> None:
    matrices = {
        name: ir.Buffer(name, (ir.index(2), ir.index(2)), DType(dtype))
        for name, dtype in (("a", "float16"), ("b", "bfloat16"), ("c", "float32"))
    }
    a, b, c = (ir.whole(matrix) for matrix in matrices.values())
    program = function(
        ir.Gemm(a, b, c, ir.Const(False, BOOL)), params=tuple(matrices.values())
    )
    backend = NumpyBackend()
    with pytest.raises(UnsupportedByTarget, match="float16 x bfloat16 -> float32"):
        backend.build(program, backend.targets()[0], BuildOptions())


def test_negative_grid(interpret: Run) -> None:
    program = parse_function(
        "tiledsl.ir 1\nfunc f(n: int32)\n  launch (b: 2, c: index(n)) threads 1\n    pass\n"
    )
    with pytest.raises(CheckError, match=r"E5001 .*got 2 x -1"):
        interpret(program, -1)


def test_memory_of_a_device_is_refused() -> None:
    backend = NumpyBackend()
    program = function(ir.Store(X, (ir.index(0),), ONE))
    executable = backend.build(program, backend.targets()[0], BuildOptions())
    reference = ArrayRef(64, (6,), (1,), FLOAT32, "cuda", object())
    with pytest.raises(ArgumentError, match=r"argument X .*got cuda"):
        executable.launch(Arguments((reference,), ()))


def test_large_spaces_run_in_parts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_MOST_LANES", 8)
    x = np.arange(3 * 5 * 6, dtype=np.float32).reshape(3, 5, 6)
    text = """
        func f(X: float32[3, 5, 6], Y: float32[3, 6, 5], R: float16[4], N: int32[])
          launch (z: 1) threads 1
            alloc local outer: float32[]
            parallel (i: 3, j: 5, k: 6)
              alloc local v: float32[2]
              v[0] = X[i, j, k]
              v[1] = v[0] * 2.0
              outer[] = v[1]
              if k == 4
                continue
              Y[i, k, j] = outer[] + float32(i * 100 + j * 10 + k)
              R[i] sum= 0.25
              N[] sum= 1:int32
        """
    arguments = [x, np.zeros((3, 6, 5), np.float32), np.full(4, 2048, np.float16)]
    *_, y, r, n = run(text, *arguments, np.zeros((), np.int32))
    i, j, k = np.indices(x.shape)
    expected = np.where(k == 4, 0, 2 * x + i * 100 + j * 10 + k)
    np.testing.assert_array_equal(y, expected.transpose(0, 2, 1))
    # 25 quarters each, rounded once: 2054.25 is nearest to 2054
    assert r.tolist() == [2054, 2054, 2054, 2048] and n[()] == 75


def test_a_huge_space_needs_little_memory(interpret: Run) -> None:
    text = """
        func f[n](X: float32[4], Y: float32[4])
          launch (z: 1) threads 1
            copy X[0 +: n] -> Y[0 +: n] shape (n)
            fill Y[2 +: n] = 1.0
        """
    x, y = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    interpret(text, x, y, dims=[2**50])
    assert y.tolist() == [0, 1, 1, 1]


def test_scalar_parameters_are_converted(run: Run) -> None:
    text = """
        func f(a: float32, h: bfloat16, n: uint8, c: bool, Y: float32[4])
          launch (z: 1) threads 1
            Y[0] = a
            Y[1] = float32(h)
            Y[2] = float32(n)
            Y[3] = float32(c)
        """
    *_, y = run(text, 0.1, 1.01, 255, True, np.zeros(4, np.float32))
    assert y.tolist() == [float(np.float32(0.1)), 1.0078125, 255, 1]


def test_numpy_settings_and_warnings_are_the_callers(interpret: Run) -> None:
    text = """
        func f(X: float32[2], N: int8[2])
          launch (z: 1) threads 1
            parallel (i: 2)
              X[i] = X[i] / 0.0
              N[i] = N[i] * N[i] // 0:int8
        """
    with np.errstate(all="raise"):
        x, n = interpret(
            text, np.array([1, 0], np.float32), np.array([100, 1], np.int8)
        )
        assert np.geterr()["divide"] == "raise"
    assert np.isinf(x[0]) and np.isnan(x[1]) and n.tolist() == [0, 0]


def test_importing_loads_no_compiler() -> None:
    code = "import json, sys, tiledsl_numpy; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(output.stdout)}
    assert not loaded & {"torch", "triton", "llvmlite"}


def test_same_bits_in_every_run(interpret: Run) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=s).astype(np.float32) for s in ((96, 300), (300, 200)))
    text = """
        func f(A: float32[96, 300], B: float32[300, 200], C: float32[96, 200], S: float32[1])
          launch (z: 1) threads 1
            gemm C[0 +: 96, 0 +: 200] += A[0 +: 96, 0 +: 300] @ B[0 +: 300, 0 +: 200] clear true
            parallel (i: 96, j: 200)
              S[0] sum= C[i, j]
        """
    runs = [
        interpret(text, a, b, np.zeros((96, 200), np.float32), np.zeros(1, np.float32))
        for _ in range(3)
    ]
    for _, _, c, s in runs:
        assert (
            c.tobytes() == runs[0][2].tobytes() and s.tobytes() == runs[0][3].tobytes()
        )


def test_deep_expressions(interpret: Run) -> None:
    value, where = ir.Load(X, (ROW,)), ROW
    for _ in range(600):
        value = ir.Apply("add", (value, ONE))
    for _ in range(300):
        where = add(add(where, ir.index(1)), ir.index(-1))
    loop = ir.Parallel((ROW,), (ir.index(6),), (ir.Store(X, (where,), value),))
    (found,) = interpret(function(loop), np.zeros(6, np.float32))
    assert found.tolist() == [600] * 6


def test_fast_math_changes_nothing_here(run: Run) -> None:
    store = ir.Store(X, (ir.index(0),), ir.Apply("exp", (ONE,)))
    plain, fast = function(store), replace(function(store), fast_math=True)
    first, second = (
        run(program, np.zeros(6, np.float32))[0] for program in (plain, fast)
    )
    assert first.tobytes() == second.tobytes()
