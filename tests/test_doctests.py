"""Examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import tiledsl

# modules that need an optional package when imported
_OPTIONAL = ("tiledsl.cli", "tiledsl.commands")
_COMMANDS = ("__main__",)  # run when imported


def _modules() -> list[str]:
    found = pkgutil.walk_packages(tiledsl.__path__, "tiledsl.")
    return [
        module.name
        for module in found
        if not module.name.startswith(_OPTIONAL) and not module.name.endswith(_COMMANDS)
    ]


@pytest.mark.parametrize("name", _modules())
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    failures, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failures == 0
