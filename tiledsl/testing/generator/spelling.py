"""From a generated function to one that has source text, and from the text to its trace."""

from __future__ import annotations

import linecache
import warnings
from dataclasses import replace

from tiledsl.analysis.places import rewrite_with_ranges
from tiledsl.analysis.ranges import Ranges
from tiledsl.ir.nodes import (
    Accumulate,
    Apply,
    At,
    Atomic,
    Const,
    Function,
    Load,
    Node,
    Range,
    Region,
    Statement,
    Store,
    index,
)
from tiledsl.ir.visitor import transform
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.generator.program import Program
from tiledsl.testing.generator.source import NoSpelling, source


def spellable(function: Function) -> Function:
    """The function with accesses as the language has them.

    Reads have the fill zero and wrapped positions: a position that the frontend can tell
    to be negative would count from the end, one that is never in range is an error.
    """
    return transform(function, _change)


def _change(node: Node) -> Node:
    match node:
        case Load(buffer=buffer, indices=indices):
            pairs = zip(indices, buffer.shape, strict=True)
            wrapped = tuple(Apply("floormod", pair) for pair in pairs)
            return replace(node, indices=wrapped, fill=None, proved=())
        case Region(buffer=buffer, dims=dims):
            inside = buffer.scope != "global"
            found = [
                _wrapped(dim, extent, inside)
                for dim, extent in zip(dims, buffer.shape, strict=True)
            ]
            return replace(node, dims=tuple(found), fill=None)
        case Atomic():
            return replace(node, fill=None)
    return node


def _wrapped(dim: At | Range, extent: Node, inside: bool) -> At | Range:
    """A block-local range starts at 0, for none may leave its buffer."""
    if isinstance(dim, At):
        return At(Apply("floormod", (dim.index, extent)))  # type: ignore[arg-type]
    if isinstance(dim.start, Const) and dim.start.value == 0:
        return dim
    if inside:
        return replace(dim, start=index(0))
    if isinstance(dim.start, Apply) and dim.start.op == "mul":
        return dim  # the share of a block
    return replace(dim, start=Apply("floormod", (dim.start, index(4))))


def _refuse_places_from_the_end(function: Function) -> None:
    """Raises NoSpelling for a write that is always before its buffer.

    It has no effect here; in the language such a position counts from the end.
    """

    def look(statement: Statement, ranges: Ranges) -> Statement:
        if isinstance(statement, Store | Accumulate | Atomic) and any(
            ranges.of(position).high < 0 for position in statement.indices
        ):
            raise NoSpelling("a write before its buffer")
        return statement

    rewrite_with_ranges(function, look)


def traced(program: Program) -> Program:
    """The program whose function the frontend makes of the program's source text.

    Raises NoSpelling if there is no such text, KernelError if the frontend refuses it.
    """
    _refuse_places_from_the_end(program.function)
    text = source(program.function)
    kernel = trace_text(text, f"<generated {program.policy} {program.seed}>")
    sizes = {
        dim.name: size
        for dim, size in zip(program.function.dims, program.dims, strict=True)
    }
    params = kernel.function.params[:-1]  # without the anchor of the dims
    outputs = program.function.outputs
    function = replace(kernel.function, params=params, outputs=outputs)
    dims = tuple(sizes[dim.name] for dim in function.dims)
    return replace(program, function=function, dims=dims)


def trace_text(text: str, file: str) -> JITKernel:
    """The kernel of a module as ``source`` writes it.

    Raises KernelError if the frontend refuses it, SyntaxError if Python does.
    """
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, file, "exec"), names)
        lazy = names["kernel"]
        if not callable(lazy):
            raise NoSpelling("the text defines no kernel")
        kernel = lazy()
    if not isinstance(kernel, JITKernel):
        raise NoSpelling("the text makes no kernel")
    return kernel
