"""``python -m tiledsl.compat.survey PATH``: runs every program of a checkout."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tiledsl.compat.survey.processes import survey
from tiledsl.compat.survey.report import summary
from tiledsl.compat.survey.usage import usage_table


def programs(path: Path) -> list[Path]:
    """The programs below ``examples/``, or below the path itself.

    Left out: ``__init__.py``, ``conftest.py`` and ``regression_*.py``, which measure.
    """
    folder = path / "examples" if (path / "examples").is_dir() else path
    return [
        file
        for file in sorted(folder.rglob("*.py"))
        if file.name not in ("__init__.py", "conftest.py")
        and not file.name.startswith("regression_")
        and "tilelang" in file.read_text(encoding="utf-8", errors="replace")
    ]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tiledsl.compat.survey")
    parser.add_argument("path", type=Path, help="a checkout, or a folder of programs")
    parser.add_argument("--json", action="store_true", help="one JSON list")
    parser.add_argument(
        "--names", action="store_true", help="run nothing: count names in the texts"
    )
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time")
    parser.add_argument("--limit", type=float, default=60, help="seconds a program")
    parser.add_argument("--only", default="", help="programs whose path has this text")
    parser.add_argument("--logs", type=Path, help="keep what the programs print here")
    options = parser.parse_args()
    root = options.path.resolve()
    chosen = [file for file in programs(root) if options.only in str(file)]
    if options.names:
        print("\n".join(usage_table(chosen)))
        return 0
    outcomes = []
    for outcome in survey(
        root, chosen, jobs=options.jobs, limit=options.limit, logs=options.logs
    ):
        outcomes.append(outcome)
        line = f"{outcome.kind:9} {outcome.program} {outcome.reason}"
        print(line, file=sys.stderr, flush=True)
    outcomes.sort(key=lambda outcome: outcome.program)
    if options.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    else:
        print(summary(outcomes))
    return 0


sys.exit(main())
