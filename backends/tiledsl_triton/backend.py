"""The backend: targets, capabilities, pipeline, build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from tiledsl.analysis.effects import unordered_sum
from tiledsl.backend import BuildOptions, Capabilities, Executable, Target
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.dtypes import WHOLE_DTYPES
from tiledsl.ir.nodes import Function
from tiledsl.ir.visitor import walk
from tiledsl.passes.base import Pass
from tiledsl.passes.canonicalize import Canonicalize
from tiledsl.passes.dead_code import DeadCode
from tiledsl.passes.drop_observations import DropObservations
from tiledsl.passes.packed_as_bytes import PackedAsBytes
from tiledsl.passes.prove_bounds import ProveBounds
from tiledsl.passes.simplify_index import SimplifyIndex
from tiledsl.passes.tile import Tile
from tiledsl_triton.functionalize import Kernel, functionalize
from tiledsl_triton.gpu_executable import GpuExecutable
from tiledsl_triton.interpreted_executable import InterpretedExecutable
from tiledsl_triton.lowering import Machine
from tiledsl_triton.matrix import gemm_dtypes
from tiledsl_triton.present import present_gpu
from tiledsl_triton.targets import COMPILE_ONLY, INTERPRETER, Gpu, gpu_of

_REMEDY = "pip install 'tiledsl[triton]'"


@dataclass(frozen=True, slots=True)
class TritonBackend:
    """Tile IR through Triton: GPUs of two vendors, and an interpreter on the host."""

    @property
    def name(self) -> str:
        return "triton"

    def targets(self) -> tuple[Target, ...]:
        installed = find_spec("triton") is not None
        missing = "" if installed else "Triton is not installed"
        remedy = "" if installed else _REMEDY
        found = [Target(INTERPRETER, "cpu", installed, missing, remedy)]
        gpu = present_gpu() if installed else None
        if gpu is not None:
            found.append(Target(gpu.name, gpu.vendor))
        for name in COMPILE_ONLY:
            if gpu is None or name != gpu.name:
                reason = missing or "no such GPU here; kernels can be compiled for it"
                vendor = name.split(":")[0]
                found.append(Target(name, vendor, False, reason, remedy))
        return tuple(found)

    def capabilities(self, target: Target) -> Capabilities:
        dtypes = frozenset(WHOLE_DTYPES)
        if target.name == INTERPRETER:
            return Capabilities(dtypes, gemm_dtypes(), 1 << 30, power_of_two_tiles=True)
        gpu = gpu_of(target.name)
        return Capabilities(
            dtypes,
            gemm_dtypes(),
            gpu.shared_bytes + 65536 * 4,
            parallel_units=gpu.units,
            power_of_two_tiles=True,
        )

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        return (
            DropObservations(),
            Tile(),
            PackedAsBytes(),
            Canonicalize(),
            SimplifyIndex(),
            Canonicalize(),  # removes the branches that simplify-index decided
            ProveBounds(),  # a mask that is dropped lets loads be wide
            DeadCode(),
        )

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        """Generates the source now; compiles when a stage or a launch asks for it."""
        if find_spec("triton") is None:
            raise UnsupportedByTarget("E2002", "Triton is not installed", hint=_REMEDY)
        if target.name == INTERPRETER:
            rewritten, kernels = functionalize(
                function, Machine(), fast_math=options.fast_math
            )
            return InterpretedExecutable(rewritten, kernels, _source_stage(kernels))
        gpu = gpu_of(target.name)
        if options.deterministic:
            _check_order(function)
        _check_dtypes(function, gpu)
        machine = Machine(tf32=gpu.vendor == "cuda", vendor=gpu.vendor)
        rewritten, kernels = functionalize(
            function, machine, fast_math=options.fast_math
        )
        return GpuExecutable(
            rewritten, kernels, gpu, target.runnable, _source_stage(kernels)
        )


def _check_order(function: Function) -> None:
    """Refuses atomic sums of floats, whose order the GPU chooses."""
    node = unordered_sum(function)
    if node is not None:
        raise UnsupportedByTarget(
            "E2001",
            "atomic sums of floats in a fixed order (deterministic=True)",
            span=node.span,
            hint="write one partial result per block, and add them in a second T.Kernel",
        )


def _check_dtypes(function: Function, gpu: Gpu) -> None:
    """Refuses float8_e4m3fn where Triton has no conversions of it."""
    if gpu.vendor != "cuda" or gpu.capability >= 89:
        return
    for node in walk(function):
        if getattr(node, "dtype", None) == "float8_e4m3fn":
            raise UnsupportedByTarget(
                "E2036",
                "float8_e4m3fn",
                span=node.span,
                expected="an NVIDIA GPU of compute capability 8.9 or later",
                got=gpu.name,
                hint="store float8_e5m2, or compile for another target",
            )


def _source_stage(kernels: tuple[Kernel, ...]) -> Mapping[str, Callable[[], str]]:
    return {"triton": partial(_sources, kernels)}


def _sources(kernels: tuple[Kernel, ...]) -> str:
    return "\n\n".join(kernel.source for kernel in kernels)
