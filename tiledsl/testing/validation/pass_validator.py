"""Translation validation: every pass of a compilation judged on the function at hand."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from tiledsl.analysis.fold import fold_apply, fold_cast
from tiledsl.backend import Capabilities
from tiledsl.diagnostics import (
    CheckError,
    Error,
    InternalError,
    TileWarning,
    UnsupportedByTarget,
)
from tiledsl.ir.nodes import Apply, Cast, Const, Function, Node
from tiledsl.ir.printer import print_function
from tiledsl.ir.visitor import transform
from tiledsl.passes.base import Pass
from tiledsl.testing.ring import RingMode
from tiledsl.testing.validation.bounded_loops import bound_loops
from tiledsl.testing.validation.deferred_copies import DeferredCopies
from tiledsl.testing.validation.differences import Difference, first_difference
from tiledsl.testing.validation.interpreting import Meaning, meaning
from tiledsl.testing.validation.narrowing import narrow
from tiledsl.testing.validation.samples import CannotSample, Sample, generate_sample

Mode = Literal["ring mode", "real mode"]

ANY_TARGET: Final = Capabilities(frozenset(), frozenset(), block_bytes=1 << 62)


def in_mode(
    function: Function, sample: Sample, mode: Mode
) -> tuple[Function, Sample] | None:
    """The function and inputs in a mode; None if it has no meaning there."""
    function = bound_loops(function)
    if mode == "real mode":
        return function, sample
    try:
        twin = RingMode().run(_fold_numbers(function), ANY_TARGET)
    except UnsupportedByTarget:
        return None
    return twin, sample.in_ring_mode(function)


def _fold_numbers(function: Function) -> Function:
    """The function with operations on constants done.

    A half has no inverse modulo 2^32, so ring mode tells 3 * 0.5 from 1.5; a pass that
    folds must not be blamed for that.
    """

    def change(node: Node) -> Node:
        folded = None
        if isinstance(node, Apply):
            numbers = tuple(arg for arg in node.args if isinstance(arg, Const))
            if len(numbers) == len(node.args):
                folded = fold_apply(node.op, numbers)
        elif isinstance(node, Cast):
            folded = fold_cast(node)
        return node if folded is None else replace(folded, span=node.span)

    return transform(function, change)


def validator(
    function: Function, capabilities: Capabilities, count: int
) -> PassValidator:
    """Judges the passes of one compilation on ``count`` inputs in ring mode and one in
    real mode.  A function for which no small inputs are found is remarked on.
    """
    cases: list[tuple[Mode, Sample]] = []
    try:
        cases += [
            ("ring mode", generate_sample(function, seed)) for seed in range(count)
        ]
        cases.append(("real mode", generate_sample(function, count)))
    except CannotSample as reason:
        code = "W5080"
        text = f"the passes on '{function.name}' are not validated: {reason}"
        warnings.warn(TileWarning(f"{code} {text}"), stacklevel=2)
    return PassValidator(function.name, capabilities, tuple(cases))


@dataclass
class PassValidator:
    """An observer of ``run_pipeline``; raises InternalError for a pass that is wrong.

    Ring mode must keep every bit of defined elements, and so must real mode if the pass
    is declared exact.  What approximates is not judged here.
    """

    name: str
    capabilities: Capabilities
    cases: Sequence[tuple[Mode, Sample]]
    _last: tuple[Function, dict[int, Meaning | None]] | None = field(
        default=None, repr=False
    )

    def __call__(self, step: Pass, before: Function, after: Function) -> None:
        if after is before or after == before or step.contract == "approximates":
            return
        old = self._meanings(before)
        new: dict[int, Meaning | None] = {}
        for number, (mode, sample) in enumerate(self.cases):
            truth = old[number]
            if truth is None or (mode == "real mode" and step.contract != "exact"):
                continue
            try:
                found = _meaning(after, sample, mode)
            except Error as error:
                raise self._failed(step, before, sample, error) from error
            new[number] = found
            difference = first_difference(truth, found.first) if found else None
            if difference is not None:
                raise self._wrong(step, before, after, mode, sample, difference)
        self._last = (after, new)
        self._judge_late_copies(step, before, after)

    def _meanings(self, function: Function) -> dict[int, Meaning | None]:
        """The meaning for each case; None where the case says nothing about it."""
        known: dict[int, Meaning | None] = {}
        if self._last is not None and self._last[0] is function:
            known = dict(self._last[1])
        for number, (mode, sample) in enumerate(self.cases):
            if number not in known:
                try:
                    known[number] = _meaning(function, sample, mode)
                except CheckError:  # these inputs are not for this function
                    known[number] = None
        return known

    def _judge_late_copies(self, step: Pass, before: Function, after: Function) -> None:
        """A pass may not make it matter when the copies of a pipelined loop arrive."""
        late = DeferredCopies()
        late_after = late.run(after, self.capabilities)
        if not self.cases or late_after == after:
            return
        _, sample = self.cases[-1]
        late_before = late.run(before, self.capabilities)
        if _disagreement(before, late_before, sample) is not None:
            return  # it mattered before
        difference = _disagreement(after, late_after, sample)
        if difference is not None:
            raise InternalError(
                "E9012",
                f"after pass {step.name} the result of '{self.name}' depends on when "
                "the copies of a pipelined loop arrive",
                span=after.span,
                expected=f"{difference.expected} in {difference.element}",
                got=f"{difference.got} with copies that arrive late",
                notes=[
                    _described(sample, before),
                    "the function after the pass:",
                    print_function(after),
                ],
            )

    def _failed(
        self, step: Pass, before: Function, sample: Sample, error: Error
    ) -> InternalError:
        return InternalError(
            "E9011",
            f"after pass {step.name} '{self.name}' cannot be run: {error.summary}",
            span=error.span or before.span,
            notes=[
                _described(sample, before),
                "the function before the pass:",
                print_function(before),
            ],
        )

    def _wrong(
        self,
        step: Pass,
        before: Function,
        after: Function,
        mode: Mode,
        sample: Sample,
        difference: Difference,
    ) -> InternalError:
        def trial(function: Function, inputs: Sample) -> Difference | None:
            changed = step.run(function, self.capabilities)
            truth, found = (_meaning(f, inputs, mode) for f in (function, changed))
            if truth is None or found is None:
                return None
            return first_difference(truth, found.first)

        blame = narrow(before, sample, difference, trial)
        return InternalError(
            "E9011",
            f"pass {step.name} ({step.contract}) changes what '{self.name}' computes",
            span=blame.span if blame else before.span,
            expected=f"{difference.expected} in {difference.element}",
            got=str(difference.got),
            notes=[
                *([f"the first wrong statement: {blame.text}"] if blame else []),
                f"{difference.count} elements differ in {mode}",
                _described(sample, before),
                "the function before the pass:",
                print_function(before),
                "and after it:",
                print_function(after),
            ],
        )


def _meaning(function: Function, sample: Sample, mode: Mode) -> Meaning | None:
    changed = in_mode(function, sample, mode)
    return None if changed is None else meaning(*changed)


def _disagreement(eager: Function, late: Function, sample: Sample) -> Difference | None:
    try:
        truth, found = (_meaning(f, sample, "real mode") for f in (eager, late))
    except Error:
        return None
    if truth is None or found is None:
        return None
    return first_difference(truth, found.first)


def _described(sample: Sample, function: Function) -> str:
    sizes = [
        f"{name} = {value}"
        for name, value in sample.known(function).items()
        if not isinstance(value, np.ndarray)
    ]
    return f"generated inputs with seed {sample.seed}: {', '.join(sizes) or 'no dims'}"
