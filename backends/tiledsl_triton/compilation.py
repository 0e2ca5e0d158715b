"""Compiles generated kernels for a GPU, which need not be here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiledsl.diagnostics import InternalError, UnsupportedByTarget
from tiledsl.ir.nodes import Buffer, For, Var
from tiledsl.ir.visitor import walk
from tiledsl_triton.emit import signature
from tiledsl_triton.functionalize import Kernel
from tiledsl_triton.modules import load_module
from tiledsl_triton.targets import Gpu

DIVISIBILITY = 16
ELEMENTS = 128  # of one tile, at most, in the registers of a thread
MOST_WARPS = 16
SMALL = 1 << 31  # bytes that a signed 32-bit offset reaches


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


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is known of a call: parameters divisible by 16, and arrays below 2 GiB."""

    aligned: frozenset[str]
    small: frozenset[str]


def assumed_arrangement(kernel: Kernel) -> Arrangement:
    """Where no call is known: aligned arrays, small if their shape says so."""
    pointers = [argument for argument in kernel.arguments if argument.pointer]
    small = [a.name for a in pointers if not a.elements and _is_small(a.source)]
    return Arrangement(frozenset(a.name for a in pointers), frozenset(small))


def _is_small(source: Buffer | Var) -> bool:
    if not isinstance(source, Buffer) or source.strides is not None:
        return False
    try:
        elements = math.prod(source.static_shape)
    except TypeError:
        return False
    return elements * source.dtype.bytes < SMALL


def compile_kernel(kernel: Kernel, gpu: Gpu, arrangement: Arrangement) -> Compiled:
    """Compiles, with fewer pipeline stages if shared memory does not suffice."""
    source, shared = kernel.source, 0
    while True:
        compiled = _compile(kernel, source, gpu, arrangement)
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
    kernel: Kernel, gpu: Gpu, arrangement: Arrangement
) -> dict[tuple[int, ...], list[list[object]]]:
    attributes: dict[tuple[int, ...], list[list[object]]] = {}
    for position, argument in enumerate(kernel.arguments):
        facts: list[list[object]] = []
        if argument.name in arrangement.aligned:
            facts.append(["tt.divisibility", DIVISIBILITY])
        if gpu.vendor == "hip" and argument.name in arrangement.small:
            # lets AMD's buffer instructions test bounds, without branches
            facts.append(["tt.pointer_range", 32])
        if facts:
            attributes[(position,)] = facts
    return attributes


def _compile(kernel: Kernel, source: str, gpu: Gpu, arrangement: Arrangement) -> Any:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource
    from triton.compiler import compile as triton_compile

    function = load_module(source)[kernel.name]
    types = signature(kernel.arguments)
    attributes = _attributes(kernel, gpu, arrangement)
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
