"""Judging kernels and backends: references with bounds, exact oracles, poison, ring mode."""

from tiledsl.testing import bounded_math
from tiledsl.testing.bounds import Bounded, as_bounded, exact, roundoff
from tiledsl.testing.compare import Comparison, Wrong, compare
from tiledsl.testing.registry import (
    Array,
    Call,
    Exact,
    Expected,
    Inputs,
    KernelEntry,
    Size,
    Workload,
    discover_kernels,
    find_kernel,
)

__all__ = [
    "Array",
    "Bounded",
    "Call",
    "Comparison",
    "Exact",
    "Expected",
    "Inputs",
    "KernelEntry",
    "Size",
    "Workload",
    "Wrong",
    "as_bounded",
    "bounded_math",
    "compare",
    "discover_kernels",
    "exact",
    "find_kernel",
    "roundoff",
]
