"""Running a program that imports tilelang, as Python itself would run it."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tiledsl.compat import tilelang
from tiledsl.compat.cuda_stand_in import map_cuda_to_cpu
from tiledsl.compat.host.environment import adopt_cache_variable

USAGE: Final = """\
usage: python -m tiledsl.compat [--cuda-as-cpu] (PROGRAM.py | -m MODULE) [ARGUMENT ...]

Runs a Python program in which `import tilelang` means tiledsl.

  --cuda-as-cpu   torch's device "cuda" means the CPU, and torch.cuda answers for it
"""


def main(arguments: Sequence[str]) -> int:
    """The command.  The program's own exit status or exception passes through."""
    rest = list(arguments)
    on_cpu = rest[:1] == ["--cuda-as-cpu"]
    if on_cpu:
        del rest[0]
    if rest[:1] in ([], ["-h"], ["--help"]) or rest == ["-m"]:
        print(USAGE, end="", file=sys.stdout if rest else sys.stderr)
        return 0 if rest and rest != ["-m"] else 2
    prepare(cuda_as_cpu=on_cpu)
    run(rest)
    return 0


def prepare(*, cuda_as_cpu: bool) -> None:
    """Installs the alias, and the stand-in for CUDA if asked for."""
    adopt_cache_variable()
    tilelang.install()
    if cuda_as_cpu:
        map_cuda_to_cpu()


def run(command: Sequence[str]) -> None:
    """Runs ``PROGRAM.py ARGUMENT...`` or ``-m MODULE ARGUMENT...`` in this process."""
    if command[0] == "-m":
        sys.argv = list(command[1:])
        sys.path.insert(0, "")
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(command)
        sys.path.insert(0, str(Path(command[0]).resolve().parent))
        runpy.run_path(command[0], run_name="__main__")
