"""A failure as a Python file that runs: ``python FILE`` shows it again or says it is gone."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.nodes import Function
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.testing.fuzzing.execution import engine
from tiledsl.testing.fuzzing.oracles import Checks, Failure, check_program
from tiledsl.testing.generator.program import Program

# the inputs of a workload are not in the file
_LIBRARY_NOTE = (
    "\nThe inputs were those of a workload: run tiledsl fuzz --policy library with that"
    "\nseed to see it again.\n"
)
_TEMPLATE = '''"""Found by tiledsl fuzz: seed {seed}, policy {policy}.

{failure}
{note}"""

from tiledsl.testing.fuzzing import replay

FUNCTION = r"""
{text}
"""
{after}
if __name__ == "__main__":
    replay(FUNCTION, dims={dims}, data={data}, backends={backends})
'''


def save(
    folder: Path, program: Program, failure: Failure, backends: Sequence[str]
) -> Path:
    """Writes the file; its name tells the oracle and the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^a-z0-9]+", "-", f"{failure.oracle} {failure.where}".lower())
    path = folder / f"{stem}-{program.seed}.py"
    path.write_text(source(program, failure, backends), encoding="utf-8")
    return path


def source(program: Program, failure: Failure, backends: Sequence[str]) -> str:
    """The text of the file."""
    after = _after_pass(program.function, failure, backends)
    shown = f'\nAFTER_{_upper(failure.where)} = r"""\n{after}"""\n' if after else ""
    return _TEMPLATE.format(
        seed=program.seed,
        policy=program.policy or "none",
        note=_LIBRARY_NOTE if program.given else "",
        failure=str(failure).replace("\\", "/").replace('"""', "'''"),
        text=print_function(program.function),
        after=shown,
        dims=program.dims,
        data=program.data,
        backends=tuple(backends),
    )


def _upper(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _after_pass(
    function: Function, failure: Failure, backends: Sequence[str]
) -> str | None:
    """The text after the pass that the failure names, if it names one that works."""
    if failure.oracle != "pass real":
        return None
    for name in backends:
        on = engine(name)
        for step in on.passes:
            function = step.run(function, on.capabilities)
            if step.name == failure.where:
                return print_function(function)
    return None


def replay(
    text: str, *, dims: tuple[int, ...], data: int, backends: tuple[str, ...]
) -> None:
    """Asks every oracle about a saved program; exits with 1 if one complains."""
    function = parse_function(text.strip() + "\n", settle_claims=recheck_claims)
    found = check_program(Program(function, dims, data), every_check(backends))
    for failure in found:
        print(failure)
    if not found:
        print("no oracle complains any more")
    sys.exit(1 if found else 0)


def every_check(backends: tuple[str, ...]) -> Checks:
    """Nothing is sampled."""
    return Checks(backends, scalar_every=1, text_every=1, both_every=1, source_every=1)
