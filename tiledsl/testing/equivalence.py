"""``assert_equivalent``: a user's own kernel, judged on several backends in three lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tiledsl import settings
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.bounds import Bounded
from tiledsl.testing.compare import compare
from tiledsl.testing.registry import Array, CompilableKernel, Exact, Expected, Static
from tiledsl.testing.subject import (
    POISONS,
    Argument,
    Subject,
    output_shapes,
    random_argument,
    subject_of,
)
from tiledsl.testing.verify import runnable_backends, same_bits

Reference = Callable[..., Expected | Array | Sequence[Expected | Array]]


def assert_equivalent(
    kernel: JITKernel | CompilableKernel,
    inputs: Sequence[Argument],
    *,
    static: Mapping[str, Static] | None = None,
    backends: Sequence[str] | None = None,
    reference: Reference | None = None,
    seed: int = 0,
) -> None:
    """Raises AssertionError if a backend computes something else.

    ``inputs`` are the run-time arguments, ``static`` the static ones of an eager kernel.
    Every backend must give the bits of the reference backend in ring mode, where floats
    are exact whatever the order of sums, and write all of every output.  A ``reference``
    is called with the inputs and gives the outputs in order: ``Bounded`` arrays for
    floats (see ``tiledsl.testing.exact``), plain arrays for integers.

    With ``row_sum`` the eager kernel of the language reference::

        x = np.random.default_rng(0).standard_normal((70, 33), dtype=np.float32)
        assert_equivalent(
            row_sum, [x], static={"bm": 16}, reference=lambda x: sum_along(exact(x), -1)
        )
    """
    names = tuple(backends) if backends is not None else runnable_backends()
    built = kernel
    if not isinstance(built, JITKernel):
        built = built.compile(*inputs, **(static or {}))
    shapes = output_shapes(built, inputs, settings.REFERENCE)
    subject = subject_of(built, inputs, shapes)
    expected = {} if reference is None else _expected(reference, subject, inputs)
    twin = subject.in_ring_mode(np.random.default_rng(seed))
    truth = twin.run(settings.REFERENCE, POISONS[0])
    labels = _output_names(subject)

    def differences(name: str, what: str, *runs: Sequence[Array]) -> list[str]:
        verdict = same_bits(labels, runs[0], runs[1], f"differ ({what})")
        return [] if verdict.status == "ok" else [f"{name}: {verdict.detail}"]

    problems: list[str] = []
    for name in names:
        first = subject.run(name, POISONS[0])
        problems += differences(
            name, "two prefills", first, subject.run(name, POISONS[1])
        )
        if name != settings.REFERENCE:
            problems += differences(
                name, "ring mode", truth, twin.run(name, POISONS[0])
            )
        results = zip(expected.items(), first, strict=False)
        for verdict in (compare(label, got, value) for (label, value), got in results):
            problems += [] if verdict.ok else [f"{name}: {verdict}"]
    if problems:
        raise AssertionError("\n".join([f"{built.name}:", *problems]))


def random_inputs(
    kernel: JITKernel, shapes: Sequence[tuple[int, ...]], *, seed: int = 0
) -> tuple[Array, ...]:
    """Random arguments of the given shapes for a kernel that takes only arrays."""
    rng = np.random.default_rng(seed)
    function = kernel.function
    buffers = [
        param
        for position, param in enumerate(function.params)
        if position not in function.outputs and isinstance(param, Buffer)
    ]
    return tuple(
        random_argument(buffer, shape, rng)
        for buffer, shape in zip(buffers, shapes, strict=True)
    )


def _output_names(subject: Subject) -> list[str]:
    return [subject.function.params[position].name for position in subject.outputs]


def _expected(
    reference: Reference, subject: Subject, inputs: Sequence[Argument]
) -> dict[str, Expected]:
    given = reference(*inputs)
    values = [given] if isinstance(given, Bounded | Exact | np.ndarray) else list(given)
    names = _output_names(subject)
    if len(values) != len(names):
        raise ValueError(f"the reference gives {len(values)} outputs of {len(names)}")
    expected: dict[str, Expected] = {}
    for name, value in zip(names, values, strict=True):
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "biu":
                raise ValueError(
                    f"{name}: floats need a bound; see tiledsl.testing.exact"
                )
            value = Exact(value)
        expected[name] = value
    return expected
