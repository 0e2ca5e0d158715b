"""Compiles generated kernels for a GPU, which need not be here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiledsl.diagnostics import InternalError, UnsupportedByTarget
from tiledsl.ir.nodes import For
from tiledsl.ir.visitor import walk
from tiledsl_triton.emit import signature
from tiledsl_triton.functionalize import Kernel
from tiledsl_triton.modules import load_module
from tiledsl_triton.targets import Gpu

DIVISIBILITY = 16
ELEMENTS = 128  # of one tile, at most, in the registers of a thread
MOST_WARPS = 16


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled kernel: Triton's object and the facts of its launch."""

    kernel: Kernel
    handle: Any
    warps: int
    shared: int

    @property
    def assembly(self) -> Mapping[str, str | bytes]:
        """The texts and binaries of Triton's stages."""
        return self.handle.asm  # type: ignore[no-any-return]


def warps_for(kernel: Kernel, gpu: Gpu) -> int:
    """A power of two near ``threads / 32``; more if the tiles would not fit registers."""
    wanted = max(1, -(-math.prod(kernel.launch.threads) // 32))
    below = 1 << (wanted.bit_length() - 1)
    warps = below if below == wanted or below >= 8 else 2 * below
    while warps < MOST_WARPS and kernel.pressure > ELEMENTS * warps * gpu.warp:
        warps *= 2
    return min(warps, MOST_WARPS)


def aligned_arguments(kernel: Kernel) -> frozenset[str]:
    """Parameters assumed to be divisible by 16 where no call is known: the pointers."""
    return frozenset(a.name for a in kernel.arguments if a.pointer)


def compile_kernel(kernel: Kernel, gpu: Gpu, aligned: frozenset[str]) -> Compiled:
    """Compiles, with fewer pipeline stages if shared memory does not suffice."""
    source, shared = kernel.source, 0
    while True:
        compiled = _compile(kernel, source, gpu, aligned)
        shared = compiled.metadata.shared
        if shared <= gpu.shared_bytes:
            warps = compiled.metadata.num_warps
            return Compiled(kernel, compiled, warps, shared)
        fewer = _with_fewer_stages(source)
        if fewer is None:
            raise UnsupportedByTarget(
                "E2034",
                "the tiles of this kernel exceed the shared memory of a block",
                span=_place(kernel),
                expected=f"at most {gpu.shared_bytes} bytes on {gpu.name}",
                got=f"{shared} bytes",
                hint="use smaller tiles",
            )
        source = fewer


def _with_fewer_stages(source: str) -> str | None:
    """The source with the deepest pipelines one stage shallower."""
    stages = [n for n in range(2, 33) if f"num_stages={n})" in source]
    if not stages:
        return None
    deepest = stages[-1]
    return source.replace(f"num_stages={deepest})", f"num_stages={deepest - 1})")


def _place(kernel: Kernel) -> Any:
    loops = [node for node in walk(kernel.launch) if isinstance(node, For)]
    return (loops[0] if loops else kernel.launch).span


def _attributes(
    kernel: Kernel, gpu: Gpu, aligned: frozenset[str]
) -> dict[tuple[int, ...], list[list[object]]]:
    attributes: dict[tuple[int, ...], list[list[object]]] = {}
    for position, argument in enumerate(kernel.arguments):
        if argument.name in aligned:
            attributes[(position,)] = [["tt.divisibility", DIVISIBILITY]]
    return attributes


def _compile(kernel: Kernel, source: str, gpu: Gpu, aligned: frozenset[str]) -> Any:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as triton_compile

    function = load_module(source)[kernel.name]
    types = signature(kernel.arguments)
    attributes = _attributes(kernel, gpu, aligned)
    architecture = gpu.capability if gpu.vendor == "cuda" else gpu.architecture
    options = {"num_warps": warps_for(kernel, gpu), "enable_fp_fusion": True}
    if gpu.vendor == "hip":
        options["num_stages"] = 2
    try:
        return triton_compile(
            ASTSource(function, types, {}, attributes),
            target=GPUTarget(gpu.vendor, architecture, gpu.warp),
            options=options,
        )
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise InternalError(
            "E9002",
            f"Triton failed to compile {kernel.name} for {gpu.name}",
            span=kernel.launch.span,
            notes=(f"{type(error).__name__}: {' / '.join(lines[-6:])}", source),
        ) from error
