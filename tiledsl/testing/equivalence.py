"""``assert_equivalent``: a user's own kernel, judged on several backends in three lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from tiledsl import settings
from tiledsl.analysis.effects import accesses
from tiledsl.diagnostics import Error
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime.backends import find_backend
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.bounds import Bounded
from tiledsl.testing.oracles import (
    JUDGES,
    RELATIVE,
    BackendLike,
    Oracle,
    Trial,
    Verdict,
    inputs_of,
    name_of,
    settled,
)
from tiledsl.testing.registry import Array, CompilableKernel, Exact, Expected, Static
from tiledsl.testing.subject import (
    POISONS,
    Argument,
    Subject,
    output_shapes,
    random_argument,
    subject_of,
)
from tiledsl.testing.validation import CannotSample, bisect_function
from tiledsl.testing.verify import runnable_backends

Reference = Callable[..., Expected | Array | Sequence[Expected | Array]]

# integers: only a kernel that is linear can be judged by it, which its author knows
DEFAULT_ORACLES: tuple[Oracle, ...] = ("bounds", "poison", "ring", "specials")


def assert_equivalent(
    kernel: JITKernel | CompilableKernel,
    inputs: Sequence[Argument] | None = None,
    *,
    shapes: Sequence[Sequence[tuple[int, ...]]] = (),
    static: Mapping[str, Static] | None = None,
    backends: Sequence[BackendLike] | None = None,
    reference: Reference | None = None,
    oracles: Sequence[Oracle] = DEFAULT_ORACLES,
    seed: int = 0,
) -> None:
    """Raises AssertionError if a backend computes something else.

    ``inputs`` are the run-time arguments, ``static`` the static ones of an eager kernel;
    each member of ``shapes`` is a further case with random arrays of those shapes.
    ``backends`` are names or objects; by default all that work here.  A ``reference`` is
    called with the inputs and gives the outputs in order: ``Bounded`` arrays for floats
    (see ``tiledsl.testing.exact``), plain arrays for integers.

    Of the ``oracles``, ``bounds`` needs a reference; ``integers`` is for kernels in which
    small integers stay exact.  The message names the kernel, backend, oracle and seed,
    the first wrong element, the first wrong step of the compilation and the line of the
    kernel that it breaks.
    """
    names = tuple(backends) if backends is not None else runnable_backends()
    problems: list[str] = []
    for case in _cases(kernel, inputs, shapes, static or {}, reference, seed):
        for backend in names:
            problems += _problems(case, backend, oracles)
    if problems:
        raise AssertionError("\n".join(problems))


@dataclass(frozen=True)
class Case:
    """A kernel with inputs and perhaps what it should compute."""

    kernel: JITKernel
    inputs: tuple[Argument, ...]
    reference: Reference | None
    seed: int

    @cached_property
    def reals(self) -> tuple[Subject, Mapping[str, Expected]]:
        shapes = output_shapes(self.kernel, self.inputs, settings.REFERENCE)
        subject = subject_of(self.kernel, self.inputs, shapes)
        if self.reference is None:
            return subject, {}
        return subject, _expected(self.reference, subject, self.inputs)

    @cached_property
    def integers(self) -> tuple[Subject, Mapping[str, Expected]]:
        """Small integers; without a reference the reference backend says what is right."""
        rounded = replace(self, inputs=tuple(_rounded(value) for value in self.inputs))
        subject, expected = rounded.reals
        if self.reference is None:
            outputs = subject.run(settings.REFERENCE, POISONS[0])
            expected = {
                label: Bounded(value.astype(np.float64), np.zeros(value.shape))
                for label, value in zip(subject.labels, outputs, strict=True)
            }
        return subject, expected


def _cases(
    kernel: JITKernel | CompilableKernel,
    inputs: Sequence[Argument] | None,
    shapes: Sequence[Sequence[tuple[int, ...]]],
    static: Mapping[str, Static],
    reference: Reference | None,
    seed: int,
) -> Iterator[Case]:
    if inputs is not None:
        built = kernel
        if not isinstance(built, JITKernel):
            built = built.compile(*inputs, **static)
        yield Case(built, tuple(inputs), reference, seed)
    for number, wanted in enumerate(shapes):
        if not isinstance(kernel, JITKernel):
            raise ValueError("shapes need a compiled kernel: pass kernel.compile(...)")
        made = random_inputs(kernel, wanted, seed=seed + number)
        yield Case(kernel, made, reference, seed + number)


def _problems(
    case: Case, backend: BackendLike, oracles: Sequence[Oracle]
) -> Iterator[str]:
    is_reference = name_of(backend) == settings.REFERENCE
    trial = Trial(case, backend)
    for oracle, judge in JUDGES.items():
        pointless = (oracle == "bounds" and case.reference is None) or (
            oracle in RELATIVE and is_reference
        )
        if oracle not in oracles or pointless:
            continue
        verdict = settled(partial(judge, trial))
        if verdict.status not in ("ok", "unsupported"):
            yield _message(case, backend, oracle, verdict)


def _message(case: Case, backend: BackendLike, oracle: Oracle, verdict: Verdict) -> str:
    lines = [
        f"{case.kernel.name} on {name_of(backend)}, oracle {oracle}, seed {case.seed}: "
        f"{verdict.detail}"
    ]
    lines += _origin(case, backend, oracle)
    return "\n  ".join(lines)


def _origin(case: Case, backend: BackendLike, oracle: Oracle) -> list[str]:
    """Where the compilation goes wrong; if it does not, which lines write the outputs."""
    subject = inputs_of(oracle, case)
    if name_of(backend) != settings.REFERENCE:
        found = find_backend(backend) if isinstance(backend, str) else backend
        try:
            finding = bisect_function(
                subject.function, subject.sample(case.seed), found
            )
        except (Error, CannotSample) as error:
            return [f"bisecting failed: {error}"]
        if finding is not None:
            return str(finding).splitlines()
    return [
        "every step of the compilation agrees with the kernel as it is traced; "
        "its outputs are written at " + ", ".join(_written_at(subject))
    ]


def _written_at(subject: Subject) -> list[str]:
    places = [
        str(access.node.span)
        for access in accesses(subject.function.body)
        if access.writes and access.buffer in subject.labels
    ]
    return list(dict.fromkeys(places))


def _rounded(value: Argument) -> Argument:
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biu":
        wide = np.nan_to_num(value.astype(np.float64))
        return np.clip(np.rint(2 * wide), -4, 4).astype(value.dtype)
    return float(round(value)) if isinstance(value, float) else value


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


def _expected(
    reference: Reference, subject: Subject, inputs: Sequence[Argument]
) -> dict[str, Expected]:
    given = reference(*inputs)
    values = [given] if isinstance(given, Bounded | Exact | np.ndarray) else list(given)
    names = subject.labels[: len(subject.outputs)]
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
