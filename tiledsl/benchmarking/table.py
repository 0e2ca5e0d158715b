"""The table of a benchmark suite: rivals and large problems, by the kernel's name.

A suite is a folder.  ``NAME_rivals.py`` holds ``RIVALS``, which maps the names of kernels
to functions from a workload and its inputs to a contender (None: not for this workload).
``large.py`` holds ``WORKLOADS``, the problems of ``--size large``.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import tiledsl
from tiledsl.benchmarking.contenders import Contender
from tiledsl.diagnostics import ArgumentError
from tiledsl.testing.registry import Workload

Rival = Callable[..., Contender | None]
_SUFFIX = "_rivals"


@dataclass(frozen=True, slots=True)
class Suite:
    """``rivals``: by the name of the library, then of the kernel."""

    rivals: Mapping[str, Mapping[str, Rival]] = field(default_factory=dict)
    large: Mapping[str, tuple[Workload, ...]] = field(default_factory=dict)


def own_suite() -> Path:
    """The suite that comes with the sources; an installed package has none."""
    return Path(tiledsl.__file__).parents[1] / "benchmarks"


def load_suite(folder: Path, names: tuple[str, ...] | None = None) -> Suite:
    """The suite with the rivals of these names; by default those that can be imported."""
    files = {p.stem.removesuffix(_SUFFIX): p for p in folder.glob(f"*{_SUFFIX}.py")}
    for name in names or ():
        if name not in files:
            raise ArgumentError(
                "E4003",
                f"rival {name!r}",
                expected=f"one of {', '.join(sorted(files)) or 'the rivals of the suite'}",
                got=repr(name),
            )
    rivals: dict[str, Mapping[str, Rival]] = {}
    for name in sorted(files) if names is None else names:
        try:
            rivals[name] = _module(files[name]).RIVALS
        except ModuleNotFoundError as error:
            if names is not None:
                raise ArgumentError(
                    "E4003",
                    f"rival {name!r}",
                    expected="a library that is installed",
                    got=str(error),
                ) from error
    large = folder / "large.py"
    return Suite(rivals, _module(large).WORKLOADS if large.exists() else {})


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tiledsl_suite_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ArgumentError("E4003", f"suite file {path.name}", expected="Python")
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
