"""Elementwise functions as real kernels: built as IR, compiled by a backend, called.

Several formulas over the same inputs share one kernel.  What a backend refuses is found
by halving the list, so that every formula has a result or a refusal of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tiledsl.backend import Backend
from tiledsl.diagnostics import Error, UnsupportedByTarget
from tiledsl.ir.dtypes import INDEX, DType
from tiledsl.ir.nodes import (
    Buffer,
    Expr,
    Function,
    Launch,
    Load,
    Parallel,
    Store,
    Var,
    index,
)
from tiledsl.runtime.kernel import JITKernel

Array: TypeAlias = np.ndarray

# elements of one call: large enough for vectors and loops, small enough for any block
PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Refusal:
    """A backend does not do it: ``code`` says why.  Without a code it failed."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A result of ``dtype``, as an expression of one load from each input."""

    dtype: DType
    build: Callable[[tuple[Load, ...]], Expr]


Result: TypeAlias = Array | Refusal


class Program:
    """``Y_k[i] = formula_k(X_0[i], X_1[i], ...)`` on one backend."""

    def __init__(
        self,
        backend: str | Backend,
        sources: Sequence[DType],
        formulas: Sequence[Formula],
    ) -> None:
        self.backend = backend
        self.sources = tuple(sources)
        self.formulas = tuple(formulas)
        self._halves: tuple[Program, Program] | None = None
        self._kernels: dict[int, JITKernel] = {}

    def run(self, columns: Sequence[Array]) -> list[Result]:
        """The results for equally long inputs, in the order of the formulas."""
        count = len(columns[0])
        if count > PIECE:  # one kernel for all pieces: the last one is filled up
            columns = [np.resize(c, -(-count // PIECE) * PIECE) for c in columns]
        starts = range(0, len(columns[0]), PIECE)
        parts = [self._run([c[at : at + PIECE] for c in columns]) for at in starts]
        return [_joined(pieces, count) for pieces in zip(*parts, strict=True)]

    def _run(self, columns: Sequence[Array]) -> list[Result]:
        if self._halves is not None:
            return [result for half in self._halves for result in half._run(columns)]
        try:
            return self._call(columns)
        except Error as error:
            if len(self.formulas) == 1:
                return [refusal(error)]
            middle = len(self.formulas) // 2
            self._halves = (
                Program(self.backend, self.sources, self.formulas[:middle]),
                Program(self.backend, self.sources, self.formulas[middle:]),
            )
            return self._run(columns)

    def _call(self, columns: Sequence[Array]) -> list[Result]:
        given = len(columns[0])
        count = given + given % 2  # two packed elements share a byte
        if count not in self._kernels:
            function = elementwise_function(count, self.sources, self.formulas)
            self._kernels[count] = JITKernel(function)
        inputs = [
            in_memory(np.resize(column, count), dtype)
            for column, dtype in zip(columns, self.sources, strict=True)
        ]
        results = [
            in_memory(poisoned((count,), f.dtype), f.dtype) for f in self.formulas
        ]
        self._kernels[count](*inputs, *results, backend=self.backend)
        rows = zip(results, self.formulas, strict=True)
        return [from_memory(result, f.dtype)[:given] for result, f in rows]


def elementwise_function(
    count: int, sources: Sequence[DType], formulas: Sequence[Formula]
) -> Function:
    """One parallel loop over ``count`` elements in one block."""
    at, extent = Var("i", INDEX), index(count)
    inputs = [Buffer(f"X{k}", (extent,), dtype) for k, dtype in enumerate(sources)]
    results = [
        Buffer(f"Y{k}", (extent,), formula.dtype) for k, formula in enumerate(formulas)
    ]
    loads = tuple(Load(buffer, (at,)) for buffer in inputs)
    body = tuple(
        Store(result, (at,), formula.build(loads))
        for result, formula in zip(results, formulas, strict=True)
    )
    launch = Launch(
        (Var("b", INDEX),), (index(1),), (128,), (Parallel((at,), (extent,), body),)
    )
    return Function("elements", (*inputs, *results), (), (launch,))


def poisoned(shape: tuple[int, ...], dtype: DType) -> Array:
    """An array of unlikely values, so that an element never written is seen."""
    array = np.empty(shape, dtype.as_numpy())
    # a bool has but two values
    array.view(np.uint8)[...] = 1 if dtype.kind == "bool" else 0x5A
    return array


def in_memory(codes: Array, dtype: DType) -> Array:
    """An array as a kernel takes it: codes of packed dtypes two in a byte."""
    if not dtype.is_packed:
        return codes
    halves = codes.view(np.uint8) & 15
    pairs = halves[..., 0::2] | halves[..., 1::2] << 4
    return pairs.view(dtype.packed_storage.as_numpy())


def from_memory(array: Array, dtype: DType) -> Array:
    """The inverse of ``in_memory``."""
    if not dtype.is_packed:
        return array
    halves = array.view(np.uint8)
    codes = np.stack([halves & 15, halves >> 4], axis=-1)
    return codes.reshape(*array.shape[:-1], -1).view(dtype.as_numpy())


def refusal(error: Error) -> Refusal:
    """What an error says: a refusal has a code; anything else is a failure."""
    legal = isinstance(error, UnsupportedByTarget)
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return Refusal(error.code if legal else "", error.summary + cause)


def _joined(pieces: Sequence[Result], count: int) -> Result:
    arrays: list[Array] = []
    for piece in pieces:
        if isinstance(piece, Refusal):
            return piece
        arrays.append(piece)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)[:count]
