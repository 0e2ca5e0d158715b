"""Marks the accesses that need no test."""

from __future__ import annotations

from dataclasses import dataclass

from tiledsl.analysis.claims import derive_claims
from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import Function
from tiledsl.passes.base import Contract


@dataclass(frozen=True)
class ProveBounds:
    """Sets ``proved`` on each subscript and range that is inside its dimension.

    Conditions and loop bounds around an access count, except inside ``Parallel``, where
    backends evaluate both sides of a condition under a mask.

    Before::

        launch (b: 8) threads 128
          copy X[b * 32 +: 32, c +: 64] -> x[0 +: 32, 0 +: 64] shape (32, 64)

    After, for ``X: float32[256, n]``::

        launch (b: 8) threads 128
          copy X[!b * 32 +: 32, c +: 64] -> x[!0 +: 32, !0 +: 64] shape (32, 64)
    """

    name: str = "prove-bounds"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return derive_claims(function)
