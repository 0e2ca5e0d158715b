"""Loops: what the language's loop forms describe (rules L50, L51, L53)."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.builder import here
from tiledsl.frontend.specs import LoopAxis, LoopForm, LoopSpec
from tiledsl.frontend.values import ScalarLike, as_index
from tiledsl.ir.nodes import Const, index


def _axis(
    start: ScalarLike, stop: ScalarLike | None, step: ScalarLike | None
) -> LoopAxis:
    if stop is None:
        start, stop = 0, start
    stride = as_index(1 if step is None else step)
    if isinstance(stride, Const) and stride.value == 0:
        raise KernelError("E0213", "the step of a loop is 0", span=here())
    return LoopAxis(as_index(start), as_index(stop), stride)


def serial(
    start: ScalarLike,
    stop: ScalarLike | None = None,
    step: ScalarLike | None = None,
    *,
    annotations: object = None,
) -> LoopSpec:
    """Iterations in order, as ``range``; bounds are evaluated once.

    E0213: a static step of 0; E0311: a bound that is not an integer.
    """
    return LoopSpec("serial", (_axis(start, stop, step),))


def unroll(
    start: ScalarLike,
    stop: ScalarLike | None = None,
    step: ScalarLike | None = None,
    *,
    explicit: bool = False,
    unroll_factor: int | None = None,
    annotations: object = None,
) -> LoopSpec:
    """As ``serial``, with the hint to unroll; the index stays symbolic."""
    return LoopSpec("unroll", (_axis(start, stop, step),))


def vectorized(
    start: ScalarLike,
    stop: ScalarLike | None = None,
    *,
    annotations: object = None,
) -> LoopSpec:
    """As ``serial``, with the hint to vectorize."""
    return LoopSpec("vectorized", (_axis(start, stop, None),))


def Pipelined(
    start: ScalarLike,
    stop: ScalarLike | None = None,
    num_stages: int = 0,
    order: Sequence[int] | None = None,
    stage: Sequence[int] | None = None,
    sync: object = None,
    group: object = None,
) -> LoopSpec:
    """As ``serial``; the keywords are hints that never change what a statement reads.

    E0213: ``num_stages`` is not an int of at least 0.
    """
    valid = isinstance(num_stages, int) and not isinstance(num_stages, bool)
    if not valid or num_stages < 0:
        raise KernelError(
            "E0213",
            "num_stages is not a number of stages",
            span=here(),
            expected="an int of at least 0",
            got=brief(num_stages),
        )
    return LoopSpec("pipelined", (_axis(start, stop, None),), stages=num_stages)


def Parallel(
    *extents: ScalarLike,
    coalesced_width: int | None = None,
    loop_layout: object = None,
    prefer_async: bool | None = None,
    annotations: object = None,
) -> LoopSpec:
    """Independent iterations over a product space: ``for i, j in T.Parallel(m, n):``.

    Extents are static or run-time.  The keywords are hints.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def relu(X):
    ...     n = T.const("n")
    ...     X: T.Tensor((n,), "float32")
    ...     Y = T.empty((n,), "float32")
    ...     with T.Kernel(T.ceildiv(n, 64)) as bx:
    ...         for i in T.Parallel(64):
    ...             v = X[bx * 64 + i]
    ...             Y[bx * 64 + i] = T.if_then_else(v > 0, v, 0)
    ...     return Y
    >>> relu(np.array([-1, 2, -3], np.float32))
    array([0., 2., 0.], dtype=float32)
    """
    return _product("parallel", "T.Parallel", extents)


def grid(*extents: ScalarLike) -> LoopSpec:
    """Nested serial loops, outermost first: ``for i, j in T.grid(a, b):``."""
    return _product("serial", "T.grid", extents)


def _product(kind: LoopForm, name: str, extents: Sequence[ScalarLike]) -> LoopSpec:
    if not extents:
        raise KernelError("E0213", f"{name} takes at least one extent", span=here())
    one = index(1)
    axes = tuple(LoopAxis(index(0), as_index(extent), one) for extent in extents)
    return LoopSpec(kind, axes)


Serial = serial
Unroll = unroll
Vectorized = vectorized
parallel = Parallel
