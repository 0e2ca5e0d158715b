"""Launches (rule L12)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.specs import KernelSpec
from tiledsl.frontend.symbols import extents
from tiledsl.frontend.values import ScalarLike, Value, as_index, wrap


def Kernel(
    *blocks: ScalarLike,
    threads: int | tuple[int, ...] | list[int] | None = None,
    prelude: str | None = None,
    is_cpu: bool = False,
) -> KernelSpec:
    """A launch of up to three extents: ``with T.Kernel(gx, gy) as (bx, by):``.

    The names are block indices; the first extent varies fastest.  Extents are static or
    run-time integers, 0 launches nothing; without any there is one block.  ``threads`` is
    a hint unless the index of a thread is used.  E0211: more than three extents, a
    static negative one, or malformed ``threads``.
    """
    if prelude is not None:
        raise UnsupportedByTarget(
            "E2001", "prelude= is source of one device's language", span=here()
        )
    if len(blocks) > 3:
        raise KernelError(
            "E0211",
            "T.Kernel takes at most three extents",
            span=here(),
            got=str(len(blocks)),
        )
    grid = tuple(as_index(extent) for extent in extents(blocks or (1,), "the grid"))
    return KernelSpec(grid, _threads(threads))


def _threads(threads: object) -> tuple[int, ...]:
    if threads is None:
        return (128,)
    entries = threads if isinstance(threads, tuple | list) else (threads,)
    positive = all(
        isinstance(entry, int) and not isinstance(entry, bool) and entry > 0
        for entry in entries
    )
    if not positive or not 1 <= len(entries) <= 3:
        raise KernelError(
            "E0211",
            "threads is a positive int or up to three of them",
            span=here(),
            got=brief(threads),
        )
    return tuple(entries)


def get_block_binding(dim: int = 0) -> Value:
    """The index of the current block along grid extent ``dim``."""
    launch = Builder.active().innermost("launch")
    known = () if launch is None else range(len(launch.indices))
    if launch is None or not isinstance(dim, int) or dim not in known:
        raise KernelError(
            "E0211",
            f"there is no block index {brief(dim)} here",
            span=here(),
            expected="a dim of the enclosing T.Kernel"
            if launch is None
            else f"0 to {len(launch.indices) - 1}",
        )
    return wrap(launch.indices[dim])


def get_block_bindings() -> tuple[Value, ...]:
    """All block indices of the enclosing ``T.Kernel``."""
    launch = Builder.active().innermost("launch")
    return (
        tuple(wrap(var) for var in launch.indices) if launch else (get_block_binding(),)
    )
