"""Programs made of several functions: macros, their parameters, inlined methods."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing.programs.case import Case, Declared, Source, program


@program
@no_type_check
def macros_by_value_and_reference(source: Source) -> Case:
    @T.macro
    def shifted(values: T.FragmentBuffer, row: T.SharedBuffer, by):
        for i in T.Parallel(6):
            values[i] = row[i] + by

    @T.macro
    def doubled(element: T.Ref):
        element = element * 2

    @T.macro
    def sum_of(values: T.LocalBuffer):
        total = values[0] + values[1]
        return total

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((6,), "int32")
        Y = T.empty((7,), "int32")
        with T.Kernel(1):
            row = T.alloc_shared((6,), "int32")
            moved = T.alloc_fragment((6,), "int32")
            pair = T.alloc_local((2,), "int32")
            T.copy(X, row)
            shifted(moved, row, 10)
            doubled(moved[2])
            pair[0] = moved[0]
            pair[1] = moved[5]
            T.copy(moved, Y[0])
            Y[6] = sum_of(pair)
        return Y

    x = source.integers((6,))
    y = x + 10
    y[2] *= 2
    return Case(kernel, (x,), (np.append(y, y[0] + y[5]).astype(np.int32),))


@program
def methods_that_are_inlined(source: Source) -> Case:
    @T.meta_class
    class Counter:
        def __init__(self, step):
            self.value = T.alloc_var("int32", init=0)
            self.step = step

        def advance(self):
            self.value = self.value + self.step

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((5,), "int32")
        Y = T.empty((5,), "int32")
        with T.Kernel(1):
            counter = Counter(3)
            for i in T.serial(5):
                counter.advance()
                Y[i] = X[i] + counter.value
        return Y

    x = source.integers((5,))
    return Case(kernel, (x,), ((x + 3 * np.arange(1, 6)).astype(np.int32),))


@program
@no_type_check
def declared_parameters(source: Source) -> Case:
    """Order, scalars, several outputs; a buffer by its other names."""
    n = T.symbolic("n")

    @T.prim_func
    def kernel(
        Y: T.Tensor((n, 2), "int32"),
        factor: T.int32,
        X: T.Buffer((n, 2), "int32"),
        offset: T.float32,
    ):
        with T.Kernel(n, 2):
            row = T.get_block_binding(0)
            column = T.get_block_binding(1)
            at = X[row, column] * factor
            Y[row, column] = at + T.int32(offset)

    x = source.integers((7, 2))
    expected = x * 3 - 4
    return Case(Declared(kernel, 0), (3, x, -4.5), (expected.astype(np.int32),))


@program
def aliases_of_buffers(source: Source) -> Case:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4, 6), "int32")
        Y = T.empty((3, 8), "int32")
        B = T.empty((2, 4), "uint8")
        R = T.empty((2,), "int32")
        with T.Kernel(1):
            T.annotate_restrict_buffers(X, Y)
            tile = T.alloc_buffer((4, 6), "int32")
            T.copy(X, tile)
            wide = T.reshape(tile, (3, 8))
            wide[1, 1] = 100
            T.copy(wide, Y)
            words = T.alloc_shared((2,), "int32")
            words[0] = X[0, 0] * 1000
            words[1] = -5
            raw = T.view(words, (2, 4), "uint8")
            T.copy(raw, B)
            raw[1, 0] = 1
            T.copy(words, R)
        return Y, B, R

    x = source.integers((4, 6))
    y = x.reshape(3, 8).copy()
    y[1, 1] = 100
    words = np.array([x[0, 0] * 1000, -5], np.int32)
    raw = words.view(np.uint8).reshape(2, 4).copy()
    changed = raw.copy()
    changed[1, 0] = 1
    return Case(kernel, (x,), (y, raw, changed.view(np.int32).reshape(2)))


@program
def names_that_mean_the_same(source: Source) -> Case:
    @T.inline
    def tripled(value):
        return value * 3

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((2, 4), "int32")
        Y = T.empty((2, 4), "int32")
        N = T.empty((1,), "int32")
        with T.Kernel(1):
            T.clear(N)
        with T.Kernel(2, 2):
            row, half = T.get_block_bindings()[:2]
            T.inc_max_nreg(240)
            for i in T.parallel(2):
                Y[row, half * 2 + i] = tripled(X[row, half * 2 + i])
            T.dec_max_nreg(24)
            T.atomic_add(T.address_of(N[0]), 1)
        return Y, N

    x = source.integers((2, 4))
    return Case(kernel, (x,), (x * 3, np.array([4], np.int32)))
