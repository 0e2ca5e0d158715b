"""What a function means for a sample: the reference backend, run on garbage of two kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tiledsl import settings
from tiledsl.analysis.effects import written
from tiledsl.backend import Arguments, ArrayRef, Backend, BuildOptions, Target
from tiledsl.ir.nodes import Buffer, Function
from tiledsl.runtime.backends import find_backend, usable
from tiledsl.testing.bounds import Booleans
from tiledsl.testing.registry import Array
from tiledsl.testing.validation.layout import copy_of
from tiledsl.testing.validation.samples import CannotSample, Sample

Outputs = Mapping[str, Array]

# two kinds of garbage for undefined memory: seeds of the interpreter, bytes of outputs
_GARBAGE = ((1, 0xFF), (2, 0x5A))


@dataclass(frozen=True, slots=True)
class Meaning:
    """The results of two runs on different garbage; where they agree they are defined."""

    first: Outputs
    second: Outputs

    def defined(self, name: str) -> Booleans:
        """Which elements of an output do not depend on undefined memory."""
        return same_elements(self.first[name], self.second[name])


def meaning(function: Function, sample: Sample) -> Meaning:
    """Interprets a function; every ``proved`` flag is tested on the way."""
    backend = find_backend(settings.REFERENCE)
    target = target_here(backend)
    runs = []
    for seed, byte in _GARBAGE:
        extra = (("poison", str(seed)), ("check-proofs", "on"))
        options = BuildOptions(fast_math=function.fast_math, extra=extra)
        runs.append(run_on(backend, target, function, sample, options, byte))
    return Meaning(*runs)


def target_here(backend: Backend) -> Target:
    """The target of a backend that runs on host arrays.  Raises CannotSample."""
    target = usable(backend, "cpu")
    if target is None:
        raise CannotSample(f"backend '{backend.name}' runs nothing on host arrays here")
    return target


def run_on(
    backend: Backend,
    target: Target,
    function: Function,
    sample: Sample,
    options: BuildOptions,
    byte: int = 0xFF,
) -> Outputs:
    """Builds without passes, launches on copies, gives everything that was written."""
    executable = backend.build(function, target, options)
    writes = written(function.body)
    values: list[ArrayRef | int | float | bool] = []
    results: dict[str, Array] = {}
    for position, (param, value) in enumerate(
        zip(function.params, sample.values, strict=True)
    ):
        if not isinstance(param, Buffer) or not isinstance(value, np.ndarray):
            values.append(value)  # type: ignore[arg-type]
            continue
        if position in function.outputs:
            value = copy_of(value)
            # a bool has but two values
            one = np.frombuffer(bytes([byte]) * value.itemsize, value.dtype)
            value[...] = (byte & 1) if value.dtype == np.bool_ else one[0]
        elif param.name in writes:
            value = copy_of(value)
        if position in function.outputs or param.name in writes:
            results[param.name] = value
        values.append(_reference(param, value))
    executable.launch(Arguments(tuple(values), sample.dims))
    return results


def _reference(param: Buffer, array: Array) -> ArrayRef:
    strides = tuple(step // array.itemsize for step in array.strides)
    address = int(array.ctypes.data)
    return ArrayRef(address, array.shape, strides, param.dtype, "cpu", array, array)


def same_elements(a: Array, b: Array) -> Booleans:
    """Where two arrays have equal bits, any NaN being a NaN."""
    bits = np.dtype(f"u{a.dtype.itemsize}")
    same: Booleans = np.equal(np.array(a).view(bits), np.array(b).view(bits))
    if a.dtype.kind not in "biu":
        same |= np.isnan(a.astype(np.float64)) & np.isnan(b.astype(np.float64))
    return same
