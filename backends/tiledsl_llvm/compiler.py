"""One compilation: text, machine code (or its copy in the cache), executable."""

from __future__ import annotations

import hashlib
from functools import cache
from math import prod
from pathlib import Path

from tiledsl.analysis.effects import unordered_sum
from tiledsl.backend import BuildOptions
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.nodes import Allocate, Const, Function
from tiledsl.ir.visitor import walk
from tiledsl_llvm import jit
from tiledsl_llvm.executable import LlvmExecutable
from tiledsl_llvm.launches import Emitted, emit_function
from tiledsl_llvm.machine import Machine

# far beyond what any cache holds; a mistake, or memory that a system would not give
_MOST_ARENA_BYTES = 1 << 28


def compile_function(
    function: Function, machine: Machine, options: BuildOptions, *, runnable: bool
) -> LlvmExecutable:
    """Compiles verified IR; machine code comes from the cache if it is there."""
    emitted = _emit(function, machine)
    key = _key(emitted.text, machine)
    code = options.cache.load(key) if options.cache is not None else None
    if code is None:
        code = jit.object_code(emitted.text, machine)
        if options.cache is not None:
            options.cache.save(key, code)
    texts = {
        "llvm": lambda: emitted.text,
        "asm": lambda: jit.assembly(emitted.text, machine),
    }
    # blocks in order, on one thread, add in order
    in_order = options.deterministic and unordered_sum(function) is not None
    return LlvmExecutable(
        function, emitted, code, texts, runnable=runnable, in_order=in_order
    )


def _emit(function: Function, machine: Machine) -> Emitted:
    try:
        emitted = emit_function(function, machine)
    except RecursionError:
        raise UnsupportedByTarget(
            "E2026",
            f"{function.name} is nested too deeply for the CPU target",
            span=function.span,
            hint="give names to parts of its longest expressions",
        ) from None
    needed = max(emitted.arena_bytes, default=0)
    if needed > _MOST_ARENA_BYTES:
        raise UnsupportedByTarget(
            "E2027",
            f"the block-local buffers of {function.name} are too large for the CPU target",
            span=function.span,
            expected=f"at most {_MOST_ARENA_BYTES} bytes",
            got=f"{needed} bytes",
            notes=_largest_buffers(function),
        )
    return emitted


def _largest_buffers(function: Function) -> list[str]:
    """A line for each of the buffers that take most; others may share their memory."""
    sizes: dict[str, int] = {}
    for node in walk(function):
        if isinstance(node, Allocate) and node.buffer.scope != "global":
            extents = [
                part.value for part in node.buffer.shape if isinstance(part, Const)
            ]
            elements = prod(int(extent) for extent in extents)
            sizes[node.buffer.name] = elements * node.buffer.dtype.bits // 8
    largest = sorted(sizes.items(), key=lambda entry: -entry[1])[:8]
    return [f"{name}: {size} bytes" for name, size in largest]


def _key(text: str, machine: Machine) -> str:
    """Everything the code depends on."""
    return "\n".join(
        [
            f"llvm {jit.llvm_version()}",
            f"emitter {_source_hash()}",
            f"machine {machine.triple} {machine.cpu} {machine.feature_string}",
            text,
        ]
    )


@cache
def _source_hash() -> str:
    """A digest of this package's sources."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")) + sorted(root.rglob("*.ll")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
