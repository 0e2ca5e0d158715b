"""``tiledsl backends``: what can run here, what cannot, and why."""

from __future__ import annotations

from dataclasses import dataclass

import click

from tiledsl import settings
from tiledsl.commands.output import json_option, print_json, print_table
from tiledsl.diagnostics import ArgumentError
from tiledsl.runtime.backends import backend_names, choose, targets_of


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target of a backend, or a backend that has none to offer."""

    backend: str
    target: str
    device: str
    runnable: bool
    default: bool
    reason: str
    remedy: str


@click.command()
@json_option
def backends(as_json: bool) -> None:
    """List the installed backends and their targets."""
    rows = target_rows()
    if as_json:
        print_json(rows)
        return
    print_table(
        ("backend", "target", "memory", "runs here", "remark"),
        [
            (
                row.backend,
                row.target,
                row.device,
                "yes" if row.runnable else "no",
                "default" if row.default else "; ".join(filter(None, _remarks(row))),
            )
            for row in rows
        ],
    )


def target_rows() -> list[TargetRow]:
    """Every target of every installed backend."""
    defaults = _defaults()
    rows: list[TargetRow] = []
    for name in backend_names():
        found = targets_of(name)
        if isinstance(found, str):
            rows.append(TargetRow(name, "", "", False, False, found, ""))
            continue
        for target in found:
            rows.append(
                TargetRow(
                    name,
                    target.name,
                    target.device,
                    target.runnable,
                    (name, target.name) in defaults,
                    target.reason,
                    target.remedy,
                )
            )
    return rows


def _remarks(row: TargetRow) -> tuple[str, str]:
    return row.reason, row.remedy


def _defaults() -> set[tuple[str, str]]:
    """Backend and target of a call that names none, for each kind of memory."""
    found = set()
    for device in settings.DEFAULT_ORDER:
        try:
            choice = choose(device)
        except ArgumentError:
            continue
        found.add((choice.backend.name, choice.target.name))
    return found
