"""The candidates: what ``configs`` may be (rule L110)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product

from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.frontend.tunables import Tunable

Config = dict[str, object]
Configs = (
    Iterable[Mapping[str, object]]
    | Mapping[str, Iterable[object]]
    | Callable[..., object]
    | None
)


def candidates(
    configs: object, args: tuple[object, ...], named: Mapping[str, object]
) -> list[Config]:
    """A list of dicts; or of a dict of lists all combinations; or what a function gives.

    The function gets the arguments of the call that is tuned.
    """
    given = configs(*args, **named) if callable(configs) else configs
    if isinstance(given, Mapping) and all(isinstance(key, str) for key in given):
        if all(isinstance(part, list | tuple | range) for part in given.values()):
            points = product(*given.values())
            return [dict(zip(given, point, strict=True)) for point in points]
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        listed = list(given)
        if listed and all(_is_config(config) for config in listed):
            return [dict(config) for config in listed]
    raise ArgumentError(
        "E0706",
        "the configs of autotune",
        expected="a list of dicts {parameter: value}, a dict {parameter: list}, "
        "or a function that returns one",
        got=brief(given),
    )


def _is_config(config: object) -> bool:
    return isinstance(config, Mapping) and all(isinstance(key, str) for key in config)


def of_tunables(tunables: Iterable[Tunable]) -> list[Config]:
    """Every assignment of the tunables, the usual one first."""
    listed = list(tunables)
    points = product(*(tunable.choices for tunable in listed))
    names = [tunable.name for tunable in listed]
    return [dict(zip(names, point, strict=True)) for point in points]


def remaining(configs: Iterable[Config], fixed: Iterable[str]) -> list[Config]:
    """The candidates without the values that a call fixes, each once, in order."""
    left: list[Config] = []
    names = set(fixed)
    for config in configs:
        rest = {name: value for name, value in config.items() if name not in names}
        if rest not in left:
            left.append(rest)
    return left
