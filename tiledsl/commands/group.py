"""All subcommands in one group, and what becomes of their errors."""

from __future__ import annotations

import sys

import click

from tiledsl.commands.accuracy import accuracy
from tiledsl.commands.backends import backends
from tiledsl.commands.bench import bench
from tiledsl.commands.bisect import bisect
from tiledsl.commands.cache import cache
from tiledsl.commands.check import check
from tiledsl.commands.demo import demo
from tiledsl.commands.doctor import doctor
from tiledsl.commands.fuzz import fuzz
from tiledsl.commands.listing import list_kernels
from tiledsl.commands.show import show
from tiledsl.commands.verify import verify
from tiledsl.diagnostics import ArgumentError, Error

FAILED = 1
WRONG_USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tiledsl")
def commands() -> None:
    """Tile kernels in Python: one source for every backend."""


for command in (
    demo,
    list_kernels,
    verify,
    bisect,
    accuracy,
    check,
    fuzz,
    bench,
    show,
    backends,
    cache,
    doctor,
):
    commands.add_command(command)


def run() -> None:
    """Runs the command of ``sys.argv`` and exits."""
    try:
        commands(prog_name="tiledsl")
    except Error as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_USAGE if isinstance(error, ArgumentError) else FAILED)
