"""Array arguments that are refused, and odd ones that are not (rules L97-L103, L106)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import ml_dtypes
import numpy as np
import pytest

from tiledsl.diagnostics import ArgumentError, KernelError
from tiledsl.ir.nodes import Function
from tiledsl.runtime.kernel import JITKernel

Make = Callable[..., JITKernel]

COPY = """
    func copy[m](X: float32[m, 4], Y: float32[m, 4])
      launch (bx: m) threads 128
        copy X[bx, 0 +: 4] -> Y[bx, 0 +: 4] shape (4)
"""


@pytest.fixture
def copy(kernel_of: Make) -> JITKernel:
    return kernel_of(COPY, backend="numpy")


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def refusal(kernel: JITKernel, *args: object, **named: object) -> ArgumentError:
    """The error of a call; it names an argument and shows the signature."""
    with pytest.raises(ArgumentError) as caught:
        kernel(*args, **named)
    assert any("copy(X: float32[m, 4]" in note for note in caught.value.notes)
    return caught.value


# ------------------------------------------------------------------ calling


def test_arguments_by_position_and_by_name(copy: JITKernel) -> None:
    source = np.arange(12, dtype=np.float32).reshape(3, 4)
    for call in (
        lambda x, y: copy(x, y),
        lambda x, y: copy(x, Y=y),
        lambda x, y: copy(Y=y, X=x),
    ):
        target = zeros(3, 4)
        assert call(source, target) == []
        assert np.array_equal(source, target)


@pytest.mark.parametrize(
    ("args", "named", "code", "text"),
    [
        (0, {}, "E1001", "missing 2 arguments: 'X', 'Y'"),
        (1, {}, "E1001", "missing 1 argument: 'Y'"),
        (3, {}, "E1002", "takes 2 arguments but 3 were given"),
        (2, {"Z": 1}, "E1002", "unexpected argument 'Z'"),
        (2, {"X": 1}, "E1003", "multiple values for argument 'X'"),
    ],
)
def test_wrong_calls_read_like_pythons(
    copy: JITKernel, args: int, named: dict[str, object], code: str, text: str
) -> None:
    error = refusal(copy, *[zeros(2, 4)] * args, **named)
    assert error.code == code
    assert text in str(error)


def test_passing_an_output_is_explained(kernel_of: Make) -> None:
    kernel = kernel_of(COPY.replace(")\n      launch", ") -> (Y)\n      launch", 1))
    with pytest.raises(ArgumentError, match=r"allocates and returns Y"):
        kernel(zeros(2, 4), zeros(2, 4))
    with pytest.raises(ArgumentError, match=r"allocates and returns Y"):
        kernel(zeros(2, 4), Y=zeros(2, 4))


# ----------------------------------------------------- one wrong array at a time


class NotAnArray:
    pass


def _readonly() -> np.ndarray:
    array = zeros(2, 4)
    array.flags.writeable = False
    return array


def _overlapping() -> np.ndarray:
    return np.lib.stride_tricks.as_strided(zeros(8), (2, 4), (8, 4))


REFUSED: list[tuple[str, Callable[[], object], str, str]] = [
    ("a list", lambda: [[0.0] * 4] * 2, "E1004", "got list"),
    ("a str", lambda: "x", "E1004", "got str"),
    ("an object", NotAnArray, "E1004", "got NotAnArray"),
    ("a number", lambda: 1.0, "E1004", "got float"),
    ("a NumPy scalar", lambda: np.float32(1), "E1004", "got float32"),
    ("None", lambda: None, "E1016", "accesses it"),
    ("objects", lambda: zeros(2, 4).astype(object), "E1005", "object array"),
    (
        "a structured array",
        lambda: np.zeros((2, 4), [("a", "f4")]),
        "E1005",
        "structured array",
    ),
    ("a byte-swapped array", lambda: zeros(2, 4).astype(">f4"), "E1005", ">f4"),
    ("a masked array", lambda: np.ma.zeros((2, 4), "f4"), "E1005", "MaskedArray"),
    ("a matrix", lambda: np.asmatrix(zeros(2, 4)), "E1005", "matrix"),
    ("float64", lambda: np.zeros((2, 4)), "E1006", "expected float32, got float64"),
    ("strings", lambda: np.zeros((2, 4), "U3"), "E1006", "<U3"),
    ("rank 1", lambda: zeros(4), "E1007", "the shape (m, 4), got 1, the shape (4,)"),
    ("rank 3", lambda: zeros(1, 2, 4), "E1007", "got 3"),
    ("a wrong static dim", lambda: zeros(2, 5), "E1008", "4 declared, 5 from"),
    ("a transposed array", lambda: zeros(4, 2).T, "E1009", "row-major contiguous"),
    ("negative strides", lambda: zeros(2, 4)[::-1], "E1009", "(-4, 1)"),
    ("a broadcast array", lambda: np.broadcast_to(zeros(4), (2, 4)), "E1009", "(0, 1)"),
    (
        "a field between others",
        lambda: np.zeros((2, 4), [("a", "f4"), ("b", "i1")])["a"],
        "E1009",
        "multiples of the element size",
    ),
    ("an array of a column", lambda: zeros(2, 8)[:, :4], "E1009", "(8, 1)"),
]


@pytest.mark.parametrize(
    ("make", "code", "text"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
@pytest.mark.parametrize("place", [0, 1])
def test_refused_arrays(
    copy: JITKernel, make: Callable[[], object], code: str, text: str, place: int
) -> None:
    args: list[object] = [zeros(2, 4), zeros(2, 4)]
    args[place] = make()
    error = refusal(copy, *args)
    assert error.code == code
    assert "XY"[place] in error.message
    assert text in str(error)


def test_a_read_only_array_is_refused_only_where_it_is_written(copy: JITKernel) -> None:
    copy(_readonly(), zeros(2, 4))
    error = refusal(copy, zeros(2, 4), _readonly())
    assert error.code == "E1011"
    assert "'Y'" in str(error)


def test_a_written_array_may_not_overlap_itself(kernel_of: Make) -> None:
    strided = COPY.replace("Y: float32[m, 4]", "Y: float32[m, 4] strides(s, 1)")
    kernel = kernel_of(strided.replace("[m]", "[m, s]"), backend="numpy")
    with pytest.raises(ArgumentError, match=r"E1013 argument 'Y'.*overlaps itself"):
        kernel(zeros(2, 4), _overlapping())
    with pytest.raises(ArgumentError, match=r"E1013"):
        kernel(zeros(2, 4), np.broadcast_to(zeros(4), (2, 4)))
    wide = zeros(2, 8)
    kernel(np.ones((2, 4), np.float32), wide[:, 2:6])
    assert wide.sum() == 8
    assert wide[:, 2:6].sum() == 8


def test_a_written_array_may_not_share_memory(copy: JITKernel) -> None:
    memory = zeros(6, 4)
    error = refusal(copy, memory[:3], memory[:3])
    assert error.code == "E1012"
    assert "bytes 0 to 48 of 'Y'" in str(error)
    error = refusal(copy, memory[:3], memory[2:5])
    assert "bytes 0 to 16 of 'Y'" in str(error)
    copy(memory[:3], memory[3:])  # beside each other
    refusal(copy, memory[:3], memory[2:5])  # also when the plan is known


def test_inputs_may_share_memory(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func add[m](A: float32[m], B: float32[m], C: float32[m]) -> (C)
          launch (bx: 1) threads 1
            parallel (i: m)
              C[i] = A[i] + B[i]
        """,
        backend="numpy",
    )
    array = np.arange(5, dtype=np.float32)
    assert np.array_equal(kernel(array, array), 2 * array)


def test_interleaved_arrays_do_not_share_memory(kernel_of: Make) -> None:
    text = COPY.replace("[m](", "[m, s, t](")
    text = text.replace("X: float32[m, 4]", "X: float32[m, 4] strides(s, 1)")
    text = text.replace("Y: float32[m, 4]", "Y: float32[m, 4] strides(t, 1)")
    kernel = kernel_of(text, backend="numpy")
    memory = np.arange(24, dtype=np.float32).reshape(3, 8)
    kernel(memory[:, :4], memory[:, 4:])
    assert np.array_equal(memory[:, :4], memory[:, 4:])
    with pytest.raises(ArgumentError, match=r"E1012"):
        kernel(memory[:, :4], memory[:, 1:5])


# ------------------------------------------------------------ odd but right


def test_unit_and_empty_dims_may_have_any_stride(copy: JITKernel) -> None:
    row = np.lib.stride_tricks.as_strided(zeros(4), (1, 4), (12345, 4))
    copy(row, zeros(1, 4))
    empty = np.lib.stride_tricks.as_strided(zeros(4), (0, 4), (-8, 12))
    assert copy(empty, zeros(0, 4)) == []


def test_none_for_an_array_that_is_never_accessed(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func fill[m](X: float32[m], bias: float32[m, 7], Y: float32[m]) -> (Y)
          launch (bx: 1) threads 1
            copy X[0 +: m] -> Y[0 +: m] shape (m)
        """,
        backend="numpy",
    )
    assert np.array_equal(kernel(np.ones(3, np.float32), None), np.ones(3))


def test_unaligned_memory_works(copy: JITKernel) -> None:
    source = np.zeros(33, np.uint8)[1:].view(np.float32).reshape(2, 4)
    source[:] = 3.0
    target = zeros(2, 4)
    copy(source, target)
    assert np.all(target == 3.0)


def test_memory_maps_and_other_subclasses(copy: JITKernel, tmp_path: object) -> None:
    mapped = np.memmap(f"{tmp_path}/data", np.float32, "w+", shape=(2, 4))
    mapped[:] = 5
    target = zeros(2, 4)
    copy(mapped, target)
    assert np.all(target == 5)


def test_arrays_beyond_2_to_the_31_elements(kernel_of: Make, tmp_path: object) -> None:
    kernel = kernel_of(
        """
        func pick[n](X: int8[n], Y: int8[1]) -> (Y)
          launch (bx: 1) threads 1
            Y[0] = X[n - 1]
        """,
        backend="numpy",
    )
    size = (1 << 31) + 7
    sparse = np.memmap(f"{tmp_path}/sparse", np.int8, "w+", shape=(size,))
    sparse[-1] = 42
    assert kernel(sparse)[0] == 42


def test_more_bytes_than_can_be_addressed(kernel_of: Make) -> None:
    kernel = kernel_of(
        """
        func pick[n, s](X: float64[n] strides(s), Y: float64[1]) -> (Y)
          launch (bx: 1) threads 1
            Y[0] = X[0]
        """
    )

    class Huge:
        __array_interface__: ClassVar = {
            "version": 3,
            "typestr": "<f8",
            "data": (4096, False),
            "shape": (1 << 40,),
            "strides": (1 << 24,),
        }

    with pytest.raises(ArgumentError, match=r"E1020"):
        kernel(Huge())


@pytest.mark.parametrize("storage", [np.bool_, np.uint8, np.int8])
def test_bool_arrays_may_be_stored_as_bytes(
    kernel_of: Make, storage: type[np.generic]
) -> None:
    kernel = kernel_of(
        """
        func choose[n](P: bool[n], Y: int32[n]) -> (Y)
          launch (bx: 1) threads 1
            parallel (i: n)
              Y[i] = select(P[i], 10:int32, 20:int32)
        """,
        backend="numpy",
    )
    given = np.array([0, 1, 0, 1]).astype(storage)
    assert kernel(given).tolist() == [20, 10, 20, 10]


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_narrow_floats_have_carriers(kernel_of: Make, dtype: str) -> None:
    kernel = kernel_of(
        f"""
        func copy[n](X: {dtype}[n], Y: {dtype}[n]) -> (Y)
          launch (bx: 1) threads 1
            copy X[0 +: n] -> Y[0 +: n] shape (n)
        """,
        backend="numpy",
    )
    carrier = np.dtype(getattr(ml_dtypes, dtype))
    given = np.array([1.0, -0.5, 2.0], carrier)
    result = kernel(given)
    assert result.dtype == carrier
    assert result.tobytes() == given.tobytes()
    raw = given.view(np.uint16 if carrier.itemsize == 2 else np.uint8)
    with pytest.raises(ArgumentError, match=r"as_dtype"):
        kernel(raw)


def test_the_array_interface_and_dlpack_are_followed(copy: JITKernel) -> None:
    source, target = np.ones((2, 4), np.float32), zeros(2, 4)

    class Interface:
        __array_interface__ = target.__array_interface__

    class Pack:
        def __dlpack__(self, **options: object) -> object:
            return source.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return source.__dlpack_device__()

    copy(Pack(), Interface())
    assert np.all(target == 1)


def test_a_dlpack_object_of_another_device_is_refused(copy: JITKernel) -> None:
    class Elsewhere:
        def __dlpack__(self, **options: object) -> object:
            raise BufferError("memory of device type 8 cannot be exported")

        def __dlpack_device__(self) -> tuple[int, int]:
            return 8, 0

    with pytest.raises(ArgumentError, match=r"E1005 argument 'X', of type Elsewhere"):
        copy(Elsewhere(), zeros(2, 4))


def test_mixed_devices_are_refused(copy: JITKernel) -> None:
    class OnCuda:
        def __init__(self, address: int) -> None:
            self.__cuda_array_interface__ = {
                "version": 3,
                "typestr": "<f4",
                "data": (address, False),
                "shape": (2, 4),
                "strides": None,
            }

    error = refusal(copy, zeros(2, 4), OnCuda(1 << 40))
    assert error.code == "E1010"
    with pytest.raises(ArgumentError, match=r"E2002.*cuda"):
        copy(OnCuda(1 << 40), OnCuda(1 << 41))


def test_fresh_data_at_a_known_shape_is_read_again(copy: JITKernel) -> None:
    for value in (1.0, 2.0, 3.0):
        source, target = np.full((2, 4), value, np.float32), zeros(2, 4)
        copy(source, target)
        assert np.all(target == value)


def test_a_known_shape_does_not_excuse_a_new_fault(copy: JITKernel) -> None:
    copy(zeros(2, 4), zeros(2, 4))
    for make, code in (
        (_readonly, "E1011"),
        (lambda: np.zeros((2, 4), np.int32), "E1006"),
        (lambda: zeros(4, 2).T, "E1009"),
        (lambda: zeros(3, 4), "E1008"),
    ):
        assert refusal(copy, zeros(2, 4), make()).code == code


def test_the_trace_refuses_a_dim_that_nothing_determines(
    function_of: Callable[[str], Function],
) -> None:
    function = function_of(
        """
        func main[m, n](X: float32[m], Y: float32[n]) -> (Y)
          launch (bx: 1) threads 1
            fill Y[0 +: n] = 0.0
        """
    )
    with pytest.raises(KernelError, match=r"E1021.*'n'"):
        JITKernel(function)
