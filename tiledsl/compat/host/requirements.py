"""``tilelang.testing.requires_...``: marks that skip a test where a device lacks."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Final, TypeVar, cast

from tiledsl.compat.host.devices import (
    check_cuda_availability,
    check_hip_availability,
    get_target_compute_version,
    parse_compute_version,
)

TestT = TypeVar("TestT", bound=Callable[..., object])
_COMPARE: Final = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
}


def _skip_unless(met: bool, reason: str, test: TestT) -> TestT:
    mark = import_module("pytest").mark.skipif(not met, reason=f"needs {reason}")
    return cast(TestT, mark(test))


def _device(name: str, present: Callable[[], bool]) -> Callable[[TestT], TestT]:
    def requires(test: TestT) -> TestT:
        return _skip_unless(present(), name, test)

    return requires


def _never() -> bool:
    return False


def _always() -> bool:
    return True


requires_cuda = _device("a CUDA device", check_cuda_availability)
requires_rocm = _device("a ROCm device", check_hip_availability)
requires_cdna = _device("a CDNA device", check_hip_availability)
requires_gfx950 = _device("a gfx950 device", _never)
requires_metal = _device("a Metal device", _never)
requires_llvm = _device("the CPU", _always)
requires_cuda_or_cdna = _device(
    "a CUDA or CDNA device",
    lambda: check_cuda_availability() or check_hip_availability(),
)


def requires_package(*packages: str) -> Callable[[TestT], TestT]:
    """Skips the test unless all packages are installed."""

    def requires(test: TestT) -> TestT:
        absent = [name for name in packages if find_spec(name) is None]
        return _skip_unless(not absent, ", ".join(absent), test)

    return requires


def requires_cuda_compute_version(
    major_version: int, minor_version: int = 0, mode: str = "ge"
) -> Callable[[TestT], TestT]:
    """Skips the test unless the GPU's compute version compares so."""
    wanted = (major_version, minor_version)

    def requires(test: TestT) -> TestT:
        have = parse_compute_version(get_target_compute_version())
        met = check_cuda_availability() and _COMPARE[mode](have, wanted)
        return _skip_unless(met, f"compute version {mode} {wanted}", test)

    return requires


requires_cuda_compute_version_ge = partial(requires_cuda_compute_version, mode="ge")
requires_cuda_compute_version_gt = partial(requires_cuda_compute_version, mode="gt")
requires_cuda_compute_version_eq = partial(requires_cuda_compute_version, mode="eq")
requires_cuda_compute_version_lt = partial(requires_cuda_compute_version, mode="lt")
requires_cuda_compute_version_le = partial(requires_cuda_compute_version, mode="le")
