"""What a program uses of the language and where that goes wrong, by its text alone."""

from tiledsl.static_check.findings import Finding, Report, Use
from tiledsl.static_check.program import check_program

__all__ = ["Finding", "Report", "Use", "check_program"]
