"""The oracles and workloads see planted mistakes: each kernel with one statement less.

Every statement of every kernel is dropped in turn, every selection has its arms swapped,
every product its ``clear`` flipped; the interpreter runs the damaged kernel, and some
small workload must show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tiledsl.diagnostics import Error
from tiledsl.ir.dtypes import BOOL
from tiledsl.ir.nodes import (
    Const,
    Copy,
    Fill,
    Function,
    Gemm,
    Node,
    Reduce,
    Select,
    Store,
)
from tiledsl.ir.visitor import rebuild
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing import Expected, KernelEntry, compare, discover_kernels
from tiledsl.testing.subject import POISONS, Subject
from tiledsl.testing.verify import Problem

Change = Callable[[Node], Node | tuple[Node, ...]]
Key = tuple[str, str, int]

# Damage without effect: what these statements set is undefined otherwise, and the
# interpreter's undefined integers happen to choose the same arm.
HARMLESS = {"grouped_gemm": 3, "moe_gate": 1}


@dataclass(frozen=True)
class Damage:
    name: str
    applies: Callable[[Node], bool]
    change: Change


def _swapped(node: Node) -> Node:
    assert isinstance(node, Select)
    return replace(node, then=node.otherwise, otherwise=node.then)


def _unclear(node: Node) -> Node:
    assert isinstance(node, Gemm)
    return replace(node, clear=Const(node.clear != Const(True, BOOL), BOOL))


DAMAGES = (
    Damage(
        "dropped",
        lambda node: isinstance(node, Store | Copy | Fill | Gemm | Reduce),
        lambda node: (),
    ),
    Damage("arms swapped", lambda node: isinstance(node, Select), _swapped),
    Damage("clear flipped", lambda node: isinstance(node, Gemm), _unclear),
)


def damaged(function: Function) -> Iterator[tuple[Key, Function]]:
    """Every damaged version, keyed by kind, place in the source and count there."""
    order: list[Node] = []

    def record(node: Node) -> Node:
        order.append(node)
        return rebuild(node, record)

    record(function)
    seen: dict[tuple[str, str], int] = {}
    for number, node in enumerate(order):
        for damage in DAMAGES:
            if damage.applies(node):
                place = damage.name, str(node.span)
                seen[place] = seen.get(place, 0) + 1
                yield (*place, seen[place]), _changed(function, number, damage.change)


def _changed(function: Function, number: int, change: Change) -> Function:
    count = -1

    def visit(node: Node) -> Node | tuple[Node, ...]:
        nonlocal count
        count += 1
        return change(node) if count == number else rebuild(node, visit)

    result = visit(function)
    assert isinstance(result, Function)
    return result


def is_seen(
    subject: Subject, function: Function, expected: dict[str, Expected]
) -> bool:
    broken = replace(subject, kernel=JITKernel(function))
    try:
        outputs = broken.run("numpy", POISONS[0])
    except Error:
        return True
    return any(
        compare(name, got, value).wrong
        for (name, value), got in zip(expected.items(), outputs, strict=True)
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("entry", discover_kernels(), ids=lambda entry: entry.name)
def test_planted_mistakes_are_seen(entry: KernelEntry) -> None:
    versions: dict[Key, list[tuple[Subject, Function, dict[str, Expected]]]] = {}
    for work in entry.of_size("small"):
        subject, expected = Problem(entry, work, 0).reals
        for key, function in damaged(subject.function):
            versions.setdefault(key, []).append((subject, function, dict(expected)))
    with np.errstate(all="ignore"):
        unseen = [
            key
            for key, runs in versions.items()
            if not any(is_seen(*run) for run in runs)
        ]
    assert len(versions) >= 6
    assert len(unseen) <= HARMLESS.get(entry.name, 0), unseen
