"""``tiledsl bisect``: the first step of a compilation after which results differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tiledsl.analysis.reading import read_function
from tiledsl.commands.output import json_option, print_json, progress
from tiledsl.commands.selection import chosen_kernels
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.nodes import Function
from tiledsl.runtime.backends import find_backend
from tiledsl.testing.validation import (
    CannotSample,
    Finding,
    Sample,
    bisect_function,
    generate_sample,
)
from tiledsl.testing.verify import Problem

# different inputs that are tried: generated ones, or the small workloads of a kernel
_TRIES = 5


@click.command()
@click.argument("program", metavar="KERNEL|FILE.ir")
@click.option("--backend", required=True, help="The backend to look into.")
@click.option("--seed", default=0, show_default=True, help="Seed of the inputs.")
@json_option
def bisect(program: str, backend: str, seed: int, as_json: bool) -> None:
    """Name the first wrong pass, or the lowering, of a KERNEL or of IR in a FILE.

    The program runs on small inputs after every pass, on the interpreter, and on the
    backend; results are compared in ring mode, then on real numbers.  Exits with 1 if
    something is wrong.
    """
    judged = find_backend(backend)
    finding = None
    count = 0
    for function, sample in _cases(program, seed):
        count += 1
        progress(f"{function.name}, inputs {count}")
        finding = bisect_function(function, sample, judged)
        if finding is not None:
            break
    progress("")
    if as_json:
        print_json(_facts(finding, count))
    elif finding is None:
        click.echo(f"{program} on {backend}: every step agrees on {count} inputs")
    else:
        click.echo(f"{program} on {backend}\n{finding}")
    if finding is not None:
        sys.exit(1)


def _cases(program: str, seed: int) -> Iterator[tuple[Function, Sample]]:
    if not program.endswith(".ir"):
        (entry,) = chosen_kernels([program])
        for work in entry.of_size("small")[:_TRIES]:
            subject = Problem(entry, work, seed).reals[0]
            yield subject.function, subject.sample(seed)
        return
    function = read_function(_text(program), file=program)
    for number in range(seed, seed + _TRIES):
        try:
            yield function, generate_sample(function, number)
        except CannotSample as error:
            raise ArgumentError(
                "E4003",
                f"file '{program}'",
                expected="a function that runs on small inputs",
                got=str(error),
            ) from error


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ArgumentError(
            "E4003", f"file '{file}'", expected="readable IR text", got=str(error)
        ) from error


def _facts(finding: Finding | None, count: int) -> dict[str, object]:
    if finding is None:
        return {"wrong": False, "inputs": count}
    found = finding.difference
    return {
        "wrong": True,
        "inputs": count,
        "step": finding.step,
        "mode": finding.mode,
        "seed": finding.seed,
        "element": found.element,
        "expected": str(found.expected),
        "got": str(found.got),
        "statement": finding.blame.text if finding.blame else None,
        "place": str(finding.span) if finding.span.line else None,
    }
