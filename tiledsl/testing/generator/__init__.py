"""Random programs: defined bit for bit by construction, each from one integer."""

from tiledsl.testing.generator.choice import Choice, SeededChoice
from tiledsl.testing.generator.policy import POLICIES, Policy, find_policy
from tiledsl.testing.generator.program import Program, draw_program, generate

__all__ = [
    "POLICIES",
    "Choice",
    "Policy",
    "Program",
    "SeededChoice",
    "draw_program",
    "find_policy",
    "generate",
]
