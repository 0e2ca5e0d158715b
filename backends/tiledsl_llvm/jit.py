"""From LLVM IR to machine code, and from machine code to functions.

Code is linked against an explicit list of C functions: anything else that it refers to
is an error at link time, never a jump to address 0.
"""

from __future__ import annotations

import ctypes
import itertools
import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from llvmlite import binding

from tiledsl.diagnostics import InternalError
from tiledsl_llvm.machine import Machine

if TYPE_CHECKING:
    from llvmlite.binding import LLJIT, ModuleRef, ResourceTracker, TargetMachine

_ALLOWED: Final = (
    "memcpy", "memmove", "memset", "fmod", "fmodf", "fma", "fmaf", "sin", "cos", "tan",
    "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "hypot", "pow", "erf", "pthread_create", "pthread_detach", "syscall", "sched_yield",
    "clock_gettime",
)  # fmt: skip
_numbers = itertools.count()


def _settle_before_forks() -> None:
    """Makes a fork wait for other threads' calls of LLVM.

    llvmlite takes a lock around every call; a child that is forked meanwhile would find
    it held by a thread that it does not have, and wait for ever.
    """
    lock = getattr(binding.ffi.lib, "_lock", None)
    if lock is None or not hasattr(os, "register_at_fork"):
        return

    def release() -> None:
        lock.__exit__(None, None, None)

    os.register_at_fork(
        before=lock.__enter__, after_in_parent=release, after_in_child=release
    )


_settle_before_forks()


def llvm_version() -> str:
    return ".".join(str(part) for part in binding.llvm_version_info)


@cache
def _initialize(host: bool) -> None:
    if host:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
    else:
        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()


def _target_machine(machine: Machine) -> TargetMachine:
    is_host = machine.triple == binding.get_process_triple()
    _initialize(is_host)
    target = binding.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu,
        features=machine.feature_string,
        opt=2,
        reloc="pic",
        codemodel="jitdefault" if is_host else "default",
        jit=is_host,
    )


def optimize(
    text: str, machine: Machine, *, level: int = 2
) -> tuple[ModuleRef, TargetMachine]:
    """The parsed, checked and optimized module.  Vectors are ours; LLVM makes none."""
    target = _target_machine(machine)
    # llvmlite takes a lock around every call; a context of its own keeps modules apart
    context = binding.create_context()
    try:
        module = binding.parse_assembly(text, context)
        module.verify()
    except RuntimeError as error:
        raise InternalError(
            "E9002", "LLVM refuses the generated code", notes=[str(error)]
        ) from error
    module.data_layout = str(target.target_data)
    options = binding.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = False
    options.slp_vectorization = False
    builder = binding.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return module, target


def object_code(text: str, machine: Machine, *, level: int = 2) -> bytes:
    module, target = optimize(text, machine, level=level)
    return bytes(target.emit_object(module))


def assembly(text: str, machine: Machine) -> str:
    module, target = optimize(text, machine)
    return str(target.emit_assembly(module))


@dataclass
class Library:
    """Machine code in this process; it stays as long as this object does."""

    code: bytes
    names: tuple[str, ...]
    _tracker: ResourceTracker | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        linker = binding.JITLibraryBuilder().add_object_img(self.code)
        for name in _ALLOWED:
            address = binding.address_of_symbol(name)
            if address:
                linker.import_symbol(name, address)
        for name in self.names:
            linker.export_symbol(name)
        try:
            self._tracker = linker.link(_linker(), f"tiledsl.{next(_numbers)}")
        except RuntimeError as error:
            raise InternalError(
                "E9002", "the generated code cannot be linked", notes=[str(error)]
            ) from error

    def address(self, name: str) -> int:
        if self._tracker is None:
            raise InternalError("E9002", f"{name} is not linked")
        return int(self._tracker[name])

    def function(
        self, name: str, *arguments: type, result: type | None = None
    ) -> ctypes._FuncPointer:
        """A callable; the interpreter's lock is free while it runs."""
        return ctypes.CFUNCTYPE(result, *arguments)(self.address(name))


@cache
def _linker() -> LLJIT:
    _initialize(True)
    return binding.create_lljit_compiler(use_jit_link=False)
