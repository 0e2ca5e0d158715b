"""Persistent programs: a few of them take many tiles, one after the other (rule L52)."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.comparison import compare
from tiledsl.frontend.specs import LoopAxis, LoopSpec
from tiledsl.frontend.values import (
    ScalarLike,
    Value,
    apply,
    as_index,
    as_value,
    snapshot,
    wrap,
)
from tiledsl.ir.nodes import Apply, Expr
from tiledsl.ir.nodes import index as integer
from tiledsl.language.allocation import alloc_var


def Persistent(
    domain: Sequence[ScalarLike],
    wave_size: ScalarLike,
    index: ScalarLike,
    group_size: int = 8,
) -> LoopSpec:
    """The tiles of one of ``wave_size`` programs: all visit each coordinate once.

    Program ``index`` takes the tiles ``index``, ``index + wave_size``, ... of an order in
    which ``group_size`` columns are visited together, row after row.  E0210: outside
    ``T.Kernel``; E0213: no domain.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def visits():
    ...     Y = T.empty((3, 5), "int32")
    ...     with T.Kernel(4) as program:
    ...         for i, j in T.Persistent([3, 5], 4, program):
    ...             Y[i, j] = program
    ...     return Y
    >>> np.bincount(visits().ravel()).tolist()
    [4, 4, 4, 3]
    """
    if not isinstance(domain, list | tuple) or not domain:
        raise KernelError(
            "E0213",
            "T.Persistent takes the extents of a domain",
            span=here(),
            expected="a list of extents",
            got=brief(domain),
        )
    if Builder.active().innermost("launch") is None:
        raise KernelError(
            "E0210",
            "T.Persistent belongs inside T.Kernel",
            span=here(),
            hint="open `with T.Kernel(wave_size) as program:` first",
        )
    extents = [_named(extent, "extent") for extent in domain]
    *outer, last = extents
    group = _named(_maximum(1, _minimum(as_index(group_size), last)), "group")
    total = _times(_ceildiv(last, group), group)
    for extent in outer:
        total = _times(total, extent)
    size, first = _named(wave_size, "wave_size"), _named(index, "program")
    axis = LoopAxis(integer(0), _ceildiv(total, size), integer(1))

    def visit(wave: Value) -> tuple[Expr, tuple[Value, ...]]:
        tile = _plus(_times(wave.expr, size), first)
        rest = _named(Apply("floordiv", (tile, group)), "group")
        offset = Apply("floormod", (tile, group))
        found: list[Value] = []
        for extent in reversed(outer):
            found.insert(0, wrap(_named(Apply("floormod", (rest, extent)), "tile")))
            rest = _named(Apply("floordiv", (rest, extent)), "rest")
        column = _named(_plus(_times(rest, group), offset), "tile")
        return Apply("lt", (column, last), span=here()), (*found, wrap(column))

    return LoopSpec("serial", (axis,), visit=visit)


def _named(value: object, name: str) -> Expr:
    """An index, evaluated once."""
    expr = value if isinstance(value, Expr) else as_index(value)
    return as_index(snapshot(wrap(expr), name))


def _plus(a: Expr, b: Expr) -> Expr:
    return Apply("add", (a, b), span=here())


def _times(a: Expr, b: Expr) -> Expr:
    return Apply("mul", (a, b), span=here())


def _ceildiv(a: Expr, b: Expr) -> Expr:
    return Apply("ceildiv", (a, b), span=here())


def _minimum(a: Expr, b: Expr) -> Expr:
    return Apply("min", (a, b), span=here())


def _maximum(a: int, b: Expr) -> Expr:
    return Apply("max", (integer(a), b), span=here())


class PersistentTileScheduler:
    """The tiles of a worker, for ``while sched.valid(): ...; sched.next_tile()``.

    The tiles of an m by n grid are numbered with m fastest (``column_major``) or n
    fastest, ``swizzle_size`` of the slower ones together; worker w takes the numbers w,
    w + num_workers, ...  ``num_workers`` is the number of blocks unless given.  Without
    state (``stateful=False``) there is only ``coord``.
    """

    def __init__(
        self,
        num_m_tiles: ScalarLike,
        num_n_tiles: ScalarLike,
        num_workers: ScalarLike | None = None,
        swizzle_size: int = 1,
        column_major: bool = True,
        cluster_size: int = 1,
        stateful: bool = True,
        name: str | None = None,
    ) -> None:
        if cluster_size != 1:
            raise UnsupportedByTarget(
                "E2001",
                "a scheduler of clusters of blocks names hardware of one device",
                span=here(),
                hint="leave cluster_size out",
            )
        rows, columns = _named(num_m_tiles, "rows"), _named(num_n_tiles, "columns")
        self._column_major = bool(column_major)
        self._fast, self._slow = (
            (rows, columns) if self._column_major else (columns, rows)
        )
        self._panel = as_index(swizzle_size)
        self._total = _named(_times(rows, columns), "tiles")
        self.num_workers = num_workers if num_workers is not None else _blocks()
        if stateful:
            self._m, self._n = alloc_var("int32"), alloc_var("int32")
            self._number, self._count = alloc_var("int32"), alloc_var("int32")

    def coord(self, tile_id: ScalarLike) -> tuple[Value, Value]:
        """The (m, n) coordinates of a tile by its number."""
        tile = as_index(as_value(tile_id))
        panel = _times(self._fast, self._panel)
        base = _times(Apply("floordiv", (tile, panel)), self._panel)
        left = Apply("sub", (self._slow, base), span=here())
        width = _maximum(1, _minimum(self._panel, left))
        inside = Apply("floormod", (tile, panel))
        fast = Apply("floordiv", (inside, width), span=here())
        slow = _plus(base, Apply("floormod", (inside, width)))
        pair = wrap(_named(fast, "fast")), wrap(_named(slow, "slow"))
        return pair if self._column_major else pair[::-1]

    def init(self, worker_id: ScalarLike) -> None:
        """Starts with the first tile of a worker."""
        self._count.write(0)
        self._go_to(worker_id)

    def next_tile(self) -> None:
        """Goes on to the next tile of this worker."""
        self._count.write(self._count + 1)
        self._go_to(self._number + self.num_workers)

    def valid(self) -> Value:
        """Whether there is a present tile."""
        return apply(lambda a, b: compare("lt", a, b), self._number, wrap(self._total))

    @property
    def m_idx(self) -> Value:
        """The row of the present tile."""
        return self._m.read()

    @property
    def n_idx(self) -> Value:
        """The column of the present tile."""
        return self._n.read()

    @property
    def linear_idx(self) -> Value:
        """The number of the present tile."""
        return self._number.read()

    @property
    def current_iter(self) -> Value:
        """How many tiles of this worker came before."""
        return self._count.read()

    def _go_to(self, number: ScalarLike) -> None:
        self._number.write(number)
        m, n = self.coord(self._number.read())
        self._m.write(m)
        self._n.write(n)


def _blocks() -> Value:
    """The number of blocks of the launch around."""
    launch = Builder.active().innermost("launch")
    grid = None if launch is None else launch.facts.get("grid")
    if not isinstance(grid, tuple):
        raise KernelError(
            "E0212",
            "T.PersistentTileScheduler belongs inside T.Kernel",
            span=here(),
            hint="open `with T.Kernel(...)` first, or give num_workers",
        )
    total: Expr = integer(1)
    for extent in grid:
        total = _times(total, extent)
    return wrap(_named(total, "workers"))
