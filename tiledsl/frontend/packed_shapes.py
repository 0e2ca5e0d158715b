"""What shapes tensors and tiles of packed dtypes may have (rule L47)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import here
from tiledsl.frontend.index_bounds import normal_form
from tiledsl.ir.nodes import Buffer, Expr


def packable(buffer: Buffer) -> Buffer:
    """The buffer, if its elements can lie two in a byte.  Raises KernelError E0320."""
    if not buffer.dtype.is_packed or buffer.scope == "local":
        return buffer
    problem = None
    if not buffer.shape:
        problem = "rank 0"
    elif buffer.strides is not None and not _by_bytes(buffer.strides):
        problem = "strides that are not those of bytes"
    elif (normal_form(buffer.shape[-1]).static or 0) % 2:
        problem = f"the last extent {normal_form(buffer.shape[-1]).static}"
    if problem is None:
        return buffer
    raise KernelError(
        "E0320",
        f"two elements of {buffer.dtype} share a byte",
        span=here(),
        expected="an even last extent; last stride 1, the others even",
        got=problem,
        hint=f"pad the last dimension, or use {buffer.dtype.packed_storage} elements",
    )


def _by_bytes(strides: tuple[Expr, ...]) -> bool:
    """Whether rows start at bytes, as far as that is known now."""
    *rows, last = (normal_form(stride).static for stride in strides)
    return last == 1 and all((row or 0) % 2 == 0 for row in rows)
