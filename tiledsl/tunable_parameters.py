"""Parameters of jit functions with a ``T.tunable`` as default (rule L95)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from tiledsl.compile_options import by_name
from tiledsl.frontend.tunables import Tunable, resolved


class TunableParameters:
    """What a call of one function says about tunables.

    ``parameters``: the tunables that are defaults, by the name of the parameter.
    """

    def __init__(
        self, signature: inspect.Signature, always: Mapping[str, object]
    ) -> None:
        self._names = list(signature.parameters)
        self._always = always
        self.parameters = {
            name: part.default
            for name, part in signature.parameters.items()
            if isinstance(part.default, Tunable)
        }

    def given(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> dict[str, object]:
        """The values that a call gives; takes ``tunables=`` out of it.

        What is passed as an argument is no choice any more.
        """
        given = dict(self._always)
        if "tunables" in named and "tunables" not in self._names:
            given |= by_name("tunables", named.pop("tunables"))
        passed = self._passed(args, named)
        explicit = {
            part.name for name, part in self.parameters.items() if name in passed
        }
        return {name: value for name, value in given.items() if name not in explicit}

    def completed(
        self, args: tuple[object, ...], named: dict[str, object]
    ) -> dict[str, object]:
        """The arguments by name, with a value for every tunable parameter left out."""
        if not self.parameters:
            return named
        passed = self._passed(args, named)
        chosen = {
            name: resolved(part)
            for name, part in self.parameters.items()
            if name not in passed
        }
        return {**named, **chosen}

    def _passed(
        self, args: tuple[object, ...], named: Mapping[str, object]
    ) -> set[str]:
        return {*self._names[: len(args)], *named}
