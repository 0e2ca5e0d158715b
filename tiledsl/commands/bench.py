"""``tiledsl bench``: kernels beside their rivals and the limits of the machine."""

from __future__ import annotations

from pathlib import Path

import click

from tiledsl.benchmarking import BenchRow, load_suite
from tiledsl.benchmarking import bench as bench_rows
from tiledsl.benchmarking.table import own_suite
from tiledsl.commands.output import (
    json_option,
    number,
    print_json,
    print_table,
    progress,
)
from tiledsl.commands.selection import chosen_backends, chosen_kernels


@click.command()
@click.argument("kernels", nargs=-1)
@click.option(
    "--vs",
    metavar="NAME,...",
    help="Rivals, separated by commas; by default all that are installed.",
)
@click.option(
    "--size",
    type=click.Choice(["small", "model", "large"]),
    default="model",
    show_default=True,
    help="Odd little problems, those of a real model, or square ones that take long.",
)
@click.option("--backend", default="llvm", show_default=True, help="What runs them.")
@click.option("--rounds", default=5, show_default=True, help="Quiet windows wanted.")
@click.option(
    "--patience",
    default=20.0,
    show_default=True,
    help="Seconds to wait for quiet windows of one workload.",
)
@click.option(
    "--suite",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of rivals and large problems; by default the one with the sources.",
)
@json_option
def bench(
    kernels: tuple[str, ...],
    vs: str | None,
    size: str,
    backend: str,
    rounds: int,
    patience: float,
    suite: Path | None,
    as_json: bool,
) -> None:
    """Time the KERNELS (default: all) beside their rivals.

    Contenders run in turns; times are medians over windows in which other processes
    used less than a twentieth of a processor.  Outputs are allocated before.  The column
    "roof" is the share of what measured peak arithmetic and memory would allow, "error"
    the largest error as a share of its bound, "speedup" the time of the strongest rival
    divided by ours.
    """
    entries = chosen_kernels(kernels)
    (chosen,) = chosen_backends(backend)[:1]
    names = tuple(part.strip() for part in vs.split(",")) if vs else None
    table = load_suite(suite or own_suite(), names)
    rows: list[BenchRow] = []
    for row in bench_rows(
        entries, table, size=size, backend=chosen, rounds=rounds, patience=patience
    ):
        rows.append(row)
        progress(f"{len(rows)} rows: {row.kernel} {row.workload} by {row.contender}")
    progress("")
    if as_json:
        print_json(rows)
    else:
        _print(rows)


def _print(rows: list[BenchRow]) -> None:
    columns = ("kernel", "workload", "by", "ms", "best", "GFLOP/s", "GB/s", "roof",
               "error", "speedup", "quiet")  # fmt: skip
    table = [
        (
            row.kernel,
            row.workload,
            row.contender,
            number(row.ms),
            number(row.best_ms),
            number(row.gflops),
            number(row.gbytes),
            number(row.roof, 2),
            number(row.worst_share, 2),
            number(row.speedup),
            f"{row.quiet}/{row.windows}",
        )
        for row in rows
    ]
    print_table(columns, table)
