"""The CPU backend: Tile IR to LLVM IR to machine code."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from tiledsl.backend import BuildOptions, Capabilities, Executable, Target
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import WHOLE_DTYPES, DType
from tiledsl.ir.nodes import Function
from tiledsl.passes.dead_code import DeadCode
from tiledsl.passes.forward_copies import ForwardCopies
from tiledsl.passes.pipeline import DEFAULT_PIPELINE
from tiledsl_llvm.clear_first import ClearFirst
from tiledsl_llvm.fuse_steps import FuseSteps
from tiledsl_llvm.machine import COMPILE_ONLY, Machine, host_machine, named_machine
from tiledsl_llvm.processors import thread_count

if TYPE_CHECKING:
    from tiledsl.passes.base import Pass

_NARROW = ("float8_e4m3fn", "float8_e5m2")
_BLOCK_BYTES = 4 << 20


def _gemm_dtypes() -> frozenset[tuple[DType, DType, DType]]:
    rows = [("float64", "float64", "float64"), ("float32", "float32", "float32")]
    rows += [("tfloat32", "tfloat32", "float32")]
    rows += [
        (half, half, c) for half in ("float16", "bfloat16") for c in (half, "float32")
    ]
    rows += [
        (a, b, c)
        for a in _NARROW
        for b in _NARROW
        for c in ("float32", "float16", "bfloat16")
    ]
    rows += [(a, b, "int32") for a in ("int8", "uint8") for b in ("int8", "uint8")]
    rows += [(whole, whole, whole) for whole in ("int32", "uint32", "int64", "uint64")]
    return frozenset((DType(a), DType(b), DType(c)) for a, b, c in rows)


def _machine(name: str) -> Machine:
    return host_machine() if name == "host" else named_machine(name)


class LlvmBackend:
    """Compiles for the processor this runs on, and for others to look at the code."""

    @property
    def name(self) -> str:
        return "llvm"

    def targets(self) -> tuple[Target, ...]:
        if importlib.util.find_spec("llvmlite") is None:
            reason, remedy = "llvmlite is not installed", "pip install llvmlite"
            return (Target("host", runnable=False, reason=reason, remedy=remedy),)
        others = (
            Target(
                name,
                runnable=False,
                reason="for looking at the code",
                remedy="use host",
            )
            for name in COMPILE_ONLY
        )
        return (Target("host"), *others)

    def capabilities(self, target: Target) -> Capabilities:
        machine = _checked(target)
        return Capabilities(
            dtypes=frozenset(WHOLE_DTYPES),
            gemm=_gemm_dtypes(),
            block_bytes=_BLOCK_BYTES,
            vector_bytes=machine.vector_bytes,
            parallel_units=thread_count(),
        )

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        machine = _checked(target)
        bfloat = machine.has_bfloat_products or machine.has_tile_products
        return (
            *DEFAULT_PIPELINE,
            FuseSteps(bfloat_products=bfloat),
            # what a product has copied or packed anyway is not copied twice
            ForwardCopies(operands=("a", "b"), unproved=True),
            DeadCode(),
            ClearFirst(),  # last: what is added up and where is settled
        )

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        machine = _checked(target)
        # llvmlite is loaded when the first function is compiled
        from tiledsl_llvm.compiler import compile_function

        return compile_function(
            function, machine, options, runnable=target.name == "host"
        )


def _checked(target: Target) -> Machine:
    if target.name not in ("host", *COMPILE_ONLY):
        raise UnsupportedByTarget(
            "E2002",
            f"the CPU backend has no target {target.name!r}",
            expected=", ".join(("host", *COMPILE_ONLY)),
        )
    if importlib.util.find_spec("llvmlite") is None:
        raise UnsupportedByTarget(
            "E2002", "the CPU backend needs llvmlite", hint="pip install llvmlite"
        )
    return _machine(target.name)
