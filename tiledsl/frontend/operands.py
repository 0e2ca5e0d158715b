"""Operands of tile operations: a whole buffer, a slice, or a point (section 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.index_bounds import normal_form
from tiledsl.frontend.snapshots import refuse_reads
from tiledsl.ir.nodes import Apply, At, Buffer, Const, Expr, Range, Region, index, whole

# the operations of rule L87; reductions by their prefix
WHOLE_TENSOR: Final = frozenset(
    {
        *("copy", "fill", "transpose", "gemm", "cumsum", "cummax"),
        *(f"reduce_{kind}" for kind in ("sum", "max", "min", "abssum", "absmax")),
        *(f"reduce_bit{kind}" for kind in ("and", "or", "xor")),
    }
)
Form = Literal["whole", "slice", "point"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile operation reads or writes: one point or range per dimension."""

    form: Form
    region: Region

    @property
    def buffer(self) -> Buffer:
        return self.region.buffer

    @property
    def extents(self) -> tuple[Expr, ...]:
        """One extent per dimension; a point counts as 1."""
        return tuple(
            dim.extent if isinstance(dim, Range) else index(1)
            for dim in self.region.dims
        )


def place(x: object, operation: str, role: str) -> Place:
    """The operand ``role`` of ``operation``.  Raises KernelError E0206 otherwise."""
    found = _place(x, operation, role)
    if on_whole_tensors():
        refuse_reads(found.region.dims)
    return found


def _place(x: object, operation: str, role: str) -> Place:
    if isinstance(x, BufferRef):
        return Place("whole", replace(whole(x.ir), span=here()))
    if isinstance(x, RegionRef):
        return Place("slice", x.ir)
    if isinstance(x, Element):
        Builder.active().reads.forget(x)
        dims = tuple(At(expr, span=here()) for expr in x.indices)
        return Place("point", Region(x.buffer, dims, span=here()))
    if isinstance(x, VarRef):
        dims = tuple(At(expr, span=here()) for expr in x.indices)
        return Place("point", Region(x.buffer, dims, span=here()))
    raise KernelError(
        "E0206",
        f"{role} of T.{operation} is not a buffer",
        span=here(),
        expected="a buffer, a slice buf[a:b, c] or a point buf[i, j]",
        got=brief(x),
    )


def check_tile_statement(operation: str) -> Builder:
    """The builder, where a tile operation may stand.

    E0210: inside ``T.Parallel``, or outside every ``T.Kernel`` unless it has a meaning on
    whole tensors (rule L87).
    """
    builder = Builder.active()
    if builder.inside("parallel"):
        raise KernelError(
            "E0210",
            f"T.{operation} works on tiles and cannot stand inside T.Parallel",
            span=here(),
            hint="assign the element, or move the operation out of the loop",
        )
    if not builder.inside("launch") and operation not in WHOLE_TENSOR:
        raise KernelError(
            "E0210",
            f"T.{operation} has no meaning on whole tensors, outside T.Kernel",
            span=here(),
            hint="open `with T.Kernel(...)` and loop over tiles",
        )
    return builder


def on_whole_tensors() -> bool:
    """Whether the current statement stands outside every ``T.Kernel``."""
    return not Builder.active().inside("launch")


def static_extent(expr: Expr) -> int | None:
    """The extent, where known while tracing."""
    return normal_form(expr).static


def equal(a: Expr, b: Expr) -> bool | None:
    """Whether two extents are equal; None if that depends on run-time values."""
    difference = normal_form(a) - normal_form(b)
    return None if difference.static is None else difference.static == 0


def shown(extents: tuple[Expr, ...]) -> str:
    """Extents in an error message."""
    parts = [_text(extent) for extent in extents]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _text(extent: Expr) -> str:
    form = normal_form(extent)
    if form.static is not None:
        return str(form.static)
    name = getattr(extent, "name", None)
    return name if isinstance(name, str) else "?"


def unit_dropped(region: Region, *, keep: int | None = None) -> Region:
    """The region with ranges of static extent 1 as points, except dimension ``keep``."""
    dims: list[At | Range] = []
    for number, dim in enumerate(region.dims):
        if number == keep:
            dims.append(as_range(dim))
        elif isinstance(dim, Range) and static_extent(dim.extent) == 1:
            dims.append(At(dim.start, dim.proved, span=dim.span))
        else:
            dims.append(dim)
    return replace(region, dims=tuple(dims))


def as_range(dim: At | Range) -> Range:
    """A point as a range of extent 1."""
    if isinstance(dim, Range):
        return dim
    return Range(dim.index, index(1), dim.proved, span=dim.span)


def overlap(a: Region, b: Region) -> bool | None:
    """Whether regions share an element: True and False are certain, None is not."""
    if a.buffer.name != b.buffer.name:
        return a.buffer.root == b.buffer.root  # views may share any element
    certain = True
    for one, other in zip(a.dims, b.dims, strict=True):
        first, second = as_range(one), as_range(other)
        gap = (normal_form(second.start) - normal_form(first.start)).static
        sizes = (static_extent(first.extent), static_extent(second.extent))
        if gap is None or sizes[0] is None or sizes[1] is None:
            certain = certain and first == second
        elif gap >= sizes[0] or -gap >= sizes[1]:
            return False
    return True if certain else None


def same_elements(a: Region, b: Region) -> bool:
    """Whether regions are one region, whose elements then pair with themselves."""
    return a.buffer.name == b.buffer.name and all(
        equal(as_range(one).start, as_range(other).start)
        and equal(as_range(one).extent, as_range(other).extent)
        for one, other in zip(a.dims, b.dims, strict=True)
    )


def subscripts(region: Region, point: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The element of a region at a point of its space."""
    remaining = iter(point)
    return tuple(
        dim.index if isinstance(dim, At) else _moved(dim.start, next(remaining))
        for dim in region.dims
    )


def _moved(start: Expr, offset: Expr) -> Expr:
    if isinstance(start, Const) and start.value == 0:
        return offset
    return Apply("add", (start, offset), span=here())
