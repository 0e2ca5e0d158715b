"""What became of one program, and how an exception is put into a class."""

from __future__ import annotations

import ast
import re
import traceback
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tiledsl.diagnostics import (
    ArgumentError,
    CheckError,
    Error,
    InternalError,
    KernelError,
    UnsupportedByTarget,
)
from tiledsl.diagnostics.catalogue import CATALOGUE

# every class, best first, with what it means
CLASSES: Final[dict[str, str]] = {
    "right": "ran, and its own comparison with a reference passed",
    "ran": "ran to its end, without a comparison that the survey recognizes",
    "wrong": "a comparison with its own reference failed",
    "refused": "stopped by an error that names a construct",
    "ours": "stopped by an error that is a defect here",
    "package": "needs a package that is not installed, or that needs a GPU",
    "own": "stopped by an error of the program itself",
    "limit": "reached the limit of time or memory",
    "no kernel": "ended without launching a kernel: definitions, or all tests skipped",
}
_PACKAGE: Final = str(Path(__file__).parents[2])
_INSTALLED: Final = re.compile(r"site-packages[/\\](\w+)")
_SHOWING: Final = ("torch", "numpy", "pytest", "_pytest")  # raise for the program
_WORD: Final = re.compile(r"\b(?:T|tilelang)\.[\w.]+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The class of one program, the reason, and the error's own words."""

    program: str
    kind: str
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Observed:
    """What was counted while a program ran."""

    launches: int = 0
    agreed: int = 0
    disagreed: int = 0


def ended(observed: Observed) -> tuple[str, str]:
    """Class and reason of a program that came to its end."""
    if observed.launches == 0:
        return "no kernel", ""
    if observed.disagreed:
        return "wrong", "allclose was False"
    return ("right", "") if observed.agreed else ("ran", "")


def failed(error: BaseException, observed: Observed) -> tuple[str, str]:
    """Class and reason of a program that an exception ended."""
    if isinstance(error, Error):
        return _by_tiledsl(error)
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return "limit", "memory"
    if isinstance(error, ImportError):
        name = (error.name or "").partition(".")[0]
        return ("own" if name == "tilelang" else "package"), name or str(error)
    frames = traceback.extract_tb(error.__traceback__)
    inner = frames[-1].filename if frames else ""
    if isinstance(error, NameError):  # of a module whose absence the program caught
        absent = _absent_module(Path(inner), error.name or "")
        if absent:
            return "package", absent
    installed = _INSTALLED.search(inner)
    if installed is not None and installed.group(1) not in _SHOWING:
        return "package", installed.group(1)
    if isinstance(error, AssertionError):
        return ("wrong" if observed.launches else "own"), "an assertion failed"
    ours = inner.startswith(_PACKAGE) and not inner.startswith(f"{_PACKAGE}/compat")
    return ("ours" if ours else "own"), type(error).__name__


def _absent_module(file: Path, name: str) -> str:
    """The package that is not installed and that a file imports ``name`` from, or ""."""
    if not file.is_file():
        return ""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            bound = {part.asname or part.name for part in node.names}
            root = node.module.partition(".")[0]
            if name in bound and find_spec(root) is None:
                return root
    return ""


def _by_tiledsl(error: Error) -> tuple[str, str]:
    if isinstance(error, CheckError):
        return "wrong", error.code
    if isinstance(error, InternalError):
        return "ours", error.code
    word = _WORD.search(error.message)
    if isinstance(error, UnsupportedByTarget) and word is not None:
        return "refused", word.group().rstrip(".")
    if isinstance(error, KernelError | ArgumentError | UnsupportedByTarget):
        return "refused", f"{error.code}: {CATALOGUE[error.code]}"
    return "ours", error.code
