"""Allocation of tiles, private scratch, scalars and workspaces (rules L40, L41)."""

from __future__ import annotations

from math import prod

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import BufferRef, VarRef, store
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.packed_shapes import packable
from tiledsl.frontend.symbols import extents
from tiledsl.frontend.values import as_index
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Allocate, Buffer, Const, Expr, Scope
from tiledsl.language.dtypes import dtype as dtype_of

# far beyond what any cache holds; a mistake, or memory that a system would not give
_MOST_ELEMENTS = 1 << 27


def alloc_shared(
    shape: object, dtype: object = "float32", scope: str | None = None
) -> BufferRef:
    """A block-local tile of static shape, undefined until written.

    ``scope`` is accepted and ignored.  E0212: used outside ``T.Kernel`` or inside
    ``T.Parallel``; E0320: an extent is not a positive static integer.
    """
    return _tile("alloc_shared", "shared", shape, dtype)


def alloc_fragment(
    shape: object, dtype: object = "float32", scope: str | None = None
) -> BufferRef:
    """A block-local tile; unlike ``alloc_shared`` only in the hint where to keep it."""
    return _tile("alloc_fragment", "fragment", shape, dtype)


def alloc_buffer(
    shape: object, dtype: object = "float32", scope: str = "shared"
) -> BufferRef:
    """A block-local tile; ``scope`` names the hint ("shared", "local.fragment", ...)."""
    kind: Scope = "fragment" if "fragment" in str(scope) else "shared"
    if str(scope) == "local":
        return alloc_local(shape, dtype)
    if str(scope) == "global":
        return alloc_global(shape, dtype)
    return _tile("alloc_buffer", kind, shape, dtype)


def alloc_local(
    shape: object, dtype: object = "float32", scope: str | None = None
) -> BufferRef:
    """Scratch: one copy per iteration inside ``T.Parallel``, one per block outside."""
    return _tile("alloc_local", "local", shape, dtype)


def alloc_var(
    dtype: object,
    init: object = None,
    scope: str | None = None,
) -> VarRef:
    """A mutable scalar; 0 unless ``init`` is given, each time this statement runs.

    Assigning to the name stores, with conversion; using it reads.
    """
    builder = Builder.active()
    _check_place(builder, "alloc_var", private=True)
    kind = DType(dtype_of(dtype))
    buffer = Buffer(builder.unique("var"), (), kind, "local", span=here())
    builder.emit(Allocate(buffer, span=here()))
    if isinstance(init, str):  # a storage scope, in TileLang's older positional form
        init = None
    store(buffer, (), 0 if init is None else init)
    return VarRef(buffer, named=False)


def alloc_global(shape: object, dtype: object = "float32") -> BufferRef:
    """A workspace for one call, allocated outside every kernel; run-time dims allowed."""
    builder = Builder.active()
    if builder.inside("launch") or builder.inside("parallel"):
        raise KernelError(
            "E0212",
            "T.alloc_global belongs outside T.Kernel",
            span=here(),
            hint="move it above the `with T.Kernel(...)`, or use T.alloc_shared",
        )
    sizes = tuple(as_index(extent) for extent in extents(shape, "a workspace's shape"))
    name = builder.unique("workspace")
    kind = DType(dtype_of(dtype))
    buffer = packable(Buffer(name, sizes, kind, "global", span=here()))
    builder.emit(Allocate(buffer, span=here()))
    return BufferRef(buffer, named=False)


def _tile(function: str, scope: Scope, shape: object, dtype: object) -> BufferRef:
    builder = Builder.active()
    _check_place(builder, function, private=scope == "local")
    sizes = static_shape(function, shape)
    kind = DType(dtype_of(dtype))
    buffer = packable(Buffer(builder.unique(scope), sizes, kind, scope, span=here()))
    builder.emit(Allocate(buffer, span=here()))
    return BufferRef(buffer, named=False)


def static_shape(function: str, shape: object) -> tuple[Expr, ...]:
    """The shape of a tile: positive static extents, and not too many elements."""
    sizes = tuple(
        as_index(extent) for extent in extents(shape, "a tile's shape", least=1)
    )
    static = [int(size.value) for size in sizes if isinstance(size, Const)]
    if len(static) == len(sizes):
        _check_size(function, prod(static))
        return sizes
    raise KernelError(
        "E0320",
        f"T.{function} needs a static shape",
        span=here(),
        got="an extent known only at run time",
        hint="allocate a static tile and loop over the run-time extent, or use "
        "T.alloc_global outside the kernel",
    )


def _check_size(function: str, elements: int) -> None:
    if elements > _MOST_ELEMENTS:
        raise KernelError(
            "E0320",
            f"T.{function} asks for a tile that is too large",
            span=here(),
            expected=f"at most {_MOST_ELEMENTS} elements",
            got=f"{elements} elements",
            hint="allocate a part and loop over the whole, or use T.alloc_global "
            "outside the kernel",
        )


def _check_place(builder: Builder, function: str, *, private: bool) -> None:
    in_parallel = builder.inside("parallel")
    if in_parallel and not private:
        raise KernelError(
            "E0212",
            f"T.{function} cannot be used inside T.Parallel",
            span=here(),
            hint="allocate the tile before the loop, or use T.alloc_local for scratch "
            "of one iteration",
        )
    if not in_parallel and not builder.inside("launch"):
        raise KernelError(
            "E0212",
            f"T.{function} belongs inside T.Kernel",
            span=here(),
            hint="open `with T.Kernel(...)` first, or use T.alloc_global",
        )
