"""``T.device_assert``, ``T.assume`` and ``T.print`` (rule L72)."""

from __future__ import annotations

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.assertions import emit_assertion
from tiledsl.frontend.buffers import BufferRef, Element, RegionRef, VarRef
from tiledsl.frontend.builder import Builder, here
from tiledsl.frontend.operands import place
from tiledsl.frontend.operators import ScalarLike
from tiledsl.frontend.values import as_value
from tiledsl.ir.nodes import Cast, Expr, Print


def device_assert(condition: ScalarLike, msg: str = "") -> None:
    """Says that ``condition`` holds in every run; so does ``assert`` on run-time values.

    The interpreter always checks it, compiled code with ``asserts=True``.  The launch
    runs to its end; then the call raises CheckError E5022 with the line, the message and
    where it failed.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit(backend="numpy")
    ... def root(X):
    ...     n = T.const("n")
    ...     X: T.Tensor((n,), "float32")
    ...     Y = T.empty((n,), "float32")
    ...     with T.Kernel(1):
    ...         for i in T.Parallel(n):
    ...             T.device_assert(X[i] >= 0, "no root")
    ...             Y[i] = T.sqrt(X[i])
    ...     return Y
    >>> try:
    ...     root(np.array([4, -1], np.float32))
    ... except tiledsl.CheckError as error:
    ...     print(error.summary, error.notes[0])
    E5022 root: an assertion fails: no root block (0,), i = 1
    """
    emit_assertion(condition, _message(msg, "device_assert"), assumed=False)


def assume(condition: ScalarLike, msg: str = "") -> None:
    """Promises that ``condition`` holds.

    About dims and scalar parameters, outside loops and branches, every call verifies it
    (ArgumentError E1024) and the compiler relies on it.  Any other promise is verified in
    checked mode (E5023) and changes nothing elsewhere.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def doubled(X):
    ...     n = T.dynamic("n")
    ...     X: T.Tensor((n,), "float32")
    ...     Y = T.empty((n,), "float32")
    ...     T.assume(n % 8 == 0)
    ...     with T.Kernel(n // 8) as b:
    ...         for i in T.Parallel(8):
    ...             Y[b * 8 + i] = 2 * X[b * 8 + i]
    ...     return Y
    >>> doubled(np.ones(8, np.float32))[:3]
    array([2., 2., 2.], dtype=float32)
    """
    emit_assertion(condition, _message(msg, "assume"), assumed=True)


def print_(
    obj: ScalarLike | BufferRef | RegionRef | None = None,
    msg: str = "",
    **hints: object,
) -> None:
    """Prints a scalar, a buffer or a slice, with the block and the loop variables.

    Without one it prints the message alone.

    Every block prints, inside ``T.Parallel`` every iteration that comes here, and there
    only scalars.  Blocks print in any order.

    >>> import tiledsl, tiledsl.language as T
    >>> @tiledsl.jit(backend="numpy")
    ... def count():
    ...     Y = T.empty((2,), "int32")
    ...     with T.Kernel(2) as b:
    ...         Y[b] = b * 10
    ...         T.print(Y[b], "ten times")
    ...     return Y
    >>> _ = count()
    block (0,): ten times 0
    block (1,): ten times 10
    """
    builder = Builder.active()
    message = _message(msg, "print")
    if not builder.inside("launch"):
        raise KernelError(
            "E0210",
            "T.print stands outside T.Kernel",
            span=here(),
            hint="print dims and static values with Python's print, before the call",
        )
    if obj is None:
        builder.emit(Print(message, None, span=here()))
        return
    if not isinstance(obj, BufferRef | RegionRef):
        builder.emit(Print(message, _scalar(obj), span=here()))
        return
    if builder.inside("parallel"):
        raise KernelError(
            "E0210",
            "T.print of a tile stands inside T.Parallel",
            span=here(),
            hint="print an element, or move the statement out of the loop",
        )
    region = place(obj, "print", "obj").region
    builder.emit(Print(message or region.buffer.name, region, span=here()))


def _scalar(obj: ScalarLike) -> Expr:
    if isinstance(obj, str):
        raise KernelError(
            "E0209",
            "T.print got a text alone",
            span=here(),
            expected="a value, and the text as msg, or msg alone",
            got=brief(obj),
        )
    value = as_value(obj).expr
    if isinstance(obj, Element | VarRef) and isinstance(value, Cast):
        return value.value  # an element as it is stored
    return value


def _message(msg: object, name: str) -> str:
    if isinstance(msg, str):
        return msg
    raise KernelError(
        "E0209",
        f"the message of T.{name} is not a text",
        span=here(),
        expected="a str that is known while the kernel is traced",
        got=brief(msg),
    )
