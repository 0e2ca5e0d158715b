"""Programs: a function with the sizes and inputs of one call, all from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Apply, Buffer, Const, Expr, Function, Var
from tiledsl.runtime.packing import of_bytes
from tiledsl.testing.generator.choice import Choice, SeededChoice
from tiledsl.testing.generator.launches import function as random_function
from tiledsl.testing.generator.policy import POLICIES, Policy
from tiledsl.testing.registry import Array
from tiledsl.testing.ring import random_values
from tiledsl.testing.ring.encoding import NAN

Value = Array | int | float | bool

_INTEGERS: Final[dict[str, Callable[[int, int], int]]] = {
    "add": int.__add__,
    "sub": int.__sub__,
    "mul": int.__mul__,
    "min": min,
    "max": max,
    "ceildiv": lambda a, b: -(-a // b) if b else 0,
    "floordiv": lambda a, b: a // b if b else 0,
}


@dataclass(frozen=True, slots=True)
class Program:
    """A function, the values of its dims, and the seed of its inputs.

    ``given``: instead of random inputs, a value for each parameter, None for outputs.
    """

    function: Function
    dims: tuple[int, ...]
    data: int
    policy: str = ""
    seed: int = 0
    given: tuple[Value | None, ...] = field(default=(), compare=False, repr=False)

    def extents(self, buffer: Buffer) -> tuple[int, ...]:
        """The shape of a parameter in this call."""
        return tuple(self.size(extent) for extent in buffer.shape)

    def size(self, expr: Expr) -> int:
        """The value of an expression over dims."""
        match expr:
            case Const(value=value):
                return int(value)
            case Var(name=name):
                names = [dim.name for dim in self.function.dims]
                return self.dims[names.index(name)]
            case Apply(op=op, args=args):
                a, b = (self.size(arg) for arg in args)
                return _INTEGERS[op](a, b)
        raise TypeError(f"no expression over dims: {expr}")

    def values(self, prefill: int = 0xFF, *, ring: bool = False) -> tuple[Value, ...]:
        """One value per parameter; outputs are filled with the byte ``prefill``."""
        rng = np.random.default_rng(self.data)
        return tuple(
            self._output(param, prefill, ring=ring)
            if position in self.function.outputs
            else self._given(position, rng, ring=ring)
            if self.given
            else self._input(param, rng, ring=ring)
            for position, param in enumerate(self.function.params)
        )

    def _output(self, param: Buffer | Var, prefill: int, *, ring: bool) -> Array:
        if not isinstance(param, Buffer):
            raise TypeError("an output is a buffer")
        shape = of_bytes(self.extents(param), param.dtype)
        array = np.empty(shape, _carrier(param.dtype, ring))
        byte = prefill & 1 if array.dtype == np.bool_ else prefill
        array.view(np.uint8).reshape(-1)[...] = byte if array.ndim else 0
        return array

    def _given(self, position: int, rng: np.random.Generator, *, ring: bool) -> Value:
        """What the program was given; in ring mode other values where it has floats."""
        value = self.given[position]
        if value is None:
            raise TypeError("an input has a value")
        if not isinstance(value, np.ndarray):
            floats = ring and isinstance(value, float)
            return random_values(rng, (1,))[0].item() if floats else value
        if not ring or value.dtype.kind in "biu":
            return value.copy()
        elements = random_values(rng, value.shape)
        return np.where(np.isnan(value.astype(np.float32)), NAN, elements)

    def _input(
        self, param: Buffer | Var, rng: np.random.Generator, *, ring: bool
    ) -> Value:
        if isinstance(param, Var):
            scalar: Value = random_elements(rng, 1, param.dtype, ring=ring)[0].item()
            return scalar
        # pairs of packed elements are bytes, of which every one is right
        shape, dtype = (
            of_bytes(self.extents(param), param.dtype),
            in_memory(param.dtype),
        )
        if param.strides is None:
            count = int(np.prod(shape))
            return random_elements(rng, count, dtype, ring=ring).reshape(shape)
        strides = [self.size(stride) for stride in param.strides]
        return _strided(rng, dtype, shape, strides, ring=ring)


def in_memory(dtype: DType) -> DType:
    """What an array for a parameter of this dtype holds."""
    return dtype.packed_storage if dtype.is_packed else dtype


def _carrier(dtype: DType, ring: bool) -> np.dtype[np.generic]:
    dtype = in_memory(dtype)
    return np.dtype(np.int64) if ring and dtype.is_float else dtype.as_numpy()


def random_elements(
    rng: np.random.Generator, count: int, dtype: DType, *, ring: bool = False
) -> Array:
    """Small values, and here and there any bits at all."""
    if ring and dtype.is_float:
        return random_values(rng, (count,), specials=0.1)
    codes = rng.integers(0, 256, (count, dtype.bytes), dtype=np.uint8)
    if dtype == "bool":
        return (codes[:, 0] & 1).astype(np.bool_)
    wild = codes.view(dtype.as_numpy()).reshape(count)
    low = -4 if dtype.is_signed and dtype != "float8_e8m0fnu" else 0
    tame = rng.integers(low, 10, count).astype(np.float32)
    if dtype.is_float:
        tame = tame * np.float32(0.25)
    near = tame.astype(dtype.as_numpy())
    return np.where(rng.integers(0, 6, count) == 0, wild, near)


def _strided(
    rng: np.random.Generator,
    dtype: DType,
    shape: Sequence[int],
    strides: Sequence[int],
    *,
    ring: bool,
) -> Array:
    """A view with exactly these strides, in elements, of memory that holds it."""
    reach = [(extent - 1) * step for extent, step in zip(shape, strides, strict=True)]
    if 0 in shape:
        reach = [0]
    before = -sum(step for step in reach if step < 0)
    after = sum(step for step in reach if step > 0)
    memory = random_elements(rng, before + after + 1, dtype, ring=ring)
    size = memory.itemsize
    steps = [step * size for step in strides]
    raw = memory.view(np.uint8)  # not every element type has a buffer of its own
    return np.ndarray(shape, memory.dtype, raw, before * size, steps)


def generate(seed: int, policy: Policy | None = None) -> Program:
    """The program of a seed; without a policy the seed chooses that too."""
    return draw_program(SeededChoice(seed), policy, seed=seed)


def draw_program(
    choice: Choice, policy: Policy | None = None, *, seed: int = 0
) -> Program:
    """The program that a source of decisions makes."""
    chosen = policy
    if chosen is None:
        chosen = choice.pick(POLICIES)
        if choice.chance(50):  # exact programs compare backends on real floats
            chosen = replace(chosen, exact=True)
    function = random_function(choice, chosen)
    dims = tuple(_dim(choice, chosen, dim) for dim in function.dims)
    data = choice.integer(0, 2**31 - 1)
    return Program(function, dims, data, chosen.name, seed)


def _dim(choice: Choice, policy: Policy, dim: Var) -> int:
    """A size around the edges of tiles; strides are what they are."""
    if dim.name.startswith("ld"):
        return choice.pick((1, 3, 7, 2, 0, -2, 13))
    tile = choice.pick(policy.tiles)
    near = (tile, 1, 0, tile - 1, tile + 1, 2 * tile, 2 * tile - 1, 2 * tile + 1, 5, 11)
    return min(choice.pick(near), 13)
