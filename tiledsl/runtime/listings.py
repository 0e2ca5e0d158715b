"""Listings that only some GPU compilers make (rule L108)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.runtime.compiling import Compiled
from tiledsl.runtime.expectations import path_of


class _Compiles(Protocol):
    name: str

    def compiled(self) -> Compiled: ...


class Listings:
    """``show_ptx`` and the like: the stage of that name, where the target has one."""

    def show_ptx(self: _Compiles) -> None:
        """Prints the PTX."""
        print(_listing(self, "ptx"))

    def export_ptx(self: _Compiles, path: str | Path) -> None:
        """Writes the PTX to a file."""
        _write(path, _listing(self, "ptx"))

    def show_sass(self: _Compiles) -> None:
        """Prints the machine code of an NVIDIA GPU."""
        print(_listing(self, "sass"))

    def export_sass(self: _Compiles, path: str | Path) -> None:
        """Writes the machine code of an NVIDIA GPU to a file."""
        _write(path, _listing(self, "sass"))


def _write(path: str | Path, text: str) -> None:
    path_of(path, "argument 'path'").write_text(text, encoding="utf-8")


def _listing(kernel: _Compiles, stage: str) -> str:
    compiled = kernel.compiled()
    text = compiled.source(stage)
    if text is None:
        raise UnsupportedByTarget(
            "E2006",
            f"{kernel.name}: target '{compiled.target.name}' of backend "
            f"'{compiled.backend.name}' has no {stage.upper()}",
            expected=f"one of {', '.join(compiled.texts)}",
            hint=".source(stage) gives each of these; a target of a GPU has more",
        )
    return text
