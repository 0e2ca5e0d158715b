"""Facts about the current device, asked of torch if the program uses it."""

from __future__ import annotations

import os
import sys
from typing import Final

_NONE: Final = "0.0"


def get_num_sms(device: object = None) -> int:
    """How many blocks run at once: multiprocessors of a GPU, else usable cores."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).multi_processor_count)
    return max(1, len(os.sched_getaffinity(0)))


def get_target_compute_version(target: object = None) -> str:
    """The compute version of the current GPU, "0.0" without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return _NONE
    major, minor = torch.cuda.get_device_capability()
    return f"{major}.{minor}"


def parse_compute_version(version: str) -> tuple[int, int]:
    """Major and minor number.

    >>> parse_compute_version("8.6")
    (8, 6)
    """
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)


def have_fp8(version: str) -> bool:
    """Whether GPUs of a compute version convert 8-bit floats."""
    return parse_compute_version(version) >= (8, 9)


def check_cuda_availability() -> bool:
    """Whether there is an NVIDIA GPU."""
    return get_target_compute_version() != _NONE and not check_hip_availability()


def check_hip_availability() -> bool:
    """Whether torch was built for AMD GPUs."""
    torch = sys.modules.get("torch")
    return torch is not None and getattr(torch.version, "hip", None) is not None


def determine_target(target: str = "auto", return_object: bool = False) -> str:
    """The kind of target that ``auto`` means here; any other target is itself."""
    if target != "auto":
        return str(target)
    if check_hip_availability():
        return "hip"
    return "cuda" if check_cuda_availability() else "llvm"


def target_is_gfx950(target: object = None) -> bool:
    """Whether the target names this GPU of AMD."""
    return "gfx950" in str(target)
