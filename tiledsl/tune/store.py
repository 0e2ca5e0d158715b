"""What was found before, kept beside compiled code (rules L110, L111).

A record names one of the candidates; it can be lost or damaged, and then is a miss.  The
key holds everything that the choice depends on, so that nothing found for one kernel,
size, device or list of candidates is used for another.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

import tiledsl
from tiledsl import settings
from tiledsl.ir.printer import print_function
from tiledsl.runtime.arrays import describe, is_array
from tiledsl.runtime.cache import open_cache
from tiledsl.runtime.kernel import JITKernel
from tiledsl.tune.space import Config


@dataclass(frozen=True, slots=True)
class Record:
    """The candidate chosen, by its place in the list, and its milliseconds."""

    choice: int
    latency: float


def key_of(kernel: JITKernel, configs: Sequence[Config], args: Sequence[object]) -> str:
    """The key: the first candidate's IR stands for the function and its static values."""
    compiled = kernel.compiled()
    return json.dumps(
        {
            "what": "tuning",
            "version": tiledsl.__version__,
            "function": print_function(kernel.function),
            "configs": [repr(sorted(config.items())) for config in configs],
            "arguments": [_shape(value) for value in args],
            "backend": compiled.backend.name,
            "target": compiled.target.name,
            "options": repr(compiled.options),
            "machine": [platform.machine(), platform.processor(), os.cpu_count()],
            "threads": settings.THREADS.value,
        },
        sort_keys=True,
    )


def _shape(value: object) -> str:
    if not is_array(value):
        return repr(value)
    facts = describe("argument", value)
    return f"{facts.dtype} {facts.shape} {facts.strides}"


def load(key: str, configs: Sequence[Config]) -> Record | None:
    """The record under a key, if there is one that these candidates can have made."""
    cache = open_cache()
    payload = None if cache is None else cache.load(key)
    try:
        fields = json.loads(payload or b"null")
        record = Record(int(fields["choice"]), float(fields["latency"]))
    except (ValueError, TypeError, KeyError):
        return None
    return record if 0 <= record.choice < len(configs) else None


def save(key: str, record: Record) -> None:
    """Keeps a record; whatever prevents that is no error."""
    cache = open_cache()
    if cache is not None:
        fields = {"choice": record.choice, "latency": record.latency}
        cache.save(key, json.dumps(fields).encode())
