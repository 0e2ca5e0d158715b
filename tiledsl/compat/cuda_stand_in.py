"""Torch's device ``cuda``, mapped to the CPU for programs that name it (an option).

Nothing here is active unless a program is run with ``--cuda-as-cpu``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Final

from tiledsl import settings
from tiledsl.diagnostics import ArgumentError

CAPABILITY: Final = (8, 0)


def map_cuda_to_cpu() -> None:
    """From now on tensors asked for on ``cuda`` are made on the CPU, in this thread.

    Raises ArgumentError E0705 without torch.
    """
    if find_spec("torch") is None:
        raise ArgumentError(
            "E0705", "--cuda-as-cpu", expected="torch", got="it is not installed"
        )
    torch: Any = import_module("torch")
    overrides = import_module("torch.overrides")
    settings.DEVICE_TARGETS["cuda"] = "cpu"  # kernels that name their target
    for name, stand_in in _queries().items():
        setattr(torch.cuda, name, stand_in)
    torch.set_default_device = lambda device: None
    for module in (torch.cuda, torch.cpu):  # fork_rng asks the device's module
        module.get_rng_state = lambda device=None: torch.get_rng_state()
        module.set_rng_state = lambda state, device=None: torch.set_rng_state(state)
    torch.Generator = _generator(torch)
    torch.profiler.profile = _profile_on_cpu(torch.profiler)
    _mode(torch, overrides).__enter__()


def _mode(torch: Any, overrides: Any) -> Any:
    in_place = {torch.Tensor.cuda: torch.Tensor.cpu}

    class OnCpu(overrides.TorchFunctionMode):  # type: ignore[misc]  # torch is untyped
        def __torch_function__(
            self,
            function: Callable[..., object],
            types: Iterable[type],
            args: tuple[object, ...] = (),
            kwargs: Mapping[str, object] | None = None,
        ) -> object:
            if function in in_place:
                return args[0]
            if function == torch.Tensor.is_cuda.__get__:
                return True
            named = {k: _on_cpu(torch, v) for k, v in (kwargs or {}).items()}
            return function(*(_on_cpu(torch, value) for value in args), **named)

    return OnCpu()


def _generator(torch: Any) -> type:
    class Generator(torch.Generator):  # type: ignore[misc]  # torch is untyped
        def __new__(cls, device: object = "cpu") -> Generator:
            made: Generator = super().__new__(cls, device=_on_cpu(torch, device))
            return made

    return Generator


def _profile_on_cpu(profiler: Any) -> Callable[..., Any]:
    """``torch.profiler.profile``, recording the CPU whatever it is asked to record."""
    original = profiler.profile

    def profile(**options: Any) -> Any:
        return original(**{**options, "activities": [profiler.ProfilerActivity.CPU]})

    return profile


def _on_cpu(torch: Any, value: object) -> object:
    """The value, or the CPU where it names a CUDA device."""
    if isinstance(value, torch.device) and value.type == "cuda":
        return torch.device("cpu")
    named = isinstance(value, str) and value.partition(":")[0] == "cuda"
    return "cpu" if named else value


class Event:
    """A point in time of a stream; all work is done when a call returns."""

    def __init__(self, *_: object, **__: object) -> None:
        self._at = 0.0

    def record(self, *_: object) -> None:
        self._at = time.perf_counter()

    def synchronize(self) -> None:
        """Nothing is pending."""

    def elapsed_time(self, end: Event) -> float:
        return (end._at - self._at) * 1e3


class Stream:
    """A queue of work that is done at once."""

    cuda_stream = 0

    def __init__(self, *_: object, **__: object) -> None: ...

    def synchronize(self) -> None:
        """Nothing is pending."""

    wait_stream = wait_event = record_event = lambda self, *_: None


def _silence() -> Callable[..., None]:
    """A function that does nothing; each is another one, as torch tells them apart."""
    return lambda *_, **__: None


def _memory() -> tuple[int, int]:
    """Free and all bytes of this machine's memory."""
    page = os.sysconf("SC_PAGE_SIZE")
    free, total = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PHYS_PAGES")
    return free * page, total * page


def _queries() -> dict[str, object]:
    properties = SimpleNamespace(
        name="CPU in place of a GPU",
        major=CAPABILITY[0],
        minor=CAPABILITY[1],
        multi_processor_count=max(1, len(os.sched_getaffinity(0))),
        total_memory=1 << 33,
        shared_memory_per_block=49152,
        shared_memory_per_block_optin=166912,
        warp_size=32,
        max_threads_per_multi_processor=2048,
        regs_per_multiprocessor=65536,
        L2_cache_size=1 << 25,
        gcnArchName="",
    )
    silent = (
        "manual_seed",  # torch.manual_seed calls it
        "manual_seed_all",
        "synchronize",
        "set_device",
        "init",
        "empty_cache",
        "reset_peak_memory_stats",
    )
    return {
        **{name: _silence() for name in silent},
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_capability": lambda device=None: CAPABILITY,
        "get_device_name": lambda device=None: properties.name,
        "get_device_properties": lambda device=None: properties,
        "mem_get_info": lambda device=None: _memory(),
        "memory_allocated": lambda device=None: 0,
        "max_memory_allocated": lambda device=None: 0,
        "Event": Event,
        "Stream": Stream,
        "current_stream": Stream,
        "default_stream": Stream,
        "stream": nullcontext,
        "device": nullcontext,
    }
