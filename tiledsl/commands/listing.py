"""``tiledsl list``: the registered kernels."""

from __future__ import annotations

import click

from tiledsl.commands.output import json_option, print_json, print_table
from tiledsl.commands.selection import registered_kernels


@click.command("list")
@json_option
def list_kernels(as_json: bool) -> None:
    """List the kernels of all installed libraries."""
    entries = registered_kernels()
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "area": entry.area,
                    "summary": entry.summary,
                    "workloads": {work.name: work.size for work in entry.workloads},
                }
                for entry in entries
            ]
        )
        return
    rows = [
        (
            entry.area,
            entry.name,
            entry.summary,
            " ".join(work.name for work in entry.workloads),
        )
        for entry in entries
    ]
    print_table(("area", "kernel", "summary", "workloads"), rows)
