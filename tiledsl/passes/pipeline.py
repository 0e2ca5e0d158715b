"""Running passes in order, each result verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tiledsl.backend import Capabilities
from tiledsl.diagnostics import Error, InternalError
from tiledsl.ir.nodes import Function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify
from tiledsl.passes.base import Pass
from tiledsl.passes.canonicalize import Canonicalize
from tiledsl.passes.dead_code import DeadCode
from tiledsl.passes.drop_observations import DropObservations
from tiledsl.passes.forward_copies import ForwardCopies
from tiledsl.passes.infer_regions import InferRegions
from tiledsl.passes.packed_as_bytes import PackedAsBytes
from tiledsl.passes.prove_bounds import ProveBounds
from tiledsl.passes.simplify_index import SimplifyIndex
from tiledsl.passes.tile import Tile

Observer = Callable[[Pass, Function, Function], None]

# What every backend can start from.
DEFAULT_PIPELINE: Final[tuple[Pass, ...]] = (
    DropObservations(),  # what is shown of a run is recorded before all passes
    Tile(),  # everything below and every backend meets launches only
    PackedAsBytes(),  # before everything that works on indices and bounds
    Canonicalize(),  # constants and identities first: everything later sees fewer forms
    SimplifyIndex(),  # decides conditions, which canonicalize then removes
    Canonicalize(),
    InferRegions(),  # element loops become copies and fills before tiles are forwarded
    ProveBounds(),  # forwarding keeps only what is known to be in bounds
    ForwardCopies(),
    DeadCode(),  # last: forwarding leaves tiles that nobody reads
)


def run_pipeline(
    function: Function,
    passes: Sequence[Pass],
    capabilities: Capabilities,
    *,
    observer: Observer | None = None,
) -> Function:
    """The function after all passes.

    ``observer`` is called with each pass and the function before and after it.  A pass
    that fails, or whose result does not verify, raises InternalError with its name and
    the function it was given.
    """
    for step in passes:
        before = function
        try:
            function = step.run(before, capabilities)
            if function is not before:
                verify(function)
        except InternalError as error:
            raise _failure(step, before, error.summary, error.notes) from error
        except Error:
            raise
        except Exception as error:
            raise _failure(step, before, repr(error), ()) from error
        if observer is not None:
            observer(step, before, function)
    return function


def _failure(
    step: Pass, function: Function, reason: str, notes: Sequence[str]
) -> InternalError:
    return InternalError(
        "E9001",
        f"pass {step.name} failed on {function.name!r}: {reason}",
        span=function.span,
        notes=[*notes, "the function before the pass:", print_function(function)],
    )
