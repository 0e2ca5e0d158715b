"""Biases of a whole program: what a pass or a backend finds hard comes in bunches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from tiledsl.ir.dtypes import DType

Weights = tuple[tuple[str, int], ...]

_STATEMENTS: Final[Weights] = (
    ("tile", 2),
    ("let", 1),
    ("copy", 3),
    ("fill", 1),
    ("reduce", 2),
    ("gemm", 1),
    ("parallel", 5),
    ("variable", 1),
    ("for", 2),
    ("if", 2),
    ("while", 1),
    ("staged", 3),
    ("sort", 1),
    ("atomic", 1),
    ("view", 1),
    ("observe", 1),
)
_PLAIN: Final = (
    ("int32", 6),
    ("float32", 6),
    ("bool", 1),
    ("int8", 1),
    ("uint8", 1),
    ("int16", 1),
    ("uint16", 1),
    ("uint32", 1),
    ("int64", 1),
    ("uint64", 1),
    ("float16", 1),
    ("bfloat16", 2),
    ("float64", 1),
    ("float8_e4m3fn", 1),
    ("float8_e5m2", 1),
    ("float8_e8m0fnu", 1),
    ("int4", 1),
    ("uint4", 1),
    ("float4_e2m1fn", 1),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a program does what.

    ``statements`` and ``dtypes`` are weights; ``size`` counts the statements of a block
    and ``depth`` the blocks in blocks; ``tiles`` are extents of tiles, the simplest
    first; ``exact`` leaves out what two honest evaluations may round differently.
    The rest are percentages: ``several`` of the functions have up to ``launches`` steps;
    ``tensors`` of the steps of a function are statements on whole
    tensors; ``updates`` of the later launches update what earlier ones wrote.
    """

    name: str
    statements: Weights = _STATEMENTS
    dtypes: Weights = _PLAIN
    size: int = 2
    depth: int = 1
    tiles: tuple[int, ...] = (1, 2, 3, 4, 5, 7)
    launches: int = 2
    several: int = 35
    exact: bool = False
    symbolic: int = 50
    outside: int = 25
    strided: int = 15
    casts: int = 15
    gathers: int = 10
    guards: int = 35
    values: int = 2
    tensors: int = 10
    updates: int = 40
    asynchronous: int = 10

    def weight(self, dtype: DType) -> int:
        return dict(self.dtypes).get(str(dtype), 0)


def _with(weights: Weights, **changed: int) -> Weights:
    return tuple({**dict(weights), **changed}.items())


_MIXED: Final = Policy("mixed")

POLICIES: Final[tuple[Policy, ...]] = (
    _MIXED,
    replace(_MIXED, name="exact", exact=True),
    replace(
        _MIXED,
        name="tails",
        tiles=(2, 3, 5, 6, 7, 9, 12, 17),
        symbolic=85,
        outside=60,
        statements=_with(_STATEMENTS, copy=8),
    ),
    replace(
        _MIXED,
        name="casts",
        casts=45,
        values=3,
        dtypes=tuple((name, 1) for name, _ in _PLAIN),
        statements=_with(_STATEMENTS, parallel=8, copy=4),
    ),
    replace(
        _MIXED,
        name="aliases",
        dtypes=(("int32", 5), ("float32", 4), ("bfloat16", 1), ("uint8", 1)),
        tiles=(2, 4, 4, 6),
        size=4,
        statements=_with(_STATEMENTS, copy=14, parallel=3, gemm=2),
    ),
    replace(
        _MIXED,
        name="pipelines",
        depth=2,
        statements=_with(_STATEMENTS, **{"for": 8, "copy": 6, "gemm": 4}),
        dtypes=(("float32", 4), ("int32", 2), ("bfloat16", 2), ("float16", 1)),
    ),
    replace(_MIXED, name="tiny", tiles=(1, 1, 2), launches=3, size=3),
    replace(
        _MIXED,
        name="stages",
        outside=15,
        statements=_with(_STATEMENTS, staged=20),
    ),
    replace(
        _MIXED,
        name="nests",
        depth=4,
        size=2,
        statements=_with(_STATEMENTS, **{"for": 6, "if": 6, "while": 4}),
    ),
    replace(
        _MIXED,
        name="packed",
        outside=15,
        tiles=(2, 4, 6, 1, 3),
        dtypes=(
            *(("int4", 4), ("uint4", 4), ("float4_e2m1fn", 4), ("float32", 2)),
            *(("int32", 2), ("int8", 1), ("uint8", 1), ("bfloat16", 1)),
        ),
    ),
    replace(
        _MIXED,
        name="sorts",
        statements=_with(_STATEMENTS, sort=12, parallel=4),
        dtypes=(*_PLAIN, ("float32", 4), ("int32", 4)),
    ),
    replace(
        _MIXED,
        name="atomics",
        statements=_with(_STATEMENTS, atomic=12),
        launches=3,
        several=95,
        updates=95,
        dtypes=(
            *(("int32", 5), ("float32", 4), ("uint32", 2), ("int64", 2)),
            *(("uint64", 1), ("float64", 1), ("float16", 1), ("bfloat16", 1)),
            *(("int8", 1), ("uint16", 1), ("bool", 1)),
        ),
    ),
    replace(
        _MIXED,
        name="views",
        tiles=(2, 4, 4, 8, 3),
        size=4,
        statements=_with(_STATEMENTS, view=12, copy=5),
    ),
    replace(
        _MIXED,
        name="observed",
        statements=_with(_STATEMENTS, observe=10, staged=5),
        asynchronous=70,
    ),
    replace(_MIXED, name="tensors", tensors=85, launches=4, several=70),
)


# not a bias of generated programs: variations of the registered kernels
LIBRARY: Final = Policy("library")


def find_policy(name: str) -> Policy:
    """The policy of that name.  Raises KeyError with the known names."""
    known = {policy.name: policy for policy in (*POLICIES, LIBRARY)}
    if name not in known:
        raise KeyError(f"no policy {name!r}; there are {', '.join(known)}")
    return known[name]
