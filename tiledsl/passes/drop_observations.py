"""Removes what only looks at a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tiledsl.backend import Capabilities
from tiledsl.ir.nodes import (
    Assert,
    Block,
    Breakpoint,
    Copy,
    Function,
    Node,
    Print,
    Statement,
    Wait,
)
from tiledsl.ir.visitor import transform
from tiledsl.passes.base import Contract


@dataclass(frozen=True)
class DropObservations:
    """Removes assertions, prints, breakpoints and waits; copies become plain ones.

    What a run shows of itself is recorded before the passes (``record_observations``).
    Promises at host level stay: calls verify them, and later passes rely on them.

    Before::

        copy A[r +: 64] -> a[!0 +: 64] shape (64) asynchronous
        wait
        assert "finite" isfinite(a[0])

    After::

        copy A[r +: 64] -> a[!0 +: 64] shape (64)
    """

    name: str = "drop-observations"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        body: list[Statement] = []
        for statement in function.body:
            if not isinstance(statement, Assert):
                body.append(transform(statement, _without_observations))
            elif statement.assumed:
                body.append(statement)
        same = all(new is old for new, old in zip(body, function.body, strict=False))
        if same and len(body) == len(function.body):
            return function
        return replace(function, body=tuple(body))


def _without_observations(node: Node) -> Node | Block:
    match node:
        case Copy(asynchronous=True):
            return replace(node, asynchronous=False)
        case Assert() | Print() | Breakpoint() | Wait():
            return ()
    return node
