"""The GPU of this machine, if there is one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tiledsl_triton.targets import Gpu


@cache
def present_gpu() -> Gpu | None:
    """The current device as Triton's driver sees it; None without one."""
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()):
        return None
    try:
        from triton.runtime import driver

        target = driver.active.get_current_target()
    except (ImportError, RuntimeError, OSError):
        return None
    if target.backend == "cuda":
        return Gpu("cuda", f"sm_{target.arch}")
    return Gpu(target.backend, str(target.arch))
