"""Buffers, slices and mutable scalars as users meet them."""

from __future__ import annotations

from typing import NoReturn

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.bounds_errors import check_subscripts
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.index_bounds import from_end
from tiledsl.frontend.reduction_statements import Update, element_write
from tiledsl.frontend.scalars import Scalar, scalar
from tiledsl.frontend.slices import check_rank, is_slice, sliced
from tiledsl.frontend.values import Operators, Value, as_index, wrap
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Const, Expr, Load, Range, Region, Var, index
from tiledsl.ir.visitor import walk


class Unindexed:
    """What has no meaning on a whole buffer or slice: operators and truth values."""

    __slots__ = ()
    __array_ufunc__ = None  # NumPy scalars leave the operation to us
    __hash__ = object.__hash__

    def _refuse(self, *_: object) -> NoReturn:
        raise KernelError(
            "E0315",
            "operators work on elements, not on whole buffers",
            span=here(),
            hint="index inside `for i, j in T.Parallel(...)`, or use T.copy, T.fill, "
            "T.gemm or T.reduce_sum",
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _refuse
    __mod__ = __rmod__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refuse
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _refuse
    __neg__ = __pos__ = __abs__ = __invert__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __bool__ = __int__ = __float__ = __index__ = __iter__ = __len__ = _refuse


class BufferRef(Unindexed):
    """A buffer: a tensor parameter, an output, or an allocation."""

    __slots__ = ("_buffer", "_named")

    def __init__(self, buffer: Buffer, *, named: bool = True) -> None:
        self._buffer = buffer
        self._named = named

    @property
    def ir(self) -> Buffer:
        self._named = True  # whoever sees the buffer may keep its name
        return self._buffer

    def take_name(self, name: str) -> None:
        """Names a new allocation after the variable it is bound to."""
        if not self._named:
            self._buffer = Builder.active().rename(self._buffer, name)
            self._named = True

    @property
    def dtype(self) -> DType:
        return self._buffer.dtype

    @property
    def shape(self) -> tuple[int | Value, ...]:
        """Ints where static, index values otherwise."""
        return tuple(_extent(extent) for extent in self.ir.shape)

    @property
    def data(self) -> BufferRef:
        """The memory, as ``T.Tensor(shape, dtype, buf.data)`` names it."""
        return self

    @property
    def strides(self) -> tuple[int | Value, ...]:
        """In elements; row-major unless declared."""
        if self.ir.strides is not None:
            return tuple(_extent(stride) for stride in self.ir.strides)
        strides: list[int | Value] = []
        step: int | Value = 1
        for extent in reversed(self.shape):
            strides.insert(0, step)
            step = step * extent
        return tuple(strides)

    @property
    def scope(self) -> str:
        return self.ir.scope

    def access_ptr(self, access_type: str = "r", **hints: object) -> Element:
        """The first element, as a place; see ``T.access_ptr``."""
        return Element(self.ir, tuple(index(0) for _ in self.ir.shape))

    def __getitem__(self, key: object) -> Element | RegionRef:
        keys = key if isinstance(key, tuple) else (key,)
        check_rank(self.ir, keys)
        if any(is_slice(part) for part in keys):
            return RegionRef(Region(self.ir, sliced(self.ir, keys), span=here()))
        return Element(self.ir, tuple(as_index(part) for part in keys))

    def __setitem__(self, key: object, value: object) -> None:
        store_element(self, key, value)

    def __repr__(self) -> str:
        extents = ", ".join(str(extent) for extent in self.shape)
        return f"<{self.scope} buffer {self.ir.name}: {self.dtype}[{extents}]>"


class RegionRef(Unindexed):
    """A slice of a buffer: its bounds were evaluated when it was made (rule L18d)."""

    __slots__ = ("ir",)

    def __init__(self, ir: Region) -> None:
        self.ir = ir

    @property
    def dtype(self) -> DType:
        return self.ir.buffer.dtype

    @property
    def shape(self) -> tuple[int | Value, ...]:
        """One extent per dimension of the buffer; 1 for a point."""
        return tuple(
            _extent(dim.extent) if isinstance(dim, Range) else 1 for dim in self.ir.dims
        )

    def __getitem__(self, key: object) -> NoReturn:
        raise KernelError(
            "E0314",
            "a slice has no elements of its own",
            span=here(),
            hint=f"index the buffer: {self.ir.buffer.name}[...]",
        )

    def __setitem__(self, key: object, value: object) -> None:
        self[key]

    def __repr__(self) -> str:
        return f"<slice of {self.ir.buffer.name}>"


class Element(Value):
    """One element: a value, and in a tile operation a place."""

    __slots__ = ("_known", "_place", "buffer", "indices")

    def __init__(self, buffer: Buffer, indices: tuple[Expr, ...]) -> None:
        self.buffer = buffer
        self.indices = indices
        self._known: Scalar | None = None
        self._place = here()
        self._kept = None
        self.size = 1
        self.loads = _reads(buffer, indices)
        self._await_writes()

    def _current(self) -> Scalar:
        # made when first used: as the origin of a tile, an element is never read
        if self._known is None:
            indices = counted(self.buffer, self.indices)
            self._known = scalar(Load(self.buffer, indices, span=self._place))
        return self._known

    @property
    def dtype(self) -> DType:
        return self.buffer.dtype


class VarRef(Operators):
    """A typed scalar that can be written: ``T.alloc_var`` or the target of a ``T.Ref``."""

    __slots__ = ("_buffer", "_named", "indices")

    def __init__(
        self, buffer: Buffer, indices: tuple[Expr, ...] = (), *, named: bool = True
    ) -> None:
        self._buffer = buffer
        self._named = named
        self.indices = indices

    @property
    def buffer(self) -> Buffer:
        self._named = True
        return self._buffer

    def take_name(self, name: str) -> None:
        """Names a new variable after the one it is bound to."""
        if not self._named:
            self._buffer = Builder.active().rename(self._buffer, name)
            self._named = True

    @property
    def dtype(self) -> DType:
        return self._buffer.dtype

    def read(self) -> Value:
        return Element(self.buffer, self.indices)

    def write(self, value: object, update: Update | None = None) -> None:
        """A store with conversion (rule L18a)."""
        store(self.buffer, self.indices, value, update)

    def __repr__(self) -> str:
        return f"<variable {self.buffer.name}: {self.dtype}>"


def store_element(
    buffer: BufferRef, key: object, value: object, update: Update | None = None
) -> None:
    """``buffer[key] = value``; ``update`` is (operator, operand) of ``buffer[key] op= v``."""
    keys = key if isinstance(key, tuple) else (key,)
    check_rank(buffer.ir, keys)
    if any(is_slice(part) for part in keys):
        raise KernelError(
            "E0313",
            "a slice cannot be assigned",
            span=here(),
            hint=f"T.copy(source, {buffer.ir.name}[...]) or T.fill({buffer.ir.name}[...], "
            "value), or assign elements in T.Parallel",
        )
    store(buffer.ir, tuple(as_index(part) for part in keys), value, update)


def store(
    buffer: Buffer,
    indices: tuple[Expr, ...],
    value: object,
    update: Update | None = None,
) -> None:
    """Writes one element with conversion, or adds to a reduction (rules L35, L55)."""
    builder = Builder.active()
    if buffer.scope == "global" and not (
        builder.inside("launch") or builder.inside("parallel")
    ):
        raise KernelError(
            "E0210",
            f"an element of {buffer.name} is written outside every T.Kernel",
            span=here(),
            hint="open `with T.Kernel(...)`, or use T.Parallel or T.fill",
        )
    subscripts = counted(buffer, indices)
    conditional = builder.conditional
    check_subscripts(buffer, subscripts, builder, conditional=conditional, span=here())
    element_write(builder, buffer, subscripts, value, update)


def counted(buffer: Buffer, indices: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The subscripts, counted from the end where they are always negative."""
    pairs = zip(indices, buffer.shape, strict=True)
    return tuple(from_end(expr, extent) for expr, extent in pairs)


def _reads(buffer: Buffer, indices: tuple[Expr, ...]) -> frozenset[str]:
    names = {buffer.root}
    for expr in indices:
        if not isinstance(expr, Const | Var):
            names |= {part.buffer.root for part in walk(expr) if isinstance(part, Load)}
    return frozenset(names)


def _extent(extent: Expr) -> int | Value:
    return int(extent.value) if isinstance(extent, Const) else wrap(extent)
