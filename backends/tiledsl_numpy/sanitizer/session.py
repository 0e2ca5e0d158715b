"""The state of one checked run, and how something is reported at the present place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from tiledsl.diagnostics.check_report import Finding, Sample, Severity
from tiledsl.diagnostics.findings import Findings
from tiledsl.ir import nodes as ir
from tiledsl_numpy import masks
from tiledsl_numpy.frame import Frame
from tiledsl_numpy.masks import Mask
from tiledsl_numpy.samples import MOST_SAMPLES, chosen_places, sample_at
from tiledsl_numpy.sanitizer.program import Program
from tiledsl_numpy.sanitizer.shadow import Shadow, Shadows

# the way out of an undefined read
WRITE_FIRST = "write it first; T.clear and T.fill set a whole tile"

# where a finding happened, as positions along the lanes, to what else there is to say
Describe = Callable[[tuple[int, ...]], Sample]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop that runs: its ``Parallel`` number, extents, and the buffers it stores to."""

    epoch: int
    extents: tuple[int, ...]
    stored: frozenset[str]


@dataclass(frozen=True, slots=True)
class Flight:
    """An asynchronous copy that nothing has waited for yet, and what it writes."""

    statement: ir.Copy
    shadow: Shadow


@dataclass(slots=True)
class Session:
    """Everything that the checks of one run share.

    ``block`` and ``number``: the present block's index, and its number in the launch that
    ``launch`` counts.  ``starts``: the first value of every running ``For`` whose bounds
    depend on no data.  ``definitions``: what ``Let`` has named.  ``conditions``: how many
    conditions enclose the present place.  ``blamed``: NaN and infinities that already
    have an origin.  ``flights``: the block's asynchronous copies on their way.
    """

    program: Program
    strict: bool = False
    findings: Findings = field(default_factory=Findings)
    shadows: Shadows = field(default_factory=Shadows)
    block: tuple[int, ...] | None = None
    number: int = 0
    epoch: int = 0
    launch: int = 0
    blocks: int = 0
    starts: dict[str, int] = field(default_factory=dict)
    definitions: dict[str, ir.Expr] = field(default_factory=dict)
    conditions: int = 0
    parallel: Loop | None = None
    blamed: set[str] = field(default_factory=set)
    flights: list[Flight] = field(default_factory=list)

    def report(
        self,
        finding: Finding,
        frame: Frame,
        wrong: np.ndarray | bool = True,
        describe: Describe | None = None,
    ) -> None:
        """Reports a finding in every lane that is active and ``wrong``."""
        lanes = frame.lanes.shape
        chosen = masks.both(frame.active, np.asarray(wrong))
        where = np.broadcast_to(np.asarray(chosen), lanes)
        count = int(np.count_nonzero(where))
        if count:
            places = islice(chosen_places(frame, wrong), MOST_SAMPLES)
            samples = self._samples(places, frame, describe)
            self.findings.add(_counted(finding, count), samples)

    def report_elements(
        self, finding: Finding, frame: Frame, wrong: np.ndarray, origin: tuple[int, ...]
    ) -> None:
        """Reports a finding for every ``wrong`` element of a box from ``origin`` on."""
        count = int(np.count_nonzero(wrong))
        if count:
            samples = []
            for place in islice(np.argwhere(wrong), MOST_SAMPLES):
                index = tuple(int(i) + o for i, o in zip(place, origin, strict=True))
                samples.append(self.sample(frame, (), Sample(index=index)))
            self.findings.add(_counted(finding, count), samples)

    def _samples(
        self,
        places: Iterator[tuple[int, ...]],
        frame: Frame,
        describe: Describe | None,
    ) -> Iterator[Sample]:
        for place in places:
            known = describe(place) if describe else Sample()
            yield self.sample(frame, place, known)

    def sample(self, frame: Frame, place: tuple[int, ...], known: Sample) -> Sample:
        """``known`` with the block and the loop variables of a lane."""
        where = sample_at(frame, place)
        return Sample(where.block, where.loops, known.index, known.detail)


def _counted(finding: Finding, count: int) -> Finding:
    return Finding(
        finding.severity,
        finding.code,
        finding.message,
        finding.kind,
        finding.span,
        finding.buffer,
        finding.extents,
        count,
        (),
        finding.hint,
    )


def finding(
    severity: Severity,
    code: str,
    message: str,
    node: ir.Node,
    *,
    kind: str = "",
    buffer: ir.Buffer | None = None,
    array: np.ndarray | None = None,
    hint: str | None = None,
) -> Finding:
    """A finding at a node, about a buffer with its present memory."""
    extents = None
    if buffer is not None and array is not None:
        extents = tuple(array.shape[array.ndim - buffer.rank :])
    name = buffer.name if buffer is not None else None
    return Finding(severity, code, message, kind, node.span, name, extents, hint=hint)


def chosen_lanes(frame: Frame, mask: Mask) -> np.ndarray:
    """The row-major numbers, within the frame's lanes, of the lanes of a mask."""
    lanes = frame.lanes.shape
    if mask is None:
        return np.arange(int(np.prod(lanes, dtype=np.int64)))
    return np.flatnonzero(np.broadcast_to(mask, lanes))
