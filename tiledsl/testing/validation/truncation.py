"""A function cut off after one of its statements, with its tiles made visible.

What remains is a program of its own: it computes the same as the original up to there
and returns its tiles and workspaces as further outputs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tiledsl.ir.nodes import (
    Allocate,
    At,
    Block,
    Buffer,
    Copy,
    For,
    Function,
    If,
    Launch,
    Node,
    Range,
    Region,
    Statement,
    Var,
    While,
    index,
    whole,
)
from tiledsl.ir.visitor import walk
from tiledsl.testing.validation.layout import strided_array
from tiledsl.testing.validation.samples import Sample, shape_of


@dataclass(frozen=True, slots=True)
class Cut:
    """The function up to a statement; ``shown``: tiles by the output that shows them."""

    function: Function
    last: Statement
    shown: dict[str, str]


def leaves(function: Function) -> list[Statement]:
    """The statements without blocks, and element loops, in program order."""
    return list(_leaves(function.body))


def _leaves(block: Block) -> list[Statement]:
    found: list[Statement] = []
    for statement in block:
        match statement:
            case For() | While() | Launch():
                found += _leaves(statement.body)
            case If():
                found += _leaves(statement.then) + _leaves(statement.otherwise)
            case _:
                found.append(statement)
    return found


def cut_after(function: Function, number: int, *, show: bool) -> Cut:
    """The function with its first ``number`` leaves; ``show``: and with its tiles."""
    cutter = _Cutter(function, number, show)
    body = cutter.block(function.body)
    first = len(function.params)
    outputs = (*function.outputs, *range(first, first + len(cutter.added)))
    params = (*function.params, *cutter.added)
    short = replace(function, params=params, outputs=outputs, body=body)
    return Cut(short, leaves(function)[number - 1], cutter.shown)


def extend_sample(sample: Sample, original: Function, cut: Function) -> Sample:
    """The sample with arrays for the outputs that a cut adds."""
    known = sample.known(original)
    added = []
    for param in cut.params[len(original.params) :]:
        if isinstance(param, Buffer):
            shape = shape_of(param, known)
            dense = np.cumprod([1, *(max(size, 1) for size in shape[:0:-1])])[::-1]
            strides = [int(step) for step in dense][-len(shape) :] if shape else []
            added.append(strided_array(shape, strides, param.dtype.as_numpy()))
    return replace(sample, values=(*sample.values, *added))


@dataclass
class _Cutter:
    function: Function
    left: int
    show: bool
    added: list[Buffer] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)

    def block(self, block: Block) -> Block:
        kept: list[Statement] = []
        for statement in block:
            if self.left <= 0:
                break
            new = self.statement(statement)
            if new is not None:
                kept.append(new)
        return tuple(kept)

    def statement(self, statement: Statement) -> Statement | None:
        match statement:
            case Launch():
                return self.launch(statement)
            case For() | While():
                return replace(statement, body=self.block(statement.body))
            case If():
                then = self.block(statement.then)
                return replace(
                    statement, then=then, otherwise=self.block(statement.otherwise)
                )
        self.left -= 1
        is_workspace = (
            isinstance(statement, Allocate)
            and statement.buffer.scope == "global"
            and statement.buffer.of is None
        )
        if is_workspace and self.show and isinstance(statement, Allocate):
            self.added.append(statement.buffer)
            return None
        return statement

    def launch(self, launch: Launch) -> Launch:
        body = self.block(launch.body)
        if self.left > 0 or not self.show:
            return replace(launch, body=body)
        copies = tuple(
            self.copy(launch, statement.buffer)
            for statement in body
            if isinstance(statement, Allocate)
        )
        return replace(launch, body=(*body, *copies))

    def copy(self, launch: Launch, tile: Buffer) -> Copy:
        """Writes a tile to its place in an output with a dimension for each grid one."""
        name = f"shown_{tile.name}"
        while name in {getattr(node, "name", "") for node in walk(self.function)}:
            name += "_"
        # a dimension of extent 1 lets a tile without dimensions be a region, too
        shape = (*launch.grid, index(1), *tile.shape)
        output = Buffer(name, shape, tile.dtype, span=tile.span)
        self.added.append(output)
        self.shown[name] = tile.name
        ranges = (Range(index(0), extent) for extent in tile.shape)
        at: tuple[At, ...] = tuple(At(var) for var in launch.vars)
        target = Region(output, (*at, At(index(0)), *ranges))
        return Copy(whole(tile), target, tile.shape, span=tile.span)


def writers(statement: Statement, buffer: str) -> list[Node]:
    """The parts of a statement that write a buffer."""
    from_effects = [part for part in walk(statement) if _writes(part, buffer)]
    return from_effects or [statement]


def _writes(node: Node, buffer: str) -> bool:
    target = getattr(node, "target", None) or getattr(node, "c", None)
    if isinstance(target, Region):
        return target.buffer.root == buffer
    is_store = hasattr(node, "indices") and hasattr(node, "value")
    owner = getattr(node, "buffer", None)
    return is_store and isinstance(owner, Buffer) and owner.root == buffer


def declared(statement: Statement) -> list[str]:
    """The names that a statement declares for the rest of its block."""
    match statement:
        case Allocate(buffer=buffer):
            return [buffer.name]
    var = getattr(statement, "var", None)
    return [var.name] if isinstance(var, Var) else []
