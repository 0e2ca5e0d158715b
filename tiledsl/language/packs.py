"""Packs of lanes: ``bfloat16x2``, ``int8x4``, ... (rules L27, L36, and the table of L38).

A pack is a Python object in a trace: operators work lane by lane, and reinterpreting it
gives one word, the first lane in its lowest bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.operators import Operators
from tiledsl.frontend.scalars import Scalar, scalar
from tiledsl.frontend.values import ScalarLike, Value, apply, as_value, converted
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.nodes import Apply, Bitcast, Cast, Const, Expr
from tiledsl.language.arithmetic import max as largest
from tiledsl.language.arithmetic import min as smallest
from tiledsl.language.math import abs as magnitude
from tiledsl.language.math import fma

_NAME: Final = re.compile(r"([a-z]\w*?)x(\d+)")
_LANES: Final = frozenset(dtype for dtype in ALL_DTYPES if dtype != "index")
_COUNTS: Final = (2, 4, 8, 16, 32, 64)
_WIDEST: Final = 64  # bits of a word


class PackDType(str):
    """The dtype of a pack; called with its lanes it makes one.

    >>> pack_dtype("bfloat16x2") == "bfloat16x2", pack_dtype("int8x4").bits
    (True, 32)
    """

    __slots__ = ("lane", "length")

    lane: DType
    length: int

    @property
    def bits(self) -> int:
        return self.lane.bits * self.length

    @property
    def bytes(self) -> int:
        return self.bits // 8

    def __call__(self, *values: object) -> Pack:
        """A pack of as many scalars, each rounded to the dtype of the lanes."""
        if len(values) == 1 and isinstance(values[0], Pack):
            values = tuple(values[0])
        if len(values) != self.length:
            raise KernelError(
                "E0209",
                f"T.{self} takes {self.length} lanes",
                span=here(),
                got=str(len(values)),
            )
        return Pack(self, tuple(converted(value, self.lane) for value in values))


def pack_dtype(name: object) -> PackDType | None:
    """The dtype of a pack by its name, or None.

    >>> pack_dtype("float32x3")
    """
    if isinstance(name, PackDType):
        return name
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    if found is None or found[1] not in _LANES or int(found[2]) not in _COUNTS:
        return None
    made = PackDType(found[0])
    made.lane, made.length = DType(found[1]), int(found[2])
    return made


class Pack:
    """Lanes of one dtype.  Operators take packs of equal dtype, or one scalar for all."""

    __slots__ = ("dtype", "lanes")
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __init__(self, dtype: PackDType, lanes: tuple[Value, ...]) -> None:
        self.dtype = dtype
        self.lanes = lanes

    def __getitem__(self, lane: int) -> Value:
        return self.lanes[lane]

    def __iter__(self) -> Iterator[Value]:
        return iter(self.lanes)

    def __len__(self) -> int:
        return len(self.lanes)

    def __add__(self, other: object) -> Pack:
        return _each(lambda a, b: a + b, self, other)

    def __sub__(self, other: object) -> Pack:
        return _each(lambda a, b: a - b, self, other)

    def __mul__(self, other: object) -> Pack:
        return _each(lambda a, b: a * b, self, other)

    def __truediv__(self, other: object) -> Pack:
        return _each(lambda a, b: a / b, self, other)

    def __radd__(self, other: object) -> Pack:
        return _each(lambda a, b: b + a, self, other)

    def __rsub__(self, other: object) -> Pack:
        return _each(lambda a, b: b - a, self, other)

    def __rmul__(self, other: object) -> Pack:
        return _each(lambda a, b: b * a, self, other)

    def __rtruediv__(self, other: object) -> Pack:
        return _each(lambda a, b: b / a, self, other)

    def __neg__(self) -> Pack:
        return _each(lambda a: -a, self)

    def __abs__(self) -> Pack:
        return _each(magnitude, self)

    def __bool__(self) -> NoReturn:
        raise KernelError(
            "E0310", "a pack has no truth value", span=here(), hint="look at its lanes"
        )

    def __repr__(self) -> str:
        return f"<{self.dtype} value>"


def _each(function: Callable[..., Value], *operands: object) -> Pack:
    """The function on the lanes; scalars count for every lane."""
    first = next(x for x in operands if isinstance(x, Pack))
    columns = []
    for x in operands:
        if isinstance(x, Pack) and x.dtype != first.dtype:
            raise KernelError(
                "E0310",
                "packs meet only packs of the same dtype",
                span=here(),
                expected=str(first.dtype),
                got=str(x.dtype),
                hint=f"T.cast(x, {str(first.dtype)!r})",
            )
        columns.append(tuple(x) if isinstance(x, Pack) else (x,) * len(first))
    rows = zip(*columns, strict=True)
    return Pack(first.dtype, tuple(as_value(function(*row)) for row in rows))


def _of_two(
    name: str, function: Callable[..., Value], arity: int
) -> Callable[..., Pack]:
    """A function on packs of two lanes."""

    def on_packs(*operands: object) -> Pack:
        packs = all(isinstance(x, Pack) and len(x) == 2 for x in operands)
        if len(operands) != arity or not packs:
            raise KernelError(
                "E0310",
                f"T.{name} takes {arity} pack(s) of two lanes",
                span=here(),
                expected="for example T.bfloat16x2(a, b)",
                got=", ".join(brief(x) for x in operands),
            )
        return _each(function, *operands)

    on_packs.__name__ = on_packs.__qualname__ = name
    on_packs.__doc__ = f"``T.{name.removesuffix('2')}`` on both lanes of packs of two."
    return on_packs


abs2: Final = _of_two("abs2", magnitude, 1)
add2: Final = _of_two("add2", lambda a, b: a + b, 2)
mul2: Final = _of_two("mul2", lambda a, b: a * b, 2)
max2: Final = _of_two("max2", lambda a, b: as_value(largest(a, b)), 2)
min2: Final = _of_two("min2", lambda a, b: as_value(smallest(a, b)), 2)
fma2: Final = _of_two("fma2", fma, 3)


def cast_pack(
    pack: Pack, dtype: object, change: Callable[[Value, DType], Value]
) -> Pack:
    """Every lane converted to those of a pack with as many."""
    target = pack_dtype(dtype)
    if target is None or target.length != len(pack):
        raise KernelError(
            "E0316",
            f"a cast of {pack.dtype} keeps its lanes",
            span=here(),
            expected=f"a dtype of {len(pack)} lanes",
            got=brief(dtype),
        )
    return Pack(target, tuple(change(lane, target.lane) for lane in pack))


def reinterpret_pack(
    value: ScalarLike | Pack, dtype: object, dtype_of: Callable[[object], DType]
) -> Value | Pack:
    """The bits of a pack as a word or other pack, or of a word as a pack (L36)."""
    target = pack_dtype(dtype)
    bits = _bits(value)
    wanted = dtype_of(dtype).bits if target is None else target.bits
    if bits != wanted or bits > _WIDEST:
        raise KernelError(
            "E0308",
            "reinterpret needs dtypes of equal width, at most 64 bits for packs",
            span=here(),
            expected=f"a dtype of {bits} bits",
            got=f"{_dtype(value)} as {dtype}",
        )
    word = _joined(value) if isinstance(value, Pack) else apply(_word, value)
    if target is None:
        whole = DType(dtype_of(dtype))
        return apply(lambda data: _read_as(data, whole), word)
    lanes = (_lane(word, number, target.lane) for number in range(target.length))
    return Pack(target, tuple(lanes))


def _dtype(value: object) -> object:
    return value.dtype if isinstance(value, Pack) else as_value(value).dtype


def _bits(value: object) -> int:
    if isinstance(value, Pack):
        return value.dtype.bits
    if isinstance(value, Operators):
        return value.read().dtype.bits
    raise KernelError(
        "E0308",
        "a literal has no bits of its own",
        span=here(),
        got=brief(value),
        hint="give it a dtype first: T.uint32(1)",
    )


def _unsigned(bits: int) -> DType:
    return DType(f"uint{bits}")


def _word(data: object) -> Scalar:
    """The bits of a scalar, rounded to its own dtype, as an unsigned integer."""
    if not isinstance(data, Scalar):  # a literal was refused before
        data = scalar(Const(0, _unsigned(8)))
    own = convert(data, data.dtype, implicit=False)
    word = _unsigned(data.dtype.bits)
    return scalar(own if own.dtype == word else Bitcast(own, word, span=here()), word)


def _read_as(data: object, dtype: DType) -> Scalar:
    word = _word(data).expr
    same = word.dtype == dtype
    return scalar(word if same else Bitcast(word, dtype, span=here()), dtype)


def _joined(pack: Pack) -> Value:
    """All lanes in one word, the first in the lowest bits."""
    word = _unsigned(pack.dtype.bits)

    def join(*lanes: object) -> Scalar:
        total: Expr | None = None
        for number, lane in enumerate(lanes):
            part: Expr = Cast(_storage(_word(lane)), word, span=here())
            if number:
                shift = Const(number * pack.dtype.lane.bits, word)
                part = Apply("shl", (part, shift), span=here())
            total = part if total is None else Apply("or", (total, part), span=here())
        return scalar(total or Const(0, word), word)

    return apply(join, *pack.lanes)


def _storage(data: Scalar) -> Expr:
    """The word of a lane itself: a uint4 counts as int32 once it is widened."""
    return convert(data, data.dtype, implicit=False)


def _lane(word: Value, number: int, lane: DType) -> Value:
    def extract(data: object) -> Scalar:
        bits = _word(data).expr
        if number:
            bits = Apply("shr", (bits, Const(number * lane.bits, bits.dtype)))
        low: Expr = Cast(bits, _unsigned(lane.bits), span=here())
        low = low if low.dtype == lane else Bitcast(low, lane, span=here())
        return scalar(low, lane)

    return apply(extract, word)
