"""Eager functions: declarations in the body, T.const, outputs (language rules L8-L11)."""

# kernels written as users may write them
# ruff: noqa: F842

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.eager import ArrayShape, ConstSource, EagerFunction
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify


def shape(*extents: int) -> ArrayShape:
    strides, step = [], 1
    for extent in reversed(extents):
        strides.insert(0, step)
        step *= extent
    return ArrayShape(extents, tuple(strides))


def traced(function, static=None, arrays=None, constants=None):
    result = EagerFunction(function).trace(static or {}, arrays or {}, constants or {})
    verify(result.function)
    return result


def test_const_takes_its_value_from_a_shape():
    runs = []

    def row_sum(X, bm):
        runs.append(1)
        M, N = T.const("M, N")
        X: T.Tensor((M, N), "float32")
        S = T.empty((M,), "float32")
        with T.Kernel(T.ceildiv(M, bm)) as bx:
            x, s = (
                T.alloc_shared((bm, N), "float32"),
                T.alloc_fragment((bm,), "float32"),
            )
            T.copy(X[bx * bm : (bx + 1) * bm, :], x)
            T.reduce_sum(x, s, dim=1)
            T.copy(s, S[bx * bm])
        return S

    result = traced(row_sum, {"bm": 32}, {"X": shape(70, 33)})
    assert print_function(result.function).splitlines()[1] == (
        "func row_sum(X: float32[70, 33], S: float32[70]) -> (S)"
    )
    assert result.inputs == ("X",)
    assert result.sources == (
        ConstSource("M", "X", "shape", 0),
        ConstSource("N", "X", "shape", 1),
    )
    assert len(runs) == 2  # once with symbols, once with values


def test_const_from_strides_and_keywords():
    def kernel(X):
        M, L = T.const("M, L")
        X: T.StridedTensor((M, 4), (L, 1), "float32")
        with T.Kernel(1):
            X[0, 0] = L

    function = traced(kernel, {}, {"X": ArrayShape((3, 4), (9, 1))}).function
    assert "strides(9, 1)" in print_function(function)
    function = traced(kernel, {}, {}, {"M": 5, "L": 7}).function
    assert "X: float32[5, 4] strides(7, 1)" in print_function(function)


def test_const_in_expressions_once_solved():
    def kernel(X, Y):
        (M,) = (T.const("M"),)
        X: T.Tensor((2 * M, M), "float32")
        Y: T.Tensor((M // 2,), "float32")
        with T.Kernel(M):
            if M > 3:
                X[0, 0] = M
            else:
                Y[0] = M

    function = traced(kernel, {}, {"X": shape(8, 4), "Y": shape(2)}).function
    assert "X: float32[8, 4], Y: float32[2]" in print_function(function)
    assert "X[0, 0] = 4.0" in print_function(function)


def test_a_const_that_nothing_determines(refused):
    def kernel(X):
        M = T.const("M")
        X: T.Tensor((2 * M,), "float32")
        with T.Kernel(1):
            X[0] = 0.0

    with pytest.raises(KernelError, match="E0605") as caught:
        traced(kernel, {}, {"X": shape(8)})
    assert "M" in caught.value.message


def test_a_const_used_before_its_tensor(refused):
    def kernel(X):
        M = T.const("M")
        blocks = T.max(M, 4)
        X: T.Tensor((M,), "float32")
        with T.Kernel(blocks):
            X[0] = 0.0

    with refused("E0605", "T.max(M, 4)") as caught:
        traced(kernel, {}, {"X": shape(8)})
    assert "annotations" in caught.value.hint


def test_dynamic_dims_stay_symbolic():
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n, 4), "float32")
        Y = T.empty((n,), "float32")
        with T.Kernel(n) as bx:
            Y[bx] = X[bx, 0]
        return Y

    text = print_function(traced(kernel, {}, {"X": shape(3, 4)}).function)
    assert text.splitlines()[1] == (
        "func kernel[n](X: float32[n, 4], Y: float32[n]) -> (Y)"
    )


def test_annotations_in_the_signature_and_scalars():
    def kernel(
        X: T.Tensor((4,), "float32"), scale: T.float32, n: T.int32, flag: bool = True
    ):
        with T.Kernel(n):
            X[0] = scale if flag else 0.0

    result = traced(kernel, {"flag": True})
    assert result.inputs == ("X", "scale", "n")
    text = print_function(result.function)
    assert "func kernel(X: float32[4], scale: float32, n: int32)" in text
    assert "X[0] = scale" in text


def test_a_declared_scalar_may_stand_in_shapes():
    def kernel(n, X):
        n: T.int32
        X: T.Tensor((n, 2), "float32")
        with T.Kernel(n) as bx:
            X[bx, 0] = 0.0

    text = print_function(traced(kernel).function)
    assert "func kernel(n: int32, X: float32[index(n), 2])" in text


def test_outputs_in_the_order_returned():
    def kernel(X):
        X: T.Tensor((4,), "float32")
        first = T.empty((4,), "float32")
        second = T.empty((4,), "int32")
        with T.Kernel(1):
            first[0] = X[0]
            second[0] = 1
        return second, first

    function = traced(kernel).function
    names = [function.params[position].name for position in function.outputs]
    assert names == ["second", "first"]
    assert [p.name for p in function.params] == ["X", "second", "first"]


def test_every_output_is_returned(refused):
    def kernel(X):
        X: T.Tensor((4,), "float32")
        first = T.empty((4,), "float32")
        second = T.empty((4,), "float32")
        with T.Kernel(1):
            first[0] = X[0]
            second[0] = X[0]
        return first

    with refused("E0606", "T.empty((4,)"):
        traced(kernel)


@pytest.mark.parametrize("what", ["input", "number", "twice"])
def test_only_outputs_are_returned(what):
    def kernel(X):
        X: T.Tensor((4,), "float32")
        out = T.empty((4,), "float32")
        with T.Kernel(1):
            out[0] = X[0]
        return {"input": (X, out), "number": (3, out), "twice": (out, out)}[what]

    with pytest.raises(KernelError, match="E0606"):
        traced(kernel)


def test_an_output_that_is_never_written(refused):
    def kernel(X):
        X: T.Tensor((4,), "float32")
        out = T.empty((4,), "float32")
        with T.Kernel(1):
            X[0] = 1.0
        return out

    with refused("E0607", "T.empty"):
        traced(kernel)


def test_optional_arguments():
    def kernel(X, bias):
        X: T.Tensor((4,), "float32")
        if bias is not None:
            bias: T.Tensor((4,), "float32")
        with T.Kernel(1):
            X[0] = X[1] + bias[0] if bias is not None else X[1]

    assert traced(kernel, {"bias": None}).inputs == ("X",)
    assert traced(kernel, {}, {"bias": shape(4)}).inputs == ("X", "bias")


def test_none_for_a_declared_argument_is_left_to_the_call():
    def kernel(X, bias, has_bias):
        X: T.Tensor((4,), "float32")
        bias: T.Tensor((4,), "float32")
        with T.Kernel(1):
            X[0] = bias[0] if has_bias else 1.0

    assert traced(kernel, {"bias": None, "has_bias": False}).inputs == ("X", "bias")


def test_an_argument_used_before_its_annotation(refused):
    def kernel(X):
        n = X.shape[0]
        X: T.Tensor((n,), "float32")

    with refused("E0614", "n = X.shape[0]"):
        traced(kernel)


def test_annotating_what_is_no_parameter(refused):
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y: T.Tensor((4,), "float32")

    with refused("E0604", "Y: T.Tensor"):
        traced(kernel)


def test_an_output_over_an_undetermined_dim():
    def kernel(X):
        X: T.Tensor((4,), "float32")
        out = T.empty((T.dynamic("m"),), "float32")
        with T.Kernel(1):
            out[0] = X[0]
        return out

    with pytest.raises(KernelError, match="E0610"):
        traced(kernel)


def test_a_const_solved_by_a_later_annotation():
    """Sizes, assertions and tensors may use it before: the trace starts again."""

    def kernel(X, Y):
        M, K = T.const("M, K")
        assert K % 4 == 0 and 0 < M < 100, "sizes"
        steps = T.ceildiv(K, 4)
        X: T.Tensor((M * K,), "float32")
        Y: T.Tensor((M, K), "float32")
        with T.Kernel(M) as i:
            for k in T.serial(steps):
                Y[i, k * 4] = X[i * K + k]

    function = traced(kernel, {}, {"X": shape(24), "Y": shape(3, 8)}).function
    text = print_function(function)
    assert "X: float32[24], Y: float32[3, 8]" in text and "0 .. 2" in text
    with pytest.raises(AssertionError, match="sizes"):
        traced(kernel, {}, {"X": shape(21), "Y": shape(3, 7)})


def test_a_dim_times_a_const_of_a_later_annotation():
    def kernel(X, Y):
        heads, m = T.const("heads"), T.dynamic("m")
        rows = [m * heads, 2 * heads]
        assert 16 // heads == 4
        X: T.Tensor(rows, "float32")
        Y: T.Tensor((m, heads), "float32")
        with T.Kernel(m) as i:
            Y[i, 0] = X[i * heads, 0]

    function = traced(kernel, {}, {"X": shape(12, 8), "Y": shape(3, 4)}).function
    assert "X: float32[m * 4, 8], Y: float32[m, 4]" in print_function(function)
    with pytest.raises(KernelError, match="E0605"):
        traced(kernel, {}, {"X": shape(12, 8)})


def test_outputs_by_extents_one_by_one():
    def kernel():
        Y = T.empty(2, 3, dtype="int8")
        Z = T.empty((4,), T.float16)
        with T.Kernel(1):
            T.clear(Y)
            T.clear(Z)
        return Y, Z

    text = print_function(traced(kernel, {}, {}).function)
    assert "int8[2, 3]" in text and "float16[4]" in text
