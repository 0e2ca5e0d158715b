"""``import tiledsl`` stays cheap and imports no compiler."""

from __future__ import annotations

import json
import subprocess
import sys

import tiledsl

PROGRAM = """
import json, sys, time
start = time.perf_counter()
import tiledsl
elapsed = time.perf_counter() - start
tiledsl.jit, tiledsl.language, tiledsl.KernelError
heavy = [name for name in ("torch", "triton", "llvmlite") if name in sys.modules]
print(json.dumps([elapsed, heavy]))
"""


def test_import_is_fast_and_light():
    runs = [
        json.loads(subprocess.check_output([sys.executable, "-c", PROGRAM], text=True))
        for _ in range(3)
    ]
    assert min(elapsed for elapsed, _ in runs) < 0.15
    assert all(not heavy for _, heavy in runs)


def test_names_are_found_in_any_order():
    program = "import tiledsl; tiledsl.compile; print(callable(tiledsl.jit))"
    done = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert done.strip() == "True"


def test_every_public_name_exists():
    for name in dir(tiledsl):
        getattr(tiledsl, name)
    assert not hasattr(tiledsl, "no_such_name")
