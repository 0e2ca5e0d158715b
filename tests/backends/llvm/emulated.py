"""Code for another processor, linked to a small C program and run by qemu's user mode.

Memory goes there and back through files.  ``missing()`` says what is not installed; on
Debian ``apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross`` has it all.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tiledsl_llvm import LlvmBackend
from tiledsl_llvm.executable import LlvmExecutable
from tiledsl_llvm.words import word_writer

from tiledsl.backend import Arguments, ArrayRef, BuildOptions, Capabilities, Target
from tiledsl.ir.nodes import Function
from tiledsl.passes.base import Pass

TARGET = Target("aarch64-linux-gnu")
_COMPILER, _EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"

# A file of memory: for each word of a call, the bytes behind it (-1: the word is a value)
# and where in them element 0 is, or the value; then the bytes.
_DRIVER = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef void launch(const int64_t *words, int64_t first, int64_t last, char *arena);
extern void sizes(const int64_t *words, int64_t *results);
%(declarations)s

static launch *const launches[] = {%(launches)s};
static const int64_t arena_bytes[] = {%(arenas)s};
static const int64_t workspace_bytes[] = {%(workspaces)s};

static void *memory(int64_t size) {
  return aligned_alloc(64, (size + 127) / 64 * 64);
}

int main(int count, char **names) {
  int64_t facts[%(given)d + 1][2], words[%(given)d + %(extra)d + 1], results[%(results)d + 1];
  char *start[%(given)d + 1];
  FILE *file = fopen(names[1], "rb");
  for (int k = 0; k < %(given)d; k++) {
    if (fread(facts[k], 8, 2, file) != 2) return 1;
    words[k] = facts[k][1];
    if (facts[k][0] < 0) continue;
    start[k] = memory(facts[k][0]);
    if (fread(start[k], 1, facts[k][0], file) != facts[k][0]) return 2;
    words[k] += (int64_t)start[k];
  }
  fclose(file);
  sizes(words, results);
  for (int k = 0; k < %(extra)d; k++)
    words[%(given)d + k] = (int64_t)memory(results[k] * workspace_bytes[k]);
  for (int k = 0; k < %(count)d; k++) {
    int64_t *grid = results + %(extra)d + 3 * k, total = grid[0] * grid[1] * grid[2];
    char *arena = memory(arena_bytes[k]);
    for (int64_t byte = 0; byte < arena_bytes[k]; byte++) arena[byte] = 0;
    launches[k](words, 0, total, arena);
  }
  file = fopen(names[1], "wb");
  for (int k = 0; k < %(given)d; k++)
    if (facts[k][0] > 0) fwrite(start[k], 1, facts[k][0], file);
  return fclose(file);
}
"""


def missing() -> str | None:
    """The programs that are not on this machine."""
    absent = [name for name in (_COMPILER, _EMULATOR) if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


@dataclass(frozen=True)
class _Memory:
    """The bytes that an argument's elements lie in; ``origin``: of element 0 in them."""

    bytes: np.ndarray
    origin: int

    @staticmethod
    def of(array: ArrayRef) -> _Memory:
        held = array.numpy
        assert held is not None
        if not held.size:
            return _Memory(np.empty(0, np.uint8), 0)
        low, high = np.lib.array_utils.byte_bounds(held)
        window = (np.ctypeslib.ctypes.c_uint8 * (high - low)).from_address(low)
        return _Memory(np.frombuffer(window, np.uint8), array.address - low)


@dataclass
class EmulatedExecutable:
    """Runs every launch of a call in one process of the emulator, on one thread."""

    compiled: LlvmExecutable
    program: Path

    @property
    def stages(self) -> Mapping[str, object]:
        return self.compiled.stages

    @property
    def binary(self) -> bytes | None:
        return self.compiled.binary

    def launch(self, arguments: Arguments) -> None:
        memories = [
            _Memory.of(value) if isinstance(value, ArrayRef) else None
            for value in arguments.values
        ]
        file = self.program.with_suffix(".memory")
        file.write_bytes(b"".join(self._parts(arguments, memories)))
        subprocess.run(
            [_EMULATOR, self.program, file], check=True, timeout=60, capture_output=True
        )
        left = file.read_bytes()
        for memory in memories:
            if memory is not None and memory.bytes.size:
                mine, left = left[: memory.bytes.size], left[memory.bytes.size :]
                memory.bytes[:] = np.frombuffer(mine, np.uint8)

    def _parts(
        self, arguments: Arguments, memories: list[_Memory | None]
    ) -> Iterator[bytes]:
        params = self.compiled.function.params
        for part, value, memory in zip(params, arguments.values, memories, strict=True):
            if memory is None:
                yield struct.pack("<qq", -1, word_writer(part)(value))
            else:
                yield struct.pack("<qq", memory.bytes.size, memory.origin)
                yield memory.bytes.tobytes()
        for extent in arguments.dims:
            yield struct.pack("<qq", -1, extent)


class EmulatedBackend(LlvmBackend):
    """The CPU backend for a processor that this machine is not."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tiledsl-emulated-")
        self._programs = 0

    @property
    def name(self) -> str:
        return "emulated"

    def targets(self) -> tuple[Target, ...]:
        return (TARGET,)

    def capabilities(self, target: Target) -> Capabilities:
        return super().capabilities(TARGET)

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        return super().pipeline(TARGET)

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> EmulatedExecutable:
        compiled = super().build(function, TARGET, options)
        assert isinstance(compiled, LlvmExecutable)
        self._programs += 1
        program = Path(self._folder.name, f"program{self._programs}")
        _link(compiled, program)
        return EmulatedExecutable(compiled, program)


def _link(compiled: LlvmExecutable, program: Path) -> None:
    emitted, function = compiled.emitted, compiled.function
    numbers = range(len(emitted.arena_bytes))
    text = _DRIVER % {
        "declarations": "\n".join(
            f'extern launch launch{k} __asm__("launch.{k}");' for k in numbers
        ),
        "launches": ", ".join(f"launch{k}" for k in numbers),
        "arenas": ", ".join(map(str, (*emitted.arena_bytes, 0))),
        "workspaces": ", ".join(str(part.bytes) for part in emitted.workspaces) or "0",
        "given": len(function.params) + len(function.dims),
        "extra": len(emitted.workspaces),
        "count": len(numbers),
        "results": len(emitted.workspaces) + 3 * len(numbers),
    }
    source, code = program.with_suffix(".c"), program.with_suffix(".o")
    source.write_text(text)
    code.write_bytes(compiled.code)
    command = [_COMPILER, "-O1", "-static", source, code, "-lm", "-o", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
