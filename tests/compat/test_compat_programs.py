"""Whole programs in TileLang's style, run through the alias in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EAGER = """
import numpy as np
import tilelang
import tilelang.language as T
from tilelang.profiler import do_bench

@tilelang.jit(pass_configs={tilelang.PassConfigKey.TL_ENABLE_FAST_MATH: False})
def scaled_difference(X, Y, rows: int, factor: float = 0.5, dtype=T.float32):
    M, N = T.const("M N")
    X: T.Tensor((M, N), dtype)
    Y: T.Tensor[[M, N], dtype]
    Z = T.empty((M, N), dtype)
    with T.Kernel(T.ceildiv(M, rows), threads=64) as block:
        x = T.alloc_fragment((rows, N), dtype)
        y = T.alloc_shared((rows, N), dtype)
        T.copy(X[block * rows, 0], x)
        T.copy(Y[block * rows, 0], y)
        for i, j in T.Parallel(rows, N):
            x[i, j] = (x[i, j] - y[i, j]) * factor
        T.copy(x, Z[block * rows, 0])
    return Z

x = np.arange(35, dtype=np.float32).reshape(7, 5)
y = np.ones((7, 5), np.float32)
z = scaled_difference(x, y, 4)
np.testing.assert_array_equal(z, (x - y) * 0.5)
assert do_bench(lambda: scaled_difference(x, y, 4), _n_warmup=1, _n_repeat=2) > 0
kernel = scaled_difference.compile(M=7, N=5, rows=4)
np.testing.assert_array_equal(kernel(x, y), (x - y) * 0.5)
print("checked", tilelang.cdiv(7, 4))
"""

LAZY = """
import argparse
import torch
import tilelang
import tilelang.testing
from tilelang import language as T
from tilelang.autotuner import *
from tilelang.layout import make_swizzled_layout
from tilelang.tools import plot_layout

@autotune(configs=[dict(block=16), dict(block=32)])
@tilelang.jit(out_idx=[2], target="cuda")
def product(M, N, K, block):
    @T.prim_func
    def main(
        A: T.Tensor((M, K), T.float16),
        B: T.Tensor((K, N), T.float16),
        C: T.Tensor((M, N), T.float32),
    ):
        with T.Kernel(T.ceildiv(N, block), T.ceildiv(M, block), threads=128) as (bx, by):
            a = T.alloc_shared((block, block), T.float16)
            b = T.alloc_shared((block, block), T.float16)
            c = T.alloc_fragment((block, block), T.float32)
            T.annotate_layout({a: make_swizzled_layout(a)})
            T.use_swizzle(panel_size=4)
            T.clear(c)
            for k in T.Pipelined(T.ceildiv(K, block), num_stages=2):
                T.copy(A[by * block, k * block], a)
                T.copy(B[k * block, bx * block], b)
                T.gemm(a, b, c, policy=T.GemmWarpPolicy.FullRow)
            T.copy(c, C[by * block, bx * block])
    return main

parser = argparse.ArgumentParser()
parser.add_argument("--m", type=int, default=48)
options = parser.parse_args()
tilelang.testing.set_random_seed(1)
kernel = product(options.m, 40, 24, block=16)
a = torch.randn(options.m, 24, device="cuda", dtype=torch.float16)
b = torch.randn(24, 40).cuda().half()
assert a.is_cuda and torch.cuda.is_available()
torch.cuda.synchronize()
with torch.random.fork_rng(devices=[0]):
    torch.rand(3, device="cuda")
with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
    torch.ones(3, device="cuda")
assert len(seen.key_averages()) > 0
reference = lambda a, b: a.float() @ b.float()
torch.testing.assert_close(kernel(a, b), reference(a, b), rtol=1e-2, atol=1e-2)
profiler = kernel.get_profiler(tensor_supply_type=tilelang.TensorSupplyType.Normal)
profiler.assert_allclose(reference, rtol=1e-2, atol=1e-2)
start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
start.record(); end.record()
assert start.elapsed_time(end) >= 0
assert profiler.do_bench(warmup=0, rep=0, backend="cupti") > 0
print("checked", options.m)
"""


def run(
    folder: Path, program: str, *options: str, backend: str
) -> subprocess.CompletedProcess[str]:
    path = folder / "program.py"
    path.write_text(program)
    command = [sys.executable, "-m", "tiledsl.compat", *options[:1], str(path)]
    return subprocess.run(
        [part for part in [*command, *options[1:]] if part],
        capture_output=True,
        text=True,
        env={**os.environ, "TILEDSL_BACKEND": backend},
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_an_eager_program(backend: str, tmp_path: Path) -> None:
    done = run(tmp_path, EAGER, backend=backend)
    assert done.stdout.splitlines()[-1:] == ["checked 2"], done.stderr


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_a_lazy_program_for_a_gpu(backend: str, tmp_path: Path) -> None:
    done = run(tmp_path, LAZY, "--cuda-as-cpu", "--m", "33", backend=backend)
    assert done.stdout.splitlines()[-1:] == ["checked 33"], done.stderr


def test_modules_and_usage(tmp_path: Path) -> None:
    test = "import tilelang\ndef test_it():\n    assert tilelang.cdiv(3, 2) == 2\n"
    (tmp_path / "test_small.py").write_text(test)
    command = [sys.executable, "-m", "tiledsl.compat"]
    done = subprocess.run(
        [*command, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_small.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "1 passed" in done.stdout
    usage = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert usage.returncode == 0 and "PROGRAM.py" in usage.stdout
    assert subprocess.run(command, capture_output=True).returncode == 2
