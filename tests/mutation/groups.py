"""Parts of the compiler that are mutated, and the tests that are about each."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Group:
    """Modules judged in the same way.

    ``backend``: where programs run; ``passes`` is the interpreter after the passes.
    ``tests``: files and folders about these modules.  ``others``: asked last, as far as
    they run on the backend.  ``generated``: how many random programs.  ``traces``: the
    modules have a share in tracing, so that programs are traced with each mutant.
    """

    name: str
    backend: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    generated: int
    others: tuple[str, ...] = ()
    traces: bool = False

    @property
    def compiled(self) -> str:
        """The backend on which tests run; the passes are those of a compiler."""
        return "llvm" if self.backend == "passes" else self.backend

    @property
    def asked(self) -> tuple[str, ...]:
        return self.tests + self.others

    def mutants(self) -> list[Mutant]:
        return [mutant for name in self.modules for mutant in mutants_of(name)]


def mutants_of(module: str) -> list[Mutant]:
    return mutants(module, source_of(module))


def source_of(module: str) -> str:
    path = importlib.import_module(module).__file__
    return Path(str(path)).read_text(encoding="utf-8")


def _modules(package: str, folder: str, *without: str) -> tuple[str, ...]:
    names = sorted(path.stem for path in (ROOT / folder).glob("*.py"))
    return tuple(
        f"{package}.{name}" for name in names if name not in ("__init__", *without)
    )


_PACKED: Final = tuple(
    path.stem for path in sorted((ROOT / "tiledsl/passes").glob("packed_*.py"))
)

# of every backend: about the language as a whole
_EVERYWHERE: Final = (
    "tests/conformance",
    "tests/language",
    "tests/corner_cases",
    "tests/observations",
    "tests/testing/ring",
)

GROUPS: Final = (
    Group(
        "passes",
        "passes",
        _modules("tiledsl.passes", "tiledsl/passes", "base", "tile", *_PACKED),
        ("tests/passes", "tests/analysis"),
        200,
        ("tests/testing/validation", *_EVERYWHERE),
    ),
    Group(
        "analysis",
        "passes",
        # the cost model promises nothing but an estimate
        _modules("tiledsl.analysis", "tiledsl/analysis", "cost"),
        ("tests/analysis", "tests/passes"),
        200,
        ("tests/testing/validation", *_EVERYWHERE),
    ),
    Group(
        "ir",
        "passes",
        _modules("tiledsl.ir", "tiledsl/ir", "spans"),
        ("tests/ir", "tests/passes", "tests/cli"),
        20,
        ("tests/testing/validation", *_EVERYWHERE),
        traces=True,
    ),
    Group(
        "frontend",
        "numpy",
        _modules("tiledsl.frontend", "tiledsl/frontend"),
        ("tests/frontend", "tests/language"),
        0,
        ("tests/bad_inputs", "tests/static_check", "tests/diagnostics", *_EVERYWHERE),
        traces=True,
    ),
    Group(
        "numpy",
        "numpy",
        _modules("tiledsl_numpy", "backends/tiledsl_numpy", "backend", "executable"),
        ("tests/backends/numpy", "tests/testing/scalar"),
        250,
        _EVERYWHERE,
    ),
    # elements of four bits; of these random programs know nothing
    Group(
        "packed",
        "llvm",
        tuple(f"tiledsl.passes.{name}" for name in _PACKED),
        ("tests/language/test_packed_dtypes.py",),
        0,
    ),
    # lowering only: neither the compiler around it nor threads and caches
    Group(
        "llvm",
        "llvm",
        _modules(
            "tiledsl_llvm", "backends/tiledsl_llvm", "backend", "compiler",
            "executable", "jit", "machine", "processors", "threads",
        ),
        ("tests/backends/llvm", "tests/conformance/test_atomics.py"),
        60,
        _EVERYWHERE,
    ),
    Group(
        "triton",
        "triton",
        _modules(
            "tiledsl_triton", "backends/tiledsl_triton", "backend", "compilation",
            "gpu_executable", "host", "interpreted_executable", "interpreter",
            "launch", "modules", "present", "repaired_builder", "repairs", "serialize",
            "static_report", "targets",
        ),
        ("tests/backends/triton", "tests/conformance/test_atomics.py"),
        24,
        _EVERYWHERE,
    ),
)  # fmt: skip
