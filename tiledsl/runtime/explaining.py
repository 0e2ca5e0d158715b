"""What happened to a kernel on its way to the machine, in words."""

from __future__ import annotations

from collections.abc import Iterator

from tiledsl.ir.nodes import Function, Statement
from tiledsl.ir.visitor import walk
from tiledsl.runtime.compiling import Compiled


def explain(name: str, signature: str, compiled: Compiled) -> str:
    """The signature, the target, each pass with its effect, the stages there are."""
    return "\n".join(_lines(name, signature, compiled))


def _lines(name: str, signature: str, compiled: Compiled) -> Iterator[str]:
    target = compiled.target
    yield f"kernel {name}: {signature}"
    runs = "runs here" if target.runnable else f"compiled only: {target.reason}"
    yield f"backend {compiled.backend.name}, target {target.name} ({runs})"
    yield f"traced: {_size(compiled.function)}"
    for record in compiled.records:
        effect = _size(record.function) if record.changed else "nothing to do"
        yield f"{record.name} ({record.contract}): {effect}"
    yield f"proved in bounds: {_proved(compiled.final)}"
    yield f"stages: {', '.join(compiled.texts)}"


def _size(function: Function) -> str:
    counts: dict[str, int] = {}
    for node in walk(function):
        if isinstance(node, Statement):
            word = type(node).__name__.lower()
            counts[word] = counts.get(word, 0) + 1
    words = [f"{count} {word}" for word, count in sorted(counts.items())]
    return ", ".join(words) or "no statements"


def _proved(function: Function) -> str:
    flags: list[bool] = []
    for node in walk(function):
        proved = getattr(node, "proved", None)
        if isinstance(proved, bool):
            flags.append(proved)
        elif isinstance(proved, tuple):
            indices = getattr(node, "indices", ())
            flags += proved or [False] * len(indices)
    return f"{sum(flags)} of {len(flags)} subscripts and ranges"
