"""Launching what writes a log, and what becomes of the log after the launch."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tiledsl.backend import Arguments, ArrayRef, Executable
from tiledsl.diagnostics import Finding, Sample, TileWarning
from tiledsl.diagnostics.assertions import failure, raise_failures
from tiledsl.diagnostics.printed import print_value
from tiledsl.ir.dtypes import INT64, DType
from tiledsl.ir.nodes import Assert, Function, Print
from tiledsl.passes.record_observations import LOG_WORDS, SAMPLES, Recorded, Site
from tiledsl.runtime.arrays import address_of
from tiledsl.runtime.promises import Promises

_LOST: Final = "W5032"


@dataclass(frozen=True)
class RecordingExecutable:
    """Runs ``inner``, then prints what was recorded and raises for failed assertions."""

    inner: Executable
    recorded: Recorded
    original: Function
    asserts: bool

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return self.inner.stages

    @property
    def binary(self) -> bytes | None:
        return self.inner.binary

    def launch(self, arguments: Arguments) -> None:
        """The launch runs to its end, whatever fails (rule L72)."""
        failures: list[Finding] = []
        if self.asserts:
            failures += Promises(self.original).failures(arguments)
        if self.recorded.sites:
            log, read = _new_log(arguments)
            self.inner.launch(arguments._replace(values=(*arguments.values, log)))
            failures += show(self.recorded, read())
        else:
            self.inner.launch(arguments)
        raise_failures(self.original.name, failures)


def _new_log(arguments: Arguments) -> tuple[ArrayRef, Callable[[], np.ndarray]]:
    """Memory where the kernel runs, and a function that reads it after the launch."""
    arrays = [value for value in arguments.values if isinstance(value, ArrayRef)]
    device = arrays[0].device if arrays else "cpu"
    if device == "cpu":
        memory = np.zeros(LOG_WORDS, np.int64)
        return (
            ArrayRef(
                address_of(memory), (LOG_WORDS,), (1,), INT64, device, memory, memory
            ),
            lambda: memory,
        )
    torch = importlib.import_module("torch")
    place = getattr(arrays[0].owner, "device", "cuda")
    tensor = torch.zeros(LOG_WORDS, dtype=torch.int64, device=place)
    address = int(tensor.data_ptr())
    return (
        ArrayRef(address, (LOG_WORDS,), (1,), INT64, device, tensor),
        lambda: np.asarray(tensor.cpu()),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """One record: where it was written, and the words of what is printed."""

    site: Site
    where: Sample
    shape: tuple[int, ...]
    words: np.ndarray

    @property
    def order(self) -> tuple[int, tuple[int, ...]]:
        """By launch, then by block; what one block writes stays in order."""
        return self.site.launch, (self.where.block or ())[::-1]


def show(recorded: Recorded, log: np.ndarray) -> list[Finding]:
    """Prints what was printed; gives the assertions that failed."""
    samples: dict[int, list[Sample]] = {}
    for record in sorted(_records(recorded, log), key=lambda each: each.order):
        statement = record.site.statement
        if isinstance(statement, Print):
            print_value(statement.message, record.where, _printed(record))
        else:
            samples.setdefault(id(record.site), []).append(record.where)
    failures = []
    for number, site in enumerate(recorded.sites):
        count = int(log[1 + number])
        if count and isinstance(site.statement, Assert):
            found = samples.get(id(site), [])[:SAMPLES]
            failures.append(
                replace(failure(site.statement, count), samples=tuple(found))
            )
    return failures


def _records(recorded: Recorded, log: np.ndarray) -> Iterator[_Record]:
    """All complete records, in the order in which they were begun."""
    base, written = 1 + len(recorded.sites), int(log[0])
    words = log[base:]
    at = 0
    while at < min(written, len(words)):
        site = recorded.sites[int(words[at]) - 1]
        record, at = _record(site, words, at + 1)
        if at <= len(words):
            yield record
    if written > len(words):
        warnings.warn(
            f"{_LOST} {recorded.function.name} prints more than a call keeps: "
            f"{written - len(words)} of {written} words are lost",
            TileWarning,
            stacklevel=2,
        )


def _record(site: Site, words: np.ndarray, at: int) -> tuple[_Record, int]:
    """The record whose words begin at a position, and where the next one begins."""
    block = tuple(int(word) for word in words[at : at + site.blocks])
    at += site.blocks
    indices = words[at : at + len(site.loops)]
    pairs = zip(site.loops, indices, strict=False)
    loops = tuple((name, int(value)) for name, value in pairs)
    at += len(site.loops)
    shape = tuple(max(0, int(word)) for word in words[at : at + (site.rank or 0)])
    at += site.rank or 0
    count = int(np.prod(shape)) if site.has_value else 0
    record = _Record(site, Sample(block, loops), shape, words[at : at + count])
    return record, at + count


def _printed(record: _Record) -> np.ndarray | None:
    if not record.site.has_value:
        return None
    return _values(record.words, record.site.dtype).reshape(record.shape)[()]


def _values(words: np.ndarray, dtype: DType) -> np.ndarray:
    """The values that words stand for, in the dtype's carrier."""
    if dtype.is_float:
        with np.errstate(all="ignore"):
            return words.view(np.float64).astype(dtype.as_numpy())
    return words.astype(dtype.as_numpy())
