"""What the programs of a campaign had in them, and what they made happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from tiledsl.diagnostics.catalogue import CATALOGUE
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    Atomic,
    Bitcast,
    Buffer,
    Cast,
    For,
    Gemm,
    Node,
    Reduce,
    Sort,
)
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.visitor import walk
from tiledsl.testing.generator.program import Program

# what a text can do wrong: syntax, operands, values, names, bounds, functions
_OF_TEXTS = ("E01", "E02", "E03", "E04", "E05", "E06")


@dataclass
class Coverage:
    """Counts by name.

    ``nodes``: kinds of nodes; ``operations``: scalar operations with their dtypes, casts,
    reductions and products; ``checked``: oracles asked; ``fired``: passes that changed a
    function; ``refused``: what targets declined, by code; ``diagnostics``: codes that
    texts with mistakes were answered with; ``policies``.
    """

    programs: int = 0
    nodes: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    diagnostics: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)

    def see(self, program: Program) -> None:
        """Counts what a program has in it."""
        self.programs += 1
        self.policies[program.policy] += 1
        for node in walk(program.function):
            self.nodes[type(node).__name__] += 1
            name = _operation(node)
            if name:
                self.operations[name] += 1

    def add(self, other: Coverage) -> None:
        self.programs += other.programs
        for part in fields(self):
            mine, theirs = getattr(self, part.name), getattr(other, part.name)
            if isinstance(mine, Counter):
                mine.update(theirs)

    def missing_operations(self) -> list[str]:
        """Scalar operations that no program used."""
        used = {name.partition(" ")[0] for name in self.operations}
        return [name for name in SCALAR_OPS if name not in used]

    def missing_diagnostics(self) -> list[str]:
        """Codes of mistakes in a kernel's text that no text with mistakes had."""
        return [
            code
            for code in CATALOGUE
            if code.startswith(_OF_TEXTS) and code not in self.diagnostics
        ]

    def as_dict(self) -> Mapping[str, object]:
        found: dict[str, object] = {"programs": self.programs}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, Counter):
                found[part.name] = dict(value.most_common())
        return found


def _operation(node: Node) -> str:
    match node:
        case Apply(op=op, args=args):
            return f"{op} {args[0].dtype}"
        case Cast(value=value, dtype=dtype):
            return f"cast {value.dtype} {dtype}"
        case Bitcast(value=value, dtype=dtype):
            return f"bitcast {value.dtype} {dtype}"
    return _of_statement(node)


def _of_statement(node: Node) -> str:
    match node:
        case Gemm(a=a, b=b, c=c):
            return f"gemm {a.buffer.dtype} {b.buffer.dtype} {c.buffer.dtype}"
        case Reduce(reduction=reduction, target=target):
            return f"reduce-{reduction} {target.buffer.dtype}"
        case Sort(source=source):
            return f"sort {source.buffer.dtype}"
        case Atomic(op=op, buffer=buffer, previous=previous):
            of = "tile" if buffer.scope != "global" else "tensor"
            return f"atomic-{op} {of} {buffer.dtype}{' previous' * bool(previous)}"
        case Buffer(of=str(), dtype=dtype, scope=scope):
            return f"view-{scope} {dtype}"
        case Accumulate(reduction=reduction, buffer=buffer):
            return f"accumulate-{reduction} {buffer.dtype}"
        case For(kind=kind, stages=stages):
            return f"for-{kind} {stages}"
        case Buffer(dtype=dtype, scope=scope):
            return f"buffer-{scope} {dtype}"
    return ""
