"""Small kernels that between them use every rule of lowering, each with its exact results.

``tiledsl verify --all`` and the conformance suite run them on every backend.  Masks,
tails, fills, clears, conversions, jumps, aliases: a backend that gets one of them wrong
gives other bits here.
"""

# importing them enters their programs
from tiledsl.testing.programs import (
    bounds,
    calls,
    conversions,
    forwarding,
    lanes,
    positions,
    products,
    reductions,
    scalars,
)
from tiledsl.testing.programs.case import PROGRAMS, Case
from tiledsl.testing.programs.judging import Wrong, judge_program, run_program, same

__all__ = [
    "PROGRAMS",
    "Case",
    "Wrong",
    "bounds",
    "calls",
    "conversions",
    "forwarding",
    "judge_program",
    "lanes",
    "positions",
    "products",
    "reductions",
    "run_program",
    "same",
    "scalars",
]
