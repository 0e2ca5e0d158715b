"""The kernel object that users hold: call it, look into it (rules L97, L108)."""

from __future__ import annotations

from bdb import BdbQuit
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tiledsl import settings
from tiledsl.backend import Backend, BuildOptions
from tiledsl.diagnostics import ArgumentError, CheckReport, Error, brief
from tiledsl.ir.nodes import Buffer, Function, Var
from tiledsl.runtime.arrays import Kind, default_kind
from tiledsl.runtime.backends import Choice, TargetRequest, choose, parse_target
from tiledsl.runtime.binding import Binder, Bound
from tiledsl.runtime.checking import (
    SHARED_MEMORY,
    WATCH,
    report_of_arguments,
    require_checked,
    require_ok,
)
from tiledsl.runtime.compiling import (
    BACKEND,
    Compiled,
    compile_function,
    run_failure,
)
from tiledsl.runtime.expectations import expect_checked, path_of
from tiledsl.runtime.explaining import explain
from tiledsl.runtime.listings import Listings
from tiledsl.runtime.prepared import prepare
from tiledsl.runtime.profiler import Profiler, TensorSupplyType

CallKind = Literal["lazy", "eager"]


class JITKernel(Listings):
    """A traced function, compiled for each backend and device it is called with.

    ``latency`` and ``ref_latency``: median milliseconds, None until profiled.
    """

    def __init__(
        self,
        function: Function,
        *,
        name: str | None = None,
        backend: str | Backend | None = None,
        target: TargetRequest = None,
        options: BuildOptions | None = None,
        kind: CallKind = "lazy",
        config: Mapping[str, object] | None = None,
        checked: bool | str = False,
    ) -> None:
        self.function = function
        self.name = name or function.name
        self.kind = kind
        self.config: dict[str, object] = dict(config or {})
        self.latency: float | None = None
        self.ref_latency: float | None = None
        self._checked = checked
        self._backend = backend
        self._target = target
        self._options = options or BuildOptions(fast_math=function.fast_math)
        self._binder = Binder(function, self.name)
        self._chosen: dict[tuple[object, str], Compiled] = {}
        self._compiled: dict[tuple[int, str], Compiled] = {}

    # --------------------------------------------------------------- calling

    def __call__(
        self,
        *args: object,
        backend: str | Backend | None = None,
        checked: bool | str | None = None,
        **named: object,
    ) -> object:
        """Runs the kernel; returns its outputs.

        One output is returned as itself, several as a list; without outputs the result
        is [] (in eager mode None).

        ``checked``, True or "strict", watches the run for faults (see ``check``) and
        raises CheckError with the report if there is an error.
        """
        watch = WATCH.get()
        if watch is not None:
            bound = self._binder.bind(args, named)
            watch.observe(self._check(bound, None, strict=watch.strict))
            return self._returned(bound)
        if checked is None:
            checked = self._checked
        if checked is not False:
            expect_checked(checked)
        if checked:
            return self._call_checked(args, named, backend, strict=checked == "strict")
        return self._call(args, named, backend)

    def _call(
        self,
        args: Sequence[object],
        named: Mapping[str, object],
        backend: str | Backend | None,
    ) -> object:
        bound = self._binder.bind(args, named)
        self._launch(self._for_device(bound.device, backend), bound)
        return self._returned(bound)

    def _returned(self, bound: Bound) -> object:
        results = bound.results
        if len(results) == 1:
            return results[0]
        if not results and self.kind == "eager":
            return None
        return list(results)

    def prepare(
        self,
        *args: object,
        backend: str | Backend | None = None,
        **named: object,
    ) -> Callable[[], object]:
        """The call with these arguments, checked now, as a function to call often.

        It reads and writes the same memory each time: arguments may change their content
        in between, outputs are allocated once and returned again.
        """
        bound = self._binder.bind(args, named)
        compiled = self._for_device(bound.device, backend)
        return prepare(compiled, bound, self._returned(bound))

    def interpret(self, *args: object, **named: object) -> object:
        """Calls the kernel on the backend that defines its meaning."""
        return self._call(args, named, settings.REFERENCE)

    def check(
        self,
        *args: object,
        backend: str | Backend | None = None,
        strict: bool = False,
        **named: object,
    ) -> CheckReport:
        """Calls the kernel in checked mode and says what is wrong (rules L114, L115).

        Arguments that share memory are a finding; any other bad argument is an
        ArgumentError.  ``strict``: every access out of bounds is an error.
        """
        try:
            bound = self._binder.bind(args, named)
        except ArgumentError as error:
            if error.code in SHARED_MEMORY:
                return report_of_arguments(self.name, error)
            raise
        return self._check(bound, backend, strict=strict)

    def _check(
        self, bound: Bound, backend: str | Backend | None, *, strict: bool
    ) -> CheckReport:
        chosen = settings.REFERENCE if backend is None else backend
        compiled = self._for_device(bound.device, chosen)
        executable = require_checked(compiled)
        try:
            report = executable.check(bound.arguments, strict=strict)
        except (Error, MemoryError, BdbQuit):
            raise
        except Exception as error:
            raise run_failure(compiled, error) from error
        return replace(report, kernel=self.name)

    def _call_checked(
        self,
        args: Sequence[object],
        named: Mapping[str, object],
        backend: str | Backend | None,
        *,
        strict: bool,
    ) -> object:
        """Raises CheckError if there are errors, after running to the end."""
        bound = self._binder.bind(args, named)
        require_ok(self._check(bound, backend, strict=strict))
        return self._returned(bound)

    def compiled(
        self, backend: str | Backend | None = None, target: TargetRequest = None
    ) -> Compiled:
        """The compilation for a target, whether or not it can run here."""
        wanted = self._target if target is None else target
        named = parse_target(wanted)
        device = named if named in settings.DEFAULT_ORDER else "cpu"
        asked = self._backend if backend is None else backend
        return self._build(choose(str(device), asked, wanted))

    def _for_device(self, device: str, backend: str | Backend | None) -> Compiled:
        """The compilation for a call; the environment is read when it is first made."""
        # what is compiled keeps its backend alive, so that an id stays that backend's
        named = backend is None or isinstance(backend, str)
        key = (backend if named else id(backend), device)
        compiled = self._chosen.get(key)
        if compiled is None:
            if backend is None:
                choice = choose(device, self._backend, self._target)
            else:
                choice = choose(device, backend)
            self._require_runnable(choice, device)
            compiled = self._chosen[key] = self._build(choice)
        return compiled

    def _build(self, choice: Choice) -> Compiled:
        key = (id(choice.backend), choice.target.name)
        if key not in self._compiled:
            self._compiled[key] = compile_function(
                self.function, choice.backend, choice.target, self._options
            )
        return self._compiled[key]

    def _launch(self, compiled: Compiled, bound: Bound) -> None:
        try:
            compiled.executable.launch(bound.arguments)
        except (Error, MemoryError, BdbQuit):
            raise
        except Exception as error:
            raise run_failure(compiled, error) from error

    def _require_runnable(self, choice: Choice, device: str) -> None:
        target = choice.target
        if target.runnable and target.device == device:
            return
        reason = target.reason or f"it takes arrays in {target.device} memory"
        raise ArgumentError(
            "E2002",
            f"{self.name}: target '{target.name}' of backend '{choice.backend.name}'",
            expected=f"a target that runs kernels on {device} memory here",
            got=reason,
            hint=target.remedy or "compile for it with .source(stage, target=...)",
        )

    # ---------------------------------------------------------- looking into it

    @property
    def params(self) -> tuple[Buffer | Var, ...]:
        """All parameters, outputs included."""
        return self.function.params

    @property
    def out_idx(self) -> list[int]:
        """Positions of the parameters that a call allocates and returns."""
        return list(self.function.outputs)

    @property
    def stages(self) -> tuple[str, ...]:
        """The names that ``source`` takes, in the order of compilation."""
        return (*self.compiled().texts, BACKEND)

    def source(
        self,
        stage: str = BACKEND,
        *,
        backend: str | Backend | None = None,
        target: TargetRequest = None,
    ) -> str:
        """The program at a stage: IR, or the text that a backend makes of it."""
        compiled = self.compiled(backend, target)
        text = compiled.source(stage) if isinstance(stage, str) else None
        if text is None:
            raise ArgumentError(
                "E2006",
                f"stage of {self.name} on backend '{compiled.backend.name}'",
                expected=f"one of {', '.join((*compiled.texts, BACKEND))}",
                got=brief(stage),
            )
        return text

    def get_kernel_source(self, kernel_only: bool = True) -> str:
        """The first text that the backend makes; the same as ``source("backend")``."""
        return self.source(BACKEND)

    def get_host_source(self) -> str:
        """The host's part: the launches of the final IR."""
        return self.source("final")

    def show_source(self, which: str = BACKEND) -> None:
        """Prints the program at a stage."""
        print(self._part(which))

    def print_source_code(self, which: str = BACKEND, file: str | None = None) -> None:
        """Prints the program at a stage, or writes it to a file."""
        if file is None:
            self.show_source(which)
        else:
            place = path_of(file, "argument 'file'")
            place.write_text(self._part(which), encoding="utf-8")

    def _part(self, which: str) -> str:
        """A stage, or ``kernel``, ``host`` or ``both``."""
        if not isinstance(which, str):  # an array, say, compares to an array
            return self.source(which)
        if which == "both":
            return f"{self.get_host_source()}\n{self.get_kernel_source()}"
        return self.source({"kernel": BACKEND, "host": "final"}.get(which, which))

    def export_sources(self, path: str | Path) -> list[Path]:
        """Writes every stage into a directory; returns the files."""
        folder = path_of(path, "argument 'path'")
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for number, (stage, text) in enumerate(self.compiled().texts.items()):
            file = folder / f"{number:02}-{stage}.txt"
            file.write_text(text(), encoding="utf-8")
            files.append(file)
        return files

    def explain(
        self,
        *,
        backend: str | Backend | None = None,
        target: TargetRequest = None,
    ) -> str:
        """What was decided for this kernel, in words."""
        compiled = self.compiled(backend, target)
        return explain(self.name, str(self._binder.signature), compiled)

    def get_profiler(
        self,
        tensor_supply_type: TensorSupplyType = TensorSupplyType.Auto,
        *,
        arrays: Kind | None = None,
    ) -> Profiler:
        """Measures and checks the kernel on generated inputs of a kind of array.

        None: NumPy arrays, or what ``arrays.prefer_kind`` said.
        """
        kind = default_kind() if arrays is None else arrays
        return Profiler(self, self._binder.signature, tensor_supply_type, kind)

    def __repr__(self) -> str:
        return f"<JITKernel {self._binder.signature}>"
