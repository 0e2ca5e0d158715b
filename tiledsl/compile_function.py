"""``tiledsl.compile`` and ``tiledsl.par_compile``: from a ``T.prim_func`` to a kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Unpack

from tiledsl.compile_options import CompileOptions, JitKeywords
from tiledsl.diagnostics import ArgumentError, Error, brief
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.frontend.tunables import assigning
from tiledsl.ir.nodes import Function
from tiledsl.runtime.kernel import JITKernel


def par_compile(
    functions: Iterable[PrimFunc | Function],
    out_idx: int | list[int] | tuple[int, ...] | None = None,
    /,
    **options: Unpack[JitKeywords],
) -> list[JITKernel]:
    """Compiles several functions with the same options."""
    if not isinstance(functions, list | tuple | Iterator):
        raise ArgumentError(
            "E0618",
            "tiledsl.par_compile",
            expected="a list of T.prim_func",
            got=brief(functions),
        )
    return [compile(function, out_idx, **options) for function in functions]


def compile(
    function: PrimFunc | Function,
    out_idx: int | list[int] | tuple[int, ...] | None = None,
    /,
    **options: Unpack[JitKeywords],
) -> JITKernel:
    """Compiles a ``T.prim_func``, or a function of the IR, to a callable kernel.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @T.prim_func
    ... def negate(X: T.Tensor((3,), "int32"), Y: T.Tensor((3,), "int32")):
    ...     with T.Kernel(3) as bx:
    ...         Y[bx] = -X[bx]
    >>> tiledsl.compile(negate, out_idx=-1)(np.array([1, 2, 3], dtype=np.int32))
    array([-1, -2, -3], dtype=int32)
    """
    if out_idx is not None:
        options["out_idx"] = out_idx
    checked = CompileOptions.of(options)
    if isinstance(function, PrimFunc):
        try:
            with assigning(checked.tunables) as assignment:
                traced = function.function
            return checked.kernel(traced, "lazy", assignment.values())
        except Error as error:
            raise error.with_traceback(None) from None
    if isinstance(function, Function):
        return checked.kernel(function, "lazy")
    raise ArgumentError(
        "E0618",
        "tiledsl.compile",
        expected="a T.prim_func",
        got=type(function).__name__,
        hint="decorate a function that builds kernels with @tiledsl.jit instead",
    )
