"""``T.tunable`` (rule L95)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.tunables import Choice, Tunable, resolved

_KINDS = (int, float, bool, str)  # a dtype is a str, too


# any static value: the choices are the caller's, and kernels compute with them
def tunable(name: str, choices: Sequence[Choice], default: Choice | None = None) -> Any:
    """A static value out of ``choices``, for the caller or the tuner to choose.

    It may stand wherever a static value may: tile sizes, ``num_stages``, an ``if`` while
    tracing, a default of a ``jit`` parameter.  Its value is the one given by ``tunables=``
    in the call, in ``compile`` or in ``jit``, else ``default``, else the first choice.
    ``kernel.config`` has the values chosen; ``@tiledsl.autotune`` measures them.

    E0231: malformed, or one name with different choices.  E0232: a value that is no choice.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def doubled(X, rows=T.tunable("rows", [2, 4])):
    ...     N = T.dynamic("N")
    ...     X: T.Tensor((N,), "int32")
    ...     Y = T.empty((N,), "int32")
    ...     with T.Kernel(T.ceildiv(N, rows)) as bx:
    ...         for i in T.Parallel(rows):
    ...             Y[bx * rows + i] = X[bx * rows + i] * 2
    ...     return Y
    >>> doubled(np.arange(3, dtype=np.int32), tunables={"rows": 4})
    array([0, 2, 4], dtype=int32)
    >>> doubled.compile(tunables={"rows": 4}).config
    {'rows': 4}
    """
    listed = tuple(choices) if isinstance(choices, list | tuple | range) else ()
    valid = isinstance(name, str) and name.isidentifier() and listed
    if not valid or not all(isinstance(choice, _KINDS) for choice in listed):
        raise KernelError(
            "E0231",
            "T.tunable takes a name and a list of choices",
            span=here(),
            expected="ints, bools, floats, strings or dtypes, at least one",
            got=f"{brief(name)}, {brief(choices)}",
        )
    if default is not None and default not in listed:
        raise KernelError(
            "E0231",
            f"the default of the tunable {name} is none of its choices",
            span=here(),
            expected=", ".join(map(brief, listed)),
            got=brief(default),
        )
    if default is not None:
        listed = (default, *(choice for choice in listed if choice != default))
    return resolved(Tunable(name, listed))
