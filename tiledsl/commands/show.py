"""``tiledsl show``: a kernel at a stage of its compilation."""

from __future__ import annotations

import click
import numpy as np

from tiledsl.commands.output import json_option, print_json
from tiledsl.commands.selection import chosen_kernels
from tiledsl.diagnostics import ArgumentError
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing import KernelEntry, Workload


@click.command()
@click.argument("kernel")
@click.option("--stage", default="backend", show_default=True, help="Which text.")
@click.option("--backend", help="Default: the one that a call would use.")
@click.option("--target", help="A target of the backend, such as cuda:sm_90.")
@click.option("--workload", help="Default: the first small one of the kernel.")
@click.option("--explain", is_flag=True, help="Say what was decided; no program.")
@json_option
def show(
    kernel: str,
    stage: str,
    backend: str | None,
    target: str | None,
    workload: str | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Print a KERNEL of the library as IR or as its backend's program."""
    (entry,) = chosen_kernels([kernel])
    work = _workload(entry, workload)
    compiled = _compile(entry, work)
    if explain:
        text = compiled.explain(backend=backend, target=target)
    else:
        text = compiled.source(stage, backend=backend, target=target)
    if as_json:
        facts = compiled.compiled(backend, target)
        print_json(
            {
                "kernel": kernel,
                "workload": work.name,
                "backend": facts.backend.name,
                "target": facts.target.name,
                "stage": "explain" if explain else stage,
                "stages": list(facts.texts),
                "text": text,
            }
        )
    else:
        click.echo(text.rstrip("\n"))


def _workload(entry: KernelEntry, name: str | None) -> Workload:
    works = {work.name: work for work in entry.workloads}
    if name is None:
        return next(iter(entry.of_size("small") or entry.workloads))
    if name not in works:
        raise ArgumentError(
            "E4003",
            f"workload of kernel '{entry.name}'",
            expected=f"one of {', '.join(works)}",
            got=repr(name),
        )
    return works[name]


def _compile(entry: KernelEntry, work: Workload) -> JITKernel:
    call = work.call(work.make_inputs(np.random.default_rng(0)))
    return entry.kernel.compile(*call.arguments, **call.options)
