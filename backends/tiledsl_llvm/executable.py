"""A compiled function: arguments into words, workspaces, launches over the threads."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tiledsl.backend import Arguments, ArrayRef
from tiledsl.diagnostics import ArgumentError, UnsupportedByTarget
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer, Function, Var
from tiledsl_llvm import threads
from tiledsl_llvm.jit import Library
from tiledsl_llvm.launches import Emitted
from tiledsl_llvm.representation import bits_of

_LARGEST_WORKSPACE = 1 << 46  # bytes; beyond this the sizes are a mistake


@dataclass
class LlvmExecutable:
    """Runs on the caller's thread and the pool's; returns when everything is done.

    Code that is not ``runnable`` is for another machine: it can be looked at only.
    ``in_order``: blocks run one after the other.
    """

    function: Function
    emitted: Emitted
    code: bytes
    texts: Mapping[str, Callable[[], str]]
    runnable: bool = True
    in_order: bool = False
    _library: Library | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.runnable:
            return
        names = [f"launch.{k}" for k in range(len(self.emitted.arena_bytes))]
        self._library = library = Library(self.code, ("sizes", *names))
        pointer, word = ctypes.c_void_p, ctypes.c_int64
        self._sizes = library.function("sizes", pointer, pointer)
        self._launches = [library.address(name) for name in names]
        self._words = [_word_writer(part) for part in self.function.params]
        count = len(self.function.params) + len(self.function.dims)
        self._word_array = word * (count + len(self.emitted.workspaces))
        results = len(self.emitted.workspaces) + 3 * len(names)
        self._result_array = word * max(1, results)

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        return self.texts

    @property
    def binary(self) -> bytes | None:
        return self.code

    def launch(self, arguments: Arguments) -> None:
        if self._library is None:
            raise UnsupportedByTarget(
                "E2002",
                f"{self.function.name} was compiled for another machine",
                hint="compile for the target 'host' to launch it",
            )
        words = self._word_array()
        values = [*arguments.values]
        for k, (write, value) in enumerate(zip(self._words, values, strict=True)):
            words[k] = write(value)
        for k, value in enumerate(arguments.dims, len(values)):
            words[k] = value
        results = self._result_array()
        self._sizes(words, results)
        first = len(values) + len(arguments.dims)
        kept = self._workspaces(words, results, first)
        for number, address in enumerate(self._launches):
            start = len(self.emitted.workspaces) + 3 * number
            total = _blocks(results[start : start + 3], self.function)
            if total:
                arena = self.emitted.arena_bytes[number]
                job = (address, ctypes.addressof(words), total, arena)
                records = self.emitted.record_bytes[number]
                limit = 1 if self.in_order else None
                threads.run(*job, records, limit)
        del kept

    def _workspaces(
        self,
        words: ctypes.Array[ctypes.c_int64],
        results: ctypes.Array[ctypes.c_int64],
        at: int,
    ) -> list[np.ndarray]:
        """Allocates the host-level buffers and enters their addresses."""
        kept = []
        for k, dtype in enumerate(self.emitted.workspaces):
            size = results[k] * dtype.bytes
            if not 0 <= size <= _LARGEST_WORKSPACE:
                raise ArgumentError(
                    "E2025",
                    f"a workspace of {self.function.name} has {results[k]} elements",
                )
            memory = np.empty(size + 64, np.uint8)
            words[at + k] = memory.ctypes.data + -memory.ctypes.data % 64
            kept.append(memory)
        return kept


def _blocks(grid: list[int], function: Function) -> int:
    if min(grid) < 0:
        raise ArgumentError(
            "E5001",
            f"{function.name}: the grid of a launch has a negative extent",
            got=str(tuple(grid)),
        )
    total = grid[0] * grid[1] * grid[2]
    if total >= 1 << 62:
        raise ArgumentError(
            "E2021", f"{function.name}: a launch has too many blocks", got=str(total)
        )
    return total


def _word_writer(part: Buffer | Var) -> Callable[[object], int]:
    """How an argument becomes an 8-byte word."""
    if isinstance(part, Buffer):
        return _address
    if not part.dtype.is_float:
        return int  # type: ignore[return-value]  # called with numbers only
    return _float_writer(part.dtype)


def _address(value: object) -> int:
    return value.address if isinstance(value, ArrayRef) else 0


def _float_writer(dtype: DType) -> Callable[[object], int]:
    def write(value: object) -> int:
        number = float(value)  # type: ignore[arg-type]  # called with numbers only
        if dtype == "float64":
            return int(struct.unpack("<q", struct.pack("<d", number))[0])
        return bits_of(number, dtype)

    return write
