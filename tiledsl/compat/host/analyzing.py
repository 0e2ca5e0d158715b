"""``tools.Analyzer``: what a kernel computes and moves, from its IR (language rule L112)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tiledsl.analysis.cost import cost
from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.ir.nodes import Function
from tiledsl.runtime.kernel import JITKernel


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """Of one call.  Times need measuring: they are None here."""

    total_flops: int
    total_global_bytes: int
    estimated_time: float | None = None
    expected_tflops: float | None = None
    expected_bandwidth_GBps: float | None = None


class Analyzer:
    """Counts without running anything."""

    @staticmethod
    def analysis(
        fn: PrimFunc | JITKernel | Function,
        device: object = None,
        *,
        dynamic_symbolic_constraints: Mapping[str, int] | None = None,
    ) -> AnalysisResult:
        """Floating-point operations, and bytes that accesses to tensors name.

        ``device`` has no influence.  Run-time dims need a value each: E1017.
        """
        function = fn.function if isinstance(fn, PrimFunc | JITKernel) else fn
        if not isinstance(function, Function):
            raise ArgumentError(
                "E0618",
                "Analyzer.analysis",
                expected="a T.prim_func or a kernel",
                got=brief(fn),
            )
        given = dynamic_symbolic_constraints or {}
        missing = [dim.name for dim in function.dims if dim.name not in given]
        if missing:
            raise ArgumentError(
                "E1017",
                f"the cost of {function.name}",
                expected=f"a value for {', '.join(missing)}",
                got="none",
                hint="pass dynamic_symbolic_constraints={...}",
            )
        found = cost(function, [int(given[dim.name]) for dim in function.dims])
        return AnalysisResult(int(found.flops), int(found.moved))
