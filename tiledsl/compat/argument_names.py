"""Names that TileLang gives to arguments, where they differ from those of tiledsl.

Programs under the alias may pass an argument by either name.  A name that maps to "" is a
hint of TileLang without meaning here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Final

_HINTS: Final = {"annotations": "", "span": ""}
_REDUCTION: Final = {"buffer": "src", "annotations": ""}
_BATCHED: Final = {"batch": "", "annotations": ""}
ARGUMENTS: Final[dict[str, dict[str, str]]] = {
    "Pipelined": _HINTS,
    "Select": {"true_value": "then", "false_value": "otherwise", "span": ""},
    "alloc_global": {"scope": ""},
    "annotate_layout": {"layout_map": "layouts"},
    "annotate_l2_hit_ratio": {"l2_hit_ratio_map": "ratios"},
    "annotate_min_blocks_per_sm": {"n": "count"},
    "annotate_safe_value": {"safe_value_map": "values"},
    "atomic_add": _HINTS,
    "atomic_max": _HINTS,
    "atomic_min": _HINTS,
    "atomic_store": {"src": "value"},
    "cast": _HINTS,
    "clamp": {"dst": "x", "min_val": "low", "max_val": "high"},
    "clear": _HINTS,
    "const": {"name": "names"},
    "cummax": _HINTS,
    "cumsum": _HINTS,
    "dynamic": {"name": "names"},
    "fill": _HINTS,
    "finalize_reducer": _BATCHED,
    "im2col": {"eviction_policy": "", "annotations": ""},
    "infinity": _HINTS,
    "pow": _HINTS,
    **{
        f"reduce_{kind}": _REDUCTION
        for kind in [
            "sum",
            "max",
            "min",
            "abssum",
            "absmax",
            "bitand",
            "bitor",
            "bitxor",
        ]
    },
    "reducer_init": {"init": "value"},
    "reducer_update": {"target": "element"},
    "reinterpret": _HINTS,
    "round": {"rounding_mode": "rounding", "span": ""},
    "symbolic": {"name": "names"},
    "transpose": _HINTS,
}


def with_their_names(name: str, function: object) -> object:
    """A name of the language as programs under the alias see it."""
    names = ARGUMENTS.get(name)
    return (
        function
        if names is None or not callable(function)
        else _taking(names, function)
    )


def _taking(
    names: dict[str, str], function: Callable[..., object]
) -> Callable[..., object]:
    @wraps(function)
    def call(*arguments: object, **named: object) -> object:
        ours = {names.get(name, name): value for name, value in named.items()}
        ours.pop("", None)
        return function(*arguments, **ours)

    return call
