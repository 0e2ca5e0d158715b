"""Each oracle sees the defects it is there for, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import ml_dtypes
import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

import tiledsl
import tiledsl.language as T
from tiledsl.backend import BuildOptions, Executable, Target
from tiledsl.ir.nodes import Apply, Const, Function, Node, Select, Store
from tiledsl.ir.parser import parse_function
from tiledsl.ir.visitor import transform
from tiledsl.runtime import backends
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing import (
    Call,
    Expected,
    Inputs,
    KernelEntry,
    Report,
    Size,
    assert_equivalent,
    bounded_math,
    demo,
    exact,
    random_inputs,
    verify_kernel,
)

GEMM = """tiledsl.ir 1
func gemm[m](A: bfloat16[m, 8], B: bfloat16[8, 4], C: float32[m, 4]) -> (C)
  launch (bx: ceildiv(m, 16)) threads 128
    alloc shared a: bfloat16[16, 8]
    alloc fragment acc: float32[16, 4]
    copy A[bx * 16 +: 16, 0 +: 8] -> a[0 +: 16, 0 +: 8] shape (16, 8)
    gemm acc[0 +: 16, 0 +: 4] += a[0 +: 16, 0 +: 8] @ B[0 +: 8, 0 +: 4] clear true
    copy acc[0 +: 16, 0 +: 4] -> C[bx * 16 +: 16, 0 +: 4] shape (16, 4)
"""
WRONG_ROW = GEMM.replace("A[bx * 16 +: 16", "A[bx * 16 + 1 +: 16")
UNWRITTEN = GEMM.replace("shape (16, 4)", "shape (16, 3)")


@dataclass(frozen=True)
class FromText:
    """A kernel given as IR text, in place of a function to trace."""

    text: str

    def compile(self, *arguments: object, **options: object) -> JITKernel:
        return JITKernel(parse_function(self.text), kind="eager")


@dataclass(frozen=True)
class Product:
    name: str = "twenty-rows"
    size: Size = "small"
    linear: bool = True

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        a, b = rng.standard_normal((20, 8)), rng.standard_normal((8, 4))
        if integers:
            a, b = np.round(a), np.round(b)
        return {"a": a.astype(ml_dtypes.bfloat16), "b": b.astype(ml_dtypes.bfloat16)}

    def call(self, inputs: Inputs) -> Call:
        return Call((inputs["a"], inputs["b"]), {})

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        return {"c": bounded_math.matmul(exact(inputs["a"]), exact(inputs["b"]))}

    def flops(self, inputs: Inputs) -> float:
        return 2.0 * 20 * 8 * 4

    def bytes(self, inputs: Inputs) -> float:
        return 1000.0


def entry(text: str) -> KernelEntry:
    return KernelEntry("gemm", "test", "a product", FromText(text), (Product(),))


def statuses(reports: tuple[Report, ...]) -> dict[str, str]:
    return {report.oracle: report.status for report in reports}


class Miscompiling(NumpyBackend):
    """Adds one to the row in which a block starts to write."""

    @property
    def name(self) -> str:
        return "miscompiling"

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        def change(node: Node) -> Node:
            if isinstance(node, Apply) and node.op == "mul":
                return replace(node, op="add")
            return node

        return super().build(transform(function, change), target, options)


@pytest.fixture
def miscompiling(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    real = backends._load

    def load(name: str) -> object:
        return Miscompiling() if name == "miscompiling" else real(name)

    points = {**backends._entry_points(), "miscompiling": object()}
    monkeypatch.setattr(backends, "_load", load)
    monkeypatch.setattr(backends, "_entry_points", lambda: points)
    yield "miscompiling"


def test_a_right_kernel_passes_every_oracle() -> None:
    reports = verify_kernel(entry(GEMM), backends=["numpy"])
    assert statuses(reports) == {"bounds": "ok", "poison": "ok", "integers": "ok"}
    assert all(report.ok for report in reports)
    assert 0 < reports[0].worst_share < 1


def test_a_wrong_kernel_fails_with_the_element() -> None:
    reports = verify_kernel(entry(WRONG_ROW), backends=["numpy"])
    assert statuses(reports) == {"bounds": "wrong", "poison": "ok", "integers": "wrong"}
    assert "c: " in reports[0].detail
    assert "expected" in reports[0].detail


def test_an_unwritten_element_is_seen_whatever_the_reference_says() -> None:
    reports = verify_kernel(entry(UNWRITTEN), backends=["numpy"], oracles=["poison"])
    assert statuses(reports) == {"poison": "wrong"}
    assert "20 elements differ" in reports[0].detail
    assert "[0, 3]: once " in reports[0].detail


def test_a_wrong_backend_is_seen_by_ring_mode(miscompiling: str) -> None:
    reports = verify_kernel(entry(GEMM), backends=[miscompiling], oracles=["ring"])
    assert statuses(reports) == {"ring": "wrong"}


def test_what_fails_is_reported_not_raised() -> None:
    reports = verify_kernel(entry(GEMM), backends=["nowhere"], oracles=["bounds"])
    assert statuses(reports) == {"bounds": "failed"}
    assert "nowhere" in reports[0].detail
    assert not reports[0].ok


def test_demo_rows_judge_and_time() -> None:
    rows = list(
        demo(kernels=[entry(GEMM), entry(WRONG_ROW)], backends=["numpy"], size="small")
    )
    assert [row.status for row in rows] == ["ok", "wrong"]
    assert rows[0].ms > 0
    assert rows[0].gflops == pytest.approx(1280 / rows[0].ms / 1e6)
    assert rows[0].gbytes == pytest.approx(1000 / rows[0].ms / 1e6)


def test_assert_equivalent_accepts_a_right_kernel(miscompiling: str) -> None:
    kernel = FromText(GEMM).compile()
    inputs = random_inputs(kernel, [(33, 8), (8, 4)])
    assert_equivalent(kernel, inputs, backends=["numpy"])
    assert_equivalent(
        FromText(GEMM),
        inputs,
        backends=["numpy"],
        reference=lambda a, b: bounded_math.matmul(exact(a), exact(b)),
    )
    with pytest.raises(
        AssertionError, match=r"gemm on miscompiling, .*: C: .*ring mode"
    ):
        assert_equivalent(kernel, inputs, backends=["numpy", miscompiling])


def test_a_failure_names_the_step_and_the_statement() -> None:
    kernel = FromText(GEMM).compile()
    inputs = random_inputs(kernel, [(33, 8), (8, 4)])
    with pytest.raises(AssertionError) as caught:
        assert_equivalent(
            kernel, inputs, backends=[Miscompiling()], oracles=["ring"], seed=7
        )
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("gemm on miscompiling, oracle ring, seed 7: C: 64 ")
    assert ": expected " in lines[0]
    assert ", got " in lines[0]
    assert "first wrong step: the lowering of backend miscompiling" in lines[1]
    assert "first wrong element: C[0, 0]: expected " in lines[2]
    assert "first wrong statement: copy A[bx * 16 +: 16" in lines[3]
    assert len(lines) == 4


class FlushingNan(NumpyBackend):
    """Treats NaN as zero where it copies, as a wrong ``fast`` flag would."""

    @property
    def name(self) -> str:
        return "flushing"

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        def change(node: Node) -> Node:
            if isinstance(node, Store) and node.value.dtype == "float32":
                value = Select(
                    Apply("ne", (node.value, node.value)),
                    Const(0.0, node.value.dtype),
                    node.value,
                )
                return replace(node, value=value)
            return node

        return super().build(transform(function, change), target, options)


SCALE = """tiledsl.ir 1
func scale[m](X: float32[m], Y: float32[m]) -> (Y)
  launch (b: ceildiv(m, 8)) threads 32
    parallel (i: 8)
      Y[b * 8 + i] = X[b * 8 + i] * 3.0
"""


def test_special_values_are_compared_as_classes() -> None:
    kernel = JITKernel(parse_function(SCALE))
    assert_equivalent(
        kernel, shapes=[[(1,)], [(50,)], [(131,)]], backends=["numpy", NumpyBackend()]
    )
    with pytest.raises(AssertionError) as caught:
        assert_equivalent(
            kernel,
            shapes=[[(200,)]],
            backends=[FlushingNan()],
            oracles=["bounds", "poison", "specials"],
        )
    text = str(caught.value)
    assert "on flushing, oracle specials, seed 0: Y: " in text
    assert "expected nan (nan), got 0.0 (0.0)" in text
    assert "first wrong statement: Y[b * 8 + i] = X[b * 8 + i] * 3.0" in text


def test_integers_need_no_reference() -> None:
    kernel = FromText(GEMM).compile()
    inputs = random_inputs(kernel, [(5, 8), (8, 4)])
    assert_equivalent(kernel, inputs, backends=["llvm"], oracles=["integers"])
    with pytest.raises(AssertionError, match="oracle integers"):
        assert_equivalent(
            kernel, inputs, backends=[Miscompiling()], oracles=["integers"]
        )


def test_shapes_need_a_compiled_kernel() -> None:
    with pytest.raises(ValueError, match="compiled kernel"):
        assert_equivalent(FromText(GEMM), shapes=[[(33, 8), (8, 4)]])


def test_assert_equivalent_names_what_is_wrong() -> None:
    inputs = random_inputs(FromText(GEMM).compile(), [(33, 8), (8, 4)])
    with pytest.raises(AssertionError, match="two prefills"):
        assert_equivalent(FromText(UNWRITTEN), inputs, backends=["numpy"])
    with pytest.raises(AssertionError, match=r"numpy, oracle bounds, .* C: \d+ of 132"):
        assert_equivalent(
            FromText(WRONG_ROW),
            inputs,
            backends=["numpy"],
            reference=lambda a, b: bounded_math.matmul(exact(a), exact(b)),
        )
    with pytest.raises(ValueError, match="floats need a bound"):
        assert_equivalent(
            FromText(GEMM),
            inputs,
            backends=["numpy"],
            reference=lambda a, b: np.zeros((33, 4)),
        )


@tiledsl.jit
def row_sum(X, bm=32):
    M, N = T.const("M, N")
    X: T.Tensor((M, N), "float32")
    S = T.empty((M,), "float32")
    with T.Kernel(T.ceildiv(M, bm)) as bx:
        x = T.alloc_shared((bm, N), "float32")
        s = T.alloc_fragment((bm,), "float32")
        T.copy(X[bx * bm : (bx + 1) * bm, :], x)
        T.reduce_sum(x, s, dim=1)
        T.copy(s, S[bx * bm])
    return S


@pytest.mark.parametrize("bm", [1, 16, 100])
def test_assert_equivalent_takes_a_traced_kernel(bm: int) -> None:
    x = np.random.default_rng(0).standard_normal((70, 33), dtype=np.float32)
    assert_equivalent(
        row_sum,
        [x],
        static={"bm": bm},
        reference=lambda x: bounded_math.sum_along(exact(x), -1),
    )
    with pytest.raises(AssertionError, match=r"S: \d+ of 70 wrong"):
        assert_equivalent(
            row_sum,
            [x],
            static={"bm": bm},
            backends=["numpy"],
            reference=lambda x: bounded_math.sum_along(exact(x), -1) * 1.001,
        )
