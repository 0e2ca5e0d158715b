"""Expressions of ``T.const`` above the annotations that give it a value."""

from __future__ import annotations

import tiledsl.language as T
from tiledsl.frontend.eager import ArrayShape, EagerFunction
from tiledsl.ir.printer import print_function


def test_divisions_before_the_annotations() -> None:
    def kernel(X, block=4):
        N = T.const("N")
        blocks = T.ceildiv(N, block)
        groups = T.ceildiv(blocks, 2) + T.floordiv(N, block)
        X: T.Tensor((N,), "float32")
        with T.Kernel(blocks) as bx:
            X[bx] = groups

    shapes = {"X": ArrayShape((10,), (1,))}
    traced = EagerFunction(kernel).trace({"block": 4}, shapes, {})
    text = print_function(traced.function)
    assert "launch" in text and "3" in text
    assert "X[bx] = 4.0" in text
