"""Names of another system that have no meaning here: importable, refused when used."""

from __future__ import annotations

from difflib import get_close_matches
from typing import NoReturn

from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.frontend.builder import here


class RefusedName:
    """A name without a meaning here: importing it is free, any use raises (rule L112).

    Naming an attribute of it is no use yet, nor is an annotation: ``x: tir.Expr | None``.
    """

    def __init__(self, path: str, hint: str | None = None) -> None:
        self._path = path
        self._hint = hint

    def _refuse(self) -> UnsupportedByTarget:
        return UnsupportedByTarget(
            "E0701",
            f"{self._path} has no meaning in tiledsl",
            span=here(),
            hint=self._hint,
        )

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise self._refuse()

    def __getitem__(self, _: object) -> NoReturn:
        raise self._refuse()

    def __getattr__(self, name: str) -> RefusedName:
        if name.startswith("__"):
            raise AttributeError(name)
        return RefusedName(f"{self._path}.{name}", self._hint)

    def __or__(self, _: object) -> RefusedName:
        return self

    __ror__ = __or__

    def __instancecheck__(self, _: object) -> NoReturn:
        raise self._refuse()

    def __bool__(self) -> NoReturn:
        raise self._refuse()

    def __iter__(self) -> NoReturn:
        raise self._refuse()

    def __mro_entries__(self, _: object) -> NoReturn:
        raise self._refuse()

    def __repr__(self) -> str:
        return f"<{self._path}, not available>"


def refused(path: str, known: list[str]) -> RefusedName:
    """The stand-in for ``path``, with the nearest known name as a hint."""
    name = path.rpartition(".")[2]
    near = get_close_matches(name, known, n=1, cutoff=0.8)
    return RefusedName(path, f"did you mean {near[0]}?" if near else None)
