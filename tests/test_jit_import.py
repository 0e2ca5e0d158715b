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


def test_host_names_can_be_imported():
    program = """
from tiledsl.profiler import do_bench
from tiledsl.autotuner import AutoTuner
from tiledsl.utils.tensor import get_tensor_supply
from tiledsl.contrib.nvcc import *
from tiledsl.math import next_power_of_2
import tiledsl.carver.arch.driver as driver
import tiledsl.layout, tiledsl.testing.ring
from tiledsl.testing import requires_cuda, generator
assert tiledsl.layout.make_linear_layout and tiledsl.testing.ring.RingMode
assert have_fp8("9.0") and next_power_of_2(5) == 8 and driver.get_num_sms() >= 1
for missing in ("tiledsl.nothing", "tiledsl.utils.tensor.nothing", "tiledsl.env.x"):
    try:
        __import__(missing)
    except ModuleNotFoundError:
        continue
    raise AssertionError(missing)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
