"""A traced kernel under test, run with outputs that the test allocates and poisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tiledsl.analysis.effects import written
from tiledsl.backend import ArrayRef, Backend, Capabilities
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Function
from tiledsl.runtime.binding import Binder
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.registry import Array
from tiledsl.testing.rims import Rimmed
from tiledsl.testing.ring import RingMode, random_values
from tiledsl.testing.ring.encoding import NAN
from tiledsl.testing.special_values import place_specials
from tiledsl.testing.validation.samples import CannotSample, Sample

Argument = Array | int | float

# Two bytes to fill memory with: NaN and -1, or an unlikely number.
POISONS = (0xFF, 0x5A)

# Ring mode makes programs for any target: it asks for no capability.
_ANY_TARGET = Capabilities(frozenset(), frozenset(), block_bytes=1 << 62)


class StrayWrite(Exception):
    """A kernel wrote to memory that is not its own."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A function with its arguments in the order of its parameters, outputs left out.

    ``shapes`` are those of its outputs.
    """

    kernel: JITKernel
    arguments: tuple[Argument, ...]
    outputs: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def function(self) -> Function:
        return self.kernel.function

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of what ``run`` gives, in order."""
        params = self.function.params
        writes = written(self.function.body)
        changed = (
            param.name
            for position, param in enumerate(params)
            if position not in self.outputs and isinstance(param, Buffer)
            if param.name in writes
        )
        return (*(params[position].name for position in self.outputs), *changed)

    def run(self, backend: str | Backend, poison: int) -> tuple[Array, ...]:
        """The outputs, then the arguments that the kernel writes; arguments stay as given.

        The byte ``poison`` fills outputs beforehand and surrounds every array.  Raises
        StrayWrite if the kernel writes there.
        """
        fresh = iter(self._poisoned(poison))
        given = iter(self.arguments)
        targets = written(self.function.body)
        rims: dict[str, Rimmed] = {}
        values: list[Argument] = []
        results: list[Array] = []
        changed: list[Array] = []
        for position, param in enumerate(self.function.params):
            is_output = position in self.outputs
            value = next(fresh) if is_output else next(given)
            if isinstance(value, np.ndarray):
                rims[param.name] = Rimmed(value, poison)
                value = rims[param.name].array
                if is_output:
                    results.append(value)
                elif param.name in targets:
                    changed.append(value)
            values.append(value)
        self.kernel(*values, backend=backend)
        for name, rim in rims.items():
            if not rim.intact:
                raise StrayWrite(f"memory outside {name} was written")
        return (*results, *changed)

    def _poisoned(self, poison: int) -> list[Array]:
        arrays: list[Array] = []
        for position, shape in zip(self.outputs, self.shapes, strict=True):
            dtype = self.function.params[position].dtype.as_numpy()
            array = np.empty(shape, dtype)
            # a bool has but two values
            array.view(np.uint8)[...] = poison & 1 if dtype == np.bool_ else poison
            arrays.append(array)
        return arrays

    def with_specials(self, rng: np.random.Generator) -> Subject:
        """The same with a few special values in every array of floats."""
        return replace(
            self,
            arguments=tuple(
                place_specials(value, rng) if isinstance(value, np.ndarray) else value
                for value in self.arguments
            ),
        )

    def sample(self, seed: int) -> Sample:
        """The arguments as a call binds them, for looking into a compilation."""
        given = iter(self.arguments)
        fresh = iter(self._poisoned(POISONS[0]))
        values = [
            next(fresh) if position in self.outputs else next(given)
            for position in range(len(self.function.params))
        ]
        arguments = Binder(self.function, self.kernel.name).bind(values, {}).arguments
        return Sample(
            tuple(_host_value(value) for value in arguments.values),
            arguments.dims,
            seed,
        )

    def in_ring_mode(self, rng: np.random.Generator) -> Subject:
        """The exact twin: floats become random ring values, NaN stays NaN."""
        given = iter(self.arguments)
        arguments = []
        for position, param in enumerate(self.function.params):
            if position not in self.outputs:
                arguments.append(_ring_argument(next(given), param.dtype, rng))
        function = RingMode().run(self.function, _ANY_TARGET)
        kernel = JITKernel(function, name=f"{self.kernel.name} (ring)")
        return replace(self, kernel=kernel, arguments=tuple(arguments))


def subject_of(
    kernel: JITKernel,
    arguments: Sequence[Argument],
    shapes: Sequence[tuple[int, ...]],
) -> Subject:
    """The kernel as a function that fills the outputs it is given."""
    function = kernel.function
    explicit = JITKernel(replace(function, outputs=()), name=kernel.name)
    return Subject(explicit, tuple(arguments), function.outputs, tuple(shapes))


def _host_value(value: ArrayRef | int | float | bool) -> Argument:
    if not isinstance(value, ArrayRef):
        return value
    if value.numpy is None:
        raise CannotSample("an argument is not in host memory")
    return value.numpy


def output_shapes(
    kernel: JITKernel, arguments: Sequence[Argument], backend: str
) -> list[tuple[int, ...]]:
    """The shapes of the outputs, found by a call."""
    result = kernel(*arguments, backend=backend)
    if result is None:
        return []
    results = result if isinstance(result, list | tuple) else [result]
    return [np.asarray(array).shape for array in results]


def _ring_argument(value: Argument, dtype: DType, rng: np.random.Generator) -> Argument:
    if not dtype.is_float:
        return value
    if not isinstance(value, np.ndarray):
        return int(random_values(rng, (1,))[0])
    values = random_values(rng, value.shape)
    return np.where(np.isnan(value.astype(np.float32)), NAN, values)


def random_argument(
    param: Buffer, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    """Normally distributed floats, or small integers."""
    dtype = param.dtype
    if dtype.is_float:
        return rng.standard_normal(shape).astype(np.float32).astype(dtype.as_numpy())
    low, high = {"bool": (0, 2)}.get(dtype.kind, (-8 if dtype.is_signed else 0, 9))
    return rng.integers(low, high, shape).astype(dtype.as_numpy())
