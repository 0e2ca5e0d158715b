"""A function ready to be interpreted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from tiledsl.backend import Arguments
from tiledsl.diagnostics.assertions import raise_failures
from tiledsl.diagnostics.check_report import CheckReport
from tiledsl.ir import nodes as ir
from tiledsl.ir.printer import print_function
from tiledsl_numpy.binding import bind
from tiledsl_numpy.frame import Frame, Options
from tiledsl_numpy.packed import unpacked
from tiledsl_numpy.sanitizer.runs import Watched, check
from tiledsl_numpy.statements import EXECUTE


@dataclass(frozen=True)
class NumpyExecutable:
    """Interprets ``function``; its only stage is the IR text, which is what runs."""

    function: ir.Function
    options: Options

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return MappingProxyType({"numpy": lambda: print_function(self.function)})

    @property
    def binary(self) -> bytes | None:
        return None

    def launch(self, arguments: Arguments) -> None:
        """Runs to completion; failed assertions are raised then.

        NumPy's warnings are off: every operation is total.
        """
        frame = Frame(EXECUTE, self.options)
        with (
            unpacked(self.function, arguments) as values,
            np.errstate(all="ignore"),
        ):
            bind(self.function, values, frame)
            frame.run(self.function.body)
        raise_failures(self.function.name, frame.failures.result())

    @cached_property
    def _watched(self) -> Watched:
        return Watched.of(self.function)

    def check(self, arguments: Arguments, *, strict: bool = False) -> CheckReport:
        """Runs to completion in checked mode (rules L114 and L115)."""
        with (
            unpacked(self.function, arguments) as values,
            np.errstate(all="ignore"),
        ):
            return check(self._watched, values, self.options, strict=strict)
