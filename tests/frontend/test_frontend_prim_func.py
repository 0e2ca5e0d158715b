"""Parameters of kernels and dimensions: language rules L8, L10 and L104."""

# an annotation may name another parameter
# ruff: noqa: F821

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Var


def test_kinds_of_parameters(ir):
    n = T.dynamic("n")
    ld = T.dynamic("ld")

    @T.prim_func
    def kernel(
        A: T.Tensor((n, 2 * n), "float16"),
        B: T.StridedTensor((n, 8), (ld, 1), "float32"),
        a: T.int64,
        b: T.bool,
        c: int,
        d: float,
        e: bool,
        h: T.float16,
    ):
        with T.Kernel(n) as bx:
            B[bx, 0] = a + c + d + h

    assert ir(kernel).splitlines()[1] == (
        "func kernel[n, ld](A: float16[n, 2 * n], B: float32[n, 8] strides(ld, 1), "
        "a: int64, b: bool, c: int32, d: float32, e: bool, h: float16)"
    )
    kinds = [p.dtype for p in kernel.function.params[2:]]
    assert kinds == ["int64", "bool", "int32", "float32", "bool", "float16"]


def test_string_annotations_see_globals_and_the_enclosing_function(ir):
    def make(rows, dtype):
        @T.prim_func
        def kernel(
            A: "T.Tensor((rows, 4), dtype)",  # noqa: UP037
            n: "T.int32",  # noqa: UP037
        ):
            with T.Kernel(1):
                A[0, 0] = n

        return kernel

    param = make(6, "float16").function.params[0]
    assert isinstance(param, Buffer)
    assert param.static_shape == (6, 4) and param.dtype == "float16"


def test_a_scalar_parameter_as_a_dimension(ir):
    @T.prim_func
    def kernel(n: T.int32, A: T.Tensor((n,), "float32")):
        with T.Kernel(n) as bx:
            A[bx] = 0.0

    assert kernel.function.dims == ()
    assert "A: float32[index(n)]" in ir(kernel)


def test_shape_reads_any_dimension(block):
    @T.prim_func
    def kernel(A: T.Tensor((T.dynamic("m"), 16), "float32")):
        with T.Kernel(A.shape[0]) as bx:
            A[bx, 0] = A.shape[1]
            A[bx, 1] = A.shape[0]

    assert block(kernel).splitlines() == ["A[bx, 0] = 16.0", "A[bx, 1] = float32(m)"]


def test_a_local_name_may_be_called_like_a_dim(ir):
    @T.prim_func
    def kernel(A: T.Tensor((T.dynamic("m"),), "float32")):
        with T.Kernel(1):
            m = A[0] * 2
            A[1] = m

    assert "let m_1: float32" in ir(kernel)
    assert kernel.function.dims == (Var("m", DType("index")),)


@pytest.mark.parametrize(
    ("form", "code"), [("starred", "E0603"), ("options", "E0603"), ("only", "E0603")]
)
def test_parameters_have_names(refused, form, code):
    @T.prim_func
    def starred(*A):
        pass

    @T.prim_func
    def options(**A):
        pass

    @T.prim_func
    def only(A: T.int32, /):
        pass

    with refused(code, "A"):
        _ = {"starred": starred, "options": options, "only": only}[form].function


@pytest.mark.parametrize("form", ["missing", "wrong", "undefined"])
def test_annotations_are_checked_at_the_parameter(refused, form):
    @T.prim_func
    def missing(A: T.int32, B):
        pass

    @T.prim_func
    def wrong(A: T.int32, B: list):
        pass

    @T.prim_func
    def undefined(A: T.int32, B: T.Tensor((nowhere,), "float32")):
        pass

    kernels = {"missing": missing, "wrong": wrong, "undefined": undefined}
    with refused("E0604", "B"):
        _ = kernels[form].function


def test_a_dimension_that_no_argument_determines(refused):
    m = T.dynamic("m")

    @T.prim_func
    def kernel(A: T.Tensor((8,), "float32")):
        with T.Kernel(m) as bx:
            A[bx] = 0.0

    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    assert caught.value.code == "E0610"
    assert "m" in caught.value.message
    assert "T.int32" in caught.value.hint


def test_a_prim_func_returns_nothing(refused):
    @T.prim_func
    def kernel(A: T.Tensor((8,), "float32")):
        with T.Kernel(1):
            A[0] = 0.0
        return A

    with refused("E0606", "return A"):
        _ = kernel.function


def test_a_prim_func_is_traced_once():
    runs = []

    @T.prim_func
    def kernel(A: T.Tensor((8,), "float32")):
        runs.append(1)

    assert kernel.function is kernel.function
    assert runs == [1]


def test_calling_a_prim_func_says_how_to_compile_it():
    @T.prim_func
    def kernel(A: T.Tensor((8,), "float32")):
        pass

    with pytest.raises(KernelError, match="E0609") as caught:
        kernel(1)
    assert "tiledsl.compile(kernel)" in caught.value.hint


def test_spans_of_statements_point_to_their_line():
    @T.prim_func
    def kernel(A: T.Tensor((8,), "float32")):
        with T.Kernel(1):
            A[0] = 1.0
            A[1] = 2.0

    launch = kernel.function.body[0]
    first, second = launch.body
    assert second.span.line == first.span.line + 1 == launch.span.line + 2
    assert first.span.file == __file__


def test_a_parameter_called_like_a_dimension(refused):
    @T.prim_func
    def kernel(A: T.Tensor((T.dynamic("A"),), "float32")):
        with T.Kernel(1):
            A[0] = 0.0

    with refused("E0604", "A: T.Tensor"):
        _ = kernel.function
