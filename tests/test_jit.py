"""``tiledsl.jit`` and ``tiledsl.compile`` (language rules L7, L25, L97, L107)."""

from __future__ import annotations

import threading
import time
import traceback

import numpy as np
import pytest
from tiledsl_kernels.attention.flash_fwd import flash_fwd_kernel

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError, KernelError

OFFSET = 1.0


@tiledsl.jit(out_idx=[-1], backend="numpy")
def add_constant(n, value, dtype="float32"):
    @T.prim_func
    def main(X: T.Tensor((n,), dtype), Y: T.Tensor((n,), dtype)):
        with T.Kernel(n) as bx:
            Y[bx] = X[bx] + value

    return main


@tiledsl.jit
def add_offset(X, bm=4):
    N = T.const("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(T.ceildiv(N, bm)) as bx:
        for i in T.Parallel(bm):
            Y[bx * bm + i] = X[bx * bm + i] + OFFSET
    return Y


def numbers(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)


# ---------------------------------------------------------------------------- lazy


def test_lazy_call_gives_a_cached_kernel():
    kernel = add_constant(5, 2.0)
    np.testing.assert_array_equal(kernel(numbers(5)), numbers(5) + 2)
    assert add_constant(5, 2.0) is kernel
    assert add_constant(n=5, value=2.0, dtype="float32") is kernel
    assert add_constant(5, 3.0) is not kernel
    assert add_constant(5, 2) is not kernel  # an int is not a float
    assert add_constant.mode == "lazy"


def test_lazy_without_an_inner_prim_func():
    def build(n):
        @T.prim_func
        def main(X: T.Tensor((n,), "float32")):
            with T.Kernel(1):
                X[0] = 7.0

        return main

    @tiledsl.jit(backend="numpy")
    def outer(n):
        return build(n)

    array = numbers(3)
    assert outer(3)(array) == []
    assert array[0] == 7.0


def test_a_function_that_is_neither():
    @tiledsl.jit
    def nothing(n):
        return n

    with pytest.raises(KernelError, match="E0601") as caught:
        nothing(3)
    assert caught.value.span.file == __file__


def test_wrong_static_arguments_show_the_signature():
    with pytest.raises(ArgumentError, match="E0617") as caught:
        add_constant(1, 2, 3, 4)
    assert "add_constant(n, value, dtype='float32')" in str(caught.value)


def test_par_compile():
    kernels = add_constant.par_compile([{"n": 2, "value": 1.0}, (3, 1.0)])
    assert kernels[0] is add_constant(2, 1.0)
    assert kernels[1] is add_constant(3, 1.0)


def test_arrays_are_no_static_values():
    with pytest.raises(KernelError, match="E0408"):
        add_constant(3, np.zeros(3))


# --------------------------------------------------------------------------- eager


def test_eager_call_runs():
    result = add_offset(numbers(10), backend="numpy")
    np.testing.assert_array_equal(result, numbers(10) + 1)
    assert add_offset.mode == "eager"


def test_eager_kernels_are_cached_by_constants_and_static_values(monkeypatch):
    add_offset(numbers(10), backend="numpy")
    before = dict(add_offset._eager.kernels)
    add_offset(numbers(10), backend="numpy")
    assert add_offset._eager.kernels == before
    add_offset(numbers(11), backend="numpy")
    add_offset(numbers(11), bm=2, backend="numpy")
    assert len(add_offset._eager.kernels) == len(before) + 2


def test_eager_compile_by_keyword_and_by_array():
    kernel = add_offset.compile(N=10, bm=4)
    assert add_offset.compile(numbers(10)).function == kernel.function
    np.testing.assert_array_equal(kernel(numbers(10), backend="numpy"), numbers(10) + 1)


def test_eager_compile_without_constants():
    with pytest.raises(KernelError, match="E0605"):
        add_offset.compile()


def test_a_wrong_shape_is_the_callers_error():
    with pytest.raises(ArgumentError):
        add_offset(np.zeros((3, 3), np.float32), backend="numpy")


@pytest.mark.parametrize("value", [[1.0, 2.0], "text", object()])
def test_what_is_no_array_is_named(value):
    with pytest.raises(ArgumentError) as caught:
        add_offset(value)
    assert "'X'" in str(caught.value)


def test_arguments_by_name_and_optional_ones():
    @tiledsl.jit(backend="numpy")
    def add(X, Y=None, n=2):
        N = T.const("N")
        X: T.Tensor((N,), "float32")
        if Y is not None:
            Y: T.Tensor((N,), "float32")
        Z = T.empty((N,), "float32")
        with T.Kernel(N) as bx:
            Z[bx] = X[bx] + (Y[bx] if Y is not None else n)
        return Z

    x = numbers(4)
    assert list(add(x)) == [2, 3, 4, 5]
    assert list(add(x, n=5)) == [5, 6, 7, 8]
    assert list(add(Y=x, X=x)) == [0, 2, 4, 6]
    with pytest.raises(ArgumentError, match="E0617"):
        add(Y=x)


def test_none_for_a_tensor_that_is_never_accessed():
    @tiledsl.jit(backend="numpy")
    def kernel(X, bias, has_bias):
        X: T.Tensor((4,), "float32")
        bias: T.Tensor((4,), "float32")
        with T.Kernel(4) as bx:
            X[bx] = bias[bx] if has_bias else 7.0

    array = numbers(4)
    kernel(array, None, False)
    assert list(array) == [7] * 4
    kernel(array, numbers(4), True)
    assert list(array) == [0, 1, 2, 3]
    with pytest.raises(ArgumentError):
        kernel(array, None, True)


def test_calls_from_several_threads():
    results: list[bool] = []

    def run(n: int) -> None:
        out = add_offset(numbers(n), bm=3, backend="numpy")
        results.append(list(out) == list(numbers(n) + 1))

    threads = [threading.Thread(target=run, args=(n % 4 + 1,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 16


def test_a_rank_zero_argument_does_not_fit():
    with pytest.raises(tiledsl.Error):
        add_offset(np.float32(3))


def test_an_array_for_a_parameter_without_annotation():
    with pytest.raises(ArgumentError, match="E0618") as caught:
        add_offset(numbers(3), bm=numbers(3))
    assert "bm" in str(caught.value)


def test_out_idx_of_an_eager_function():
    @tiledsl.jit(out_idx=-1)
    def kernel(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(1):
            X[0] = 1.0

    with pytest.raises(KernelError, match="E0602"):
        kernel(numbers(4))


def test_several_and_no_outputs():
    @tiledsl.jit(backend="numpy")
    def two(X):
        X: T.Tensor((4,), "float32")
        a, b = T.empty((2,), "float32"), T.empty((2,), "float32")
        with T.Kernel(2) as bx:
            a[bx] = X[bx]
            b[bx] = X[bx + 2]
        return b, a

    @tiledsl.jit(backend="numpy")
    def none(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(4) as bx:
            X[bx] = 5.0

    several = two(numbers(4))
    assert isinstance(several, list)
    b, a = several
    assert list(a) == [0, 1] and list(b) == [2, 3]
    array = numbers(4)
    assert none(array) is None
    assert list(array) == [5] * 4


# ------------------------------------------------------------------------ captures


def test_a_changed_global_retraces(monkeypatch):
    first = add_offset(numbers(3), backend="numpy")
    monkeypatch.setitem(globals(), "OFFSET", 2.0)
    second = add_offset(numbers(3), backend="numpy")
    assert list(second - first) == [1, 1, 1]


def test_a_changed_closure_list_retraces():
    values = [1.0]

    @tiledsl.jit(backend="numpy")
    def kernel(X):
        X: T.Tensor((2,), "float32")
        with T.Kernel(2) as bx:
            X[bx] = values[0]

    array = numbers(2)
    kernel(array)
    values[0] = 9.0
    kernel(array)
    assert list(array) == [9, 9]


def test_a_changed_helper_retraces_a_lazy_kernel():
    scale = 2.0

    def helper(x):
        return x * scale

    @tiledsl.jit(out_idx=-1, backend="numpy")
    def build(n):
        @T.prim_func
        def main(X: T.Tensor((n,), "float32"), Y: T.Tensor((n,), "float32")):
            with T.Kernel(n) as bx:
                Y[bx] = helper(X[bx])

        return main

    assert build(3)(numbers(3))[2] == 4
    scale = 3.0
    assert build(3)(numbers(3))[2] == 6


def test_a_captured_array_is_named():
    table = np.zeros(3)

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((2,), "float32")
        with T.Kernel(2) as bx:
            X[bx] = table[0]

    with pytest.raises(KernelError, match="E0408") as caught:
        kernel(numbers(2))
    assert "kernel.table" in caught.value.message


# ------------------------------------------------------------------------- options


def test_all_options_are_accepted():
    kernel = tiledsl.jit(
        out_idx=[1],
        target=None,
        target_host="c",
        execution_backend="cython",
        verbose=True,
        pass_configs={"tl.enable_fast_math": True, "tl.disable_tma_lower": True},
        debug_root_path=None,
        compile_flags=["-O3"],
        backend="numpy",
        deterministic=True,
        exact_fusion=True,
        asserts=False,
        checked=False,
    )(add_constant.python)
    assert kernel(4, 1.0).function.fast_math
    assert not add_constant(4, 1.0).function.fast_math


def test_unknown_and_wrong_options():
    with pytest.raises(ArgumentError, match="E0615") as caught:
        tiledsl.jit(out_index=-1)
    assert "out_idx" in str(caught.value)
    with pytest.raises(ArgumentError, match="E0616"):
        tiledsl.jit(out_idx="last")
    with pytest.raises(ArgumentError, match="E0615"):
        tiledsl.jit(pass_configs=[1])
    with pytest.raises(ArgumentError, match="E1014"):
        tiledsl.jit(schedule=[1])
    with pytest.raises(ArgumentError, match="E0615"):
        tiledsl.compile(add_constant(4, 1.0).function, schedule={"a": {}})


@pytest.mark.parametrize("out_idx", [[2], [-3], [0, 0], [0, -2]])
def test_out_idx_out_of_range(out_idx):
    kernel = tiledsl.jit(out_idx=out_idx)(add_constant.python)
    with pytest.raises(KernelError, match="E0616"):
        kernel(4, 1.0)


def test_compile_takes_a_prim_func():
    @T.prim_func
    def main(X: T.Tensor((4,), "float32"), Y: T.Tensor((4,), "float32")):
        with T.Kernel(4) as bx:
            Y[bx] = X[bx] + 1

    by_position = tiledsl.compile(main, -1, backend="numpy")
    by_name = tiledsl.compile(main, out_idx=[1], backend="numpy")
    for kernel in (by_position, by_name):
        np.testing.assert_array_equal(kernel(numbers(4)), numbers(4) + 1)
    with pytest.raises(ArgumentError, match="E0618"):
        tiledsl.compile(add_constant)


def test_pass_config_keys():
    key = tiledsl.PassConfigKey.TL_ENABLE_FAST_MATH
    kernel = tiledsl.jit(pass_configs={key: True})(add_constant.python)
    assert kernel(4, 1.0).function.fast_math
    other = {tiledsl.PassConfigKey.TL_DISABLE_WARP_SPECIALIZED: True, key: False}
    kernel = tiledsl.jit(pass_configs=other)(add_constant.python)
    assert not kernel(4, 1.0).function.fast_math
    with pytest.raises(AttributeError):
        _ = tiledsl.PassConfigKey.nothing


def test_par_compile_of_functions():
    def build(n):
        @T.prim_func
        def main(X: T.Tensor((n,), "float32"), Y: T.Tensor((n,), "float32")):
            with T.Kernel(n) as bx:
                Y[bx] = X[bx] + n

        return main

    two, three = tiledsl.par_compile([build(2), build(3)], -1, backend="numpy")
    assert list(two(numbers(2))) == [2, 3]
    assert list(three(numbers(3))) == [3, 4, 5]


def test_an_attention_kernel_traces_quickly():
    from_shapes = {"H": 4, "G": 2, "D": 64, "Dv": 64}
    flash_fwd_kernel.compile(scale=1.0, **from_shapes)
    times = []
    for n in range(3):
        start = time.process_time()
        flash_fwd_kernel.compile(scale=2.0 + n, **from_shapes)
        times.append(time.process_time() - start)
    assert min(times) < 0.05


# -------------------------------------------------------------------------- errors


def test_errors_show_the_users_line_and_no_internals():
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(1):
            X[0, 1] = 1.0

    with pytest.raises(KernelError) as caught:
        kernel(numbers(4))
    error = caught.value
    assert "X[0, 1] = 1.0" in error.text
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if "tiledsl/frontend" in frame.filename]
    assert not inside
    assert len(frames) <= 3


def test_jit_refuses_what_is_no_function():
    with pytest.raises(KernelError, match="E0103"):
        tiledsl.jit(3)
    with pytest.raises(ArgumentError, match="E0615"):
        tiledsl.jit("cuda")


def test_static_asserts_pass_through():
    @tiledsl.jit
    def kernel(X, bm):
        assert bm % 2 == 0, "bm is even"
        X: T.Tensor((4,), "float32")
        with T.Kernel(1):
            X[0] = bm

    with pytest.raises(AssertionError, match="bm is even"):
        kernel(numbers(4), 3)
