"""T.tunable: which value it has, and what is refused (rule L95)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError, KernelError

X = np.arange(10, dtype=np.int32)


@tiledsl.jit
def eager(X, rows=T.tunable("rows", [2, 4, 8])):
    N = T.dynamic("N")
    X: T.Tensor((N,), "int32")
    Y = T.empty((N,), "int32")
    factor = T.tunable("factor", [3, 5], default=5)
    with T.Kernel(T.ceildiv(N, rows)) as bx:
        for i in T.Parallel(rows):
            if T.tunable("twice", [False, True]):
                Y[bx * rows + i] = X[bx * rows + i] * 2 * factor
            else:
                Y[bx * rows + i] = X[bx * rows + i] * factor
    return Y


@tiledsl.jit(out_idx=-1, tunables={"rows": 4})
def lazy(N, rows=T.tunable("rows", [2, 4, 8])):
    columns = T.tunable("columns", ["few", "many"])

    @T.prim_func
    def main(X: T.Tensor((N,), "int32"), Y: T.Tensor((N,), "int32")):
        with T.Kernel(T.ceildiv(N, rows)) as bx:
            for i in T.Parallel(rows):
                Y[bx * rows + i] = X[bx * rows + i] + (1 if columns == "few" else 2)

    return main


def test_values_of_eager_calls() -> None:
    assert eager(X).tolist() == (X * 5).tolist()
    assert eager(X, tunables={"factor": 3, "twice": True}).tolist() == (X * 6).tolist()
    assert eager(X, tunables={"factor": 3}).tolist() == (X * 3).tolist()
    config = eager.compile(tunables={"rows": 8, "factor": 3}).config
    assert config == {"rows": 8, "factor": 3, "twice": False}
    assert eager.compile(rows=7).config["rows"] == 7  # an argument may be anything


def test_values_of_lazy_calls() -> None:
    assert lazy(10).config == {"N": 10, "rows": 4, "columns": "few"}
    kernel = lazy(10, tunables={"columns": "many", "rows": 2})
    assert kernel.config == {"N": 10, "rows": 2, "columns": "many"}
    assert kernel(X).tolist() == (X + 2).tolist()
    assert lazy(10) is lazy(10) is not kernel
    assert lazy(10, 8).config["rows"] == 8


def test_outside_of_kernels_it_is_a_description() -> None:
    assert repr(T.tunable("a", [1, 2], default=2)) == "T.tunable('a', [2, 1])"


@pytest.mark.parametrize(
    ("name", "choices", "default"),
    [
        ("a", [], None),
        ("a", 3, None),
        ("", [1], None),
        ("a", [1], 2),
        ("a", [[]], None),
    ],
)
def test_malformed(name: str, choices: object, default: object) -> None:
    with pytest.raises(KernelError, match="E0231"):
        T.tunable(name, choices, default)


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentError, match="E0232"):
        eager(X, tunables={"rows": 3})
    with pytest.raises(ArgumentError, match="E0232"):
        eager(X, tunables={"twice": 1})  # a number is no bool
    with pytest.raises(ArgumentError, match="E0232"):
        eager(X, tunables={"unknown": 3})
    with pytest.raises(ArgumentError, match="E1014"):
        eager(X, tunables=[1])

    @tiledsl.jit
    def twice_declared(X, rows=T.tunable("rows", [1, 2])):
        X: T.Tensor((10,), "int32")
        T.fill(X, T.tunable("rows", [1]))

    with pytest.raises(KernelError, match="E0231") as caught:
        twice_declared.compile()
    assert caught.value.span.line > 1


def test_of_a_prim_func() -> None:
    def build() -> object:
        @T.prim_func
        def main(Y: T.Tensor((3,), "int32")):
            T.fill(Y, T.tunable("value", [1, 2]))

        return main

    kernel = tiledsl.compile(build(), out_idx=-1, tunables={"value": 2})
    assert kernel().tolist() == [2, 2, 2] and kernel.config == {"value": 2}
