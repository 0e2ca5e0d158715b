"""Bindings and stores: language rules L18 and L20."""

# kernels written as users may write them
# ruff: noqa: F841

from __future__ import annotations

from textwrap import dedent
from types import SimpleNamespace

import pytest

import tiledsl.language as T

VECTOR = T.Tensor((8,), "float32")
HALF = T.Tensor((8,), "float16")


def lines(text: str) -> str:
    return dedent(text).strip()


def test_an_alloc_var_is_stored_to_with_conversion(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            n = T.alloc_var("float16")
            n = 3
            n = A[0]
            n += 1

    assert block(kernel).splitlines()[2:] == [
        "n[] = 3.0:float16",
        "n[] = float16(A[0])",
        "n[] = float16(float32(n[]) + 1.0)",
    ]


def test_an_alloc_var_on_the_right_is_a_snapshot(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            n = T.alloc_var("int32", init=1)
            before = n
            n = 2
            A[before] = n

    assert block(kernel).splitlines()[2:] == [
        "let before: int32 = n[]",
        "n[] = 2:int32",
        "A[index(before)] = float32(n[])",
    ]


def test_a_second_declaration_is_a_new_variable(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in range(2):
                n = T.alloc_var("int32")
                n += i
            n = T.alloc_var("float32")
            A[0] = n

    assert "A[0] = n_1[]" in block(kernel)


def test_a_snapshot_does_not_change_with_its_buffer(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = A[0] * 2
            A[0] = 5.0
            A[1] = x

    assert block(kernel) == lines("""
        let x: float32 = A[0] * 2.0
        A[0] = 5.0
        A[1] = x
    """)


def test_a_buffer_gets_another_name(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(4) as bx:
            other = A
            index = bx
            other[index] = 0.0

    assert block(kernel) == "A[bx] = 0.0"


def test_a_region_keeps_the_bounds_of_its_time(block):
    @T.prim_func
    def kernel(A: VECTOR, B: VECTOR):
        with T.Kernel(1):
            n = T.alloc_var("int32", init=1)
            part = A[n:8]
            n = 5
            tile = T.alloc_shared((4,), "float32")
            T.copy(part, tile)

    text = block(kernel)
    assert text.index("let bound: index = index(n[])") < text.index("n[] = 5:int32")
    assert "copy A[bound +: " in text


def test_a_typed_name_is_a_converted_snapshot(block):
    @T.prim_func
    def kernel(A: HALF, B: VECTOR):
        with T.Kernel(1):
            wide = A[0] * A[1]
            narrow: T.float16 = A[0] * A[1]
            count: int = 3
            B[0] = wide
            B[1] = narrow
            B[count] = 0.0

    text = block(kernel)
    assert "let wide: float32 = float32(A[0]) * float32(A[1])" in text
    assert "float32(float16(float32(A[0]) * float32(A[1])))" in text
    assert text.endswith("B[3] = 0.0")


def test_a_quoted_annotation_is_the_same(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x: "T.float16" = A[0]  # noqa: UP037
            y: "float16" = A[1]  # noqa: UP037, F821
            A[2] = x + y

    assert block(kernel).splitlines()[:2] == [
        "let x: float32 = float32(float16(A[0]))",
        "let y: float32 = float32(float16(A[1]))",
    ]


def test_tuple_assignment_reads_everything_first(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0], A[1] = A[1], A[0]
            a, b = T.alloc_var("int32", init=1), T.alloc_var("int32", init=2)
            a, b = b, a
            x, y = 1, 2
            x, y = y, x
            A[x] = y

    text = block(kernel).splitlines()
    stores = [line for line in text if " = " in line and not line.startswith("let")]
    names = [line.split()[1].rstrip(":") for line in text if line.startswith("let")]
    assert len(names) == 4
    assert f"A[0] = {names[0]}" in stores and f"A[1] = {names[1]}" in stores
    assert f"a[] = {names[2]}" in stores and f"b[] = {names[3]}" in stores
    assert stores[-1] == "A[2] = 1.0"


def test_chained_assignment_evaluates_once(block):
    calls = []

    def value(x):
        calls.append(1)
        return x + 1.0

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = A[1] = x = value(A[2])
            A[3] = x

    assert block(kernel) == lines("""
        let value: float32 = A[2] + 1.0
        A[0] = value
        A[1] = value
        A[3] = value
    """)
    assert calls == [1]


def test_nested_targets(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            (x, (y, A[0])), [z] = (1, (2, 3.0)), [4]
            A[x] = y + z

    assert block(kernel) == "A[0] = 3.0\nA[1] = 6.0"


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("+", "A[1] + 2.0"),
        ("-", "A[1] - 2.0"),
        ("*", "A[1] * 2.0"),
        ("/", "A[1] / 2.0"),
    ],
)
def test_augmented_elements(block, operator, expected):
    @T.prim_func
    def add(A: VECTOR):
        with T.Kernel(1):
            A[1] += 2

    @T.prim_func
    def subtract(A: VECTOR):
        with T.Kernel(1):
            A[1] -= 2

    @T.prim_func
    def multiply(A: VECTOR):
        with T.Kernel(1):
            A[1] *= 2

    @T.prim_func
    def divide(A: VECTOR):
        with T.Kernel(1):
            A[1] /= 2

    kernels = {"+": add, "-": subtract, "*": multiply, "/": divide}
    assert block(kernels[operator]) == f"A[1] = {expected}"


def test_augmented_index_is_evaluated_once(block):
    calls = []

    def at(i):
        calls.append(i)
        return i

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[at(1)] += 2

    assert block(kernel) == "A[1] = A[1] + 2.0"
    assert calls == [1]


def test_static_containers_and_objects_are_python(block):
    settings = SimpleNamespace(step=1)

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            values = [1, 2, 3]
            values[0] = 5
            values[1] += 7
            values += [4]
            settings.step = 2
            settings.step += 1
            A[settings.step] = sum(values)

    assert block(kernel) == "A[3] = 21.0"


def test_allocations_take_the_name_of_their_variable(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            first, second = T.alloc_shared((4,)), T.alloc_fragment((4,))
            third = T.alloc_local((4,))
            T.copy(A[0:4], first)

    assert block(kernel).splitlines()[:3] == [
        "alloc shared first: float32[4]",
        "alloc fragment second: float32[4]",
        "alloc local third: float32[4]",
    ]


def test_slice_assignment_is_refused_with_the_alternative(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0:4] = 0.0

    with refused("E0313", "A[0:4]") as caught:
        _ = kernel.function
    assert "T.copy" in caught.value.hint


def test_the_caret_stands_at_the_operation(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            x = 1.0 + (A[0] + T.exp(A[1, 2]))
            A[0] = x

    with refused("E0312", "A[1, 2]") as caught:
        _ = kernel.function
    assert caught.value.end_offset == caught.value.offset + len("A[1, 2]")


def test_the_caret_survives_other_operations_on_the_line(refused):
    @T.prim_func
    def kernel(A: VECTOR, n: T.int32):
        with T.Kernel(1):
            A[0] = A[n + 1] + n / 2

    with refused("E0303", "n / 2"):
        _ = kernel.function
