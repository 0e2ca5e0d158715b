"""Dims are solved from all arguments, whatever their order (rules L103-L105, C21)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiledsl.diagnostics import ArgumentError, KernelError
from tiledsl.runtime.kernel import JITKernel

Make = Callable[..., JITKernel]


def header(dims: str, params: str) -> str:
    """A kernel that touches each of its parameters, all of them vectors or matrices."""
    return f"func main[{dims}]({params})\n  launch (bx: 0) threads 1\n    pass"


def dims_of(kernel: JITKernel, *args: object) -> tuple[int, ...]:
    backend = kernel._backend
    kernel(*args)
    return backend.last_call.dims


def f32(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def test_a_chain_of_equations(kernel_of: Make) -> None:
    text = header("k, n, m", "C: float32[n * k], B: float32[m + n], A: float32[m]")
    kernel = kernel_of(text)
    assert dims_of(kernel, f32(15), f32(5), f32(2)) == (5, 3, 2)


@given(
    m=st.integers(0, 9),
    n=st.integers(0, 9),
    order=st.permutations(range(4)),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_order_of_parameters_gives_the_same(
    kernel_of: Make, m: int, n: int, order: list[int]
) -> None:
    parts = [
        ("A: float32[m]", f32(m)),
        ("B: float32[2 * n + 3]", f32(2 * n + 3)),
        ("C: float32[m, n]", f32(m, n)),
        ("D: float32[m * n + n]", f32(m * n + n)),
    ]
    chosen = [parts[place] for place in order]
    kernel = kernel_of(header("m, n", ", ".join(text for text, _ in chosen)))
    assert dims_of(kernel, *[array for _, array in chosen]) == (m, n)


def test_scalars_come_first(kernel_of: Make) -> None:
    text = header("m", "A: float32[m, index(k)], k: int32, B: float32[m + index(k)]")
    kernel = kernel_of(text)
    assert dims_of(kernel, f32(3, 4), 4, f32(7)) == (3,)
    with pytest.raises(
        ArgumentError, match=r"k = 5 from argument k, 4 from A.shape\[1\]"
    ):
        kernel(f32(3, 4), 5, f32(7))
    # the same shapes with another scalar are checked anew
    with pytest.raises(ArgumentError, match=r"k = 3 from argument k"):
        kernel(f32(3, 4), 3, f32(7))


def test_strides_determine_dims(kernel_of: Make) -> None:
    kernel = kernel_of(header("m, ld", "A: float32[m, 4] strides(ld, 1)"))
    assert dims_of(kernel, f32(3, 8)[:, 2:6]) == (3, 8)
    assert dims_of(kernel, f32(3, 4)) == (3, 4)
    assert dims_of(kernel, np.broadcast_to(f32(4), (3, 4))) == (3, 0)
    assert dims_of(kernel, f32(3, 4)[::-1]) == (3, -4)
    # with one row the stride means nothing, but any value serves
    assert dims_of(kernel, f32(1, 4))[0] == 1
    with pytest.raises(
        ArgumentError, match=r"strides of argument 'A'.*\(ld, 1\) = \(16, 1\)"
    ):
        kernel(f32(4, 16)[:, ::4])


def test_a_negative_stride_is_refused_if_the_kernel_computes_with_it(
    kernel_of: Make,
) -> None:
    text = """
        func main[m, s](A: float32[m] strides(s), B: float32[m])
          launch (bx: 1) threads 1
            parallel (i: m)
              B[i] = A[i - s]
    """
    kernel = kernel_of(text)
    kernel(f32(4), f32(4))
    with pytest.raises(ArgumentError, match=r"E1009 A.strides\[0\].*s >= 0"):
        kernel(f32(4)[::-1], f32(4))


def test_a_dim_of_nothing_but_none_is_zero(kernel_of: Make) -> None:
    text = """
func main[n, m](A: float32[n], B: float32[n, m], C: float32[m])
  launch (bx: m) threads 1
    C[bx] = 1.0
"""
    kernel = kernel_of(text.lstrip())
    assert dims_of(kernel, None, None, f32(3)) == (0, 3)
    assert dims_of(kernel, f32(2), None, f32(3)) == (2, 3)
    with pytest.raises(ArgumentError, match=r"E1\d+.*'C'"):
        kernel(f32(2), None, None)


@pytest.mark.parametrize(
    ("params", "shapes", "text"),
    [
        (
            "A: float32[4, k], B: float32[k, n]",
            [(4, 64), (65, 2)],
            r"k = 64 from A.shape\[1\], 65 from B.shape\[0\]",
        ),
        (
            "A: float32[n], B: float32[k], C: float32[n // 2]",
            [(16,), (1,), (9,)],
            r"n // 2 = 8 \(n = 16 from A.shape\[0\]\), 9 from C.shape\[0\]",
        ),
        ("A: float32[2 * n, k]", [(7, 1)], r"2 \* n with an integer n >= 0, got 7"),
        ("A: float32[n + 9, k]", [(7, 1)], r"n \+ 9 with an integer n >= 0, got 7"),
        (
            "A: float32[k], B: float32[n * k]",
            [(0,), (0,)],
            r"E1017.*dim 'n' open.*B.shape\[0\] = n \* k = 0",
        ),
    ],
)
def test_inconsistent_sizes(
    kernel_of: Make, params: str, shapes: list[tuple[int, ...]], text: str
) -> None:
    kernel = kernel_of(header("n, k", params))
    with pytest.raises(ArgumentError, match=text):
        kernel(*[f32(*shape) for shape in shapes])


@pytest.mark.parametrize(
    ("dims", "params"),
    [
        ("n", "A: float32[n // 2]"),
        ("n, m", "A: float32[n + m]"),
        ("n", "A: float32[4]"),
        ("n, m", "A: float32[n * m]"),
        ("n", "A: float32[n - n]"),
    ],
)
def test_dims_that_no_call_can_determine(
    kernel_of: Make, dims: str, params: str
) -> None:
    with pytest.raises(KernelError, match=r"E1021 no argument of main determines"):
        kernel_of(header(dims, params))


def test_an_output_may_stand_before_the_input_that_sizes_it(kernel_of: Make) -> None:
    text = header("m, n", "C: float32[m, 2 * n], A: float32[m], B: float32[n]")
    kernel = kernel_of(text.replace(")\n", ") -> (C)\n", 1))
    assert kernel(f32(3), f32(2)).shape == (3, 4)
    assert kernel(f32(0), f32(2)).shape == (0, 4)


def test_outputs_with_strides_and_impossible_outputs(kernel_of: Make) -> None:
    strided = header("m", "A: float32[m], C: float32[m, 3] strides(4, 1)")
    result = kernel_of(strided.replace(")\n", ") -> (C)\n", 1))(f32(2))
    assert result.strides == (16, 4)
    negative = header("m", "A: float32[m], C: float32[m - 3]")
    kernel = kernel_of(negative.replace(")\n", ") -> (C)\n", 1))
    with pytest.raises(ArgumentError, match=r"E1018.*'C'.*negative"):
        kernel(f32(2))
    huge = header("m", "A: float32[m], C: float32[m * 1152921504606846976]")
    kernel = kernel_of(huge.replace(")\n", ") -> (C)\n", 1))
    for size in (1, 5):
        with pytest.raises(ArgumentError, match=r"E1018.*'C'"):
            kernel(f32(size))


def test_a_negative_grid(kernel_of: Make) -> None:
    kernel = kernel_of(
        "func main[m](A: float32[m])\n  launch (bx: m - 3) threads 1\n    pass"
    )
    kernel(f32(3))
    with pytest.raises(ArgumentError, match=r"E1022.*m - 3 >= 0.*-1 \(m = 2 from A"):
        kernel(f32(2))


def test_many_shapes_do_not_pile_up(kernel_of: Make) -> None:
    kernel = kernel_of(header("m", "A: float32[m]"))
    for size in range(1200):
        assert dims_of(kernel, f32(size)) == (size,)
    assert len(kernel._binder._plans) <= 512
