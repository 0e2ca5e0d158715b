"""Inlined functions: language rule L23, and plain functions, rule L24."""

from __future__ import annotations

import linecache

import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError

VECTOR = T.Tensor((8,), "float32")


@T.macro
def silu_(x: T.Ref):
    x = x * T.sigmoid(x)


@T.macro
def scaled(x, by=2.0):
    y = x * by
    return y


@T.macro
def fill_all(buffer: T.FragmentBuffer, value):
    for i in T.Parallel(buffer.shape[0]):
        buffer[i] = value


@T.macro
def wrong(buffer):
    y = buffer[0, 0]
    return y


@T.macro
def outer(buffer):
    return wrong(buffer)


@T.macro
def endless(x):
    return endless(x)


@T.macro
def even(x):
    return odd(x)


@T.macro
def odd(x):
    return even(x)


def test_a_reference_to_an_element_or_a_variable(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            silu_(A[3])
            v = T.alloc_var("float32", init=1.0)
            silu_(v)

    assert block(kernel).splitlines() == [
        "A[3] = A[3] * sigmoid(A[3])",
        "alloc local v: float32[]",
        "v[] = 1.0",
        "v[] = v[] * sigmoid(v[])",
    ]


@pytest.mark.parametrize("bad", ["number", "expression", "buffer"])
def test_a_reference_to_anything_else_is_refused(refused, bad):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            if bad == "number":
                silu_(1.0)
            elif bad == "expression":
                silu_(A[0] + 1)
            else:
                silu_(A)

    with refused("E0613", "silu_("):
        _ = kernel.function


def test_scalars_pass_by_value_and_are_evaluated_once(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[1] = scaled(A[0] + 1.0)

    assert block(kernel).splitlines() == [
        "let x: float32 = A[0] + 1.0",
        "let y: float32 = x * 2.0",
        "A[1] = y",
    ]


def test_an_alloc_var_passes_by_value_without_ref(block):
    @T.macro
    def raised(x):
        x = x + 1.0
        return x

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            v = T.alloc_var("float32", init=1.0)
            A[0] = raised(v)
            A[1] = v

    assert block(kernel).splitlines()[2:] == [
        "let x: float32 = v[]",
        "let x_1: float32 = x + 1.0",
        "A[0] = x_1",
        "A[1] = v[]",
    ]


def test_names_are_hygienic(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            y = 5.0
            A[0] = scaled(A[1])
            A[2] = y

    assert block(kernel).endswith("A[2] = 5.0")


def test_buffers_pass_by_reference_and_options_by_name(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            tile = T.alloc_fragment((8,), "float32")
            fill_all(value=3.0, buffer=tile)
            T.copy(tile, A)

    assert "parallel (i: 8)\n  tile[i] = 3.0" in block(kernel)


def test_macros_and_lambdas_are_arguments(block):
    @T.macro
    def apply(function, x):
        return function(x)

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = apply(scaled, A[1])
            A[2] = apply(lambda x: x * 3, A[3])

    assert "A[2] = " in block(kernel)


def test_a_macro_defined_in_the_kernel_sees_its_names(block):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            offset = 3

            @T.macro
            def put(value):
                A[offset] = value

            put(bx)

    assert block(kernel) == "A[3] = float32(bx)"


def test_a_macro_returns_tuples_and_buffers(block):
    @T.macro
    def make():
        tile = T.alloc_fragment((8,), "float32")
        return tile, 4

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            tile, n = make()
            tile[n] = 0.0

    assert block(kernel).splitlines()[-1] == "tile[4] = 0.0"


def test_dynamic_control_flow_in_a_macro(block):
    @T.macro
    def relu_(x: T.Ref):
        if x < 0:
            x = 0.0

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            for i in T.Parallel(8):
                relu_(A[i])

    assert block(kernel).splitlines() == [
        "parallel (i: 8)",
        "  if A[i] < 0.0",
        "    A[i] = 0.0",
    ]


def test_an_error_reports_both_places():
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = outer(A)

    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    places = []
    span = caught.value.span
    while span is not None:
        places.append(linecache.getline(span.file, span.line)[span.column :].strip())
        span = span.caller
    assert places == ["buffer[0, 0]", "wrong(buffer)", "outer(A)"]
    assert str(caught.value).count("called from") == 2


@pytest.mark.parametrize("macro", [endless, even])
def test_recursion_is_refused(macro):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = macro(A[1])

    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    assert caught.value.code == "E0611"


@pytest.mark.parametrize("form", ["and", "or", "ternary", "while"])
def test_a_macro_in_an_operand_that_may_be_skipped(form):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            if form == "and":
                if bx > 1 and scaled(A[0]) > 1:
                    A[0] = 1.0
            elif form == "or":
                if bx > 1 or scaled(A[0]) > 1:
                    A[0] = 1.0
            elif form == "ternary":
                A[0] = scaled(A[0]) if bx > 1 else 0.0
            else:
                A[0] = 1.0 if bx > 1 else scaled(A[0])

    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    assert caught.value.code == "E0134"


def test_wrong_arguments_show_the_signature(refused):
    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = scaled(A[0], 1, 2)

    with refused("E0612", "scaled(A[0], 1, 2)") as caught:
        _ = kernel.function
    assert "scaled(x, by=2.0)" in caught.value.expected


def test_methods_are_macros_too(block):
    class Adder:
        def __init__(self, n):
            self.n = n

        @T.macro
        def add(self, x):
            return x + self.n

    adder = Adder(4)

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = adder.add(A[1])

    assert "A[1] + 4.0" in block(kernel) or "x + 4.0" in block(kernel)


def test_a_macro_outside_a_kernel():
    with pytest.raises(KernelError, match="E0401"):
        scaled(1.0)


def test_plain_functions_run_while_tracing(block):
    seen = []

    def plain(x, n):
        for k in range(n):
            seen.append(k)
            x = x + k
        return x

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(8) as bx:
            A[0] = plain(bx, 3)

    assert block(kernel) == "A[0] = float32(bx + 0 + 1 + 2)"
    assert seen == [0, 1, 2]


def test_exceptions_of_plain_functions_are_their_own():
    def fails():
        raise LookupError("mine")

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            fails()

    with pytest.raises(LookupError, match="mine"):
        _ = kernel.function


def test_a_kernel_called_in_a_kernel(refused):
    @T.prim_func
    def inner(A: VECTOR):
        with T.Kernel(1):
            A[0] = 0.0

    @tiledsl.jit
    def jitted(A):
        A: VECTOR
        with T.Kernel(1):
            A[0] = 0.0

    @T.prim_func
    def calls_prim_func(A: VECTOR):
        inner(A)

    @T.prim_func
    def calls_jit(A: VECTOR):
        jitted(A)

    with refused("E0609", "inner(A)"):
        _ = calls_prim_func.function
    with refused("E0609", "jitted(A)"):
        _ = calls_jit.function


def test_a_class_whose_methods_are_inlined(block):
    @T.meta_class
    class Counter:
        def __init__(self, start):
            self.start = start

        def begin(self):
            self.at = T.alloc_var("int32", init=self.start)

        def step(self, by=1):
            if self.at < 5:
                self.at = self.at + by
            self.at += 1

        @property
        def double(self):
            return self.at * 2

    counter = Counter(3)

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            counter.begin()
            counter.step()
            A[0] = counter.double

    assert block(kernel).splitlines() == [
        "alloc local at: int32[]",
        "at[] = 3:int32",
        "if at[] < 5:int32",
        "  at[] = at[] + 1:int32",
        "at[] = at[] + 1:int32",
        "A[0] = float32(at[] * 2:int32)",
    ]


def test_a_name_of_the_enclosing_function_that_is_not_bound(refused):
    @T.macro
    def uses():
        return late

    @T.prim_func
    def kernel(A: VECTOR):
        with T.Kernel(1):
            A[0] = uses()

    with refused("E0402", "return late"):
        _ = kernel.function
    late = 1.0
    assert late
