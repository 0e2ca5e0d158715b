"""Subscripts of a buffer: how many, of which kind, and the ranges of slices."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.analysis.affine import to_expr
from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.index_bounds import check_range, from_end, normal_form
from tiledsl.frontend.values import Operators, as_index
from tiledsl.ir.nodes import At, Buffer, Const, Expr, Range, index


def is_slice(key: object) -> bool:
    return isinstance(key, slice)


def check_rank(buffer: Buffer, keys: Sequence[object]) -> None:
    """Refuses a subscript that has not exactly one integer or slice per dimension."""
    extents = ", ".join(_shown(extent) for extent in buffer.shape)
    for key in keys:
        if not isinstance(key, slice | Operators | int) or isinstance(key, bool):
            _check_integer(key, buffer, extents)
    if len(keys) != buffer.rank:
        raise KernelError(
            "E0312",
            f"{buffer.name} has shape ({extents}) and needs {buffer.rank} indices",
            span=here(),
            expected=f"{buffer.rank} indices",
            got=str(len(keys)),
        )


def _check_integer(key: object, buffer: Buffer, extents: str) -> None:
    item = getattr(key, "item", None)  # NumPy integers
    number = item() if callable(item) and getattr(key, "shape", None) == () else None
    if isinstance(number, int) and not isinstance(number, bool):
        return
    raise KernelError(
        "E0311",
        f"{buffer.name} of shape ({extents}) is indexed with something else",
        span=here(),
        expected="an integer or a slice per dimension",
        got=brief(key),
    )


def sliced(buffer: Buffer, keys: Sequence[object]) -> tuple[At | Range, ...]:
    """One point or range per dimension; the bounds are evaluated now."""
    dims: list[At | Range] = []
    for number, (key, extent) in enumerate(zip(keys, buffer.shape, strict=True)):
        if isinstance(key, slice):
            dims.append(_range(buffer, number, key, extent))
        else:
            dims.append(At(from_end(as_index(key), extent), span=here()))
    return tuple(dims)


def _range(buffer: Buffer, dim: int, key: slice, extent: Expr) -> Range:
    if key.step is not None and key.step != 1:
        raise KernelError(
            "E0313",
            "a slice has no step",
            span=here(),
            got=f"step {brief(key.step)}",
            hint="copy the elements in T.Parallel: dst[i] = src[i * step]",
        )
    if key.start is None and key.stop is None:
        return Range(index(0), extent, True, span=here())
    start = _bound(key.start, extent, index(0))
    stop = _bound(key.stop, extent, extent)
    length = normal_form(stop) - normal_form(start)
    if length.static is not None and length.static < 0:
        length = normal_form(index(0))  # as at run time: nothing is between them
    check_range(buffer, dim, start, length)
    return Range(start, to_expr(length), span=here())


def _bound(key: object, extent: Expr, default: Expr) -> Expr:
    """A slice bound; a static negative one counts from the end."""
    if key is None:
        return default
    bound = as_index(key)
    value = normal_form(bound).static
    return from_end(bound, extent) if value is not None else bound


def _shown(extent: Expr) -> str:
    return (
        str(extent.value) if isinstance(extent, Const) else getattr(extent, "name", "?")
    )
