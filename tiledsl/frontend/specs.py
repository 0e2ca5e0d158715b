"""What the loop and launch forms of the language describe; staging carries them out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import here
from tiledsl.ir.nodes import Expr

if TYPE_CHECKING:
    from tiledsl.frontend.values import Value

LoopForm = Literal["serial", "unroll", "pipelined", "vectorized", "parallel"]


@dataclass(frozen=True, slots=True)
class LoopAxis:
    """The values start, start + step, ... before stop; all of dtype ``index``."""

    start: Expr
    stop: Expr
    step: Expr


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """What ``T.serial(n)``, ``T.Parallel(a, b)`` and the like return.

    Several axes: nested loops, outermost first, or one product space (parallel).  One
    axis gives one index, several give a tuple, unless ``always_tuple``.  ``visit`` turns
    the index of a loop into a condition under which its body runs, and what it yields.
    """

    kind: LoopForm
    axes: tuple[LoopAxis, ...]
    stages: int = 0
    always_tuple: bool = False
    visit: Callable[[Value], tuple[Expr, tuple[Value, ...]]] | None = None

    def __iter__(self) -> NoReturn:
        raise KernelError(
            "E0401",
            f"a {self.kind} loop has a meaning only after `for ... in` in a kernel",
            span=here(),
            hint="decorate the function with @tiledsl.jit, @T.prim_func or @T.macro",
        )

    def __repr__(self) -> str:
        return f"<a {self.kind} loop>"


@dataclass(frozen=True, slots=True)
class KernelSpec:
    """What ``T.Kernel(...)`` returns: one to three extents (``index``) and threads."""

    grid: tuple[Expr, ...]
    threads: tuple[int, ...] = (128,)

    def __enter__(self) -> NoReturn:
        raise KernelError(
            "E0401",
            "`with T.Kernel(...)` has a meaning only in a kernel",
            span=here(),
            hint="decorate the function with @tiledsl.jit or @T.prim_func",
        )

    def __exit__(self, *_: object) -> None:
        """Never reached; Python asks for it before it enters."""

    def __repr__(self) -> str:
        return "<T.Kernel(...)>"
