"""``python -m tests.faults``: which check sees each planted fault, and how soon.

What is found is kept beside this file, where the tests find it.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

import tiledsl
from tests.faults import report
from tests.faults.catalogue import FAULTS
from tests.faults.oracles import candidates, generated_checks, sees
from tests.faults.planting import Fault, planted

Row = dict[str, object]

FOUND = Path(__file__).with_name("seen_by.json")
MOST_PROGRAMS = 200
MOST_SECONDS = 40.0  # of generated programs for one fault


def search(fault: Fault, counting: bool) -> Row:
    """The first check that sees the fault, and how many checks and programs it took.

    ``tried`` counts all checks up to that one, ``programs`` the generated ones.
    """
    row: Row = {"check": None, "shows": None, "tried": 0, "programs": None}
    with planted(fault):
        for tried, check in enumerate(candidates(fault), 1):
            shown = sees(check)
            row["tried"] = tried
            if shown:
                row["check"], row["shows"] = str(check), shown
                break
        if row["check"] and not counting:
            return row
        start = time.perf_counter()
        for number, check in enumerate(generated_checks(fault, MOST_PROGRAMS), 1):
            shown = sees(check)
            if shown:
                row["programs"] = number
                if row["check"] is None:
                    row["check"], row["shows"] = str(check), shown
                    row["tried"] = int(str(row["tried"])) + number
                break
            if time.perf_counter() - start > MOST_SECONDS:
                break
    return row


def main(arguments: list[str]) -> None:
    """Names of faults or parts; none means all.

    ``--count``: generated programs are run for every fault, not as a last resort.
    ``--report``: only writes docs/faults.md from what is known.
    """
    tiledsl.disable_cache()
    counting = "--count" in arguments
    names = [name for name in arguments if not name.startswith("--")]
    if "--report" in arguments:
        report.write(_keep({}))
        return
    for fault in FAULTS:
        if names and fault.name not in names and fault.layer not in names:
            continue
        row = search(fault, counting)
        _keep({fault.name: row})
        mark = row["check"] or "NOT SEEN"
        print(
            f"{fault.name:32} {row['programs']!s:>5} {mark}: {row['shows']}", flush=True
        )
    found = _keep({})
    unseen = [name for name, row in found.items() if row["check"] is None]
    counts = [int(str(row["programs"])) for row in found.values() if row["programs"]]
    print(f"{len(found)} faults, {len(unseen)} not seen: {', '.join(unseen)}")
    print(
        f"programs: median {statistics.median(counts or [0])}, most {max(counts or [0])}"
    )


def _keep(rows: dict[str, Row]) -> dict[str, Row]:
    """Adds rows to what is kept; what is known of other faults stays."""
    kept: dict[str, Row] = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    kept |= rows
    kept = {fault.name: kept[fault.name] for fault in FAULTS if fault.name in kept}
    fresh = FOUND.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    fresh.replace(FOUND)  # so that several searches may run at once
    return kept


if __name__ == "__main__":
    main(sys.argv[1:])
