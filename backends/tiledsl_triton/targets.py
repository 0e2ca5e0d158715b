"""Targets by name, and what is known about each GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tiledsl.diagnostics import UnsupportedByTarget

INTERPRETER: Final = "interpreter"
COMPILE_ONLY: Final = (
    "cuda:sm_80",
    "cuda:sm_90",
    "cuda:sm_100",
    "hip:gfx942",
    "hip:gfx950",
)
# bytes of shared memory that one block may have; Triton does not check them
_SHARED: Final[dict[str, int]] = {
    "sm_70": 98304,
    "sm_75": 65536,
    "sm_80": 166912,
    "sm_86": 101376,
    "sm_87": 166912,
    "sm_89": 101376,
    "sm_90": 232448,
    "sm_100": 232448,
    "sm_103": 232448,
    "sm_120": 101376,
    "sm_121": 101376,
    "gfx942": 65536,
    "gfx950": 163840,
}
_UNITS: Final[dict[str, int]] = {"sm_80": 108, "sm_90": 132, "sm_100": 148}


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU to compile for: vendor ``cuda`` or ``hip`` and architecture."""

    vendor: str
    architecture: str

    @property
    def name(self) -> str:
        return f"{self.vendor}:{self.architecture}"

    @property
    def capability(self) -> int:
        """90 for sm_90."""
        return int(self.architecture.removeprefix("sm_"))

    @property
    def shared_bytes(self) -> int:
        default = 65536 if self.vendor == "hip" else 49152
        return _SHARED.get(self.architecture, default)

    @property
    def units(self) -> int:
        """Typical number of multiprocessors."""
        return _UNITS.get(self.architecture, 304 if self.vendor == "hip" else 100)

    @property
    def warp(self) -> int:
        wide = self.architecture.startswith("gfx9")
        return 64 if self.vendor == "hip" and wide else 32


def gpu_of(name: str) -> Gpu:
    """The GPU of a target name such as ``cuda:sm_90`` or ``hip:gfx942``."""
    vendor, _, architecture = name.partition(":")
    known = vendor == "cuda" and architecture.removeprefix("sm_").isdigit()
    known = known and architecture.startswith("sm_")
    if not known and not (vendor == "hip" and architecture.startswith("gfx")):
        raise UnsupportedByTarget(
            "E2033",
            f"unknown target {name!r}",
            expected="interpreter, cuda:sm_<number> or hip:gfx<number>",
        )
    return Gpu(vendor, architecture)
