"""Everything that is set from outside: the environment variables, the default order.

A bad value is an error that names the variable and what it may hold; it is never
replaced by a guess.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from tiledsl.diagnostics import ArgumentError

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class Setting(Generic[ValueT]):
    """One environment variable.  Unset and empty both mean ``default``."""

    name: str
    default: ValueT
    allowed: str
    meaning: str
    parse: Callable[[str], ValueT]

    @property
    def value(self) -> ValueT:
        """The value now; read again at every use."""
        text = os.environ.get(self.name, "").strip()
        if not text:
            return self.default
        try:
            return self.parse(text)
        except ValueError:
            raise ArgumentError(
                "E4001",
                f"environment variable {self.name}",
                expected=self.allowed,
                got=repr(text[:80]),
                hint=f"unset {self.name} to use the default ({self.default})",
            ) from None


def _flag(text: str) -> bool:
    values = {"1": True, "true": True, "on": True, "yes": True}
    values |= {"0": False, "false": False, "off": False, "no": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


def _integer(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if len(text) > 20 or not lowest <= int(text) <= highest:
            raise ValueError(text)
        return int(text)

    return parse


def _name(text: str) -> str:
    if not all(letter.isalnum() or letter in "-_.:" for letter in text):
        raise ValueError(text)
    return text


BACKEND: Final[Setting[str | None]] = Setting(
    "TILEDSL_BACKEND",
    None,
    "the name of a backend",
    "the backend of calls that name none",
    _name,
)
CACHE_DIR: Final[Setting[Path | None]] = Setting(
    "TILEDSL_CACHE_DIR",
    None,
    "a directory",
    "where compiled code is kept between processes",
    lambda text: Path(text).expanduser(),
)
DISABLE_CACHE: Final[Setting[bool]] = Setting(
    "TILEDSL_DISABLE_CACHE",
    False,
    "0 or 1",
    "keep no compiled code between processes",
    _flag,
)
CACHE_MEGABYTES: Final[Setting[int]] = Setting(
    "TILEDSL_CACHE_MEGABYTES",
    1024,
    "an integer from 1 to 1048576",
    "the size at which the oldest cache entries are dropped",
    _integer(1, 1 << 20),
)
THREADS: Final[Setting[int | None]] = Setting(
    "TILEDSL_THREADS",
    None,
    "an integer from 1 to 1024",
    "worker threads of CPU kernels; all usable cores if unset",
    _integer(1, 1024),
)
VALIDATE: Final[Setting[int]] = Setting(
    "TILEDSL_VALIDATE",
    0,
    "an integer from 0 to 1000",
    "inputs on which every pass of a compilation is judged; 0 for none",
    _integer(0, 1000),
)
CPU: Final[Setting[str | None]] = Setting(
    "TILEDSL_CPU",
    None,
    "the name of a CPU such as x86-64-v3",
    "the CPU that kernels may assume; the one found if unset",
    _name,
)

# Setting is invariant in its value, so a union says what the table holds
AnySetting = (
    Setting[str | None]
    | Setting[Path | None]
    | Setting[bool]
    | Setting[int]
    | Setting[int | None]
)

SETTINGS: Final[tuple[AnySetting, ...]] = (
    BACKEND,
    CACHE_DIR,
    DISABLE_CACHE,
    CACHE_MEGABYTES,
    THREADS,
    VALIDATE,
    CPU,
)


def validate() -> None:
    """Reads every setting, so that a bad one is reported before any work is done."""
    for setting in SETTINGS:
        _ = setting.value


# Rule L99.  The only place of the core that knows backends by name: which to try, in
# order, for arguments in the memory of a device.
DEFAULT_ORDER: Final[dict[str, tuple[str, ...]]] = {
    "cpu": ("llvm", "numpy"),
    "cuda": ("triton",),
    "hip": ("triton",),
}

# the backend whose results are the meaning of a program
REFERENCE: Final = "numpy"

# the module that judges passes if TILEDSL_VALIDATE asks for it; it stands above the
# runtime, which therefore loads it by name
VALIDATOR: Final = "tiledsl.testing.validation"

# `target=` spellings that mean a kind of device rather than one target of a backend
DEVICE_TARGETS: Final[dict[str, str]] = {
    "llvm": "cpu",
    "c": "cpu",
    "cpu": "cpu",
    "cuda": "cuda",
    "hip": "hip",
    "rocm": "hip",
}
