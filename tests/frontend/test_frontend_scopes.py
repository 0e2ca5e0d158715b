"""Names in loops, arms and launches: language rules L19 and L21, corner case C24."""

# kernels written as users may write them
# ruff: noqa: B007, F821, F841, SIM108

from __future__ import annotations

import pytest

import tiledsl.language as T

VECTOR = T.Tensor((8,), "float32")


def test_a_static_counter_in_a_loop_is_refused(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            n = 0
            for i in range(4):
                n += 1
            A[0] = n

    with refused("E0404", "n += 1") as caught:
        _ = kernel.function
    assert "T.alloc_var" in caught.value.hint
    assert "n " in str(caught.value)


def test_reading_then_binding_in_a_loop_is_refused(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            last = 0.0
            for i in range(4):
                A[i] = last
                last = A[i] + 1.0

    with refused("E0404", "last = A[i]"):
        _ = kernel.function


def test_reading_then_binding_in_an_arm_of_the_loop_is_refused(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            last = 0.0
            for i in range(4):
                A[i] = last
                if A[i] > 1:
                    last = 1.0

    with refused("E0404", "last = 1.0"):
        _ = kernel.function


def test_a_while_condition_that_the_body_rebinds_is_refused(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = A[0]
            while x > 0:
                x = x - 1

    with refused("E0404", "x = x - 1"):
        _ = kernel.function


def test_a_name_bound_in_a_loop_ends_with_it(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                x = A[i]
            A[0] = x

    with refused("E0403", "x"):
        _ = kernel.function


def test_a_rebound_name_cannot_be_read_after_the_loop_even_if_static(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = 1
            for i in range(4):
                x = 2
            A[0] = x

    with refused("E0403", "x"):
        _ = kernel.function


def test_a_loop_index_ends_with_its_loop(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                A[i] = 0.0
            A[i] = 1.0

    with refused("E0403", "i] = 1.0"):
        _ = kernel.function


@pytest.mark.parametrize("both", [False, True])
def test_a_name_bound_in_an_arm_ends_with_it(refused, both):
    @T.prim_func
    def some(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx > 2:
                x = 1.0
            A[0] = x

    @T.prim_func
    def every(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx > 2:
                x = 1.0
            else:
                x = 2.0
            A[0] = x

    with refused("E0405", "x"):
        _ = (every if both else some).function


def test_a_name_bound_only_in_the_then_arm_has_no_value_in_the_else_arm(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx > 2:
                x = 1.0
            else:
                A[0] = x

    with refused("E0402", "x"):
        _ = kernel.function


def test_static_if_in_a_dynamic_loop_binds_for_that_iteration(block):
    wide = True

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                if wide:
                    x = i * 2
                else:
                    x = i
                A[x] = 0.0

    assert block(kernel) == (
        "for serial i in 0 .. 4 step 1\n  let x: index = i * 2\n  A[x] = 0.0"
    )


def test_unrolled_loops_are_no_regions(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            total = 0
            for n in (1, 2, 3):
                total += n
                last = n
            A[last] = total

    assert block(kernel) == "A[3] = 6.0"


def test_rebinding_a_snapshot_in_its_own_region(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                x = A[i]
                x = x + 1.0
                x *= 2.0
                A[i] = x

    assert block(kernel).splitlines()[1:] == [
        "  let x: float32 = A[i]",
        "  let x_1: float32 = x + 1.0",
        "  let x_2: float32 = x_1 * 2.0",
        "  A[i] = x_2",
    ]


def test_a_name_from_outside_may_be_read_and_shadowed_after_the_binding(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = 1.0
            for i in range(4):
                A[i] = x
            for i in range(4):
                x = 2.0
                A[i] = x

    assert "A[i_1] = 2.0" in block(kernel)


def test_a_snapshot_from_an_outer_loop_is_read_in_an_inner_one(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                x = A[i]
                for j in range(2):
                    A[j] = x

    assert "    A[j] = x" in block(kernel)


def test_a_comprehension_variable_is_local_to_it(block, refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            k = 5
            parts = [k for k in range(3)]
            A[0] = k + parts[2]

    assert block(kernel) == "A[0] = 7.0"


def test_a_loop_around_an_if_and_an_if_around_a_loop(refused):
    @T.prim_func
    def inside_if(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx > 1:
                for i in range(2):
                    x = A[i]
                A[0] = x

    @T.prim_func
    def inside_loop(A: VECTOR):
        with T.Kernel(1):
            for i in range(2):
                if A[i] > 0:
                    x = A[i]
                A[0] = x

    with refused("E0403", "x"):
        _ = inside_if.function
    with refused("E0405", "x"):
        _ = inside_loop.function


def test_assigning_a_loop_variable_is_refused(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                i = 2
                A[i] = 0.0

    with refused("E0407", "i = 2"):
        _ = kernel.function


def test_a_loop_variable_name_may_be_used_by_the_next_loop(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(2):
                A[i] = 0.0
            i = 3
            A[i] = 1.0

    assert block(kernel).endswith("A[3] = 1.0")


def test_an_undefined_name_gets_a_near_miss(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            weight = 1.0
            A[0] = wieght

    with refused("E0402", "wieght") as caught:
        _ = kernel.function
    assert "weight" in caught.value.hint


def test_reading_a_local_name_before_its_binding(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = later
            later = 1.0

    with refused("E0402", "later"):
        _ = kernel.function


def test_a_block_index_ends_with_its_launch(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            A[bx] = 0.0
        with T.Kernel(1):
            A[bx] = 1.0

    with refused("E0406", "bx] = 1.0"):
        _ = kernel.function


def test_a_tile_used_outside_its_loop(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(4):
                tile = T.alloc_shared((8,), "float32")
                T.copy(A, tile)
            T.copy(tile, A)

    with refused("E0403", "tile"):
        _ = kernel.function


def test_a_value_that_leaves_its_loop_through_a_list(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            kept = []
            for i in range(4):
                x = A[i] * 2
                kept.append(x)
            A[0] = kept[0]

    with refused("E0409", "A[0] = kept[0]"):
        _ = kernel.function


def test_alloc_var_carries_a_value(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            n = T.alloc_var("int32", init=2)
            for i in range(4):
                n = n + i
            A[0] = n

    assert block(kernel).splitlines() == [
        "alloc local n: int32[]",
        "n[] = 2:int32",
        "for serial i in 0 .. 4 step 1",
        "  n[] = n[] + int32(i)",
        "A[0] = float32(n[])",
    ]


@pytest.mark.parametrize("builtin", ["min", "max", "sorted", "any", "all"])
def test_builtins_that_compare_name_their_form(refused, builtin):

    @T.prim_func
    def with_min(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = min(bx, 3)

    @T.prim_func
    def with_max(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = max([bx, 3])

    @T.prim_func
    def with_sorted(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = sorted([bx, 3])

    @T.prim_func
    def with_any(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = any([bx > 3])

    @T.prim_func
    def with_all(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = all([bx > 3])

    kernels = {
        "min": with_min,
        "max": with_max,
        "sorted": with_sorted,
        "any": with_any,
        "all": with_all,
    }
    with refused("E0410", builtin) as caught:
        _ = kernels[builtin].function
    assert "T." in caught.value.hint


def test_builtins_work_on_static_values(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[min(3, 1)] = max([1, 2]) + sorted([3, 1])[0] + any([0, 1]) + all([1, 1])

    assert block(kernel) == "A[1] = 5.0"


def test_membership_of_symbolic_values_is_refused(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if bx in (1, 2):
                A[0] = 1.0

    with refused("E0411", "bx in (1, 2)"):
        _ = kernel.function


def test_dynamic_if_in_a_plain_function_is_refused_at_the_call(refused):
    def relu(x):
        return x if x > 0 else 0

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = relu(A[1])

    with refused("E0307", "relu(A[1])") as caught:
        _ = kernel.function
    assert "T.macro" in caught.value.hint


def test_functions_in_the_kernel_lose_names_that_ended(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = 1

            @T.macro
            def current():
                return x

            for i in range(4):
                x = 2
                A[i] = current()
            A[0] = current()

    with refused("E0403", "x") as caught:
        _ = kernel.function
    caller = caught.value.span.caller
    assert caller is not None and caller.line == caught.value.span.line + 5


def test_functions_in_the_kernel_see_names_that_are_not_bound_yet(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):

            @T.macro
            def current():
                return later

            A[0] = current()
            later = 3.0
            A[1] = later

    with refused("E0402", "later"):
        _ = kernel.function


def test_functions_in_the_kernel_follow_their_names(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            x = 1

            @T.macro
            def current():
                return x

            if bx > 2:
                A[0] = current()
            x = 5
            A[1] = current()

    assert block(kernel) == "if bx > 2\n  A[0] = 1.0\nA[1] = 5.0"


def test_lambdas_are_checked_when_they_run(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = 1
            current = lambda: x  # noqa: E731
            for i in range(4):
                x = 2
                A[i] = x
            A[0] = current()

    with refused("E0403", "x  # noqa"):
        _ = kernel.function
