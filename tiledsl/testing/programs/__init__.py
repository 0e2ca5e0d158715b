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
    element_types,
    forwarding,
    functions,
    hints,
    lanes,
    macros,
    observations,
    odd_tiles,
    orders,
    positions,
    products,
    random_numbers,
    reductions,
    scalars,
    selections,
    thread_code,
    updates,
    whole_tensors,
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
    "element_types",
    "forwarding",
    "functions",
    "hints",
    "judge_program",
    "lanes",
    "macros",
    "observations",
    "odd_tiles",
    "orders",
    "positions",
    "products",
    "random_numbers",
    "reductions",
    "run_program",
    "same",
    "scalars",
    "selections",
    "thread_code",
    "updates",
    "whole_tensors",
]
