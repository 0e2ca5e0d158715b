"""``tiledsl demo``: every kernel on every backend, judged and timed."""

from __future__ import annotations

import sys

import click

from tiledsl.commands.output import (
    json_option,
    number,
    print_json,
    print_table,
    progress,
)
from tiledsl.commands.selection import (
    backends_option,
    chosen_backends,
    chosen_kernels,
    size_option,
)
from tiledsl.runtime.backends import find_backend, usable
from tiledsl.testing import DemoRow, Size
from tiledsl.testing import demo as demo_rows


@click.command()
@click.argument("kernels", nargs=-1)
@backends_option
@size_option("model")
@click.option("--seed", default=0, show_default=True, help="Seed of the inputs.")
@json_option
def demo(
    kernels: tuple[str, ...], backends: str | None, size: Size, seed: int, as_json: bool
) -> None:
    """Run the KERNELS (default: all) and print accuracy and speed.

    The error column is the largest error as a share of its bound: 1 is the limit.
    """
    entries, names = chosen_kernels(kernels), chosen_backends(backends)
    rows: list[DemoRow] = []
    total = len(entries) * len(names)
    progress(f"0 of {total}")
    for row in demo_rows(kernels=entries, backends=names, size=size, seed=seed):
        rows.append(row)
        progress(f"{len(rows)} of {total}: {row.kernel} on {row.backend}")
    progress("")
    if as_json:
        print_json(rows)
    else:
        _print(rows)
    if any(row.status not in ("ok", "unsupported") for row in rows):
        sys.exit(1)


def _label(backend: str) -> str:
    """The backend and what of it runs here, such as an interpreter."""
    target = usable(find_backend(backend), "cpu")
    return f"{backend} {target.name}" if target else backend


def _print(rows: list[DemoRow]) -> None:
    columns = ("kernel", "workload", "backend", "status", "error", "ms", "GFLOP/s",
               "GB/s", "first ms")  # fmt: skip
    table = [
        (
            row.kernel,
            row.workload,
            _label(row.backend),
            row.status,
            number(row.worst_share, 2),
            number(row.ms),
            number(row.gflops),
            number(row.gbytes),
            number(row.first_ms),
        )
        for row in rows
    ]
    print_table(columns, table)
    for row in rows:
        if row.detail:
            click.echo(f"{row.kernel} on {row.backend}: {row.detail}")
