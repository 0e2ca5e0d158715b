"""``breakpoint()`` in a kernel: Python's debugger with the kernel's own names."""

from __future__ import annotations

import bdb
import linecache
import sys
from collections.abc import Callable

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import CheckError, TileWarning

Stop = tuple[str, int, dict[str, object]]


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[Stop]:
    """Where the debugger would have stopped, and copies of what it would have seen."""
    seen: list[Stop] = []

    def hook() -> None:
        frame = sys._getframe(1)
        names = {
            name: np.copy(value)
            for name, value in frame.f_locals.items()
            if isinstance(value, np.ndarray | np.generic)
        }
        seen.append((frame.f_code.co_filename, frame.f_lineno, names))

    monkeypatch.setattr(sys, "breakpointhook", hook)
    return seen


@tiledsl.jit
def doubled(X, start: T.int32, block=4):
    n = T.const("n")
    X: T.Tensor((n,), "float32")
    Y = T.empty((n,), "float32")
    with T.Kernel(T.ceildiv(n, block)) as b:
        tile = T.alloc_shared((block,), "float32")
        T.copy(X[b * block], tile)
        for k in T.serial(2):
            once = b * 10 + k
            for i in T.Parallel(block):
                later = tile[i] + start + 0 * once
                if i > 1:
                    breakpoint()
                Y[b * block + i] = later
            breakpoint()
    return Y


X = np.arange(8, dtype=np.float32)


def test_names_are_the_kernels_and_arrays_are_real(stops: list[Stop]) -> None:
    doubled(X, 5, backend="numpy")
    assert len(stops) == 2 * 2 * 2
    file, line, names = stops[3]  # block 0, k = 1, behind the loop
    assert file == __file__
    assert linecache.getline(file, line).strip() == "breakpoint()"
    assert set(names) == {"X", "Y", "n", "b", "k", "once", "tile", "start", "block"}
    assert (names["b"], names["k"], names["once"]) == (0, 1, 1)
    assert (names["n"], names["start"], names["block"]) == (8, 5, 4)
    np.testing.assert_array_equal(names["tile"], X[:4])
    np.testing.assert_array_equal(names["Y"][:4], X[:4] + 5)


def test_in_parallel_values_belong_to_the_executing_iterations(
    stops: list[Stop],
) -> None:
    doubled(X, 5, backend="numpy")
    names = stops[4][2]  # block 1, k = 0
    np.testing.assert_array_equal(names["i"], [2, 3])
    np.testing.assert_array_equal(names["later"], X[6:] + 5)
    assert names["b"] == 1


def test_one_iteration_gives_plain_numbers(stops: list[Stop]) -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1):
            for i in T.Parallel(4):
                own = T.alloc_local((2,), "float32")
                own[0] = X[i]
                own[1] = -X[i]
                if i == 2:
                    breakpoint()
                Y[i] = own[1]
        return Y

    kernel(X[:4], backend="numpy")
    (stop,) = stops
    assert stop[2]["i"] == 2
    np.testing.assert_array_equal(stop[2]["own"], [2, -2])


@pytest.mark.parametrize("how", ["interpret", "check", "checked"])
def test_it_stops_once_in_every_way_of_interpreting(
    stops: list[Stop], how: str
) -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(2) as b:
            breakpoint()
            Y[2 * b] = X[b]
            Y[2 * b + 1] = X[b]
        return Y

    compiled = kernel.compile()
    if how == "check":
        assert compiled.check(X[:4]).ok  # the runs in other orders do not stop
    elif how == "checked":
        compiled(X[:4], checked=True)
    else:
        compiled.interpret(X[:4])
    assert [stop[2]["b"] for stop in stops] == [0, 1]


def test_an_array_may_be_changed_while_the_kernel_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hook() -> None:
        sys._getframe(1).f_locals["tile"][...] = 7

    monkeypatch.setattr(sys, "breakpointhook", hook)

    @tiledsl.jit(backend="numpy")
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1):
            tile = T.alloc_shared((4,), "float32")
            T.copy(X, tile)
            breakpoint()
            T.copy(tile, Y)
        return Y

    np.testing.assert_array_equal(kernel(X[:4]), np.full(4, 7, np.float32))


@pytest.mark.parametrize("backend", ["llvm", "triton"])
def test_compiled_code_does_not_stop_and_says_so(
    stops: list[Stop], backend: str
) -> None:
    with pytest.warns(TileWarning, match=r"W5031 .*interpret") as caught:
        np.testing.assert_array_equal(doubled(X, 5, backend=backend), X + 5)
    assert {warning.filename for warning in caught} == {__file__}
    assert not stops


def test_outside_a_launch_it_stops_while_the_kernel_is_traced(
    stops: list[Stop],
) -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        breakpoint()
        with T.Kernel(1):
            T.copy(X, Y)
        return Y

    kernel(X[:4])
    kernel(X[:4])
    assert len(stops) == 1


def test_a_name_of_the_user_is_not_the_builtin() -> None:
    calls: list[int] = []
    breakpoint: Callable[[], None] = lambda: calls.append(1)  # noqa: E731

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(1):
            breakpoint()
            T.copy(X, Y)
        return Y

    kernel(X[:4])
    assert calls == [1]


def test_leaving_the_debugger_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def quit_() -> None:
        raise bdb.BdbQuit

    monkeypatch.setattr(sys, "breakpointhook", quit_)
    with pytest.raises(bdb.BdbQuit):
        doubled(X, 5, backend="numpy")
    monkeypatch.setattr(sys, "breakpointhook", lambda: 1 // 0)
    with pytest.raises(CheckError, match=r"E5031 .*ZeroDivisionError") as caught:
        doubled(X, 5, backend="numpy")
    assert caught.value.span is not None and caught.value.span.file == __file__
