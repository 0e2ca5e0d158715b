"""Tensors: parameters, run-time dims, per-call constants and outputs."""

from __future__ import annotations

from typing import overload

import numpy as np

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.packed_shapes import packable
from tiledsl.frontend.symbols import (
    DynamicDim,
    constant_or_symbol,
    extents,
)
from tiledsl.frontend.tensor_types import ConstSymbol, TensorType
from tiledsl.frontend.values import Operators, as_index
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer
from tiledsl.language.dtypes import dtype as dtype_of
from tiledsl.language.views import view


class TensorForm:
    """``T.Tensor``: called, or subscripted, it declares a row-major tensor.

    >>> Tensor((4, 128), "float16").shape, Tensor[[8], "int8"].dtype
    ((4, 128), DType('int8'))
    """

    @overload
    def __call__(
        self, shape: object, dtype: object = "float32", data: None = None
    ) -> TensorType: ...

    @overload
    def __call__(self, shape: object, dtype: object, data: BufferRef) -> BufferRef: ...

    def __call__(
        self, shape: object, dtype: object = "float32", data: BufferRef | None = None
    ) -> TensorType | BufferRef:
        """A tensor of ``shape`` (one int means rank 1); with ``data`` a view of it."""
        if data is not None:
            return view(data, shape, dtype)
        return TensorType(extents(shape, "a tensor's shape"), DType(dtype_of(dtype)))

    def __getitem__(self, key: object) -> TensorType:
        if isinstance(key, tuple) and len(key) == 2:
            shape, dtype = key
            if isinstance(shape, tuple | list) or not _is_int(dtype):
                return self(shape, dtype)
        return self(key)


def _is_int(x: object) -> bool:
    return isinstance(x, int) and not isinstance(x, bool)


Tensor = TensorForm()


class StridedTensorForm:
    """``T.StridedTensor``: strides in elements, static or symbolic, 0 and negative allowed.

    >>> StridedTensor((4, 8), (16, 1), "float32").strides
    (16, 1)
    >>> StridedTensor[[4, 8], [1, 4], "int8"].strides
    (1, 4)
    """

    def __call__(
        self, shape: object, strides: object, dtype: object = "float32"
    ) -> TensorType:
        """A tensor of ``shape``, one stride per dimension."""
        sizes = extents(shape, "a tensor's shape")
        steps = extents(strides, "a tensor's strides", least=None)
        if len(sizes) != len(steps):
            raise KernelError(
                "E0320",
                "a tensor needs one stride per dimension",
                span=here(),
                expected=f"{len(sizes)} strides",
                got=str(len(steps)),
            )
        return TensorType(sizes, DType(dtype_of(dtype)), steps)

    def __getitem__(self, key: object) -> TensorType:
        if isinstance(key, tuple) and len(key) in (2, 3):
            return self(*key)
        raise KernelError(
            "E0320",
            "T.StridedTensor takes a shape, strides and perhaps a dtype",
            span=here(),
            got=brief(key),
        )


StridedTensor = StridedTensorForm()


def _names(text: str, what: str) -> list[str]:
    names = text.replace(",", " ").split() if isinstance(text, str) else []
    if names and all(name.isidentifier() for name in names):
        return names
    raise KernelError(
        "E0321",
        f"{what} takes names separated by commas or spaces",
        span=here(),
        expected='for example "m, n"',
        got=brief(text),
    )


def dynamic(names: str, dtype: object = "int32") -> DynamicDim | tuple[DynamicDim, ...]:
    """Dimensions known at launch; one name gives a dim, several a tuple (rule L10).

    >>> m, n = dynamic("m, n")
    >>> Tensor((m, 2 * n), "int8").shape[0]
    m
    """
    kind = _integer(dtype)
    dims = tuple(DynamicDim(name, kind) for name in _names(names, "T.dynamic"))
    return dims if len(dims) > 1 else dims[0]


symbolic = dynamic


def const(
    names: str, dtype: object = "int32"
) -> int | ConstSymbol | tuple[int | ConstSymbol, ...]:
    """Static sizes that each call binds from the shapes of its arguments (rule L9)."""
    _integer(dtype)
    found = tuple(constant_or_symbol(name) for name in _names(names, "T.const"))
    return found if len(found) > 1 else found[0]


def _integer(dtype: object) -> DType:
    kind = DType(dtype_of(dtype))
    if kind.is_integer:
        return kind
    raise KernelError(
        "E0321",
        "a dim is an integer",
        span=here(),
        expected="an integer dtype",
        got=kind,
    )


def empty(*shape: object, dtype: object = None) -> BufferRef:
    """Declares an eager output, undefined until written; it must be returned (L11).

    ``T.empty((m, n), dtype)``, or extents one by one, ``T.empty(m, n, dtype=dtype)``;
    the dtype is float32 if it is not given.
    """
    builder = Builder.active()
    entries, element = _shape_and_dtype(shape, dtype)
    declared = tuple(as_index(part) for part in extents(entries, "an output's shape"))
    name = builder.unique("out")
    buffer = packable(Buffer(name, declared, DType(dtype_of(element)), span=here()))
    output = BufferRef(buffer, named=False)
    builder.outputs.append(output)
    return output


def _shape_and_dtype(given: tuple[object, ...], dtype: object) -> tuple[object, object]:
    """The arguments of ``T.empty``; a second positional one that is a dtype is that."""
    if dtype is None and len(given) == 2 and not _is_extent(given[1]):
        return given[0], given[1]
    shape = given[0] if len(given) == 1 else given
    return shape, "float32" if dtype is None else dtype


def _is_extent(value: object) -> bool:
    return isinstance(value, int | np.integer | Operators)
