"""Measuring kernels beside their rivals and beside the machine's limits."""

from tiledsl.benchmarking.contenders import Contender
from tiledsl.benchmarking.interleaved import Timing, measure, ratio
from tiledsl.benchmarking.rows import BenchRow, bench
from tiledsl.benchmarking.table import Rival, Suite, load_suite

__all__ = [
    "BenchRow",
    "Contender",
    "Rival",
    "Suite",
    "Timing",
    "bench",
    "load_suite",
    "measure",
    "ratio",
]
