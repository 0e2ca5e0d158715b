"""What the code generator knows about a processor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tiledsl.diagnostics import ArgumentError
from tiledsl.settings import CPU
from tiledsl_llvm.tile_registers import permitted

_ENABLED_BY_LEVEL = {
    "x86-64": ("sse2",),
    "x86-64-v2": ("sse2", "sse4.1", "sse4.2", "popcnt"),
    "x86-64-v3": ("sse2", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "f16c",
                  "bmi", "bmi2", "lzcnt"),
    "x86-64-v4": ("sse2", "sse4.1", "sse4.2", "popcnt", "avx", "avx2", "fma", "f16c",
                  "bmi", "bmi2", "lzcnt", "avx512f", "avx512vl", "avx512dq", "avx512bw",
                  "avx512cd"),
}  # fmt: skip
COMPILE_ONLY = (*_ENABLED_BY_LEVEL, "aarch64-linux-gnu")


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor: LLVM's triple, CPU name and feature string, and what follows from them.

    ``features`` holds the enabled features only; ``feature_string`` is what LLVM takes.
    """

    triple: str
    cpu: str
    features: frozenset[str]
    feature_string: str = ""

    @property
    def is_x86(self) -> bool:
        return self.triple.startswith("x86_64")

    @property
    def is_linux(self) -> bool:
        return "linux" in self.triple

    @property
    def vector_bytes(self) -> int:
        """Bytes of one vector register."""
        if "avx512vl" in self.features and "avx512bw" in self.features:
            return 64
        return 32 if "avx2" in self.features else 16

    @property
    def vector_registers(self) -> int:
        return 32 if self.vector_bytes == 64 or not self.is_x86 else 16

    @property
    def has_bfloat_products(self) -> bool:
        """Whether pairs of bfloat16 are multiplied faster than float32 numbers.

        Measured: twice as fast on Zen 5, at 0.6 of the speed on Xeons, which have the
        instruction, too, but execute it in more steps.
        """
        there = self.vector_bytes == 64 and "avx512bf16" in self.features
        return there and self.cpu.startswith("znver")

    @property
    def has_tile_products(self) -> bool:
        """Whether tile registers multiply bfloat16 and 8-bit integers."""
        wanted = {"amx-tile", "amx-bf16", "amx-int8"}
        return self.is_x86 and self.vector_bytes == 64 and self.features >= wanted

    @property
    def has_half_conversion(self) -> bool:
        """Whether binary16 converts to and from float32 in hardware."""
        return "f16c" in self.features or not self.is_x86

    @property
    def has_rounding(self) -> bool:
        """Whether floor, ceil, trunc and round-to-even are instructions."""
        return "sse4.1" in self.features or not self.is_x86

    def lanes(self, element_bytes: int) -> int:
        """Elements of that size in one vector register."""
        return self.vector_bytes // element_bytes


def host_machine() -> Machine:
    """The processor this process runs on, restricted by ``TILEDSL_CPU`` if that is set."""
    return _host(CPU.value)


@cache
def _host(restriction: str | None) -> Machine:
    # llvmlite is loaded when something is compiled, not when tiledsl is imported
    from llvmlite import binding

    triple = binding.get_process_triple()
    found = binding.get_host_cpu_features()
    enabled = frozenset(name for name, present in found.items() if present)
    if restriction is None:
        if not permitted():
            enabled = frozenset(name for name in enabled if not name.startswith("amx"))
            found = binding.FeatureMap({name: name in enabled for name in found})
        return Machine(triple, binding.get_host_cpu_name(), enabled, found.flatten())
    wanted = _ENABLED_BY_LEVEL.get(restriction)
    if wanted is None or not triple.startswith("x86_64") or not enabled >= set(wanted):
        raise ArgumentError(
            "E4001",
            "environment variable TILEDSL_CPU",
            expected=f"one of {', '.join(_ENABLED_BY_LEVEL)} that this processor supports",
            got=repr(restriction),
        )
    return named_machine(restriction, triple)


def named_machine(name: str, triple: str = "") -> Machine:
    """A compile-only machine by the name of its level or triple."""
    if name in _ENABLED_BY_LEVEL:
        features = frozenset(_ENABLED_BY_LEVEL[name])
        return Machine(triple or "x86_64-unknown-linux-gnu", name, features)
    return Machine(name, "generic", frozenset({"neon"}))
