"""The text of a generated module: imports, prelude functions, one kernel."""

from __future__ import annotations

import re

from tiledsl_triton.lowering import Argument, Lowering
from tiledsl_triton.prelude import needed
from tiledsl_triton.values import signature_type

_IMPORTS = """\
import triton
import triton.language as tl
from triton.language.extra import libdevice
"""


def render_kernel(name: str, arguments: tuple[Argument, ...], state: Lowering) -> str:
    """The whole source of one kernel."""
    parameters = ", ".join(argument.name for argument in arguments)
    body = "\n".join(tidy(state.writer.lines)) or "    pass"
    kernel = f"@triton.jit\ndef {name}({parameters}):\n{body}"
    parts = [*needed(state.operations.helpers), kernel]
    return _IMPORTS + "".join(f"\n\n{part}\n" for part in parts)


def signature(arguments: tuple[Argument, ...]) -> dict[str, str]:
    """The Triton type of every parameter, in order."""
    types = {}
    for argument in arguments:
        kind = signature_type(argument.dtype)
        types[argument.name] = f"*{kind}" if argument.pointer else kind
    return types


_ASSIGNMENT = re.compile(r"( *)(\w+) = (.+)")


def tidy(lines: list[str]) -> list[str]:
    """Without ranges that nothing uses; a value that is only copied gets the final name."""
    counts: dict[str, int] = {}
    for line in lines:
        if not line.lstrip().startswith("#"):
            for word in re.findall(r"\w+", line):
                counts[word] = counts.get(word, 0) + 1
    result: list[str] = []
    for line in lines:
        found = _ASSIGNMENT.fullmatch(line)
        if found and counts[found[2]] == 1 and found[3].startswith("tl.arange("):
            continue
        before = _ASSIGNMENT.fullmatch(result[-1]) if result else None
        if found and before and _is_only_copy(found, before, counts):
            result[-1] = f"{found[1]}{found[2]} = {before[3]}"
            continue
        result.append(line)
    return result


def _is_only_copy(
    line: re.Match[str], before: re.Match[str], counts: dict[str, int]
) -> bool:
    """Whether a line copies what the one before it computed, for the only time."""
    same = (line[1], line[3]) == (before[1], before[2])
    return same and counts[before[2]] == 2
