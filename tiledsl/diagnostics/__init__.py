"""Error types, the catalogue of codes, and how messages are drawn."""

from tiledsl.diagnostics.brief import brief
from tiledsl.diagnostics.catalogue import CATALOGUE
from tiledsl.diagnostics.check_report import CheckReport, Finding, Sample
from tiledsl.diagnostics.errors import (
    ArgumentError,
    CacheError,
    CheckError,
    Error,
    InternalError,
    KernelError,
    TileWarning,
    UnsupportedByTarget,
)

__all__ = [
    "CATALOGUE",
    "ArgumentError",
    "CacheError",
    "CheckError",
    "CheckReport",
    "Error",
    "Finding",
    "InternalError",
    "KernelError",
    "Sample",
    "TileWarning",
    "UnsupportedByTarget",
    "brief",
]
