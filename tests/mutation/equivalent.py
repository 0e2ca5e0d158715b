"""Mutants that change no result, each with the reason, found by looking at survivors.

A key is the module, the function, the changed text and the change, as a run prints them;
a mutant of a line that has changed since is not excused.
"""

from __future__ import annotations

from typing import Final

from tests.mutation.mutants import Mutant

# (module, function): {(text, change): reason}
REASONS: Final[dict[tuple[str, str], dict[tuple[str, str], str]]] = {
    ("tiledsl.passes.forward_copies", "_composed"): {
        (
            "_sum(base.start, part.start) in return replace(part, "
            "start=_sum(base.start, part.start), proved=base.proved)",
            "arguments swapped",
        ): "a sum of affine forms does not depend on their order",
    },
}


def reason(mutant: Mutant) -> str | None:
    """Why nothing can notice the mutant; None if something should."""
    return REASONS.get((mutant.module, mutant.where), {}).get(
        (mutant.text, mutant.what)
    )
