"""``autotune``: a call with every tunable value given runs, others are refused (L110)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tiledsl.compat.refused import RefusedName
from tiledsl.diagnostics import ArgumentError, UnsupportedByTarget
from tiledsl.jit_function import JitFunction


class TunedFunction:
    """A jit function under ``@autotune``.  Nothing is tuned."""

    def __init__(self, function: JitFunction, configs: object) -> None:
        self.function = function
        self.python = function.python
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self._configs = configs

    def _tunables(self) -> frozenset[str]:
        configs = self._configs
        if callable(configs):
            return frozenset(
                name
                for name, part in self.function.__signature__.parameters.items()
                if part.default is not part.empty
            )
        if isinstance(configs, Mapping):
            return frozenset(configs)
        first: object = None
        if isinstance(configs, list | tuple) and configs:
            first = configs[0]
        return frozenset(first) if isinstance(first, Mapping) else frozenset()

    def __call__(self, *args: object, **named: object) -> object:
        """The call of the function, if it names every tunable value."""
        names = list(self.function.__signature__.parameters)
        given = {*names[: len(args)], *named}
        missing = sorted(self._tunables() - given)
        if missing:
            raise UnsupportedByTarget(
                "E0703",
                f"choosing {', '.join(missing)} of {self.__name__} by measuring "
                "is not available",
                hint=f"pass {', '.join(f'{name}=...' for name in missing)}",
            )
        return self.function(*args, **named)

    def __getattr__(self, name: str) -> object:
        return getattr(self.function, name)


def autotune(
    func: JitFunction | None = None, *, configs: object = None, **options: object
) -> TunedFunction | Callable[[JitFunction], TunedFunction]:
    """Stands above ``jit``; ``configs`` names the tunable parameters.

    A call must give all of them: measuring candidates is refused.
    """

    def decorate(function: JitFunction) -> TunedFunction:
        if not isinstance(function, JitFunction):
            raise ArgumentError(
                "E0704",
                "autotune",
                expected="a function decorated by jit below it",
                got=type(function).__name__,
            )
        return TunedFunction(function, configs)

    return decorate if func is None else decorate(func)


AutoTuner = RefusedName(
    "tilelang.autotuner.AutoTuner", "call the jit function with explicit values"
)


@contextmanager
def set_autotune_inputs(*_: object, **__: object) -> Iterator[None]:
    """Inputs for measuring candidates; without effect, as nothing is measured."""
    yield
