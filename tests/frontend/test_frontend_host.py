"""The host part of a function, outside every T.Kernel: language rule L13."""

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.nodes import Launch

VECTOR = T.Tensor((8,), "float32")


def launches(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("  launch")]


def test_scalars_at_host_level_are_expressions(ir):
    @T.prim_func
    def kernel(A: VECTOR, n: T.int32):
        m = n * 2
        blocks = T.ceildiv(m, 4)
        with T.Kernel(blocks) as bx:
            A[bx] = m

    text = ir(kernel)
    assert launches(text) == ["launch (bx: ceildiv(index(n) * 2, 4)) threads 128"]
    assert "A[bx] = float32(n * 2:int32)" in text


def test_workspaces(ir):
    n = T.dynamic("n")

    @T.prim_func
    def kernel(A: T.Tensor((n,), "float32")):
        partial = T.alloc_global((n, 2), "float32")
        with T.Kernel(n) as bx:
            partial[bx, 0] = A[bx]
        with T.Kernel(n) as bx:
            A[bx] = partial[bx, 0]

    assert "  alloc global partial: float32[n, 2]" in ir(kernel).splitlines()


def test_a_static_if_around_launches(ir):
    wide = False

    @T.prim_func
    def kernel(A: VECTOR):
        if wide:
            with T.Kernel(2):
                A[0] = 1.0
        else:
            with T.Kernel(3):
                A[0] = 1.0

    assert launches(ir(kernel)) == ["launch (bx: 3) threads 128"]


def test_a_dynamic_if_around_launches_empties_their_grids(ir):
    @T.prim_func
    def kernel(A: VECTOR, n: T.int32):
        if n > 4:
            with T.Kernel(n) as bx:
                A[bx] = 1.0
        elif n == 2:
            with T.Kernel(2) as bx:
                A[bx] = 2.0
        else:
            with T.Kernel(3) as bx:
                A[bx] = 3.0

    big = "n > 4:int32"
    assert launches(ir(kernel)) == [
        f"launch (bx: select({big}, index(n), 0)) threads 128",
        f"launch (bx_1: select(not({big}), select(n == 2:int32, 2, 0), 0)) threads 128",
        f"launch (bx_2: select(not({big}), select(not(n == 2:int32), 3, 0), 0)) "
        "threads 128",
    ]


@pytest.mark.parametrize("where", ["name", "grid", "condition", "element"])
def test_reading_an_element_at_host_level_is_refused(refused, where):
    @T.prim_func
    def name(A: VECTOR):
        x = A[0]
        with T.Kernel(1):
            A[1] = x

    @T.prim_func
    def grid(A: VECTOR, ids: T.Tensor((8,), "int32")):
        with T.Kernel(ids[0]):
            A[1] = 0.0

    @T.prim_func
    def condition(A: VECTOR):
        if A[0] > 1:
            with T.Kernel(1):
                A[1] = 0.0

    @T.prim_func
    def element(A: VECTOR):
        A[0] = 1.0

    kernels = {"name": name, "grid": grid, "condition": condition, "element": element}
    at = {"name": "x", "grid": "T.Kernel", "condition": "A[0] > 1", "element": "A[0]"}
    code = "E0210" if where == "element" else "E0413"
    with refused(code, at[where]):
        _ = kernels[where].function


@pytest.mark.parametrize("form", ["counted", "conditional"])
def test_what_is_not_available_yet_says_so(form):
    @T.prim_func
    def counted(A: VECTOR, n: T.int32):
        for i in range(n):
            with T.Kernel(1):
                A[i] = 0.0

    @T.prim_func
    def conditional(A: VECTOR, n: T.int32):
        while n > 0:
            with T.Kernel(1):
                A[0] = 0.0

    with pytest.raises(UnsupportedByTarget, match="not available yet") as caught:
        _ = {"counted": counted, "conditional": conditional}[form].function
    assert caught.value.span.file == __file__
    assert caught.value.hint


def test_a_launch_in_a_loop_of_the_kernel(refused):
    @T.macro
    def launch(A):
        with T.Kernel(1):
            A[0] = 0.0

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(2):
                launch(A)
                A[i] = 0.0

    with refused("E0608", "T.Kernel(1)"):
        _ = kernel.function


def test_powers_and_remainders_of_sizes_stand_in_one_expression() -> None:
    @T.prim_func
    def main(n: T.int32, X: T.Tensor((4,), "int32")):
        with T.Kernel(n**3 % 5 + n % 3):
            X[0] = 1

    (launch,) = main.function.body
    assert isinstance(launch, Launch)

    @T.prim_func
    def long(n: T.int32, X: T.Tensor((4,), "int32")):
        with T.Kernel(n**65):
            X[0] = 1

    with pytest.raises(UnsupportedByTarget, match="E2001 the power 65"):
        _ = long.function
