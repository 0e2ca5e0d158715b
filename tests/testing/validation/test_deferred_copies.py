"""Copies that land late change nothing, unless a dependence of the loop is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tiledsl.analysis.reading import read_function
from tiledsl.backend import Capabilities
from tiledsl.diagnostics import InternalError
from tiledsl.ir.nodes import Copy, For, Function, Node
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify
from tiledsl.passes.pipeline import run_pipeline
from tiledsl.testing import discover_kernels
from tiledsl.testing.validation import DeferredCopies, generate_sample, validator
from tiledsl.testing.validation.differences import Difference, first_difference
from tiledsl.testing.validation.interpreting import meaning
from tiledsl.testing.verify import Problem

HEAD = """tiledsl.ir 1
func loop[n](A: int32[n, 4], W: int32[4], C: int32[n, 4]) -> (C)
  launch (b: 1) threads 32
    alloc shared a: int32[4]
    alloc shared w: int32[4]
    alloc shared ring: int32[3, 4]
"""

# the tile is read before it is overwritten in the next iteration
CLEAN = """    for pipelined(3) k in 0 .. n step 1
      copy A[k, 0 +: 4] -> a[0 +: 4] shape (4)
      copy W[0 +: 4] -> w[0 +: 4] shape (4)
      parallel (i: 4)
        C[k, i] = a[i] + w[i]
"""
# an anti-dependence: the source is overwritten between issue and use
SOURCE_OVERWRITTEN = """    for pipelined(2) k in 0 .. n step 1
      copy W[0 +: 4] -> w[0 +: 4] shape (4)
      parallel (i: 4)
        W[i] = A[k, i]
      parallel (j: 4)
        C[k, j] = w[j]
"""
# the tile is read, then overwritten by the loop itself: each access waits for its copy
READ_AND_OVERWRITTEN = """    for pipelined(2) k in 0 .. n step 1
      copy A[k, 0 +: 4] -> a[0 +: 4] shape (4)
      parallel (i: 4)
        C[k, i] = a[i]
      parallel (j: 4)
        a[j] = a[j] * 2:int32
      parallel (l: 4)
        C[k, l] = C[k, l] + a[l]
"""
# three versions, filled two iterations ahead, as many as there are stages
PROLOGUE = """    copy A[0, 0 +: 4] -> ring[0, 0 +: 4] shape (4)
    copy A[1, 0 +: 4] -> ring[1, 0 +: 4] shape (4)
"""
VERSIONED = (
    PROLOGUE
    + """    for pipelined(3) k in 0 .. n step 1
      copy A[k + 2, 0 +: 4] -> ring[(k + 2) % 3, 0 +: 4] shape (4)
      parallel (i: 4)
        C[k, i] = ring[k % 3, i]
"""
)
# filled one iteration ahead only: read before two iterations have passed
TOO_EARLY = (
    PROLOGUE
    + """    for pipelined(3) k in 0 .. n step 1
      copy A[k + 1, 0 +: 4] -> ring[(k + 1) % 3, 0 +: 4] shape (4)
      parallel (i: 4)
        C[k, i] = ring[k % 3, i]
"""
)


def loop(body: str) -> Function:
    return read_function(HEAD + body)


def disagreement(function: Function, capabilities: Capabilities) -> Difference | None:
    late = DeferredCopies().run(function, capabilities)
    verify(late)
    assert late != function
    found = None
    for seed in range(6):
        sample = generate_sample(function, seed)
        truth = meaning(function, sample)
        found = found or first_difference(truth, meaning(late, sample).first)
    return found


@pytest.mark.parametrize("body", [CLEAN, READ_AND_OVERWRITTEN, VERSIONED])
def test_loops_with_their_dependences_do_not_notice(
    body: str, capabilities: Capabilities
) -> None:
    assert disagreement(loop(body), capabilities) is None


@pytest.mark.parametrize("body", [SOURCE_OVERWRITTEN, TOO_EARLY])
def test_hazards_show(body: str, capabilities: Capabilities) -> None:
    difference = disagreement(loop(body), capabilities)
    assert difference is not None
    assert difference.buffer == "C"


def test_a_copy_that_nobody_waits_for_lands_after_the_loop(
    capabilities: Capabilities,
) -> None:
    late = print_function(DeferredCopies().run(loop(VERSIONED), capabilities))
    assert "if k - 2 * 1 >= 0" in late
    drain = "for serial k_last in max(0, ceildiv(n - 0, 1) - 2) .. ceildiv(n - 0, 1)"
    assert drain in late.replace("pipelined(3)", "serial")


def test_other_loops_are_left_alone(capabilities: Capabilities) -> None:
    serial = loop(CLEAN.replace("pipelined(3)", "serial"))
    assert DeferredCopies().run(serial, capabilities) == serial
    leaving = loop(CLEAN + "      if k == 2\n        break\n")
    assert DeferredCopies().run(leaving, capabilities) == leaving


def test_a_pass_that_loses_a_dependence_is_named(
    faulty: type, capabilities: Capabilities
) -> None:
    """Right in program order, wrong for copies that arrive late."""

    plain = """    for pipelined(3) k in 0 .. n step 1
      copy A[k, 0 +: 4] -> a[0 +: 4] shape (4)
      parallel (i: 4)
        C[k, i] = a[i]
"""

    def change(node: Node) -> Node | tuple[Node, ...]:
        is_loop = isinstance(node, For) and isinstance(node.body[0], Copy)
        if not is_loop:
            return node
        launch = loop(TOO_EARLY).body[0]
        return launch.body[3:]  # type: ignore[union-attr]

    judge = validator(loop(plain), capabilities, 1)
    with pytest.raises(InternalError, match="E9012 after pass faulty"):
        run_pipeline(loop(plain), (faulty(change),), capabilities, observer=judge)


@pytest.mark.parametrize("entry", discover_kernels(), ids=lambda entry: entry.name)
def test_the_kernels_of_the_library_have_no_hazards(
    entry: object, capabilities: Capabilities
) -> None:
    subject = Problem(entry, entry.of_size("small")[0], 0).reals[0]  # type: ignore
    late = DeferredCopies().run(subject.function, capabilities)
    verify(late)
    sample = subject.sample(0)
    truth = meaning(subject.function, sample)
    assert first_difference(truth, meaning(late, sample).first) is None


def test_the_copies_of_another_tile_may_overtake(capabilities: Capabilities) -> None:
    function = loop(CLEAN)
    late = DeferredCopies().run(function, capabilities)
    launch = late.body[0]
    (inner,) = [part for part in launch.body if isinstance(part, For)]  # type: ignore[union-attr]
    kinds = [type(part).__name__ for part in inner.body]
    assert kinds == ["Fill", "Fill", "Copy", "Copy", "Parallel"]
    assert replace(inner, body=()) != inner
