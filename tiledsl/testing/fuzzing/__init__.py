"""Fuzzing: generated programs against every oracle, reduced when one complains."""

from tiledsl.testing.fuzzing.artifacts import every_check, replay, save
from tiledsl.testing.fuzzing.campaign import (
    Campaign,
    Found,
    Result,
    check_seeds,
    run_campaign,
)
from tiledsl.testing.fuzzing.coverage import Coverage
from tiledsl.testing.fuzzing.oracles import Checks, Failure, check_program
from tiledsl.testing.fuzzing.reduction import reduce_program

__all__ = [
    "Campaign",
    "Checks",
    "Coverage",
    "Failure",
    "Found",
    "Result",
    "check_program",
    "check_seeds",
    "every_check",
    "reduce_program",
    "replay",
    "run_campaign",
    "save",
]
