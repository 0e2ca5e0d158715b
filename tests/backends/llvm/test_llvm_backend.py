"""The backend's members: targets, limits, stages, the cache, other processors."""

from __future__ import annotations

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_llvm import jit as llvm_jit

from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import (
    Arguments,
    ArrayRef,
    Backend,
    BuildOptions,
    Executable,
    Target,
)
from tiledsl.diagnostics import ArgumentError, UnsupportedByTarget
from tiledsl.ir.dtypes import FLOAT32, INDEX
from tiledsl.ir.nodes import (
    Apply,
    Buffer,
    Expr,
    Function,
    Launch,
    Load,
    Store,
    Var,
    index,
)
from tiledsl.ir.parser import parse_function

# every kind of code: masks, conversions, functions, sums, products, loops
EVERYTHING = """tiledsl.ir 1
func f[n](A: bfloat16[n, 40], B: float32[n, 24], H: float16[n], I: int64[n], S: float64[24])
  launch (bx: 1) threads 1
    alloc shared t: float32[24, 24]
    alloc fragment c: float32[24, 24]
    gemm t[0 +: 24, 0 +: 24] += A[3 +: 24, 0 +: 24] @ A[2 +: 24, 8 +: 24] clear true
    parallel (i: 24, j: 24)
      c[i, j] = floor(t[i, j] * 0.1) + trunc(t[j, i]) + fma(t[i, j], 0.5, tanh(t[i, j]))
    copy c[0 +: 24, 0 +: 24] -> B[4 +: 24, 0 +: 24] shape (24, 24)
    parallel (k: n)
      H[k] = float16(round(exp(float32(I[k] % 5:int64))) + float32(A[k, 39]))
      I[n - k - 1 - (n - k - 1) + k] = int64(float64(I[k]) * 1.5:float64) // 3:int64
    reduce max c[0 +: 24, 0 +: 24] axis 1 -> S[0 +: 24] clear
"""


class Shelf:
    """A cache that counts."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.hits = 0

    def load(self, key: str) -> bytes | None:
        self.hits += key in self.entries
        return self.entries.get(key)

    def save(self, key: str, payload: bytes) -> None:
        self.entries[key] = payload


def function() -> Function:
    return parse_function(EVERYTHING, settle_claims=recheck_claims)


def build(target: str = "host", shelf: Shelf | None = None) -> Executable:
    return LlvmBackend().build(function(), Target(target), BuildOptions(cache=shelf))


def results(executable: Executable) -> list[np.ndarray]:
    import ml_dtypes

    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(-3, 4, (29, 40)).astype(ml_dtypes.bfloat16),
        np.zeros((29, 24), np.float32),
        np.zeros(29, np.float16),
        rng.integers(-99, 99, 29),
        np.zeros(24),
    ]
    refs = tuple(
        ArrayRef(a.ctypes.data, a.shape, (), p.dtype, "cpu", a, a)  # type: ignore[union-attr]
        for a, p in zip(arrays, function().params, strict=True)
    )
    executable.launch(Arguments(refs, (29,)))
    return arrays


def test_it_is_a_backend() -> None:
    backend = LlvmBackend()
    assert isinstance(backend, Backend)
    assert backend.name == "llvm"
    host, *others = backend.targets()
    assert host.name == "host" and host.runnable
    assert others and all(not target.runnable and target.reason for target in others)


def test_capabilities_name_every_gemm_of_the_language() -> None:
    found = LlvmBackend().capabilities(Target("host"))
    for triple in (
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("float16", "float16", "float16"),
        ("bfloat16", "bfloat16", "float32"),
        ("float8_e4m3fn", "float8_e5m2", "bfloat16"),
        ("int8", "uint8", "int32"),
    ):
        assert triple in found.gemm
    assert found.parallel_units >= 1 and found.vector_bytes in (16, 32, 64)


def test_stages_are_readable_texts() -> None:
    stages = build().stages
    assert list(stages) == ["llvm", "asm"]
    assert "define void @launch.0" in stages["llvm"]()
    assert "launch.0:" in stages["asm"]()


def test_the_same_function_gives_the_same_text_and_code() -> None:
    one, two = build(), build()
    assert one.stages["llvm"]() == two.stages["llvm"]()
    assert one.binary == two.binary and one.binary


def test_cached_code_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    first = build(shelf=shelf)
    assert len(shelf.entries) == 1 and shelf.hits == 0

    def never(*arguments: object, **options: object) -> bytes:
        raise AssertionError("compiled although the code was there")

    monkeypatch.setattr(llvm_jit, "object_code", never)
    second = build(shelf=shelf)
    assert shelf.hits == 1
    for a, b in zip(results(first), results(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_key_names_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    build(shelf=shelf)
    build("x86-64-v3", shelf)
    build("aarch64-linux-gnu", shelf)
    assert len(shelf.entries) == 3 and shelf.hits == 0


@pytest.mark.parametrize("name", ["x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"])
def test_every_level_gives_the_same_results(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = results(build())
    monkeypatch.setenv("TILEDSL_CPU", name)
    try:
        restricted = build()
    except ArgumentError:
        pytest.skip(f"this processor is below {name}")
    for k, (a, b) in enumerate(zip(plain, results(restricted), strict=True)):
        wide = [part.astype(np.float64) for part in (a, b)]
        np.testing.assert_allclose(*wide, rtol=1e-6, err_msg=str(k))


@pytest.mark.parametrize("name", ["x86-64-v3", "aarch64-linux-gnu"])
def test_other_processors_can_be_looked_at_but_not_run(name: str) -> None:
    executable = build(name)
    assert executable.stages["asm"]() and executable.binary
    with pytest.raises(UnsupportedByTarget, match="another machine"):
        executable.launch(Arguments((), ()))


def test_unknown_target_is_refused() -> None:
    with pytest.raises(UnsupportedByTarget, match="E2002"):
        build("cuda:sm_90")


def test_unknown_cpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILEDSL_CPU", "i386")
    with pytest.raises(ArgumentError, match="TILEDSL_CPU"):
        build()


def test_negative_grid_is_refused() -> None:
    _, executable = compiled(
        """func f(n: index, Y: int32[4])
  launch (bx: n) threads 1
    Y[bx] = 1:int32
"""
    )
    y = np.zeros(4, np.int32)
    ref = ArrayRef(y.ctypes.data, (4,), (1,), function().params[3].dtype, "cpu", y, y)  # type: ignore[union-attr]
    with pytest.raises(ArgumentError, match="negative"):
        executable.launch(Arguments((-3, ref), ()))
    executable.launch(Arguments((9, ref), ()))
    assert y.tolist() == [1, 1, 1, 1]


def compiled(text: str) -> tuple[Function, Executable]:
    parsed = parse_function(f"tiledsl.ir 1\n{text}", settle_claims=recheck_claims)
    return parsed, LlvmBackend().build(parsed, Target("host"), BuildOptions())


def test_large_private_arrays_do_not_overflow_the_stack() -> None:
    parsed, executable = compiled(
        """func f(Y: int32[64])
  launch (bx: 1) threads 1
    alloc local w: int32[300000]
    parallel (i: 64)
      alloc local v: int32[200000]
      w[i * 1000] = int32(i)
      v[199999 - i] = w[i * 1000]
      Y[i] = v[199999 - i] + 1:int32
"""
    )
    y = np.zeros(64, np.int32)
    ref = ArrayRef(y.ctypes.data, (64,), (1,), parsed.params[0].dtype, "cpu", y, y)
    executable.launch(Arguments((ref,), ()))
    np.testing.assert_array_equal(y, np.arange(64) + 1)


def test_tiles_beyond_all_memory_are_refused() -> None:
    with pytest.raises(UnsupportedByTarget, match="E2027") as caught:
        compiled(
            """func f(Y: int32[64])
  launch (bx: 1) threads 1
    alloc shared t: float64[1000000, 1000000]
    alloc shared small: int8[64]
    t[bx, bx] = 0.0:float64
    Y[bx] = int32(t[bx, bx])
"""
        )
    assert caught.value.notes == ("t: 8000000000000 bytes", "small: 64 bytes")


def test_deep_nesting_is_refused_not_fatal() -> None:
    value: Expr = Load(Buffer("X", (index(4),), FLOAT32), (index(0),))
    for _ in range(5000):
        value = Apply("neg", (value,))
    out = Buffer("Y", (index(4),), FLOAT32)
    body = (Store(out, (index(0),), value),)
    launch = Launch((Var("b", INDEX),), (index(1),), (1,), body)
    deep = Function("deep", (Buffer("X", (index(4),), FLOAT32), out), (), (launch,))
    with pytest.raises(UnsupportedByTarget, match="E2026"):
        LlvmBackend().build(deep, Target("host"), BuildOptions())
