"""What a run shows of itself, as ordinary stores into a log that the host reads.

The log is one more parameter, ``int64[LOG_WORDS]``, all zero before a call:

    log[0]          words of records so far, or more if some did not fit
    log[1 + s]      how often the assertion of site s failed
    log[B:]         records one after the other, B = 1 + the number of sites

A record is: its site plus 1, the block's index, the variables of the loops around, and
what is printed: one word for a scalar, for a tile its extents and then its elements.
Floats are written as the bits of a float64, which holds every one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tiledsl.ir.dtypes import BOOL, FLOAT64, INDEX, INT64, DType
from tiledsl.ir.nodes import (
    Apply,
    Assert,
    At,
    Atomic,
    Bitcast,
    Block,
    Breakpoint,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    For,
    Function,
    If,
    Launch,
    Let,
    Load,
    Parallel,
    Print,
    Region,
    Statement,
    Store,
    Var,
    Wait,
    While,
    index,
)
from tiledsl.ir.visitor import walk

LOG_WORDS: Final = 1 << 20
SAMPLES: Final = 3  # failures of one assertion that leave a record


@dataclass(frozen=True, slots=True)
class Site:
    """A place that writes records: the number of its launch and the loops around it."""

    statement: Assert | Print
    launch: int
    blocks: int
    loops: tuple[str, ...]

    @property
    def dtype(self) -> DType:
        """The dtype of what is printed."""
        statement = self.statement
        if isinstance(statement, Assert) or statement.value is None:
            return BOOL
        value = statement.value
        return value.buffer.dtype if isinstance(value, Region) else value.dtype

    @property
    def has_value(self) -> bool:
        """Whether something is printed, and not a text alone."""
        return isinstance(self.statement, Print) and self.statement.value is not None

    @property
    def rank(self) -> int | None:
        """The rank of the tile that is printed; None for a scalar."""
        if isinstance(self.statement, Assert):
            return None
        value = self.statement.value
        return len(value.shape) if isinstance(value, Region) else None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A function that writes a log, its last parameter, if there are any sites."""

    function: Function
    sites: tuple[Site, ...]


def record_observations(function: Function, *, asserts: bool) -> Recorded:
    """Replaces prints, and assertions if ``asserts``; drops everything else that looks.

    Promises at host level stay.  The log is a parameter only if something is recorded.
    """
    names = {getattr(node, "name", "") for node in walk(function)}
    name = "log"
    while any(known.startswith(name) for known in names if known):
        name += "_"
    kept = [part for part in _launches(function) if isinstance(part, Assert | Print)]
    count = sum(
        isinstance(part, Print) or (asserts and not part.assumed) for part in kept
    )
    log = Buffer(name, (index(LOG_WORDS),), INT64, "global", span=function.span)
    recorder = _Recorder(log, asserts, 1 + count)
    body = recorder.host(function.body)
    params = (*function.params, log) if recorder.sites else function.params
    return Recorded(replace(function, params=params, body=body), tuple(recorder.sites))


def _launches(function: Function) -> Iterator[object]:
    for statement in function.body:
        if isinstance(statement, Launch):
            yield from walk(statement)


@dataclass(frozen=True, slots=True)
class _Place:
    """The launch around a statement, its index variables, and those of loops."""

    launch: int
    block: tuple[Var, ...]
    loops: tuple[Var, ...] = ()

    def inside(self, *loops: Var) -> _Place:
        return replace(self, loops=(*self.loops, *loops))


@dataclass(slots=True)
class _Recorder:
    log: Buffer
    asserts: bool
    base: int
    sites: list[Site] = field(default_factory=list)
    fresh: int = 0

    def host(self, body: Block) -> Block:
        result: list[Statement] = []
        for number, statement in enumerate(body):
            if isinstance(statement, Launch):
                place = _Place(number, statement.vars)
                inside = self.block(statement.body, place)
                result.append(replace(statement, body=inside))
            elif not isinstance(statement, Assert) or statement.assumed:
                result.append(statement)
        return tuple(result)

    def block(self, block: Block, place: _Place) -> Block:
        return tuple(
            new for statement in block for new in self.statement(statement, place)
        )

    def statement(self, statement: Statement, place: _Place) -> Block:
        match statement:
            case Print():
                return self.print(statement, place)
            case Assert():
                return self.assertion(statement, place)
            case Breakpoint() | Wait():
                return ()
            case Copy(asynchronous=True):
                return (replace(statement, asynchronous=False),)
            case If(then=then, otherwise=otherwise):
                arms = self.block(then, place), self.block(otherwise, place)
                return (replace(statement, then=arms[0], otherwise=arms[1]),)
            case For(var=var, body=body):
                return (replace(statement, body=self.block(body, place.inside(var))),)
            case Parallel(vars=names, body=body):
                inner = place.inside(*names)
                return (replace(statement, body=self.block(body, inner)),)
            case While(body=body):
                return (replace(statement, body=self.block(body, place)),)
        return (statement,)

    # ---------------------------------------------------------------- records

    def assertion(self, statement: Assert, place: _Place) -> Block:
        """Counts failures; the first few leave a record."""
        if statement.assumed or not self.asserts:
            return ()
        site = self.site(statement, place)
        seen = self.variable("seen", INT64)
        one = Const(1, INT64)
        count = Atomic(
            "add", self.log, (index(1 + site),), one, seen, span=statement.span
        )
        few = Apply("lt", (seen, Const(SAMPLES, INT64)))
        record = self.record(site, place, ())[0]
        fails = Apply("not", (statement.condition,))
        body = (count, If(few, record, span=statement.span))
        return (If(fails, body, span=statement.span),)

    def print(self, statement: Print, place: _Place) -> Block:
        site, value = self.site(statement, place), statement.value
        if not isinstance(value, Region):
            words = () if value is None else (_word(value),)
            return self.record(site, place, words)[0]
        return self.print_tile(site, value, place)

    def print_tile(self, site: int, value: Region, place: _Place) -> Block:
        """A record of the extents and the elements."""
        span = self.sites[site].statement.span
        lets = [Let(self.variable("extent", INDEX), extent) for extent in value.shape]
        extents = [let.var for let in lets]
        words = [_word(extent) for extent in extents]
        record, end = self.record(site, place, words, _product(extents))
        names = tuple(self.variable("at", INDEX) for _ in extents)
        number: Expr = index(0)
        for name, extent in zip(names, extents, strict=True):
            number = _add(Apply("mul", (number, extent)), name)
        store = Store(self.log, (_add(end, number),), _word(_element(value, names)))
        body: Block = (store,)
        if names:
            body = (Parallel(names, tuple(extents), body, span=span),)
        return (*lets, *record, *body)

    def record(
        self,
        site: int,
        place: _Place,
        values: Sequence[Expr],
        more: Expr | None = None,
    ) -> tuple[Block, Expr]:
        """Writes the words of a record; and the position after them, for ``more``."""
        span = self.sites[site].statement.span
        words: list[Expr] = [Const(site + 1, INT64)]
        words += [_word(var) for var in (*place.block, *place.loops)]
        words += values
        length: Expr = Const(len(words), INT64)
        if more is not None:
            length = Apply("add", (length, _word(more)))
        head = self.variable("head", INT64)
        first = _add(Cast(head, INDEX), index(self.base))
        reserve = Atomic("add", self.log, (index(0),), length, head, span=span)
        stores = [
            Store(self.log, (_add(first, index(number)),), word, span=span)
            for number, word in enumerate(words)
        ]
        return (reserve, *stores), _add(first, index(len(words)))

    def site(self, statement: Assert | Print, place: _Place) -> int:
        loops = tuple(var.name for var in place.loops)
        self.sites.append(Site(statement, place.launch, len(place.block), loops))
        return len(self.sites) - 1

    def variable(self, what: str, dtype: DType) -> Var:
        self.fresh += 1
        return Var(f"{self.log.name}_{what}_{self.fresh}", dtype)


def _word(value: Expr) -> Expr:
    """A scalar in 64 bits."""
    if value.dtype.is_float:
        wide = value if value.dtype == FLOAT64 else Cast(value, FLOAT64)
        return Bitcast(wide, INT64)
    return value if value.dtype == INT64 else Cast(value, INT64)


def _add(a: Expr, b: Expr) -> Expr:
    return Apply("add", (a, b))


def _product(extents: Sequence[Expr]) -> Expr:
    total: Expr = index(1)
    for extent in extents:
        total = Apply("mul", (total, extent))
    return total


def _element(region: Region, point: Sequence[Var]) -> Load:
    along = iter(point)
    indices = tuple(
        dim.index if isinstance(dim, At) else _add(dim.start, next(along))
        for dim in region.dims
    )
    return Load(region.buffer, indices, region.fill, span=region.span)
