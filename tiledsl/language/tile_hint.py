"""``T.tile_hint``: how whole-tensor statements are cut into tiles (rule L92)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend.builder import Builder, Collected, here
from tiledsl.ir.nodes import Allocate, TileHint


@dataclass(slots=True)
class HintContext:
    """What ``with T.tile_hint(...)`` enters."""

    sizes: tuple[int, ...]
    reduce: int
    stages: int
    fuse: bool | None
    name: str
    _block: AbstractContextManager[Collected] | None = field(default=None, repr=False)
    _collected: Collected | None = field(default=None, repr=False)

    def enter(self, builder: Builder) -> None:
        if builder.inside("launch") or builder.inside("parallel"):
            raise KernelError(
                "E0210",
                "T.tile_hint cannot stand inside a T.Kernel or T.Parallel",
                span=here(),
                hint="it is for statements on whole tensors; tiles that a kernel "
                "allocates have the size it gives them",
            )
        self._block = builder.block("host")
        self._collected = self._block.__enter__()

    def exit(self) -> None:
        if self._block is None or self._collected is None:
            return
        self._block.__exit__(None, None, None)
        builder = Builder.active()
        statements = self._collected.statements
        rest = tuple(part for part in statements if not isinstance(part, Allocate))
        if self.fuse and len(rest) > 1:
            raise KernelError(
                "E0230",
                "these statements cannot become one kernel",
                span=rest[1].span,
                expected="one statement in T.tile_hint(fuse=True)",
                got=f"{len(rest)}: statements are not fused with one another yet",
                hint="leave fuse= out, or write one T.Kernel that does all of it",
            )
        for part in statements:
            if isinstance(part, Allocate):  # what it declares outlives the hint
                builder.emit(part)
        hint = TileHint(
            self.sizes, self.reduce, self.stages, self.name, rest, span=here()
        )
        builder.emit(hint)


def tile_hint(
    *sizes: int | None,
    reduce: int | None = None,
    num_stages: int | None = None,
    split: int = 1,
    fuse: bool | None = None,
    name: str | None = None,
) -> HintContext:
    """Sizes of the tiles of the whole-tensor statements inside.  Changes no result.

    ``sizes``: extents along the parallel axes of each statement, outermost first, surplus
    ones ignored; None leaves the choice to the target.  ``reduce``: extent along the
    reduction axis.  ``num_stages``: of the loop over it.  In nested hints the inner one
    goes first, field by field.  ``name`` is the key for ``jit(schedule={...})``.

    E0210: inside a ``T.Kernel``.  E0217: a malformed hint.  E0230: ``fuse=True`` around
    statements that cannot become one kernel.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def product(A, B):
    ...     M, K, N = T.dynamic("M, K, N")
    ...     A: T.Tensor((M, K), "float32")
    ...     B: T.Tensor((K, N), "float32")
    ...     C = T.empty((M, N), "float32")
    ...     with T.tile_hint(32, 64, reduce=16):
    ...         T.gemm(A, B, C, clear_accum=True)
    ...     return C
    >>> product(np.ones((2, 3), np.float32), np.ones((3, 4), np.float32))
    array([[3., 3., 3., 3.],
           [3., 3., 3., 3.]], dtype=float32)
    """
    tiles = tuple(_size("a size", part, least=1) for part in sizes)
    depth = _size("reduce", reduce, least=1)
    stages = _size("num_stages", num_stages, least=0)
    _check(isinstance(fuse, bool | None), "fuse", "a bool or None", fuse)
    _check(isinstance(name, str | None), "name", "a string", name)
    if _size("split", split, least=1) > 1:
        raise UnsupportedByTarget(
            "E2001",
            "T.tile_hint(split=...) is not available yet",
            span=here(),
            hint="write the partial sums as a T.Kernel over (splits, ...) and add them",
        )
    return HintContext(tiles, depth, stages, fuse, name or "")


def _size(what: str, value: object, *, least: int) -> int:
    if value is None:
        return 0
    valid = isinstance(value, int) and not isinstance(value, bool) and value >= least
    _check(valid, what, f"an int of at least {least}, or None", value)
    return int(str(value))


def _check(valid: bool, what: str, expected: str, got: object) -> None:
    if not valid:
        raise KernelError(
            "E0217",
            f"T.tile_hint got a malformed hint: {what}",
            span=here(),
            expected=expected,
            got=brief(got),
        )
