"""Variations of the kernel library's functions: real programs, a little different.

What is changed keeps iterations and blocks independent: values, never positions.  Half
of the changes must not change a result at all (code that never runs, conditions that
always hold, statements done twice, other hints); the others make another program, which
every backend must agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from tiledsl.ir.dtypes import BOOL, FLOAT32
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Block,
    Buffer,
    Const,
    Copy,
    Fill,
    For,
    Function,
    If,
    Launch,
    LoopKind,
    Node,
    Statement,
    Var,
    index,
    whole,
)
from tiledsl.ir.visitor import rebuild, transform
from tiledsl.testing.generator.choice import Choice, SeededChoice
from tiledsl.testing.generator.policy import LIBRARY, Policy
from tiledsl.testing.generator.program import Program, Value, generate
from tiledsl.testing.registry import discover_kernels

_EXCHANGED: Final = {
    "add": "sub",
    "sub": "add",
    "mul": "add",
    "max": "min",
    "min": "max",
    "div": "mul",
}
_KINDS: Final[tuple[LoopKind, ...]] = ("serial", "unroll", "pipelined")
_PERCENT: Final = 15


@cache
def library() -> tuple[Program, ...]:
    """The small workloads of all registered kernels, traced, with their inputs."""
    found: list[Program] = []
    for entry in discover_kernels():
        for work in entry.of_size("small"):
            inputs = work.make_inputs(np.random.default_rng(0))
            call = work.call(inputs)
            function = entry.kernel.compile(*call.arguments, **call.options).function
            program = _called(function, call.arguments)
            if program is not None:
                name = f"{entry.name}/{work.name}"
                found.append(replace(program, policy=f"library {name}"))
    return tuple(found)


def _called(function: Function, arguments: Sequence[Value]) -> Program | None:
    """The program of one call; None if the inputs' shapes leave a dim open."""
    given = iter(arguments)
    solved: dict[str, int] = {}
    values: list[Value | None] = []
    for position, param in enumerate(function.params):
        if position in function.outputs:
            values.append(None)
            continue
        value = next(given)
        values.append(value)
        if isinstance(param, Buffer) and isinstance(value, np.ndarray):
            solved |= {
                extent.name: size
                for extent, size in zip(param.shape, value.shape, strict=True)
                if isinstance(extent, Var)
            }
    if any(dim.name not in solved for dim in function.dims):
        return None
    dims = tuple(solved[dim.name] for dim in function.dims)
    return Program(function, dims, 0, given=tuple(values))


def mutant(choice: Choice, *, seed: int = 0) -> Program:
    """A kernel of the library with some of its statements and operations changed."""
    program = choice.pick(library())
    function = program.function
    for _ in range(choice.integer(1, 3)):
        function = choice.pick(_MUTATIONS)(choice, function)
    return replace(program, function=function, seed=seed)


def program_of(seed: int, policy: Policy | None = None) -> Program:
    """The program of a seed: generated, or with the policy ``library`` a mutant."""
    if policy == LIBRARY:
        return mutant(SeededChoice(seed), seed=seed)
    return generate(seed, policy)


# ----------------------------------------------------- changes that change nothing


def _with_dead_blocks(choice: Choice, function: Function) -> Function:
    """Before some statements, one that a condition over dims never lets happen."""

    def change(block: Block) -> Block:
        found: list[Statement] = []
        known: list[Buffer] = []
        for statement in block:
            if known and choice.chance(_PERCENT):
                found.append(If(_never(choice, function), (_garbage(choice, known),)))
            found.append(statement)
            if isinstance(statement, Allocate):
                known.append(statement.buffer)
        return tuple(found)

    return _in_launches(function, change)


def _garbage(choice: Choice, tiles: Sequence[Buffer]) -> Statement:
    tile = choice.pick(tiles)
    one: float | int | bool = 1.0 if tile.dtype.is_float else 1
    return Fill(whole(tile), Const(True if tile.dtype == BOOL else one, tile.dtype))


def _never(choice: Choice, function: Function) -> Apply:
    """False, mostly in a way that is seen only when the kernel runs."""
    if function.dims and choice.chance(75):
        return Apply("lt", (choice.pick(function.dims), index(0)))
    return Apply("gt", (index(0), index(1)))


def _with_conditions(choice: Choice, function: Function) -> Function:
    """Some statements under a condition that always holds."""

    def change(block: Block) -> Block:
        return tuple(
            If(Apply("not", (_never(choice, function),)), (statement,))
            if isinstance(statement, Fill | Copy | For) and choice.chance(_PERCENT)
            else statement
            for statement in block
        )

    return _in_launches(function, change)


def _with_repetitions(choice: Choice, function: Function) -> Function:
    """Some copies and fills twice in a row."""

    def change(block: Block) -> Block:
        found: list[Statement] = []
        for statement in block:
            found.append(statement)
            again = isinstance(statement, Fill) or (
                isinstance(statement, Copy)
                and statement.source.buffer.name != statement.target.buffer.name
            )
            if again and choice.chance(_PERCENT):
                found.append(statement)
        return tuple(found)

    return _in_launches(function, change)


def _with_other_hints(choice: Choice, function: Function) -> Function:
    def change(node: Node) -> Node:
        if isinstance(node, For):
            return replace(node, kind=choice.pick(_KINDS), stages=choice.integer(0, 4))
        if isinstance(node, Launch):
            return replace(node, threads=(choice.pick((32, 64, 128, 256)),))
        return node

    return transform(function, change)


def _in_launches(function: Function, change: Callable[[Block], Block]) -> Function:
    """``change`` applied to the statement blocks of launches, but to no element loop."""

    def visit(statement: Statement) -> Statement:
        match statement:
            case Launch(body=body) | For(body=body):
                return replace(statement, body=change(tuple(map(visit, body))))
        return statement

    return replace(function, body=tuple(map(visit, function.body)))


# ------------------------------------------------------ changes that make another


def _with_other_operations(choice: Choice, function: Function) -> Function:
    """Float operations exchanged, constants replaced; positions hold no floats."""

    def change(node: Node) -> Node:
        node = rebuild(node, change)
        match node:
            case Apply(op=op) if op in _EXCHANGED and node.dtype.is_float:
                if choice.chance(_PERCENT):
                    return replace(node, op=_EXCHANGED[op])
            case Const(value=value, dtype=dtype) if dtype == FLOAT32:
                if choice.chance(_PERCENT) and np.isfinite(value):
                    return replace(node, value=choice.pick((1.0, 0.0, -2.0)))
        return node

    return rebuild(function, change)


_MUTATIONS: Final[tuple[Callable[[Choice, Function], Function], ...]] = (
    _with_dead_blocks,
    _with_conditions,
    _with_repetitions,
    _with_other_hints,
    _with_other_operations,
)
