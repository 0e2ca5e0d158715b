"""Addresses as parameters, and pointers to elements (rules L48, L73, L106)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, UnsupportedByTarget, brief
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.packed_shapes import packable
from tiledsl.frontend.pointers import Pointer
from tiledsl.frontend.symbols import extents
from tiledsl.frontend.values import as_index, is_symbolic
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import At, Buffer, Load
from tiledsl.ir.visitor import walk
from tiledsl.language.dtypes import dtype as dtype_of

Place = BufferRef | RegionRef | Element | VarRef


def access_ptr(
    base: Place, access_type: str = "r", *extents: object, **hints: object
) -> Element | VarRef:
    """The place of the first element of ``base``, as ``T.atomic_add`` takes it.

    How the memory is going to be accessed, and how much of it, is a hint.  E0206: no
    buffer, slice or element.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def count(X):
    ...     X: T.Tensor((4,), "int32")
    ...     with T.Kernel(8) as block:
    ...         T.atomic_add(T.access_ptr(X[block % 4], "rw"), 1)
    >>> x = np.zeros(4, np.int32)
    >>> count(x)
    >>> x
    array([2, 2, 2, 2], dtype=int32)
    """
    if isinstance(base, Element | VarRef):
        return base
    if isinstance(base, BufferRef):
        return base.access_ptr()
    if isinstance(base, RegionRef):
        dims = base.ir.dims
        starts = tuple(dim.index if isinstance(dim, At) else dim.start for dim in dims)
        return Element(base.ir.buffer, starts)
    raise KernelError(
        "E0206",
        "a pointer is one to an element of a buffer",
        span=here(),
        expected="an element buf[i, j], a slice or a buffer",
        got=brief(base),
    )


def make_tensor(
    ptr: object, shape: object, dtype: object = "float32", strides: object = None
) -> BufferRef:
    """The tensor at a parameter ``T.ptr``: from now on the parameter is that tensor.

    A call passes an array, which is checked as ever, or an address alone, which is
    trusted to have all of the tensor behind it.  Shape and strides (in elements) may
    name dims and scalar parameters.  E0614: the pointer is another tensor already.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def double(data, n):
    ...     data: T.ptr
    ...     n: T.int32
    ...     X = T.make_tensor(data, (n,), "float32")
    ...     with T.Kernel(T.ceildiv(n, 4)) as block:
    ...         for i in T.Parallel(4):
    ...             X[block * 4 + i] = 2 * X[block * 4 + i]
    >>> x = np.arange(6, dtype=np.float32)
    >>> double(x, 6)
    >>> double(x.ctypes.data, 5)
    >>> x
    array([ 0.,  4.,  8., 12., 16., 10.], dtype=float32)
    """
    builder = Builder.active()
    if not isinstance(ptr, Pointer):
        raise _no_parameter(ptr)
    sizes = tuple(as_index(part) for part in extents(shape, "a tensor's shape"))
    steps = None
    if strides is not None:
        given = extents(strides, "a tensor's strides", least=None)
        steps = tuple(as_index(part) for part in given)
    if any(
        isinstance(node, Load)
        for part in (*sizes, *(steps or ()))
        for node in walk(part)
    ):
        raise KernelError(
            "E0320",
            "the shape of a tensor at an address is read from memory",
            span=here(),
            expected="dims and scalar parameters",
        )
    if steps is not None and len(steps) != len(sizes):
        raise KernelError(
            "E0320",
            "a tensor needs one stride per dimension",
            span=here(),
            expected=f"{len(sizes)} strides",
            got=str(len(steps)),
        )
    name = ptr.var.name
    tensor = packable(
        Buffer(name, sizes, DType(dtype_of(dtype)), "global", steps, span=ptr.var.span)
    )
    if builder.made_tensors.setdefault(name, tensor) != tensor:
        raise KernelError(
            "E0614",
            f"the pointer {name} is a tensor of another shape or dtype already",
            span=here(),
            hint="T.view shows the tensor so",
        )
    return BufferRef(tensor)


def _no_parameter(got: object) -> KernelError | UnsupportedByTarget:
    if is_symbolic(got):
        return UnsupportedByTarget(
            "E2001",
            "a tensor at an address that is read or computed",
            span=here(),
            hint="pass one tensor with a dimension for what the table tells apart",
        )
    return KernelError(
        "E0206",
        "T.make_tensor takes a parameter that is an address",
        span=here(),
        expected="a parameter annotated T.ptr",
        got=brief(got),
    )


def address_of(element: Place) -> Element | VarRef:
    """The place of an element; as ``access_ptr``."""
    return access_ptr(element)


def annotate_restrict_buffers(*buffers: BufferRef) -> None:
    """Says that arguments may share memory; no two arguments here ever do (rule L106).

    Calls refuse arguments that overlap if one of them is written (E1012), annotated or
    not.  E0206: not a buffer.
    """
    for buffer in buffers:
        if not isinstance(buffer, BufferRef):
            raise KernelError(
                "E0206",
                "T.annotate_restrict_buffers takes tensors",
                span=here(),
                got=brief(buffer),
            )
