"""Running the blocks of a launch on several threads.

The pool itself is LLVM IR (``pool.ll``), compiled once per process.  This module cuts a
launch into tickets, gives every thread its block-local memory, and returns to the Python
interpreter often enough for Ctrl-C.
"""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tiledsl_llvm.jit import Library, object_code
from tiledsl_llvm.machine import Machine, host_machine
from tiledsl_llvm.processors import thread_count

_PATIENCE_NS = 50_000_000  # between two looks at Python's signals
_TICKETS_PER_THREAD = 32  # enough to even out blocks of unequal work
_MOST_BLOCKS = 64  # of a ticket
_MOST_TICKETS = 1 << 30
_FUTEX = {"x86_64": 202, "aarch64": 98}


class _Job(ctypes.Structure):
    """``%job`` of pool.ll."""

    _fields_ = (
        ("function", ctypes.c_void_p),
        ("words", ctypes.c_void_p),
        ("arena", ctypes.c_void_p),
        ("stride", ctypes.c_int64),
        ("first", ctypes.c_int64),
        ("last", ctypes.c_int64),
        ("chunk", ctypes.c_int64),
        ("tickets", ctypes.c_int64),
        ("deadline", ctypes.c_int64),
        ("workers", ctypes.c_int64),
    )


@dataclass(frozen=True, slots=True)
class Job:
    """A launch: its function's address, its blocks, and the memory of a worker.

    That starts with ``record_bytes`` zeros.  At most ``limit`` threads take part; on one,
    blocks run in the order of their numbers.
    """

    function: int
    total: int
    arena_bytes: int
    record_bytes: int = 0
    limit: int | None = None

    stride: int = field(init=False)
    # what the pool reads of a launch, one for each thread that is inside at a time
    free: list[_Job] = field(default_factory=list, init=False, compare=False)

    def __post_init__(self) -> None:
        # from one worker's memory to the next's; they start in different sets of caches
        stride = -(-self.arena_bytes // 4096) * 4096 + 128
        object.__setattr__(self, "stride", stride)


def workers_of(job: Job) -> int:
    """How many threads a launch takes now, the caller's included."""
    if job.total <= 1 or job.limit == 1 or not _shared.get().threaded:
        return 1
    return min(thread_count(), job.total, job.limit or job.total)


def run(job: Job, words: int, workers: int) -> None:
    """Runs the blocks of a launch, whose arguments are the words at that address.

    KeyboardInterrupt is raised between blocks; the others then do not run.
    """
    pool = _shared.get()
    try:
        published = job.free.pop()
    except IndexError:
        published = _Job(job.function, last=job.total, stride=job.stride)
    memory = _arena(workers * job.stride)
    if job.record_bytes:
        for who in range(workers):
            ctypes.memset(memory + who * job.stride, 0, job.record_bytes)
    total, first = job.total, 0
    chunk = max(1, min(_MOST_BLOCKS, total // (workers * _TICKETS_PER_THREAD)))
    published.words = words
    published.arena = memory
    published.chunk = chunk
    published.workers = workers - 1
    while first < total:
        published.first = first
        published.tickets = min(_MOST_TICKETS, -(-(total - first) // chunk))
        first = pool.run(ctypes.byref(published), _PATIENCE_NS)
    job.free.append(published)


class _Pool:
    """The compiled pool.  ``threaded``: whether it can start threads on this system."""

    def __init__(self, machine: Machine) -> None:
        self.threaded = machine.is_linux and machine.triple.split("-")[0] in _FUTEX
        self._library = Library(object_code(_pool_text(machine), machine), _NAMES)
        self.run = self._library.function(
            "pool.run", ctypes.c_void_p, ctypes.c_int64, result=ctypes.c_int64
        )
        self.forget = self._library.function("pool.forget")


_NAMES = ("pool.run", "pool.forget")


@dataclass
class _Shared:
    """The process's pool.

    A launch takes the lock only to make the pool: a process may fork while another of its
    threads launches, and in the child a lock that this thread holds is never released.
    """

    pool: _Pool | None = None
    creation: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> _Pool:
        if self.pool is None:
            with self.creation:
                self.pool = self.pool or self._made()
        return self.pool

    def _made(self) -> _Pool:
        pool = _Pool(host_machine())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=pool.forget)
        return pool

    def unlock(self) -> None:
        """In a forked child, where the thread that held the lock does not exist."""
        self.creation = threading.Lock()


_shared = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.unlock)


def _pool_text(machine: Machine) -> str:
    """The pool with the processor's own instructions."""
    text = (Path(__file__).parent / "pool.ll").read_text()
    number = _FUTEX.get(machine.triple.split("-")[0], 0)
    specific = _X86 if machine.is_x86 else _OTHERS
    head = f'target triple = "{machine.triple}"\n'
    return head + text.replace("i64 FUTEX", f"i64 {number}") + specific


# Rounding to nearest and subnormals kept, whatever the caller has set (rule L33).
_X86 = """
declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define internal void @relax() alwaysinline {
  call void @llvm.x86.sse2.pause()
  ret void
}
define internal i32 @enter() alwaysinline {
  %word = alloca i32, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %word)
  %old = load i32, ptr %word, align 4
  store i32 8064, ptr %word, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %word)
  ret i32 %old
}
define internal void @exit.mode(i32 %old) alwaysinline {
  %word = alloca i32, align 4
  store i32 %old, ptr %word, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %word)
  ret void
}
"""
_OTHERS = """
define internal void @relax() alwaysinline {
  ret void
}
define internal i32 @enter() alwaysinline {
  ret i32 0
}
define internal void @exit.mode(i32 %old) alwaysinline {
  ret void
}
"""


class _Arena(threading.local):
    """Block-local memory of the launches of one Python thread."""

    def __init__(self) -> None:
        self.memory = np.empty(0, np.uint8)
        self.address = 0

    def at_least(self, size: int) -> int:
        if self.memory.size < size + 4096:
            self.memory = np.empty(size + 4096, np.uint8)
            start = self.memory.ctypes.data
            self.address = start + -start % 4096
        return self.address


_arenas = _Arena()


def _arena(size: int) -> int:
    return _arenas.at_least(size)
