"""Small random inputs for any function, found from its signature alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tiledsl.analysis import evaluate as analysis
from tiledsl.analysis.cost import cost
from tiledsl.analysis.effects import written
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Assert, Buffer, Const, Function, Launch, Var
from tiledsl.ir.visitor import walk
from tiledsl.runtime.dimensions import evaluate, symbols
from tiledsl.runtime.packing import of_bytes
from tiledsl.testing.registry import Array
from tiledsl.testing.ring import random_values
from tiledsl.testing.ring.encoding import NAN
from tiledsl.testing.special_values import place_specials
from tiledsl.testing.validation.layout import NoLayout, choose_strides, strided_array

Value = Array | int | float | bool

_ATTEMPTS: Final = 24
_ELEMENTS: Final = 1 << 20  # of all arrays together
_WORK: Final = 2e7  # scalar operations and bytes of one interpretation
_BLOCKS: Final = 512
_SIZES: Final = (1, 2, 3, 5, 7, 8)


class CannotSample(Exception):
    """Why no small inputs were found."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A value for each parameter of a function, outputs included, and for each dim."""

    values: tuple[Value, ...]
    dims: tuple[int, ...]
    seed: int = 0

    def known(self, function: Function) -> dict[str, int]:
        """The dims and integer parameters by name."""
        dims = dict(zip((dim.name for dim in function.dims), self.dims, strict=True))
        return dims | {
            param.name: int(value)
            for param, value in zip(function.params, self.values, strict=True)
            if isinstance(param, Var)
            and not isinstance(value, np.ndarray)
            and not param.dtype.is_float
        }

    def in_ring_mode(self, function: Function) -> Sample:
        """Random ring values in place of floats; NaN stays NaN."""
        rng = np.random.default_rng(self.seed + 1)
        values = tuple(
            _ring_value(value, rng) if param.dtype.is_float else value
            for param, value in zip(function.params, self.values, strict=True)
        )
        return replace(self, values=values)


def _ring_value(value: Value, rng: np.random.Generator) -> Value:
    if not isinstance(value, np.ndarray):
        return int(random_values(rng, (1,))[0])
    strides = tuple(step // value.itemsize for step in value.strides)
    ring = strided_array(value.shape, strides, np.dtype(np.int64))
    is_nan = np.isnan(value.astype(np.float64))
    ring[...] = np.where(is_nan, NAN, random_values(rng, value.shape))
    return ring


def generate_sample(function: Function, seed: int) -> Sample:
    """Inputs with dims of a few elements, around the tile sizes of the function.

    Raises CannotSample if they would be large, or if shapes do not work out.
    """
    rng = np.random.default_rng(seed)
    reason = "no attempt was made"
    for attempt in range(_ATTEMPTS):
        try:
            return _attempt(function, rng, seed, smallest=attempt >= _ATTEMPTS // 2)
        except (CannotSample, NoLayout) as error:
            reason = str(error)
    raise CannotSample(reason)


def _attempt(
    function: Function, rng: np.random.Generator, seed: int, *, smallest: bool
) -> Sample:
    sizes = _SIZES if smallest else (*_SIZES, *_around_tiles(function))
    in_shapes = {
        name
        for param in function.params
        if isinstance(param, Buffer)
        for extent in param.shape
        for name in symbols(extent)
    }
    known = {
        dim.name: int(rng.choice(sizes))
        for dim in function.dims
        if dim.name in in_shapes
    }
    numbers = {
        param.name: _number(param, rng, sizes if param.name in in_shapes else None)
        for param in function.params
        if isinstance(param, Var)
    }
    known |= {
        param.name: int(numbers[param.name])
        for param in function.params
        if isinstance(param, Var) and not param.dtype.is_float
    }
    _require_assumed(function, {**numbers, **known})
    shapes, strides = _layouts(function, known)
    _require_small(function, known, shapes)
    values: list[Value] = [
        numbers[param.name]
        if isinstance(param, Var)
        else _content(param, shapes[param.name], strides[param.name], rng)
        for param in function.params
    ]
    dims = tuple(known.get(dim.name, 1) for dim in function.dims)
    return Sample(tuple(values), dims, seed)


def _require_assumed(function: Function, values: dict[str, int | float | bool]) -> None:
    """What calls verify, passes may rely on."""
    promises = [part for part in function.body if isinstance(part, Assert)]
    for promise in promises:
        if promise.assumed and not analysis.evaluate(promise.condition, values):
            raise CannotSample("an assumption does not hold")


def _around_tiles(function: Function) -> Sequence[int]:
    """One less, the same and one more than the extents that the function works in."""
    tiles = {
        int(node.value)
        for node in walk(function)
        if isinstance(node, Const) and node.dtype == INDEX and 2 <= node.value <= 64
    }
    return sorted({tile + step for tile in tiles for step in (-1, 0, 1)})


def _number(
    param: Var, rng: np.random.Generator, sizes: Sequence[int] | None
) -> int | float | bool:
    if param.dtype.is_float:
        return float(np.float32(rng.standard_normal()))
    if param.dtype.kind == "bool":
        return bool(rng.integers(2))
    if sizes is not None:
        return int(rng.choice(sizes))
    return int(rng.integers(-1 if param.dtype.is_signed else 0, 9))


def _layouts(
    function: Function, known: dict[str, int]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Shapes and strides in elements; dims of strides are added to ``known``."""
    shapes: dict[str, tuple[int, ...]] = {}
    strides: dict[str, tuple[int, ...]] = {}
    writes = written(function.body)
    for position, param in enumerate(function.params):
        if isinstance(param, Buffer):
            shape = shape_of(param, known)
            shapes[param.name] = shape
            strides[param.name] = choose_strides(
                param,
                shape,
                known,
                apart=position in function.outputs or param.name in writes,
            )
    return shapes, strides


def shape_of(buffer: Buffer, known: Mapping[str, int]) -> tuple[int, ...]:
    """The shape for these dims.  Raises CannotSample."""
    shape = [evaluate(extent, known) for extent in buffer.shape]
    found = tuple(extent for extent in shape if extent is not None and extent >= 0)
    odd = buffer.dtype.is_packed and (
        buffer.strides is not None or any(extent % 2 for extent in found[-1:])
    )
    if len(found) < len(shape) or odd:
        raise CannotSample(f"no shape was found for {buffer.name}")
    return found


def _require_small(
    function: Function,
    known: Mapping[str, int],
    shapes: Mapping[str, tuple[int, ...]],
) -> None:
    elements = sum(int(np.prod(shape, dtype=np.float64)) for shape in shapes.values())
    if elements > _ELEMENTS:
        raise CannotSample(f"its arrays have {elements} elements")
    work = cost(function, [known.get(dim.name, 1) for dim in function.dims])
    if work.flops + work.moved > _WORK:
        raise CannotSample("its static sizes are large")
    for launch in function.body:
        if isinstance(launch, Launch):
            grid = [evaluate(extent, known) for extent in launch.grid]
            extents = [1 if extent is None else extent for extent in grid]
            if min(extents) < 0:
                raise CannotSample("the grid of a launch is negative")
            if int(np.prod(extents, dtype=np.float64)) > _BLOCKS:
                raise CannotSample("it launches many blocks")


def _content(
    param: Buffer,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    rng: np.random.Generator,
) -> Array:
    dtype = param.dtype
    if (
        dtype.is_packed
    ):  # as a kernel takes it: bytes, every code of which is an element
        storage = dtype.packed_storage.as_numpy()
        return rng.integers(0, 256, of_bytes(shape, dtype), np.uint8).view(storage)
    array = strided_array(shape, strides, dtype.as_numpy())
    if dtype.is_float:
        normal = rng.standard_normal(shape).astype(np.float32)
        array[...] = normal.astype(dtype.as_numpy())
        array[...] = place_specials(array, rng)
    elif dtype.kind == "bool":
        array[...] = rng.integers(0, 2, shape).astype(np.bool_)
    else:
        low = -2 if dtype.is_signed else 0
        array[...] = rng.integers(low, 18, shape).astype(dtype.as_numpy())
    return array
