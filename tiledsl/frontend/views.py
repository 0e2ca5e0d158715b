"""Views: the bytes of a buffer under another shape or dtype (rule L46).

A view is declared where its memory could be: that of a tensor at host level, also if the
view is made inside a launch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.packed_shapes import packable
from tiledsl.ir.dtypes import BOOL, DType
from tiledsl.ir.nodes import Allocate, Apply, Buffer, Const, Expr, Load, Var
from tiledsl.ir.printer import print_expression
from tiledsl.ir.visitor import walk

# a sum of products: what is multiplied, sorted, with its factor
Sum = dict[tuple[str, ...], int]
_LARGEST: Final = 1000


def view_of(source: BufferRef, shape: tuple[Expr, ...], dtype: DType) -> BufferRef:
    """An alias of a whole buffer, row-major.

    E0323: the sizes differ, or are not seen to be equal; the buffer has strides; bool
    beside another dtype.  E0212: inside ``T.Parallel``.
    """
    builder, memory = Builder.active(), source.ir
    _check_place(builder, memory)
    _check_layout(memory, dtype)
    mine, theirs = (
        _bits(builder, shape, dtype),
        _bits(builder, memory.shape, memory.dtype),
    )
    if mine is None or mine != theirs:
        raise _malformed(
            f"{memory.name} and its view have different sizes",
            expected=f"as many bits as {_shown(memory.shape, memory.dtype)}",
            got=_shown(shape, dtype),
            hint="give the view all elements of the buffer",
        )
    name = builder.unique(f"{memory.name}_view")
    view = Buffer(name, shape, dtype, memory.scope, of=memory.root, span=here())
    view = packable(view)
    outside = memory.scope == "global" and builder.inside("launch")
    if outside:
        _check_host_level(shape)
        builder.emit_in(builder.scopes[0], Allocate(view, span=here()))
    else:
        builder.emit(Allocate(view, span=here()))
    return BufferRef(view, named=outside)


def _check_place(builder: Builder, memory: Buffer) -> None:
    if builder.inside("parallel"):
        raise KernelError(
            "E0212",
            "a view cannot be made inside T.Parallel",
            span=here(),
            hint="make it before the loop",
        )
    if memory.root in builder.unfinished:
        raise KernelError(
            "E0218",
            f"the reducer {memory.name} is viewed before it is finalized",
            span=here(),
            hint=f"T.finalize_reducer({memory.name}) first",
        )
    if memory.scope == "local":
        raise UnsupportedByTarget(
            "E2001",
            f"a view of {memory.name}, which T.alloc_local made",
            span=here(),
            hint="use T.alloc_fragment",
        )


def _check_layout(memory: Buffer, dtype: DType) -> None:
    if memory.strides is not None:
        raise _malformed(
            f"{memory.name} has strides of its own",
            expected="a row-major buffer",
            hint="index it, or copy it to a T.alloc_global",
        )
    if dtype != memory.dtype and (dtype.is_packed or memory.dtype.is_packed):
        raise UnsupportedByTarget(
            "E2001",
            f"a view of {memory.dtype} elements as {dtype}",
            span=here(),
            hint="take the nibbles apart with shifts, or view packed elements on the host",
        )
    if dtype != memory.dtype and BOOL in (dtype, memory.dtype):
        raise _malformed(
            f"{memory.dtype} elements cannot be viewed as {dtype}",
            expected="both bool, or neither",
            hint="view them as uint8 on the host",
        )


def _check_host_level(shape: Iterable[Expr]) -> None:
    for extent in shape:
        if any(isinstance(part, Load) for part in walk(extent)):
            raise _malformed("the shape of a view is read from memory", expected="dims")


def _malformed(
    what: str, *, expected: str, got: str | None = None, hint: str | None = None
) -> KernelError:
    return KernelError(
        "E0323", what, span=here(), expected=expected, got=got, hint=hint
    )


def _shown(shape: tuple[Expr, ...], dtype: DType) -> str:
    extents = ", ".join(print_expression(extent) for extent in shape)
    return f"{dtype}[{extents}]"


def _bits(builder: Builder, shape: tuple[Expr, ...], dtype: DType) -> Sum | None:
    """The size of an array in bits as a sum of products; None if that gets too long."""
    total: Sum | None = {(): dtype.bits}
    for extent in shape:
        part = _sum(builder, extent)
        total = None if total is None or part is None else _product(total, part)
    return total


def _sum(builder: Builder, expr: Expr) -> Sum | None:
    match expr:
        case Const(value=value):
            return {(): int(value)} if value else {}
        case Var(name=name) if name in builder.definitions:
            return _sum(builder, builder.definitions[name])
        case Apply(op="add" | "sub" | "mul" as op, args=(a, b)):
            left, right = _sum(builder, a), _sum(builder, b)
            if left is None or right is None:
                return None
            if op == "mul":
                return _product(left, right)
            return _added(left, right, 1 if op == "add" else -1)
    return {(print_expression(expr),): 1}


def _added(a: Sum, b: Sum, sign: int) -> Sum:
    total = dict(a)
    for key, factor in b.items():
        total[key] = total.get(key, 0) + sign * factor
    return {key: factor for key, factor in total.items() if factor}


def _product(a: Sum, b: Sum) -> Sum | None:
    if len(a) * len(b) > _LARGEST:
        return None
    total: Sum = {}
    for one, factor in a.items():
        for other, times in b.items():
            total = _added(total, {tuple(sorted((*one, *other))): factor * times}, 1)
    return total
