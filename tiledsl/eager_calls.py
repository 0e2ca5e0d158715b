"""Calls of eager functions: which kernel a call needs, and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np

from tiledsl.compile_options import CompileOptions
from tiledsl.diagnostics import ArgumentError, CheckReport, KernelError
from tiledsl.frontend.closures import Captures, frozen
from tiledsl.frontend.eager import ArrayShape, ConstSource, EagerFunction
from tiledsl.frontend.source import place_of
from tiledsl.frontend.tunables import assigning
from tiledsl.runtime.arrays import describe, is_array
from tiledsl.runtime.kernel import JITKernel

# what a scalar parameter may get; everything else has to be an array
_NUMBERS = (bool, int, float, np.generic)


NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EagerKernel:
    """A kernel, and the parameters of the function that are its arguments."""

    kernel: JITKernel
    inputs: tuple[str, ...]


class EagerCalls:
    """The kernels of one eager function, by what they were traced for.

    That is: captured values, static arguments, which arguments are None, and the values
    of ``T.const``.  Where the latter stand is known after the first trace.
    """

    def __init__(
        self,
        python: object,
        enclosing: Mapping[str, object],
        options: CompileOptions,
        captures: Captures,
    ) -> None:
        self.options = options
        self.captures = captures
        self.kernels: dict[Hashable, EagerKernel] = {}
        self._python = python
        self._enclosing = enclosing
        self._sources: dict[Hashable, tuple[ConstSource, ...]] = {}

    @cached_property
    def function(self) -> EagerFunction:
        if self.options.out_idx is not None:
            raise KernelError(
                "E0602",
                "out_idx has no meaning for an eager function",
                span=place_of(self._python),
                hint="declare outputs with T.empty and return them",
            )
        return EagerFunction(self._python, self._enclosing)

    def call(
        self,
        arguments: Mapping[str, object],
        options: Mapping[str, object],
        tunables: Mapping[str, object] = NOTHING,
    ) -> object:
        """Runs the kernel for these arguments; compiles it at the first such call."""
        found = self.kernel(arguments, {}, tunables)
        inputs = [arguments[name] for name in found.inputs]
        return found.kernel(*inputs, **options)  # type: ignore[arg-type]  # its options

    def check(self, arguments: Mapping[str, object], *, strict: bool) -> CheckReport:
        """Runs the kernel for these arguments in checked mode."""
        found = self.kernel(arguments, {})
        inputs = [arguments[name] for name in found.inputs]
        return found.kernel.check(*inputs, strict=strict)

    def prepare(self, arguments: Mapping[str, object]) -> Callable[[], object]:
        """The checked call with these arguments, as a function."""
        found = self.kernel(arguments, {})
        return found.kernel.prepare(*[arguments[name] for name in found.inputs])

    def kernel(
        self,
        arguments: Mapping[str, object],
        constants: Mapping[str, int],
        tunables: Mapping[str, object] = NOTHING,
    ) -> EagerKernel:
        """The kernel for these arguments, some of which may be left out."""
        candidates = self.function.candidates
        static = {
            name: value
            for name, value in arguments.items()
            if value is None or name not in candidates
        }
        kept = tuple(
            (name, self._frozen(name, value)) for name, value in static.items()
        )
        chosen = frozen("tunables", tunables) if tunables else None
        situation = (self.captures.token(), kept, tuple(constants.items()), chosen)
        sources = self._sources.get(situation)
        if sources is not None:
            found = self.kernels.get((situation, _values(sources, arguments)))
            if found is not None:
                return found
        arrays = {
            name: _array_shape(name, value)  # says what else is no array
            for name, value in arguments.items()
            if name not in static and not isinstance(value, _NUMBERS)
        }
        with assigning(tunables) as assignment:
            traced = self.function.trace(static, arrays, constants)
        assignment.require_all_met(traced.function.name)
        self._sources[situation] = traced.sources
        config = {**static, **constants, **assignment.values()}
        kernel = self.options.kernel(traced.function, "eager", config)
        found = EagerKernel(kernel, traced.inputs)
        self.kernels[situation, _values(traced.sources, arguments)] = found
        return found

    def _frozen(self, name: str, value: object) -> Hashable:
        if is_array(value):
            raise ArgumentError(
                "E0618",
                f"the parameter {name} gets an array",
                expected=f"`{name}: T.Tensor(...)` in the signature or the body",
                got="no such annotation, which makes it a static value",
            )
        return frozen(name, value)


def _values(
    sources: tuple[ConstSource, ...], arguments: Mapping[str, object]
) -> tuple[object, ...]:
    """What these arguments give to each ``T.const``; None where they do not fit."""
    values: list[object] = []
    for source in sources:
        value = arguments.get(source.parameter)
        if source.entry == "shape":
            entries = getattr(value, "shape", ()) if is_array(value) else ()
        else:
            entries = _array_shape(source.parameter, value).strides
        values.append(entries[source.axis] if source.axis < len(entries) else None)
    return tuple(values)


def _array_shape(name: str, value: object) -> ArrayShape:
    facts = describe(name, value)
    return ArrayShape(facts.shape, facts.strides)
