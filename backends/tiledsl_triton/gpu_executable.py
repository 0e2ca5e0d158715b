"""The executable of a GPU target: compiled when asked for, launched on a stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tiledsl.backend import Arguments
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir.nodes import Function
from tiledsl_triton.compilation import Compiled, assumed_arrangement, compile_kernel
from tiledsl_triton.functionalize import Kernel
from tiledsl_triton.launch import Launcher
from tiledsl_triton.static_report import disassemble
from tiledsl_triton.targets import Gpu


class GpuExecutable:
    """Kernels for one GPU."""

    def __init__(
        self,
        function: Function,
        kernels: tuple[Kernel, ...],
        gpu: Gpu,
        runnable: bool,
        stages: Mapping[str, Callable[[], str]],
    ) -> None:
        self._function, self._kernels, self._gpu = function, kernels, gpu
        self._runnable = runnable
        self._generated = stages
        self._compiled: tuple[Compiled, ...] | None = None
        self._launcher: Launcher | None = None

    def compiled(self) -> tuple[Compiled, ...]:
        """The kernels, compiled for aligned arrays and sizes of which nothing is known."""
        if self._compiled is None:
            self._compiled = tuple(
                compile_kernel(kernel, self._gpu, assumed_arrangement(kernel))
                for kernel in self._kernels
            )
        return self._compiled

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]:
        """Texts from the generated source to assembly."""
        names = ["ttir", "ttgir", "llir"]
        names += ["ptx"] if self._gpu.vendor == "cuda" else ["amdgcn"]
        found = dict(self._generated)
        found.update({name: partial(self._text, name) for name in names})
        if self._gpu.vendor == "cuda":
            found["sass"] = self._sass
        return found

    def _text(self, stage: str) -> str:
        return "\n\n".join(str(item.assembly[stage]) for item in self.compiled())

    def _sass(self) -> str:
        return "\n\n".join(disassemble(item) for item in self.compiled())

    @property
    def binary(self) -> bytes | None:
        """The machine code of all kernels, one after the other."""
        kind = "cubin" if self._gpu.vendor == "cuda" else "hsaco"
        parts = [item.assembly[kind] for item in self.compiled()]
        return b"".join(part for part in parts if isinstance(part, bytes))

    def launch(self, arguments: Arguments) -> None:
        """Enqueues all launches on the stream."""
        if not self._runnable:
            raise UnsupportedByTarget(
                "E2035",
                f"kernels for {self._gpu.name} can be compiled here, not run",
                hint="run on a machine with this GPU, or choose another target",
            )
        if self._launcher is None:
            self._launcher = Launcher(self._function, self._kernels, self._gpu)
        self._launcher.launch(arguments)
