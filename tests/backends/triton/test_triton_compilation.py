"""Compilation for GPUs that are not here: instructions, spills, limits, stages."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tiledsl_triton import TritonBackend
from tiledsl_triton.gpu_executable import GpuExecutable
from tiledsl_triton.static_report import report

from tiledsl.backend import Arguments, BuildOptions, Target
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.parser import parse_function
from tiledsl.passes.pipeline import run_pipeline

pytest.importorskip("triton")

GEMM = """\
tiledsl.ir 1
func gemm[m](A: bfloat16[m, 4096], B: bfloat16[4096, 4096], C: bfloat16[m, 4096])
  launch (bx: 32, by: ceildiv(m, 128)) threads 256
    alloc shared a: bfloat16[128, {k}]
    alloc shared b: bfloat16[{k}, 128]
    alloc fragment c: float32[128, 128]
    fill c[0 +: 128, 0 +: 128] = 0.0
    for pipelined ({stages}) k in 0 .. {steps} step 1
      copy A[by * 128 +: 128, k * {k} +: {k}] -> a[0 +: 128, 0 +: {k}] shape (128, {k})
      copy B[k * {k} +: {k}, bx * 128 +: 128] -> b[0 +: {k}, 0 +: 128] shape ({k}, 128)
      gemm c[0 +: 128, 0 +: 128] += a[0 +: 128, 0 +: {k}] @ b[0 +: {k}, 0 +: 128]
    copy c[0 +: 128, 0 +: 128] -> C[by * 128 +: 128, bx * 128 +: 128] shape (128, 128)
"""

# every float function of libdevice, and the conversions, in one kernel
FUNCTIONS = """\
tiledsl.ir 1
func functions(X: {dtype}[512], Y: {dtype}[512], Q: float8_e4m3fn[512])
  launch (b: 1) threads 128
    parallel (i: 512)
      let x: {dtype} = X[i]
{lines}
"""


def build(text: str, target: str) -> GpuExecutable:
    backend = TritonBackend()
    where = Target(target, runnable=False)
    function = parse_function(text)
    passes = backend.pipeline(where)
    function = run_pipeline(function, passes, backend.capabilities(where))
    return backend.build(function, where, BuildOptions())


def gemm(k: int = 64, stages: int = 3) -> str:
    return GEMM.format(k=k, stages=stages, steps=4096 // k)


def test_gemm_for_hopper_uses_matrix_units_and_asynchronous_copies() -> None:
    (compiled,) = build(gemm(), "cuda:sm_90").compiled()
    found = report(compiled)
    assert found.spills == 0
    assert found.registers <= 128
    assert found.instructions["HGMMA"] >= 4
    assert found.instructions["LDGSTS"] >= 16
    assert found.shared <= 232448
    assert "HGMMA" in str(found)


def test_gemm_for_amd_uses_matrix_units() -> None:
    (compiled,) = build(gemm(k=32), "hip:gfx942").compiled()
    found = report(compiled)
    assert found.spills == 0
    assert found.matrix_instructions >= 8
    assert found.shared <= 65536


@pytest.mark.parametrize("target", ["cuda:sm_80", "cuda:sm_100", "hip:gfx950"])
def test_other_gpus_compile(target: str) -> None:
    executable = build(gemm(k=32), target)
    assert executable.binary
    assert set(executable.stages) >= {"triton", "ttir", "ttgir", "llir"}


def test_stages_are_texts() -> None:
    executable = build(gemm(), "cuda:sm_90")
    texts = {name: make() for name, make in executable.stages.items()}
    assert "@triton.jit" in texts["triton"]
    assert "wgmma" in texts["ptx"]
    assert "HGMMA" in texts["sass"]
    assert all(texts.values())


def test_pipelines_shrink_until_they_fit() -> None:
    (compiled,) = build(gemm(k=128, stages=4), "cuda:sm_90").compiled()
    assert compiled.shared <= 232448
    assert report(compiled).instructions["LDGSTS"] > 0


def test_tiles_that_never_fit_are_refused_with_numbers() -> None:
    executable = build(gemm(k=512, stages=2), "cuda:sm_90")
    with pytest.raises(
        UnsupportedByTarget, match=r"E2034.*232448 bytes.*got \d+ bytes"
    ):
        executable.compiled()


def test_kernels_for_absent_gpus_do_not_run() -> None:
    executable = build(gemm(), "cuda:sm_90")
    with pytest.raises(UnsupportedByTarget, match="E2035"):
        executable.launch(Arguments((), ()))


def test_names_of_targets_are_checked() -> None:
    with pytest.raises(UnsupportedByTarget, match="E2033"):
        build(gemm(), "cuda:90")


def test_old_gpus_refuse_the_float_they_cannot_convert() -> None:
    text = FUNCTIONS.format(dtype="float32", lines="      Y[i] = x")
    with pytest.raises(
        UnsupportedByTarget, match=r"E2036 float8_e4m3fn.*got cuda:sm_80"
    ):
        build(text, "cuda:sm_80")


UNARY = """
    exp exp2 exp10 log log2 log10 log1p rsqrt sin cos tanh erf tan asin acos atan sinh
    cosh asinh acosh atanh sigmoid floor ceil trunc round round_away sqrt abs neg
"""
BINARY = "atan2 hypot pow fmod copysign ldexp nextafter min max min_nan max_nan div"
NARROW = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
INTEGERS = ("int8", "uint8", "int32", "uint32", "int64", "uint64")


@pytest.mark.parametrize("target", ["cuda:sm_90", "hip:gfx942"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_function_compiles(target: str, dtype: str) -> None:
    calls = [f"{name}(x)" for name in UNARY.split()] + [
        f"{name}(x, 2.5:{dtype})" for name in BINARY.split()
    ]
    if dtype == "float32":
        calls = [call.replace(":float32", "") for call in calls]
    lines = [f"      Y[i + {k}] = {call}" for k, call in enumerate(calls)]
    lines.append("      Q[i] = float8_e4m3fn(x)")
    text = FUNCTIONS.format(dtype=dtype, lines="\n".join(lines))
    assert build(text, target).binary


@pytest.mark.parametrize("target", ["cuda:sm_90", "hip:gfx942"])
@pytest.mark.parametrize("source", ["float32", "float64", "int64", "uint64", "int8"])
def test_every_conversion_compiles(target: str, source: str) -> None:
    targets = (*NARROW, *INTEGERS, "float8_e8m0fnu", "bool")
    parameters = ", ".join(f"T{k}: {name}[512]" for k, name in enumerate(targets))
    lines = [
        f"      T{k}[i] = {name}(X[i])"
        for k, name in enumerate(targets)
        if name != source
    ]
    if source.startswith("float"):
        for place, way in enumerate(("rz", "rp", "rm")):
            lines += [
                f"      T{k}[i + {place}] = {name}(X[i], rounding {way})"
                for k, name in enumerate(NARROW)
            ]
        lines += [f"      T{k}[i] = {NARROW[k]}(X[i], saturate false)" for k in (2, 3)]
    text = f"tiledsl.ir 1\nfunc f(X: {source}[512], {parameters})\n"
    text += "  launch (b: 1) threads 128\n    parallel (i: 512)\n" + "\n".join(lines)
    assert build(text + "\n", target).binary


OPERATIONS = """
    add sub mul floordiv floormod truncdiv truncmod ceildiv and or xor shl shr min max
"""


@pytest.mark.parametrize("target", ["cuda:sm_90", "hip:gfx942"])
@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int32", "uint32", "int64", "uint64"]
)
def test_every_integer_operation_compiles(target: str, dtype: str) -> None:
    spelled = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "floormod": "%"}
    spelled |= {"and": "&", "or": "|", "xor": "^", "shl": "<<", "shr": ">>"}
    lines = []
    for place, name in enumerate(OPERATIONS.split()):
        for right in ("Z[i]", f"3:{dtype}", f"8:{dtype}"):
            call = f"{name}(x, {right})"
            if name in spelled:
                call = f"x {spelled[name]} {right}"
            lines.append(f"      Y[i + {place}] = {call}")
    for name in ("neg", "abs", "not", "popcount", "clz"):
        lines.append(f"      Y[i] = {name}(x)")
    text = f"tiledsl.ir 1\nfunc f(X: {dtype}[512], Z: {dtype}[512], Y: {dtype}[512])\n"
    text += "  launch (b: 1) threads 128\n    parallel (i: 512)\n"
    text += f"      let x: {dtype} = X[i]\n" + "\n".join(lines)
    assert build(text + "\n", target).binary


def test_import_is_light() -> None:
    code = "import tiledsl_triton, sys; print('triton' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False"
