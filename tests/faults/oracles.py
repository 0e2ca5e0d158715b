"""Ways to see a fault: programs, generated functions, sequences of calls, kernels."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, replace

import numpy as np

import tests.faults.algebra  # noqa: F401  # enters its sequence
from tests.faults.execution import run_case, run_generated
from tests.faults.planting import Fault
from tests.faults.sequences import SEQUENCES
from tiledsl.diagnostics import TileWarning, UnsupportedByTarget
from tiledsl.testing import KernelEntry, discover_kernels, verify_kernel
from tiledsl.testing.programs import PROGRAMS, Wrong

# which backends a layer's faults show on
BACKENDS = {
    "numpy": ("numpy",),
    "llvm": ("llvm",),
    "triton": ("triton",),
    "passes": ("passes",),
    "analysis": ("passes",),
}
# faults of scalar rewriting, which is checked by itself first
_SCALAR = (
    "tiledsl.passes.scalar_rules",
    "tiledsl.passes.equations",
    "tiledsl.passes.canonicalize",
    "tiledsl.analysis.fold",
)


@dataclass(frozen=True, order=True)
class Check:
    """One look: ``name`` is a program, a sequence, a seed, or kernel/oracle."""

    kind: str
    name: str
    backend: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} on {self.backend}"

    @classmethod
    def parse(cls, text: str) -> Check:
        kind, name, _, backend = text.split()
        return cls(kind, name, backend)

    def run(self) -> None:
        """Raises whatever shows the fault; Wrong for a wrong result."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", TileWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            if self.kind == "program":
                run_case(PROGRAMS[self.name](), self.backend)
            elif self.kind == "sequence":
                SEQUENCES[self.name]()
            elif self.kind == "generated":
                run_generated(int(self.name), self.backend)
            else:
                _run_kernel(*self.name.split("/"), self.backend)


def sees(check: Check) -> str | None:
    """What the check shows, in one line; None if nothing is wrong."""
    try:
        check.run()
    except UnsupportedByTarget:
        return None
    except Wrong as error:
        return str(error)
    except Exception as error:  # an internal error shows a fault as well
        return f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
    return None


def candidates(fault: Fault) -> list[Check]:
    """Checks without generated functions, the cheap ones first."""
    if fault.layer in ("runtime", "eager_calls", "jit_function") or (
        "_key" in fault.place or fault.place.startswith("tiledsl.frontend.closures")
    ):
        return [Check("sequence", name, "numpy") for name in SEQUENCES]
    backends = BACKENDS.get(fault.layer, ("numpy",))
    scalar = fault.place.startswith(_SCALAR)
    found = [Check("sequence", "expressions-keep-their-values", "numpy")] * scalar
    found += [
        Check("program", name, backend) for backend in backends for name in PROGRAMS
    ]
    real = [backend for backend in backends if backend != "passes"]
    for backend in real:
        for entry in discover_kernels():
            found += [
                Check("kernel", f"{entry.name}/{oracle}", backend)
                for oracle in ("bounds", "integers", "ring")
                if backend != "numpy" or oracle != "ring"
            ]
    return found


def generated_checks(fault: Fault, count: int) -> list[Check]:
    backend = BACKENDS.get(fault.layer, ("",))[0]
    if not backend:
        return []
    return [Check("generated", str(seed), backend) for seed in range(count)]


def _run_kernel(name: str, oracle: str, backend: str) -> None:
    entry = next(entry for entry in discover_kernels() if entry.name == name)
    for work in entry.of_size("small"):
        one = replace(_fresh(entry), workloads=(work,))
        reports = verify_kernel(one, backends=[backend], oracles=[oracle])  # type: ignore[list-item]
        for report in reports:
            if not report.ok:
                raise Wrong(str(report))


def _fresh(entry: KernelEntry) -> KernelEntry:
    """The entry with a kernel that nobody has traced yet."""
    kernel = copy.copy(entry.kernel)
    kernel.__dict__.pop("_eager", None)
    kernel.__dict__["_kernels"] = {}
    return replace(entry, kernel=kernel)
