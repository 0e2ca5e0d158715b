"""Options that several commands share: which kernels, which backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from tiledsl.diagnostics import ArgumentError, Error
from tiledsl.runtime.backends import find_backend
from tiledsl.testing.registry import KernelEntry, Size, discover_kernels
from tiledsl.testing.verify import runnable_backends

backends_option: Callable[..., Callable[..., object]] = click.option(
    "--backends",
    "backends",
    metavar="NAME,...",
    help="Backends, separated by commas; by default all that work here.",
)


def size_option(default: Size) -> Callable[..., Callable[..., object]]:
    """The option that chooses among the workloads of a kernel."""
    return click.option(
        "--size",
        type=click.Choice(["small", "model"]),
        default=default,
        show_default=True,
        help="Odd little problems, or those of a real model.",
    )


def registered_kernels() -> tuple[KernelEntry, ...]:
    """The kernels of all installed libraries."""
    try:
        return discover_kernels()
    except Exception as error:  # a library may raise anything when it is imported
        raise Error(
            "E4005",
            f"a library of kernels cannot be loaded: {type(error).__name__}: {error}",
        ) from error


def chosen_kernels(names: Sequence[str]) -> tuple[KernelEntry, ...]:
    """The registered kernels of these names; all of them if there are no names."""
    entries = {entry.name: entry for entry in registered_kernels()}
    for name in names:
        if name not in entries:
            raise ArgumentError(
                "E4003",
                f"kernel '{name}'",
                expected=f"one of {', '.join(entries) or 'the registered kernels'}",
                got=repr(name),
            )
    return tuple(entries[name] for name in names or entries)


def chosen_backends(text: str | None) -> tuple[str, ...]:
    """The backends of a comma-separated list; by default those that work here."""
    if text is None:
        return runnable_backends()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names or ("",):
        find_backend(name)  # raises for one that is not there, with those that are
    return names
