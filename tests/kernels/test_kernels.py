"""Every kernel of the library, on every backend that runs here, under every oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tiledsl.testing import (
    KernelEntry,
    Oracle,
    Workload,
    discover_kernels,
    find_kernel,
    runnable_backends,
    verify_kernel,
)

ENTRIES = discover_kernels()
SMALL = [(entry, work) for entry in ENTRIES for work in entry.of_size("small")]
MODEL = [(entry, work) for entry in ENTRIES for work in entry.of_size("model")]


def label(value: object) -> str:
    return str(getattr(value, "name", value))


@pytest.mark.parametrize(("entry", "work"), SMALL, ids=label)
def test_small_workloads(entry: KernelEntry, work: Workload) -> None:
    judge(entry, work, ["bounds", "poison", "integers", "ring", "specials"])


@pytest.mark.parametrize(("entry", "work"), MODEL, ids=label)
def test_model_workloads(entry: KernelEntry, work: Workload) -> None:
    judge(entry, work, ["bounds"])


def judge(entry: KernelEntry, work: Workload, oracles: list[Oracle]) -> None:
    """One data set and reference for all backends."""
    only = replace(entry, workloads=(work,))
    reports = verify_kernel(only, size=work.size, oracles=oracles)
    judged = {(report.backend, report.oracle) for report in reports}
    assert judged >= {(backend, "bounds") for backend in runnable_backends()}
    # the library's own kernels run everywhere: a refusal is a failure, too
    wrong = [str(report) for report in reports if report.status != "ok"]
    assert not wrong, "\n".join(wrong)


def test_the_first_eight_kernels_are_registered() -> None:
    names = {entry.name for entry in ENTRIES}
    assert names >= {
        "flash_fwd",
        "gemm",
        "grouped_gemm",
        "mla_decode",
        "moe_gate",
        "rmsnorm",
        "softmax",
        "sparse_mla_fwd",
    }
    with pytest.raises(KeyError, match=r"no kernel 'gem'; there are .*gemm"):
        find_kernel("gem")


@pytest.mark.parametrize("entry", ENTRIES, ids=label)
def test_entries_are_complete(entry: KernelEntry) -> None:
    names = [work.name for work in entry.workloads]
    assert len(set(names)) == len(names)
    assert len(entry.of_size("small")) >= 4
    assert len(entry.of_size("model")) >= 1
    assert entry.summary
    for work in entry.of_size("small"):
        inputs = work.make_inputs(np.random.default_rng(0))
        assert work.flops(inputs) >= 0
        assert work.bytes(inputs) >= 0
        again = work.make_inputs(np.random.default_rng(0))
        for name, array in inputs.items():
            assert array.tobytes() == again[name].tobytes()
