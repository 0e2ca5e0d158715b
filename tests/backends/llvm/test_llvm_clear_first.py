"""Products that clear their sums themselves, instead of a fill before them."""

from __future__ import annotations

import numpy as np
import pytest
from tiledsl_llvm import LlvmBackend
from tiledsl_llvm.clear_first import ClearFirst
from tiledsl_numpy import NumpyBackend

from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions
from tiledsl.ir.nodes import Fill, Function, Gemm
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify
from tiledsl.ir.visitor import walk

LOOP = "for serial k in {start} .. {stop} step 1"


def product(
    *,
    steps: tuple[str, str] | None = ("0", "4"),
    value: str = "0.0",
    box: str = "!0 +: 20",
    declare: str = "alloc fragment c: float32[20, 24]",
    before: str = "",
    inside: str = "",
    again: str = "",
) -> Function:
    """C[20, 24] = A[20, :] @ B, 8 of k a step, or the first 8, with changes."""
    start, stop = steps or ("0", "1")
    loop = [LOOP.format(start=start, stop=stop), inside, GEMM.replace("K", "k * 8")]
    lines = [
        "tiledsl.ir 1",
        "func f(A: float32[20, 32], B: float32[32, 24], C: float32[20, 24], n: int32)",
        "  launch (bx: 1) threads 1",
        *["    " + line for line in declare.split("\n")],
        f"    fill c[{box}, !0 +: 24] = {value}",
        *["    " + line for line in before.split("\n") if line],
    ]
    if steps is None:
        lines += ["    " + GEMM.replace("K", "0")]
    else:
        lines += ["    " + loop[0], *["      " + x for x in loop[1:] if x]]
    lines += ["    " + again] if again else []
    lines += ["    copy c[!0 +: 20, !0 +: 24] -> C[!0 +: 20, !0 +: 24] shape (20, 24)"]
    return parse_function("\n".join(lines) + "\n", settle_claims=recheck_claims)


GEMM = "gemm c[!0 +: 20, !0 +: 24] += A[!0 +: 20, K +: 8] @ B[K +: 8, !0 +: 24]"
COUNT = "index(n)"


def cleared(function: Function) -> Function:
    result = ClearFirst().run(function, NumpyBackend().capabilities(CPU))
    verify(result)
    return result


CPU = NumpyBackend().targets()[0]


def run(backend: Backend, function: Function, n: int) -> np.ndarray:
    generator = np.random.default_rng(3)
    a = generator.integers(-9, 9, (20, 32)).astype(np.float32)
    b = generator.integers(-9, 9, (32, 24)).astype(np.float32)
    c = np.full((20, 24), np.nan, np.float32)
    values = [
        ArrayRef(
            array.ctypes.data,
            array.shape,
            tuple(stride // 4 for stride in array.strides),
            param.dtype,
            "cpu",
            array,
            array,
        )
        for array, param in zip((a, b, c), function.params, strict=False)
    ]
    executable = backend.build(function, backend.targets()[0], BuildOptions())
    executable.launch(Arguments((*values, n), ()))
    return c


DROPPED = [
    ({"steps": None}, "clear true"),
    ({"steps": ("0", "1")}, "clear true"),
    ({"steps": ("0", "4")}, "clear k == 0"),
    ({"steps": ("1", "3")}, "clear k == 1"),
]
CONDITIONAL = [{"steps": ("0", COUNT)}, {"steps": (COUNT, "3")}]
KEPT = [
    {"value": "-0.0"},
    {"value": "1.0"},
    {"steps": ("3", "3")},
    {"box": "!0 +: 19"},
    {"declare": "alloc fragment c: float32[20, 24]\nalloc fragment v: int32[480] of c"},
    {"before": "c[3, 3] = 2.0"},
    {"inside": "c[3, 3] = c[3, 3] + 1.0"},
    {"inside": "if k == 1\n        continue"},
]


@pytest.mark.parametrize(("change", "condition"), DROPPED)
def test_the_first_product_clears(change: dict[str, object], condition: str) -> None:
    before = product(**change)  # type: ignore[arg-type]
    after = cleared(before)
    assert not any(isinstance(part, Fill) for part in walk(after))
    assert condition in print_function(after)
    for backend in (NumpyBackend(), LlvmBackend()):
        expected = run(NumpyBackend(), before, 0)
        np.testing.assert_array_equal(run(backend, after, 0), expected)


@pytest.mark.parametrize("change", CONDITIONAL)
@pytest.mark.parametrize("n", [-1, 0, 1, 2, 3, 4])
def test_a_loop_that_may_not_run_keeps_the_fill(
    change: dict[str, object], n: int
) -> None:
    before = product(**change)  # type: ignore[arg-type]
    after = cleared(before)
    assert any(isinstance(part, Fill) for part in walk(after))
    assert any(
        isinstance(part, Gemm) and "clear k ==" in print_function(after)
        for part in walk(after)
    )
    for backend in (NumpyBackend(), LlvmBackend()):
        expected = run(NumpyBackend(), before, n)
        np.testing.assert_array_equal(run(backend, after, n), expected)


@pytest.mark.parametrize("change", KEPT)
def test_what_is_not_certain_stays(change: dict[str, object]) -> None:
    before = product(**change)  # type: ignore[arg-type]
    assert cleared(before) is before


def test_a_second_product_adds() -> None:
    after = cleared(product(steps=None, again=GEMM.replace("K", "8")))
    clears = [
        part.clear.value  # type: ignore[union-attr]
        for part in walk(after)
        if isinstance(part, Gemm)
    ]
    assert clears == [True, False]
