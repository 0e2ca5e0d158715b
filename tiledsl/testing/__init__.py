"""Judging kernels and backends: references with bounds, exact oracles, poison, ring mode."""

from importlib import import_module

from tiledsl.testing import bounded_math
from tiledsl.testing.bounds import Bounded, as_bounded, exact, roundoff
from tiledsl.testing.compare import Comparison, Wrong, compare
from tiledsl.testing.demo import DemoRow, demo
from tiledsl.testing.equivalence import assert_equivalent, random_inputs
from tiledsl.testing.oracles import ORACLES, BackendLike, Oracle
from tiledsl.testing.registry import (
    Array,
    Call,
    Exact,
    Expected,
    Inputs,
    KernelEntry,
    Size,
    Static,
    Workload,
    discover_kernels,
    find_kernel,
)
from tiledsl.testing.verify import (
    Report,
    runnable_backends,
    verify_kernel,
    verify_programs,
)

__all__ = [
    "ORACLES",
    "Array",
    "BackendLike",
    "Bounded",
    "Call",
    "Comparison",
    "DemoRow",
    "Exact",
    "Expected",
    "Inputs",
    "KernelEntry",
    "Oracle",
    "Report",
    "Size",
    "Static",
    "Workload",
    "Wrong",
    "as_bounded",
    "assert_equivalent",
    "bounded_math",
    "compare",
    "demo",
    "discover_kernels",
    "exact",
    "find_kernel",
    "random_inputs",
    "roundoff",
    "runnable_backends",
    "verify_kernel",
    "verify_programs",
]


def __getattr__(name: str) -> object:
    """The names that test files written for TileLang use: ``main``, ``requires_...``."""
    host = import_module("tiledsl.compat.host_modules").host_module(__name__)
    if name not in dir(host):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(host, name)
    return value
