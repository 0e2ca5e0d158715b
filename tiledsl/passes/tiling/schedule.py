"""The option ``schedule``: sizes for hints by name (rules L90, L92)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.ir.nodes import Function, Node, TileHint
from tiledsl.ir.visitor import transform, walk

_FIELDS = ("sizes", "reduce", "num_stages")


def scheduled(function: Function, schedule: Mapping[str, object]) -> Function:
    """The function with the sizes that a schedule gives in place of its hints' own.

    Raises ArgumentError for a name that no ``T.tile_hint`` has, and for malformed sizes.
    """
    names = {node.name for node in walk(function) if isinstance(node, TileHint)} - {""}
    for name in schedule:
        if name not in names:
            raise ArgumentError(
                "E0615",
                f"the option schedule of {function.name}",
                expected=f"names of T.tile_hint: {', '.join(sorted(names)) or 'none'}",
                got=brief(name),
            )
    changes = {name: _changes(name, given) for name, given in schedule.items()}

    def change(node: Node) -> Node:
        if isinstance(node, TileHint) and node.name in changes:
            new = changes[node.name]
            return replace(
                node,
                sizes=new.get("sizes", node.sizes),
                reduce=new.get("reduce", (node.reduce,))[0],
                stages=new.get("num_stages", (node.stages,))[0],
            )
        return node

    return transform(function, change)


def _changes(name: str, given: object) -> dict[str, tuple[int, ...]]:
    fields = given if isinstance(given, Mapping) else {"": given}
    found: dict[str, tuple[int, ...]] = {}
    for field, value in fields.items():
        several = isinstance(value, list | tuple)
        parts = tuple(value) if isinstance(value, list | tuple) else (value,)
        least = 0 if field == "num_stages" else 1
        valid = field in _FIELDS and several == (field == "sizes")
        if not valid or not all(_is_size(part, least) for part in parts):
            raise ArgumentError(
                "E0615",
                f"the option schedule for {name!r}",
                expected="dict(sizes=(64, None), reduce=32, num_stages=2)",
                got=brief(given),
            )
        found[field] = tuple(part or 0 for part in parts)
    return found


def _is_size(value: object, least: int) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    return value is None or (number and int(str(value)) >= least)
