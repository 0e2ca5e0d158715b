"""What is timed: a call whose outputs exist before, and what it computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.registry import Array


@dataclass(frozen=True, slots=True)
class Contender:
    """``run`` does the work once; ``results`` are its outputs, as arrays.

    A contender may compute fewer outputs than the kernel: the first ones.
    """

    name: str
    run: Callable[[], object]
    results: Callable[[], Sequence[Array]]


def prepared(
    name: str, kernel: JITKernel, arguments: Sequence[object], backend: str
) -> Contender:
    """The kernel as a contender: the same function, writing into arrays that exist."""
    first = kernel(*arguments, backend=backend)
    made = list(first) if isinstance(first, list | tuple) else [first]
    values = list(arguments)
    for place, value in sorted(
        zip(kernel.function.outputs, made, strict=True), key=lambda pair: pair[0]
    ):
        values.insert(place, value)
    function = replace(kernel.function, outputs=())
    timed = JITKernel(function, name=kernel.name, backend=backend)
    return Contender(
        name, lambda: timed(*values), lambda: [np.asarray(value) for value in made]
    )
