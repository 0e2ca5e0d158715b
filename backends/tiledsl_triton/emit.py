"""The text of a generated module: imports, prelude functions, one kernel."""

from __future__ import annotations

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
    body = "\n".join(state.writer.lines) or "    pass"
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
