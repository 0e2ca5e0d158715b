"""What compiled code says about its speed without being run."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tiledsl.diagnostics import InternalError
from tiledsl_triton.compilation import Compiled

_COUNTED: Final = (
    "HGMMA", "QGMMA", "IGMMA", "HMMA", "IMMA", "LDGSTS", "UTMALDG", "LDG", "STG",
    "LDS", "STS", "LDL", "STL", "BAR",
)  # fmt: skip
_OPCODE = re.compile(r"\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True, slots=True)
class StaticReport:
    """Registers a thread, bytes spilled a thread, shared bytes a block, instructions."""

    kernel: str
    registers: int
    spills: int
    shared: int
    warps: int
    instructions: dict[str, int]

    @property
    def matrix_instructions(self) -> int:
        """Instructions that run on matrix units."""
        return sum(
            n
            for name, n in self.instructions.items()
            if name.lower().endswith(("mma", "mfma"))
        )

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {n}" for name, n in self.instructions.items() if n)
        return (
            f"{self.kernel}: {self.registers} registers, {self.spills} spilled,"
            f" {self.shared} bytes shared, {self.warps} warps; {counts}"
        )


def report(compiled: Compiled) -> StaticReport:
    """The facts of one kernel."""
    if "cubin" in compiled.assembly:
        return _nvidia(compiled)
    return _amd(compiled)


def _run_tool(tool: str, arguments: list[str], compiled: Compiled) -> str:
    import triton

    folder = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    code = compiled.assembly["cubin"]
    if not isinstance(code, bytes):
        raise InternalError("E9002", "a cubin is not bytes")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(code)
        file.flush()
        command = [str(folder / tool), *arguments, file.name]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False
        )
    return done.stdout or done.stderr


def disassemble(compiled: Compiled) -> str:
    """The machine instructions of a CUDA kernel."""
    return _run_tool("nvdisasm", ["-c"], compiled)


def _nvidia(compiled: Compiled) -> StaticReport:
    counts = dict.fromkeys(_COUNTED, 0)
    for line in disassemble(compiled).splitlines():
        found = _OPCODE.search(line)
        if found and found.group(1) in counts:
            counts[found.group(1)] += 1
    usage = _run_tool("cuobjdump", ["-res-usage"], compiled)
    numbers = re.search(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)", usage)
    registers, stack = (int(n) for n in numbers.groups()[:2]) if numbers else (0, 0)
    spills = stack if counts["STL"] or counts["LDL"] else 0
    name = compiled.kernel.name
    return StaticReport(
        name, registers, spills, compiled.shared, compiled.warps, counts
    )


def _amd(compiled: Compiled) -> StaticReport:
    text = str(compiled.assembly["amdgcn"])

    def field(name: str) -> int:
        found = re.search(rf"\.{name}:\s+(\d+)", text)
        return int(found.group(1)) if found else 0

    counts = {
        name: len(re.findall(rf"^\s+{name}", text, re.MULTILINE))
        for name in ("v_mfma", "buffer_load", "global_load", "global_store", "ds_read")
    }
    return StaticReport(
        compiled.kernel.name,
        field("vgpr_count"),
        field("vgpr_spill_count"),
        compiled.shared,
        compiled.warps,
        counts,
    )
