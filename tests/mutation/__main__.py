"""``python -m tests.mutation``: how many mutants of the passes and analyses are noticed.

A sample of mutants of each module is planted, each in a process of its own, and judged by
programs of the fault catalogue, by generated functions and by the tests of passes and
analyses, in this order, under a limit of time that counts as noticed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import random
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

import tiledsl
from tests.faults.oracles import Check, sees
from tests.faults.planting import NotThere, _recompile
from tests.mutation.mutants import Mutant, mutants
from tiledsl.testing.programs import PROGRAMS

MODULES = (
    "passes.canonicalize", "passes.dead_code", "passes.equations",
    "passes.forward_copies", "passes.infer_regions", "passes.pipeline",
    "passes.scalar_rules", "passes.simplify_index", "analysis.affine",
    "analysis.claims", "analysis.conditions", "analysis.effects", "analysis.fold",
    "analysis.inequality", "analysis.interval", "analysis.places", "analysis.ranges",
    "analysis.uses",
)  # fmt: skip
# what the generated functions of this command do already
_REPEATED = "tests/passes/test_passes_preserve.py::test_generated_functions"
TESTS = ("tests/analysis", "tests/passes", "--deselect", _REPEATED)
KILLED, SURVIVED, NO_MUTANT = 1, 0, 3


def judge(module: str, mutant: Mutant, generated: int, seconds: int) -> int:
    """Whether anything notices the mutant; runs in a child process."""
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)  # ends the child; an endless loop is noticed by anyone
        code = KILLED
        with contextlib.suppress(BaseException):
            code = _in_child(module, mutant, generated)
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else KILLED


def _in_child(module: str, mutant: Mutant, generated: int) -> int:
    owner = importlib.import_module(module)
    source = Path(str(owner.__file__)).read_text(encoding="utf-8")
    try:
        _recompile(ExitStack(), owner, source, mutant.source)
    except NotThere:
        return NO_MUTANT
    checks = [Check("sequence", "expressions-keep-their-values", "numpy")]
    checks += [Check("program", name, "passes") for name in PROGRAMS]
    checks += [Check("generated", str(seed), "passes") for seed in range(generated)]
    if any(sees(check) for check in checks):
        return KILLED
    with contextlib.redirect_stdout(io.StringIO()):
        result = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *TESTS])
    return SURVIVED if result == 0 else KILLED


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--each", type=int, default=10, help="mutants of a module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--generated", type=int, default=40)
    parser.add_argument("--seconds", type=int, default=300, help="limit for a mutant")
    chosen = parser.parse_args()
    tiledsl.disable_cache()
    killed = total = 0
    for name in chosen.modules:
        module = f"tiledsl.{name}"
        text = Path(str(importlib.import_module(module).__file__)).read_text("utf-8")
        every = mutants(text)
        sample = random.Random(chosen.seed).sample(every, min(chosen.each, len(every)))
        for mutant in sorted(sample, key=lambda mutant: mutant.line):
            verdict = judge(module, mutant, chosen.generated, chosen.seconds)
            if verdict == NO_MUTANT:
                continue
            total, killed = total + 1, killed + (verdict != SURVIVED)
            if verdict == SURVIVED:
                print(f"survived: {name}:{mutant.line}: {mutant.what}", flush=True)
        print(f"{name}: {len(every)} mutants; so far {killed} of {total}", flush=True)
    print(f"killed {killed} of {total}: {100 * killed / max(total, 1):.1f} %")


if __name__ == "__main__":
    sys.exit(main())
