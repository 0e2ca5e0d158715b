"""What can be wrong with a kernel on a backend, and who sees it.

``bounds``: every element within a sound bound of its float64 value.  ``poison``: outputs
prefilled with two different bytes come out the same, so that nothing is left unwritten
and results are reproducible.  ``integers``: small integers as inputs, compared bit for
bit (kernels that are linear).  ``ring``: the exact twin of the program gives the same
bits as on the reference backend.  ``specials``: NaN, infinities, zeros and subnormals in
the inputs give NaN and infinities (and zeros of a sign, where no sum could decide it) in
the same elements as on the reference backend.  ``exact``: the small programs of
``tiledsl.testing.programs`` give the bits that plain NumPy says.  ``compile``: targets
without a device here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np

from tiledsl import settings
from tiledsl.backend import Backend
from tiledsl.diagnostics import Error, UnsupportedByTarget
from tiledsl.testing.bits import first_unequal
from tiledsl.testing.bounds import Bounded
from tiledsl.testing.compare import Comparison, compare, compare_exact_values
from tiledsl.testing.registry import Array, Expected
from tiledsl.testing.special_values import CLASS_NAMES, class_of, keeps_zeros
from tiledsl.testing.subject import POISONS, StrayWrite, Subject

Oracle: TypeAlias = Literal[
    "bounds", "poison", "integers", "ring", "specials", "exact", "compile"
]
Status: TypeAlias = Literal["ok", "wrong", "inconclusive", "unsupported", "failed"]
BackendLike: TypeAlias = str | Backend

ORACLES: Final[tuple[Oracle, ...]] = (
    "bounds",
    "poison",
    "integers",
    "ring",
    "specials",
    "exact",
    "compile",
)

# those that compare a backend with the reference backend
RELATIVE: Final[frozenset[Oracle]] = frozenset({"ring", "specials"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an oracle decides."""

    status: Status
    detail: str = ""
    worst_share: float = 0.0


class Problem(Protocol):
    """A kernel with real inputs, with small integers as inputs, and what is right."""

    @property
    def seed(self) -> int: ...

    @property
    def reals(self) -> tuple[Subject, Mapping[str, Expected]]: ...

    @property
    def integers(self) -> tuple[Subject, Mapping[str, Expected]]: ...


@dataclass(frozen=True)
class Trial:
    """A problem on one backend."""

    problem: Problem
    backend: BackendLike

    @cached_property
    def outputs(self) -> tuple[Array, ...]:
        return self.problem.reals[0].run(self.backend, POISONS[0])


def name_of(backend: BackendLike) -> str:
    """The name of a backend that is given by name or as an object."""
    return backend if isinstance(backend, str) else backend.name


def inputs_of(oracle: Oracle, problem: Problem) -> Subject:
    """The kernel with the inputs on which an oracle judges it; real ones for ring mode."""
    if oracle == "integers":
        return problem.integers[0]
    subject = problem.reals[0]
    if oracle == "specials":
        return subject.with_specials(np.random.default_rng(problem.seed + 2))
    return subject


def _judge_bounds(trial: Trial) -> Verdict:
    expected = trial.problem.reals[1]
    pairs = zip(expected.items(), trial.outputs, strict=False)
    return _summary([compare(name, got, value) for (name, value), got in pairs])


def _judge_poison(trial: Trial) -> Verdict:
    subject = trial.problem.reals[0]
    again = subject.run(trial.backend, POISONS[1])
    return same_bits(
        subject.labels,
        trial.outputs,
        again,
        "differ between two prefills",
        ("once", "then"),
    )


def _judge_integers(trial: Trial) -> Verdict:
    subject, expected = trial.problem.integers
    outputs = subject.run(trial.backend, POISONS[0])
    return _summary(
        [
            compare_exact_values(name, got, value.value)
            for (name, value), got in zip(expected.items(), outputs, strict=False)
            if isinstance(value, Bounded)
        ]
    )


def _judge_ring(trial: Trial) -> Verdict:
    subject = trial.problem.reals[0]
    twin = subject.in_ring_mode(np.random.default_rng(trial.problem.seed + 1))
    truth = twin.run(settings.REFERENCE, POISONS[0])
    got = twin.run(trial.backend, POISONS[0])
    return same_bits(
        subject.labels, truth, got, "differ from the reference backend in ring mode"
    )


def _judge_specials(trial: Trial) -> Verdict:
    subject = inputs_of("specials", trial.problem)
    truth = subject.run(settings.REFERENCE, POISONS[0])
    got = subject.run(trial.backend, POISONS[0])
    signed_zeros = keeps_zeros(subject.function)
    for name, a, b in zip(subject.labels, truth, got, strict=True):
        if a.dtype.kind in "biu":
            continue  # which of two near values is chosen may depend on rounding
        kinds = [class_of(values, signed_zeros=signed_zeros) for values in (a, b)]
        wrong = kinds[0] != kinds[1]
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            expected, found = (CLASS_NAMES[int(kind[index])] for kind in kinds)
            place = ", ".join(map(str, index))
            return Verdict(
                "wrong",
                f"{name}: {int(wrong.sum())} of {wrong.size} of another class than on "
                f"the reference backend, [{place}]: expected {expected} "
                f"({a[index]}), got {found} ({b[index]})",
            )
    return Verdict("ok")


def settled(judge: Callable[[], Verdict]) -> Verdict:
    """The verdict, also when something is refused or fails on the way."""
    try:
        return judge()
    except StrayWrite as error:
        return Verdict("wrong", str(error))
    except UnsupportedByTarget as error:
        return Verdict("unsupported", error.summary)
    except Error as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        return Verdict("failed", error.summary + cause)
    except Exception as error:  # whatever a backend raises is a finding, not an end
        return Verdict("failed", f"{type(error).__name__}: {error}")


Judge: TypeAlias = Callable[[Trial], Verdict]
JUDGES: Final[Mapping[Oracle, Judge]] = MappingProxyType(
    {
        "bounds": _judge_bounds,
        "poison": _judge_poison,
        "integers": _judge_integers,
        "ring": _judge_ring,
        "specials": _judge_specials,
    }
)


def _summary(comparisons: Sequence[Comparison]) -> Verdict:
    worst = max((result.worst_share for result in comparisons), default=0.0)
    for result in comparisons:
        if not result.ok:
            return Verdict(
                "inconclusive" if not result.wrong else "wrong", str(result), worst
            )
    return Verdict("ok", "", worst)


def same_bits(
    names: Sequence[str],
    first: Sequence[Array],
    second: Sequence[Array],
    problem: str,
    words: tuple[str, str] = ("expected", "got"),
) -> Verdict:
    """Whether two runs gave the same bits, those of NaN too; ``words`` introduce values."""
    for name, a, b in zip(names, first, second, strict=True):
        found = first_unequal(a, b, one_nan=False)
        if found is not None:
            return Verdict(
                "wrong",
                f"{name}: {found.count} elements {problem}, [{found.place}]: "
                f"{words[0]} {a[found.index]}, {words[1]} {b[found.index]}",
            )
    return Verdict("ok")
