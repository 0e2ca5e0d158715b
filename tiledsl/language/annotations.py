"""What kernels declare about buffers and macro parameters."""

from __future__ import annotations

from collections.abc import Mapping

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.macros import MacroParameter
from tiledsl.frontend.values import ScalarLike, operand
from tiledsl.ir.nodes import Const


def annotate_safe_value(values: Mapping[BufferRef, ScalarLike]) -> None:
    """Reads outside a buffer give this value instead of 0 in the enclosing kernel (L44).

    Each value is a static number, converted to its buffer's dtype.  E0216: it is not, or
    the buffer has another safe value already.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def padded(X):
    ...     n = T.const("n")
    ...     X: T.Tensor((n,), "float32")
    ...     Y = T.empty((4,), "float32")
    ...     with T.Kernel(1):
    ...         T.annotate_safe_value({X: -1})
    ...         tile = T.alloc_shared((4,), "float32")
    ...         T.copy(X[0], tile)
    ...         T.copy(tile, Y)
    ...     return Y
    >>> padded(np.array([1, 2], np.float32))
    array([ 1.,  2., -1., -1.], dtype=float32)
    """
    builder = Builder.active()
    block = builder.innermost("launch", "host")
    if block is None or not isinstance(values, Mapping):
        raise _refused("takes a dict {buffer: number}", brief(values))
    for buffer, value in values.items():
        if not isinstance(buffer, BufferRef):
            raise _refused("takes buffers as keys", brief(buffer))
        safe = convert(operand(value), buffer.dtype, implicit=True)
        if not isinstance(safe, Const):
            raise _refused("takes static numbers", f"a value for {buffer.ir.name}")
        if block.safe_values.setdefault(buffer.ir.name, safe) != safe:
            raise _refused(
                f"gives {buffer.ir.name} two values",
                f"{block.safe_values[buffer.ir.name].value} and {safe.value}",
            )


def _refused(what: str, got: str) -> KernelError:
    return KernelError("E0216", f"T.annotate_safe_value {what}", span=here(), got=got)


Ref = MacroParameter("Ref", "ref")
FragmentBuffer = MacroParameter("FragmentBuffer", "buffer")
SharedBuffer = MacroParameter("SharedBuffer", "buffer")
LocalBuffer = MacroParameter("LocalBuffer", "buffer")
