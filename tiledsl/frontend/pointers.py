"""Parameters that are addresses: ``T.ptr``, which ``T.make_tensor`` makes tensors (L48).

The parameter becomes the tensor: callers pass an array, or an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import Unindexed
from tiledsl.ir.nodes import Buffer, Var


class PointerType:
    """The type of an address; as the dtype of a table of addresses it is int64."""

    def __call__(self) -> PointerType:
        """Itself: an argument of which nothing but its type is known yet."""
        return self

    def __repr__(self) -> str:
        return "T.ptr"


ptr: Final = PointerType()


@dataclass(frozen=True, slots=True, eq=False)
class Pointer(Unindexed):
    """A parameter ``T.ptr`` as the body of a kernel knows it."""

    var: Var


def with_tensors(
    params: tuple[Buffer | Var, ...],
    pointers: Mapping[str, Var],
    tensors: Mapping[str, Buffer],
) -> tuple[Buffer | Var, ...]:
    """The parameters, each pointer replaced by the tensor that was made of it.

    E0614: one of which none was made.
    """
    for name, var in pointers.items():
        if name not in tensors:
            raise KernelError(
                "E0614",
                f"the pointer {name} never becomes a tensor",
                span=var.span,
                expected=f"T.make_tensor({name}, shape, dtype)",
            )
    return tuple(tensors.get(param.name, param) for param in params)
