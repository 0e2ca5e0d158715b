"""Views: the bytes of a buffer under another shape or dtype.

The bits of a NaN are nobody's promise, so that what was computed as a float is seen as a
float only; what holds integers may also be read, but not written, as floats.
"""

from __future__ import annotations

from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, INDEX, DType
from tiledsl.ir.nodes import Allocate, Buffer, Const, Statement, index
from tiledsl.testing.generator.choice import Choice
from tiledsl.testing.generator.scope import Scope, fitting

_WHOLE = tuple(
    dtype
    for dtype in ALL_DTYPES
    if not dtype.is_packed and dtype not in (BOOL, INDEX, "tfloat32")
)


def view(scope: Scope) -> list[Statement]:
    """An alias of a tile; it joins the scope."""
    known = [part for part in scope.tiles if _may_be_viewed(part)]
    if not known:
        return []
    found = _view(scope, scope.choice.pick(known))
    if found is None:
        return []
    if found.dtype.is_float and not _memory(scope, found).dtype.is_float:
        scope.globals.append(found)  # for reading
    else:
        scope.tiles.append(found)
    return [Allocate(found)]


def of_inputs(scope: Scope, inputs: list[Buffer]) -> list[Statement]:
    """Aliases of parameters of known size, which nobody writes."""
    found: list[Statement] = []
    for buffer in inputs:
        if _may_be_viewed(buffer) and scope.choice.chance(20):
            alias = _view(scope, buffer)
            if alias is not None:
                scope.globals.append(alias)
                found.append(Allocate(alias))
    return found


def _may_be_viewed(buffer: Buffer) -> bool:
    known = all(isinstance(extent, Const) for extent in buffer.shape)
    return (
        buffer.rank > 0
        and known
        and buffer.of is None
        and buffer.strides is None
        and buffer.scope != "local"
    )


def _memory(scope: Scope, found: Buffer) -> Buffer:
    return next(part for part in scope.readable if part.name == found.root)


def _view(scope: Scope, buffer: Buffer) -> Buffer | None:
    choice = scope.choice
    bits = buffer.dtype.bits
    for extent in buffer.static_shape:
        bits *= extent
    dtype = choice.pick(_dtypes(buffer, bits))
    shape = tuple(map(index, _factors(choice, bits // dtype.bits)))
    if fitting(dtype, shape) != dtype:
        return None
    name = scope.names.fresh("t" if buffer.scope != "global" else "x")
    return Buffer(name, shape, dtype, buffer.scope, of=buffer.name)


def _dtypes(buffer: Buffer, bits: int) -> list[DType]:
    """Its own twice, and those that its bits may be read as."""
    own = buffer.dtype
    if own == BOOL or own.is_packed or own.is_float:
        return [own]
    return [own, own, *(dtype for dtype in _WHOLE if bits % dtype.bits == 0)]


def _factors(choice: Choice, count: int) -> tuple[int, ...]:
    """A shape of so many elements."""
    shape: list[int] = []
    for _ in range(choice.integer(0, 2)):
        divisors = [part for part in range(1, count + 1) if count % part == 0]
        shape.append(choice.pick(divisors))
        count //= shape[-1]
    return (*shape, count) if count > 1 or not shape else tuple(shape)
