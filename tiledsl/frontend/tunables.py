"""``T.tunable``: static values that a caller or the tuner chooses (rule L95)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tiledsl.diagnostics import ArgumentError, KernelError, brief
from tiledsl.frontend.builder import Builder, here

Choice = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Tunable:
    """A name and the values that it may have, the usual one first."""

    name: str
    choices: tuple[Choice, ...]

    def __repr__(self) -> str:
        return f"T.tunable({self.name!r}, {list(self.choices)!r})"


@dataclass(slots=True)
class Assignment:
    """The values ``given`` for one trace, and the tunables that it met."""

    given: Mapping[str, object]
    met: dict[str, Tunable] = field(default_factory=dict)

    def value(self, tunable: Tunable) -> Choice:
        """The value of a tunable.  E0231: it was declared otherwise before."""
        before = self.met.setdefault(tunable.name, tunable)
        if before != tunable:
            raise KernelError(
                "E0231",
                f"the tunable {tunable.name} is declared twice with different choices",
                span=here(),
                expected=repr(before),
                got=repr(tunable),
            )
        if tunable.name not in self.given:
            return tunable.choices[0]
        for choice in tunable.choices:
            wanted = self.given[tunable.name]
            if choice == wanted and (type(choice) is bool) == (type(wanted) is bool):
                return choice
        raise ArgumentError(
            "E0232",
            f"the value of the tunable {tunable.name}",
            expected=f"one of {', '.join(map(brief, tunable.choices))}",
            got=brief(self.given[tunable.name]),
        )

    def values(self) -> dict[str, object]:
        """What each tunable of the trace was given."""
        return {name: self.value(tunable) for name, tunable in self.met.items()}

    def require_all_met(self, kernel: str) -> None:
        """Refuses values for names that the kernel does not have."""
        for name in self.given:
            if name not in self.met:
                raise ArgumentError(
                    "E0232",
                    f"{kernel} has no tunable {name!r}",
                    expected=f"one of {', '.join(self.met) or 'none'}",
                )


_ACTIVE: ContextVar[Assignment | None] = ContextVar("tiledsl_tunables", default=None)


@contextmanager
def assigning(given: Mapping[str, object]) -> Iterator[Assignment]:
    """While a function is traced: ``T.tunable`` gives these values, or the usual ones.

    Inside another one for the same values it goes on with that one.
    """
    active = _ACTIVE.get()
    known = active is not None and active.given is given
    assignment = active if active is not None and known else Assignment(given)
    token = _ACTIVE.set(assignment)
    try:
        yield assignment
    finally:
        _ACTIVE.reset(token)


def resolved(tunable: Tunable) -> Choice | Tunable:
    """The value in the trace in progress; outside one the tunable itself."""
    assignment = _ACTIVE.get()
    if assignment is not None:
        return assignment.value(tunable)
    return tunable if Builder.active_or_none() is None else tunable.choices[0]
