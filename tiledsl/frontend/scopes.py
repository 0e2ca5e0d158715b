"""Which local names may be read where (rules L19 and L21).

A *region* is code that becomes IR once but may run any number of times: a loop body or
an arm of a dynamic branch.  A name bound in a region ends with it, and cannot carry a
value from one iteration to the next.  Python's own names know nothing of this, so every
binding and every read of a local name is noted here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal

from tiledsl.diagnostics import KernelError
from tiledsl.ir.spans import NO_SPAN, Span

RegionKind = Literal["function", "launch", "loop", "arm"]
_CARRY_HINT: Final = 'make it a variable: {0} = T.alloc_var("int32", init=...)'


@dataclass(slots=True, eq=False)
class Region:
    """Code between the opening and the closing of a block."""

    kind: RegionKind
    span: Span
    open: bool = True
    # names read in this loop before it bound them, and where
    reads: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """Where a name got its value."""

    region: Region
    span: Span
    loop_variable: bool = False


class Names:
    """The bindings of one function being traced."""

    def __init__(self, parameters: tuple[str, ...]) -> None:
        self.regions = [Region("function", NO_SPAN)]
        top = self.regions[0]
        self._bindings = {name: Binding(top, NO_SPAN) for name in parameters}

    @contextmanager
    def region(self, kind: RegionKind, span: Span) -> Iterator[Region]:
        region = Region(kind, span)
        self.regions.append(region)
        try:
            yield region
        finally:
            self.regions.pop()
            region.open = False

    def save(self) -> dict[str, Binding]:
        return dict(self._bindings)

    def restore(self, saved: dict[str, Binding]) -> dict[str, Binding]:
        """Goes back to ``saved``; gives the bindings that were made since."""
        made = {
            name: binding
            for name, binding in self._bindings.items()
            if saved.get(name) is not binding
        }
        self._bindings = dict(saved)
        return made

    def adopt(self, bindings: dict[str, Binding]) -> None:
        self._bindings.update(bindings)

    # ------------------------------------------------------------ bind and read

    def bind(self, name: str, span: Span, *, loop_variable: bool = False) -> None:
        """Notes that ``name`` gets a value here.

        The variable of an inner loop may hide one of an outer loop.
        """
        old = self._bindings.get(name)
        hides = loop_variable and old is not None and old.region is not self.regions[-1]
        if old is not None and old.loop_variable and old.region.open and not hides:
            raise KernelError(
                "E0407",
                f"the loop variable {name} cannot be assigned",
                span=span,
                hint="give the new value a name of its own",
            )
        for region in self.regions:
            if region.kind == "loop" and name in region.reads:
                raise self._carried(name, region.reads[name], span)
        self._bindings[name] = Binding(self.regions[-1], span, loop_variable)

    def holds(self, name: str) -> bool:
        """Whether ``name`` has a value that may be read here."""
        binding = self._bindings.get(name)
        return binding is not None and binding.region.open

    def read(self, name: str, span: Span, *, static: bool) -> None:
        """Checks that ``name`` may be read here.

        ``static``: its value is known while tracing; such a name outlives its launch.
        """
        binding = self._bindings.get(name)
        if binding is None:
            raise self.undefined(name, span)
        region = binding.region
        if not region.open and not (static and region.kind == "launch"):
            raise _ended(name, span, binding)
        for outer in reversed(self.regions):
            if outer is region:
                break
            if outer.kind == "loop":
                outer.reads.setdefault(name, span)

    def undefined(self, name: str, span: Span) -> KernelError:
        return undefined_name(name, span, list(self._bindings))

    def _carried(self, name: str, read: Span, span: Span) -> KernelError:
        return KernelError(
            "E0404",
            f"{name} would carry a value from one iteration of the loop to the next",
            span=span,
            expected="names bound anew in each iteration",
            got=f"{name} read at line {read.line}, bound outside the loop",
            hint=_CARRY_HINT.format(name) + f" before the loop, then {name} = ...",
        )


def undefined_name(name: str, span: Span | None, known: list[str]) -> KernelError:
    """The error for a name without a value, with the nearest name that has one."""
    near = get_close_matches(name, known, n=1)
    return KernelError(
        "E0402",
        f"the name {name} has no value here",
        span=span,
        hint=f"did you mean {near[0]}?" if near else None,
    )


def _ended(name: str, span: Span, binding: Binding) -> KernelError:
    region = binding.region
    if region.kind == "arm":
        what, code = "branch that depends on run-time values", "E0405"
    elif region.kind == "launch":
        what, code = "T.Kernel", "E0406"
    else:
        what, code = "loop", "E0403"
    hint = _CARRY_HINT.format(name) + f" before the {what.split()[0]}"
    return KernelError(
        code,
        f"{name} was bound inside a {what} that has ended",
        span=span,
        expected="a name bound in this block or one around it",
        got=f"the binding at line {binding.span.line}",
        hint=hint if code != "E0406" else "write it to a T.alloc_global tensor",
    )
