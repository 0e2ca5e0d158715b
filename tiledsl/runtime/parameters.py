"""The parameters of a function as a call sees them, and putting arguments in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tiledsl.analysis.effects import read, written
from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.nodes import Buffer, Function, Var
from tiledsl.runtime.dimensions import spell, symbols


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    ``written`` and ``accessed`` are about arrays; ``shaping`` says that a scalar stands
    in a shape, a stride or a grid, so that other checks depend on its value; ``pointer``
    that an address will do for the array.
    """

    position: int
    node: Buffer | Var
    output: bool
    written: bool
    accessed: bool
    shaping: bool
    pointer: bool = False

    @property
    def name(self) -> str:
        return self.node.name

    def __str__(self) -> str:
        node = self.node
        if isinstance(node, Var):
            return f"{node.name}: {node.dtype}"
        shape = ", ".join(spell(extent) for extent in node.shape)
        return f"{node.name}: {node.dtype}[{shape}]"


_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Signature:
    """All parameters, and those that a call passes."""

    function: str
    parameters: tuple[Parameter, ...]
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]

    def __str__(self) -> str:
        text = f"{self.function}({', '.join(str(part) for part in self.inputs)})"
        if self.outputs:
            text += f" -> {', '.join(str(part) for part in self.outputs)}"
        return text

    def ordered(
        self, args: Sequence[object], named: Mapping[str, object]
    ) -> list[object]:
        """One value for each input, as Python itself would assign them."""
        if len(args) > len(self.inputs):
            raise self._too_many(args)
        values = [*args, *[_MISSING] * (len(self.inputs) - len(args))]
        places = {part.name: place for place, part in enumerate(self.inputs)}
        for name, value in named.items():
            if name not in places:
                raise self._unexpected(name)
            if places[name] < len(args):
                raise self._error("E1003", f"got multiple values for argument '{name}'")
            values[places[name]] = value
        missing = [
            f"'{part.name}'"
            for part, value in zip(self.inputs, values, strict=True)
            if value is _MISSING
        ]
        if missing:
            plural = "s" if len(missing) > 1 else ""
            raise self._error(
                "E1001",
                f"missing {len(missing)} argument{plural}: {', '.join(missing)}",
            )
        return values

    def _error(self, code: str, what: str, hint: str | None = None) -> ArgumentError:
        return ArgumentError(code, f"{self.function}() {what}", hint=hint)

    def _too_many(self, args: Sequence[object]) -> ArgumentError:
        takes, given = len(self.inputs), len(args)
        plural = "" if takes == 1 else "s"
        hint = None
        if given == len(self.parameters):
            names = ", ".join(part.name for part in self.outputs)
            hint = f"the call allocates and returns {names}; do not pass it"
        return self._error(
            "E1002", f"takes {takes} argument{plural} but {given} were given", hint
        )

    def _unexpected(self, name: str) -> ArgumentError:
        hint = None
        if name in [part.name for part in self.outputs]:
            hint = f"the call allocates and returns {name}; do not pass it"
        return self._error("E1002", f"got an unexpected argument '{name}'", hint)


def signature_of(function: Function, name: str) -> Signature:
    """The signature under which callers know ``function``."""
    writes = written(function.body)
    accessed = writes | read(function.body)
    shaping = _shaping(function)
    parameters = tuple(
        Parameter(
            position,
            node,
            position in function.outputs,
            node.name in writes,
            node.name in accessed,
            node.name in shaping,
            position in function.pointers,
        )
        for position, node in enumerate(function.params)
    )
    return Signature(
        name,
        parameters,
        tuple(part for part in parameters if not part.output),
        tuple(parameters[position] for position in function.outputs),
    )


def _shaping(function: Function) -> frozenset[str]:
    names: set[str] = set()
    for node in function.params:
        if isinstance(node, Buffer):
            for extent in node.shape + (node.strides or ()):
                names.update(symbols(extent))
    for statement in function.body:
        for extent in getattr(statement, "grid", ()):
            names.update(symbols(extent))
    return frozenset(names)
