"""Conditions on dims and scalars that a kernel states outside its launches (rule L72)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tiledsl.analysis.evaluate import evaluate
from tiledsl.backend import Arguments
from tiledsl.diagnostics import ArgumentError, Finding
from tiledsl.diagnostics.assertions import failure
from tiledsl.ir.nodes import Assert, Buffer, Function, Var
from tiledsl.ir.printer import print_expression
from tiledsl.ir.visitor import walk
from tiledsl.runtime.scalars import Number


class Promises:
    """The host-level assertions of one function."""

    def __init__(self, function: Function) -> None:
        stated = [part for part in function.body if isinstance(part, Assert)]
        self.assumed = tuple(part for part in stated if part.assumed)
        self.asserted = tuple(part for part in stated if not part.assumed)
        self._function = function

    def require(self, arguments: Arguments) -> None:
        """Raises ArgumentError for the first assumption that does not hold."""
        if not self.assumed:
            return
        values = self._values(arguments)
        for promise in _broken(self.assumed, values):
            condition = promise.condition
            names = sorted({v.name for v in walk(condition) if isinstance(v, Var)})
            raise ArgumentError(
                "E1024",
                promise.message or f"an assumption of {self._function.name}",
                span=promise.span,
                expected=print_expression(condition),
                got=", ".join(f"{name} = {values[name]}" for name in names) or "false",
            )

    def failures(self, arguments: Arguments) -> list[Finding]:
        """The assertions that do not hold."""
        broken = _broken(self.asserted, self._values(arguments))
        return [failure(statement) for statement in broken]

    def _values(self, arguments: Arguments) -> dict[str, Number]:
        function = self._function
        pairs = zip(function.params, arguments.values, strict=True)
        values: dict[str, Number] = {
            param.name: value
            for param, value in pairs
            if not isinstance(param, Buffer) and isinstance(value, bool | int | float)
        }
        for dim, size in zip(function.dims, arguments.dims, strict=True):
            values[dim.name] = size
        return values


def _broken(stated: Sequence[Assert], values: dict[str, Number]) -> Iterator[Assert]:
    return (part for part in stated if not evaluate(part.condition, values))
