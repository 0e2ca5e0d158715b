"""``python -m tiledsl.compat.survey PATH``: runs the programs of a checkout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tiledsl.compat.survey.outcome import Outcome
from tiledsl.compat.survey.portable import hardware_names, hardware_names_of_test
from tiledsl.compat.survey.portable import test_functions as functions_of
from tiledsl.compat.survey.processes import Job, survey
from tiledsl.compat.survey.report import listing, shares, summary
from tiledsl.compat.survey.usage import usage_table

EXAMPLES, TESTS = "examples", "testing/python"


def programs(path: Path) -> list[Path]:
    """The programs below ``examples/``, or below the path itself.

    Left out: ``__init__.py``, ``conftest.py`` and ``regression_*.py``, which measure.
    """
    folder = path / EXAMPLES if (path / EXAMPLES).is_dir() else path
    return [
        file
        for file in sorted(folder.rglob("*.py"))
        if file.name not in ("__init__.py", "conftest.py")
        and not file.name.startswith("regression_")
        and "tilelang" in file.read_text(encoding="utf-8", errors="replace")
    ]


def main() -> int:
    """The command."""
    options = _parser().parse_args()
    root = options.path.resolve()
    if options.names:
        chosen = [file for file in programs(root) if options.only in str(file)]
        print("\n".join(usage_table(chosen)))
        return 0
    done = _recorded(options.record)
    jobs = list(_jobs(root, options, done))
    outcomes = list(done.values())
    for outcome in survey(
        jobs, at_once=options.jobs, limit=options.limit, logs=options.logs
    ):
        outcomes.append(outcome)
        line = f"{outcome.kind:9} {outcome.program} {outcome.reason}"
        print(line, file=sys.stderr, flush=True)
        if options.record is not None:
            with options.record.open("a", encoding="utf-8") as record:
                record.write(json.dumps(asdict(outcome)) + "\n")
    outcomes.sort(key=lambda outcome: outcome.program)
    if options.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    else:
        print(summary(outcomes))
        portable = _portable(root, outcomes)
        print("\n".join(["", *shares(outcomes, portable)]))
        if options.list:
            print("\n".join(["", *listing(outcomes, portable)]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tiledsl.compat.survey")
    parser.add_argument("path", type=Path, help="a checkout, or a folder of programs")
    parser.add_argument("--json", action="store_true", help="one JSON list")
    parser.add_argument(
        "--names", action="store_true", help="run nothing: count names in the texts"
    )
    parser.add_argument(
        "--tests", action="store_true", help=f"test functions of {TESTS}, not programs"
    )
    parser.add_argument("--list", action="store_true", help="every program, too")
    parser.add_argument("--portable", action="store_true", help="only portable ones")
    parser.add_argument("--jobs", type=int, default=1, help="programs at a time")
    parser.add_argument(
        "--limit", type=float, default=60, help="seconds of processor time of each"
    )
    parser.add_argument("--only", default="", help="programs whose path has this text")
    parser.add_argument("--logs", type=Path, help="keep what the programs print here")
    parser.add_argument(
        "--record", type=Path, help="a file that grows; what is in it is not run again"
    )
    return parser


def _jobs(
    root: Path, options: argparse.Namespace, done: dict[str, Outcome]
) -> Iterator[Job]:
    if not options.tests:
        for path in programs(root):
            name = str(path.relative_to(root))
            left_out = options.portable and hardware_names(path)
            if options.only in name and name not in done and not left_out:
                yield Job(path, (name,))
        return
    for path in sorted((root / TESTS).rglob("test_*.py")):
        name = str(path.relative_to(root))
        names = tuple(
            f"{name}::{function}"
            for function in functions_of(path)
            if f"{name}::{function}" not in done
            and options.only in f"{name}::{function}"
            and not (options.portable and hardware_names_of_test(path, function))
        )
        if names:
            yield Job(path, names, True)


def _recorded(record: Path | None) -> dict[str, Outcome]:
    if record is None or not record.exists():
        return {}
    lines = record.read_text(encoding="utf-8").splitlines()
    return {
        outcome.program: outcome
        for outcome in (Outcome(**json.loads(line)) for line in lines)
    }


def _portable(root: Path, outcomes: Sequence[Outcome]) -> frozenset[str]:
    """The names of those that use no name of one device's hardware."""
    portable = set()
    for name in (outcome.program for outcome in outcomes):
        file, _, function = name.partition("::")
        path = root / file
        found = (
            hardware_names_of_test(path, function) if function else hardware_names(path)
        )
        if not found:
            portable.add(name)
    return frozenset(portable)


sys.exit(main())
