"""Right operands that several blocks need are made once; results never tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tiledsl_llvm.launches import emit_function
from tiledsl_llvm.legalize import legalize
from tiledsl_llvm.machine import host_machine
from tiledsl_llvm.operands import Remember
from tiledsl_llvm.remembering import record_bytes, slowest_last

from tiledsl.backend import Arguments, Executable
from tiledsl.ir.nodes import Function, Launch
from tiledsl.ir.visitor import walk

Same = Callable[..., list[np.ndarray]]
Compile = Callable[[str], tuple[Function, Executable]]


def program(
    *,
    right: str = "B[k * 16 +: 16, bx * 24 +: 24]",
    inside: str = "",
    steps: str = "3",
    grid: str = "bx: 2, by: 3",
) -> str:
    """C[60, 48] = A[60, 48] B[48, 48] in blocks of 20 x 24."""
    return f"""
        func f(A: float32[60, 48], B: float32[48, 48], C: float32[60, 48], n: int32)
          launch ({grid}) threads 1
            alloc fragment c: float32[20, 24]
            fill c[!0 +: 20, !0 +: 24] = 0.0
            for serial k in 0 .. {steps} step 1
              gemm c[!0 +: 20, !0 +: 24] += A[by * 20 +: 20, k * 16 +: 16] @ {right}
            {inside}
            copy c[!0 +: 20, !0 +: 24] -> C[by * 20 +: 20, bx * 24 +: 24] shape (20, 24)
        """


def arrays() -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = [(60, 48), (48, 48), (60, 48)]
    return [generator.integers(-4, 5, s).astype(np.float32) for s in shapes]


def launches(function: Function) -> list[Launch]:
    legal = legalize(function, host_machine())
    return [part for part in walk(legal) if isinstance(part, Launch)]


def remembered(function: Function) -> list[Remember]:
    (launch,) = launches(function)
    return [part for part in walk(launch) if isinstance(part, Remember)]


@pytest.mark.parametrize("turn", ["", ".T"])
def test_each_step_has_a_slot(same: Same, compile_text: Compile, turn: str) -> None:
    rows = "bx * 24 +: 24, k * 16 +: 16" if turn else "k * 16 +: 16, bx * 24 +: 24"
    text = program(right=f"B[{rows}]{turn}")
    function, _ = compile_text(text)
    (node,) = remembered(function)
    assert node.slots == 3
    (launch,) = launches(function)
    assert record_bytes(launch) == 3 * 3 * 8
    # blocks that share the operand follow each other
    assert slowest_last(launch) == (1, 0)
    a, b, c = arrays()
    (_, _, got, _) = same(text, a, b, c, 0)
    np.testing.assert_array_equal(got, a @ (b.T if turn else b))


def test_a_launch_forgets_what_the_one_before_knew(
    compile_text: Compile, arguments: Callable[..., Arguments]
) -> None:
    function, executable = compile_text(program())
    a, b, c = arrays()
    for factor in (1, -2, 3):
        b *= factor
        executable.launch(arguments(function, (a, b, c, 0), ()))
        np.testing.assert_array_equal(c, a @ b)


@pytest.mark.parametrize(
    "change",
    [
        # each block needs another one
        {"right": "B[k * 16 +: 16, bx * 24 + by +: 24]"},
        # written in the same launch
        {"inside": "copy c[!0 +: 1, !0 +: 1] -> B[0 +: 1, 0 +: 1] shape (1, 1)"},
        # as many steps as the caller likes
        {"steps": "index(n)"},
    ],
)
def test_not_remembered(compile_text: Compile, change: dict[str, str]) -> None:
    function, _ = compile_text(program(**change))
    assert not remembered(function)
    assert emit_function(function, host_machine()).record_bytes == (0,)


def test_places_that_coincide_but_are_clipped_differently(same: Same) -> None:
    # row 1 of column 0 lies where row 0 of column 48 would be
    text = program(right="B[k * 16 + bx +: 16, 48 - 48 * bx +: 24]")
    a, b, c = arrays()
    same(text, a, b, c, 0)


def test_a_single_slot_for_what_all_steps_share(same: Same) -> None:
    text = program(right="B[bx +: 16, n - 3 +: 24]".replace("n", "index(n)"))
    a, b, c = arrays()
    for n in (0, 3, 30):
        same(text, a, b, c, n)
