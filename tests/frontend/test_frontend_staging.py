"""What is Python and what becomes IR: the table of section 3 of the language reference."""

# kernels written as users may write them
# ruff: noqa: RUF021, SIM201, SIM223

from __future__ import annotations

from textwrap import dedent

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import TileWarning
from tiledsl.ir.printer import print_statement

VECTOR = T.Tensor((8,), "float32")
INTEGERS = T.Tensor((8,), "int32")


def lines(text: str) -> str:
    return dedent(text).strip()


# ------------------------------------------------------------------------ branches


@pytest.mark.parametrize(
    ("flag", "expected"), [(1, "A[0] = 1.0"), (2, "A[0] = 2.0"), (3, "A[0] = 3.0")]
)
def test_static_if_traces_only_the_chosen_arm(block, flag, expected):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            if flag == 1:
                A[0] = 1.0
            elif flag == 2:
                A[0] = 2.0
            else:
                A[0] = 3.0

    assert block(kernel) == expected


def test_the_arm_not_taken_may_be_wrong(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            if len(A.shape) == 2:
                A[0, 0] = 1.0
            A[1] = 1.0

    assert block(kernel) == "A[1] = 1.0"


def test_dynamic_if_traces_all_arms(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx < 2:
                A[0] = 1.0
            elif bx == 3:
                A[1] = 2.0
            else:
                A[2] = 3.0

    assert block(kernel) == lines("""
        if bx < 2
          A[0] = 1.0
        else
          if bx == 3
            A[1] = 2.0
          else
            A[2] = 3.0
    """)


def test_a_number_as_condition_counts_as_unequal_to_zero(block):
    @T.prim_func
    def kernel(A: VECTOR, ids: INTEGERS):
        with T.Kernel(1):
            if ids[0]:
                A[0] = 1.0

    assert block(kernel).startswith("if bool(ids[0])")


def test_an_arm_sees_the_values_from_before_the_if(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            x = 1.0
            if bx < 2:
                x = 2.0
                A[0] = x
            else:
                A[1] = x

    assert block(kernel) == lines("""
        if bx < 2
          A[0] = 2.0
        else
          A[1] = 1.0
    """)


# ------------------------------------------------- ternaries and boolean operators


def test_ternary_static_and_dynamic(block):
    static = True

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = 1.0 if static else A[100, 100]
            A[1] = A[bx] if bx < 4 else 0.0

    assert block(kernel) == lines("""
        A[0] = 1.0
        A[1] = select(bx < 4, A[bx], 0.0)
    """)


def test_and_or_not_are_python_on_static_values(block):
    none = None

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            n = none or 3
            m = n and n + 1
            A[0] = m
            if not none and not (n > 5):
                A[1] = n

    assert block(kernel) == "A[0] = 4.0\nA[1] = 3.0"


def test_and_or_not_of_symbolic_values(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx > 1 and not bx == 4 or bx > 6:
                A[0] = 1.0

    assert block(kernel).splitlines()[0] == (
        "if select(select(bx > 1, not(bx == 4), false), true, bx > 6)"
    )


def test_mixed_and_skips_the_symbolic_operand_of_a_static_false(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if False and A[bx, bx] > 1:
                A[0] = 1.0
            if True and bx > 2:
                A[1] = 1.0

    assert block(kernel) == "if bx > 2\n  A[1] = 1.0"


def test_comparison_chains_split_and_evaluate_the_middle_once(block):
    calls = []

    def middle(x):
        calls.append(x)
        return x + 1

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if 0 < middle(bx) < 5:
                A[0] = 1.0
            if 1 < 2 < 3:
                A[1] = 1.0
            if 3 < 2 < A[7, 7]:
                A[2] = 1.0

    assert block(kernel) == lines("""
        if select(bx + 1 > 0, bx + 1 < 5, false)
          A[0] = 1.0
        A[1] = 1.0
    """)
    assert len(calls) == 1


def test_membership_of_static_values(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            if 3 in (1, 2, 3) and "x" not in {"y": 0}:
                A[0] = 1.0

    assert block(kernel) == "A[0] = 1.0"


# --------------------------------------------------------------------------- loops


def test_range_and_serial_are_loops_also_with_static_bounds(block):
    @T.prim_func
    def kernel(A: VECTOR, ids: INTEGERS):
        with T.Kernel(1):
            for i in range(4):
                A[i] = 0.0
            for i in T.serial(1, ids[0], 2):
                A[i] = 0.0
            for i in range(ids[1]):
                A[i] = 0.0

    assert block(kernel) == lines("""
        for serial i in 0 .. 4 step 1
          A[i] = 0.0
        for serial i_1 in 1 .. index(ids[0]) step 2
          A[i_1] = 0.0
        for serial i_2 in 0 .. index(ids[1]) step 1
          A[i_2] = 0.0
    """)


def test_static_sequences_unroll(block):
    @T.prim_func
    def kernel(A: VECTOR, B: VECTOR):
        with T.Kernel(8) as bx:
            for n, x in enumerate([1.5, bx]):
                A[n] = x
            for buffer, at in zip((A, B), range(2), strict=True):
                buffer[at] = 0.0
            for name, value in {"a": 1}.items():
                A[len(name)] = value

    assert block(kernel) == lines("""
        A[0] = 1.5
        A[1] = float32(bx)
        A[0] = 0.0
        B[1] = 0.0
        A[1] = 1.0
    """)


def test_comprehensions_and_lambdas_are_python(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            scale = 3
            parts = [bx * k for k in range(3) if k != 1]
            double = lambda x: x * scale  # noqa: E731
            A[0] = double(parts[1])
            A[1] = sum(k * scale for k in (1, 2))
            A[len({k: scale for k in range(2)})] = f"{scale}" == "3"

    assert block(kernel) == lines("""
        A[0] = float32(bx * 2 * 3)
        A[1] = 9.0
        A[2] = 1.0
    """)


def test_grid_parallel_and_pipelined(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i, j in T.grid(2, 4):
                A[i * 4 + j] = 0.0
            for k in T.Pipelined(3, num_stages=2):
                A[k] = 0.0
            for i in T.Parallel(8):
                A[i] = 0.0

    assert block(kernel) == lines("""
        for serial i in 0 .. 2 step 1
          for serial j in 0 .. 4 step 1
            A[i * 4 + j] = 0.0
        for pipelined(2) k in 0 .. 3 step 1
          A[k] = 0.0
        parallel (i_1: 8)
          A[i_1] = 0.0
    """)


def test_directly_nested_parallel_is_one_product(block):
    @T.prim_func
    def kernel(A: T.Tensor((4, 8), "float32"), B: VECTOR):
        with T.Kernel(1):
            for i in T.Parallel(4):
                x = B[i]
                for j in T.Parallel(8):
                    A[i, j] = x

    assert block(kernel) == lines("""
        parallel (i: 4, j: 8)
          let x: float32 = B[i]
          A[i, j] = x
    """)


def test_while_evaluates_its_condition_each_time(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            n = T.alloc_var("int32")
            while n < 3:
                n += 1

    assert block(kernel) == lines("""
        alloc local n: int32[]
        n[] = 0:int32
        while n[] < 3:int32
          n[] = n[] + 1:int32
    """)


def test_a_while_that_is_never_true_is_skipped_with_a_warning(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            while 2 < 1:
                A[0] = 1.0
            A[1] = 1.0

    with pytest.warns(TileWarning, match="W0102"):
        assert block(kernel) == "A[1] = 1.0"


def test_break_and_continue(block):
    skip = True

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(8):
                if A[i] > 0:
                    continue
                if A[i] < -1:
                    break
                A[i] = 1.0
            for i in range(8):
                if skip:
                    continue
                A[i, i] = 1.0
            for i in T.Parallel(8):
                if A[i] > 0:
                    continue
                A[i] = 2.0

    assert block(kernel) == lines("""
        for serial i in 0 .. 8 step 1
          if A[i] > 0.0
            continue
          if A[i] < -1.0
            break
          A[i] = 1.0
        for serial i_1 in 0 .. 8 step 1
          pass
        parallel (i_2: 8)
          if A[i_2] > 0.0
            continue
          A[i_2] = 2.0
    """)


def test_statements_after_break_are_dropped_with_a_warning(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(8):
                break
                A[i, i] = 1.0

    with pytest.warns(TileWarning, match="W0101"):
        text = block(kernel)
    assert text == "for serial i in 0 .. 8 step 1\n  break"


# ---------------------------------------------------------------------- assertions


def test_static_assert_fails_while_tracing():
    size = 3

    @T.prim_func
    def kernel(A: VECTOR):
        assert size % 2 == 0, f"size {size} is odd"

    with pytest.raises(AssertionError, match="size 3 is odd"):
        _ = kernel.function


def test_dynamic_assert_becomes_a_statement():
    @T.prim_func
    def kernel(A: VECTOR, n: T.int32):
        assert n > 0, "some"
        if n > 5:
            assert n < 9

    assert list(map(print_statement, kernel.function.body)) == [
        'assert "some" n > 0:int32',
        'assert "" not(n > 5:int32) | (n < 9:int32)',
    ]


# ------------------------------------------------------------------------ launches


def test_launches_in_program_order(ir):
    @T.prim_func
    def kernel(A: VECTOR, n: T.int32):
        with T.Kernel(n, 2, threads=64) as (bx, by):
            A[bx] = by
        with T.Kernel(1) as (b,):
            A[b] = 1.0

    text = ir(kernel)
    assert "  launch (bx: index(n), by: 2) threads 64\n    A[bx] = float32(by)" in text
    assert "  launch (b: 1) threads 128\n    A[b] = 1.0" in text


def test_a_static_loop_around_launches_makes_several(ir):
    @T.prim_func
    def kernel(A: VECTOR):
        for step in T.serial(3):
            with T.Kernel(1):
                A[step] = 1.0

    assert [line for line in ir(kernel).splitlines() if " = " in line] == [
        "    A[0] = 1.0",
        "    A[1] = 1.0",
        "    A[2] = 1.0",
    ]


def test_static_names_live_from_one_launch_to_the_next(ir):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            width = 4
            A[0] = width
        with T.Kernel(1):
            A[1] = width

    assert "A[1] = 4.0" in ir(kernel)
