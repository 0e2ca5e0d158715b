"""The threads of a block (rules L77 and L81)."""

from __future__ import annotations

from typing import Final

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.threads.axis import ThreadAxis, thread_axis
from tiledsl.frontend.threads.statements import ThreadReturn, emit
from tiledsl.frontend.threads.thread_index import ThreadIndex
from tiledsl.frontend.values import Value, wrap
from tiledsl.ir.nodes import index
from tiledsl.language.kernel import get_block_binding

_AXES: Final = ("threadIdx.x", "threadIdx.y", "threadIdx.z")
_BLOCKS: Final = ("blockIdx.x", "blockIdx.y", "blockIdx.z")


def get_thread_binding(dim: int = 0) -> Value:
    """The index of this thread along axis ``dim`` of ``threads=``; 0 where it has none.

    A kernel that uses it is thread code: its statements are those of one thread, scalars
    that depend on the index and what ``T.alloc_local`` and ``T.alloc_var`` make have one
    value per thread, shared tiles are common to all.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def reversed_rows(X):
    ...     m = T.const("m")
    ...     X: T.Tensor((m, 64), "int32")
    ...     Y = T.empty((m, 64), "int32")
    ...     with T.Kernel(m, threads=64) as row:
    ...         tx = T.get_thread_binding()
    ...         s = T.alloc_shared((64,), "int32")
    ...         s[tx] = X[row, tx]
    ...         T.sync_threads()
    ...         Y[row, tx] = s[63 - tx]
    ...     return Y
    >>> reversed_rows(np.arange(64, dtype=np.int32)[None])[0, :3]
    array([63, 62, 61], dtype=int32)
    """
    axis = thread_axis(Builder.active(), "get_thread_binding")
    if isinstance(dim, bool) or not isinstance(dim, int) or not 0 <= dim < 3:
        raise KernelError(
            "E0211",
            f"there is no thread index {brief(dim)}",
            span=here(),
            expected="0 to 2",
        )
    return _binding(axis, dim)


def get_thread_bindings() -> tuple[Value, Value, Value]:
    """The indices of this thread along all three axes."""
    axis = thread_axis(Builder.active(), "get_thread_bindings")
    return _binding(axis, 0), _binding(axis, 1), _binding(axis, 2)


def _binding(axis: ThreadAxis, dim: int) -> Value:
    return wrap(axis.vars[dim] if dim < len(axis.vars) else index(0))


def thread_binding(
    start: object,
    stop: object = None,
    thread: str | None = None,
    *,
    annotations: object = None,
) -> Value:
    """``T.thread_binding(n, "threadIdx.x")``: the index of this thread along an axis.

    Also the iterable of a loop: ``for tx in T.thread_binding(n, "threadIdx.x"):``.
    ``n`` is the extent that ``threads=`` gives that axis.  "blockIdx.x" and so on name
    the block indices.

    E0211: another extent, or an axis that does not exist.
    """
    if thread is None and isinstance(stop, str):
        stop, thread = None, stop
    first, extent = (0, start) if stop is None else (start, stop)
    if thread in _BLOCKS:
        value = get_block_binding(_BLOCKS.index(thread))
    elif thread in _AXES:
        axis = thread_axis(Builder.active(), "thread_binding")
        dim = _AXES.index(thread)
        found = axis.extents[dim] if dim < len(axis.extents) else 1
        if first != 0 or extent != found:
            raise KernelError(
                "E0211",
                f"the extent of {thread} is not that of T.Kernel",
                span=here(),
                expected=f"{found}, from threads={axis.extents}",
                got=f"{brief(first)} to {brief(extent)}",
            )
        value = _binding(axis, dim)
    else:
        raise KernelError(
            "E0211",
            "this is not an axis of threads or blocks",
            span=here(),
            expected=", ".join((*_AXES, *_BLOCKS)),
            got=brief(thread),
        )
    return ThreadIndex(value.scalar)


def thread_return() -> None:
    """Ends the threads that reach it; when all have ended, the block.

    E0210: inside ``T.Parallel`` or outside ``T.Kernel``.
    """
    builder = Builder.active()
    thread_axis(builder, "thread_return")
    launch = builder.innermost("launch")
    if launch is not None:
        launch.facts["thread_return"] = True
    emit(builder, ThreadReturn(span=here()))
