"""Parameters of kernels: annotations, and what they become (rule L8)."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.packed_shapes import packable
from tiledsl.frontend.pointers import Pointer, PointerType
from tiledsl.frontend.tensor_types import TensorType
from tiledsl.frontend.values import Value, as_index, wrap
from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, FLOAT32, INT32, INT64, DType
from tiledsl.ir.nodes import Buffer, Cast, Var
from tiledsl.ir.visitor import walk

_PYTHON: Final[dict[object, DType]] = {bool: BOOL, int: INT32, float: FLOAT32}


def scalar_dtype(annotation: object) -> DType | None:
    """The dtype of a scalar parameter or typed name; None for other annotations."""
    if isinstance(annotation, str) and annotation in ALL_DTYPES:
        return DType(annotation)
    return _PYTHON.get(annotation) if isinstance(annotation, type) else None


def is_runtime(annotation: object) -> bool:
    """Whether a parameter annotated so is an argument of each call."""
    known = isinstance(annotation, TensorType | PointerType)
    return known or scalar_dtype(annotation) is not None


def make_parameter(
    builder: Builder, name: str, annotation: object
) -> tuple[Buffer | Var, BufferRef | Value | Pointer]:
    """The IR parameter, and the object by which the body knows it."""
    if name in builder.dims:
        raise KernelError(
            "E0604",
            f"the parameter {name} has the name of a run-time dimension",
            span=here(),
            hint=f"rename T.dynamic({name!r}), or use a scalar parameter in the shape",
        )
    if isinstance(annotation, TensorType):
        buffer = _buffer(builder, name, annotation)
        return buffer, BufferRef(buffer)
    if isinstance(annotation, PointerType):
        address = Var(builder.unique(name), INT64, span=here())
        builder.pointers[address.name] = address
        return address, Pointer(address)
    dtype = scalar_dtype(annotation)
    if dtype is None:
        raise KernelError(
            "E0604",
            f"the parameter {name} has no type that a kernel takes",
            span=here(),
            expected="T.Tensor(...), T.StridedTensor(...), T.ptr or a dtype such as T.int32",
            got="no annotation" if annotation is None else brief(annotation),
        )
    var = Var(builder.unique(name), dtype, span=here())
    return var, wrap(var if dtype.is_arithmetic else Cast(var, dtype.evaluation), dtype)


def _buffer(builder: Builder, name: str, tensor: TensorType) -> Buffer:
    strides = None
    if tensor.strides is not None:
        strides = tuple(as_index(stride) for stride in tensor.strides)
    shape = tuple(as_index(extent) for extent in tensor.shape)
    return packable(
        Buffer(
            builder.unique(name), shape, tensor.dtype, "global", strides, span=here()
        )
    )


def dims_of(params: tuple[Buffer | Var, ...]) -> tuple[Var, ...]:
    """The symbols of shapes and strides that are no parameters, in order."""
    scalars = {param.name for param in params if isinstance(param, Var)}
    found: dict[str, Var] = {}
    for param in params:
        if isinstance(param, Buffer):
            for node in (*param.shape, *(param.strides or ())):
                for part in walk(node):
                    if isinstance(part, Var) and part.name not in scalars:
                        found.setdefault(part.name, Var(part.name, part.dtype))
    return tuple(found.values())
