"""Choosing static values by measuring, under the name that TileLang gives it."""

from tiledsl.tune.autotune import autotune
from tiledsl.tune.inputs import get_autotune_inputs, set_autotune_inputs
from tiledsl.tune.tuner import AutoTuner, AutotuneResult

__all__ = [
    "AutoTuner",
    "AutotuneResult",
    "autotune",
    "get_autotune_inputs",
    "set_autotune_inputs",
]
