"""The kernel object: results, stages, errors of backends (rules L97, L108)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiledsl.backend import Capabilities, Target
from tiledsl.diagnostics import (
    ArgumentError,
    InternalError,
    KernelError,
    UnsupportedByTarget,
)
from tiledsl.ir.nodes import Function
from tiledsl.passes.base import Contract
from tiledsl.runtime.kernel import JITKernel

Make = Callable[..., JITKernel]

TWO_OUTPUTS = """
    func halves[n](Low: float32[n], X: float32[2 * n], High: float32[n]) -> (High, Low)
      launch (bx: 1) threads 1
        copy X[0 +: n] -> Low[0 +: n] shape (n)
        copy X[n +: n] -> High[0 +: n] shape (n)
"""


@dataclass(frozen=True)
class RemoveLaunches:
    """A pass that a test can see the effect of."""

    name: str = "remove-launches"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return Function(
            function.name, function.params, function.dims, (), function.outputs
        )


@dataclass(frozen=True)
class Nothing:
    name: str = "nothing"
    contract: Contract = "exact"

    def run(self, function: Function, capabilities: Capabilities) -> Function:
        return function


def test_one_output_is_itself_and_several_a_list(kernel_of: Make) -> None:
    x = np.arange(6, dtype=np.float32)
    high, low = kernel_of(TWO_OUTPUTS, backend="numpy")(x)
    assert low.tolist() == [0, 1, 2]
    assert high.tolist() == [3, 4, 5]
    one = TWO_OUTPUTS.replace("-> (High, Low)", "-> (Low)")
    high = np.zeros(3, np.float32)
    result = kernel_of(one, backend="numpy")(x, high)
    assert isinstance(result, np.ndarray)
    assert high.tolist() == [3, 4, 5]


def test_several_results_are_a_list_and_none_depends_on_the_mode(
    kernel_of: Make,
) -> None:
    x = np.arange(6, dtype=np.float32)
    assert isinstance(kernel_of(TWO_OUTPUTS)(x), list)
    assert isinstance(kernel_of(TWO_OUTPUTS, kind="eager")(x), list)
    none = TWO_OUTPUTS.replace(" -> (High, Low)", "")
    args = (np.zeros(3, np.float32), x, np.zeros(3, np.float32))
    assert kernel_of(none)(*args) == []
    assert kernel_of(none, kind="eager")(*args) is None


def test_the_backend_sees_parameters_in_the_order_of_the_function(
    kernel_of: Make, recording: Any
) -> None:
    backend = recording()
    x = np.arange(6, dtype=np.float32)
    high, low = kernel_of(TWO_OUTPUTS, backend=backend)(x)
    call = backend.last_call
    assert call.dims == (3,)
    for value, array in zip(call.values, (low, x, high), strict=True):
        assert value.address == array.ctypes.data
        assert value.shape == array.shape
        assert value.strides == (1,)
        assert value.dtype == "float32"
        assert value.device == "cpu"
        assert value.numpy is array


def test_each_backend_compiles_once(kernel_of: Make, recording: Any) -> None:
    first, second = recording(), recording()
    second.name = "second"
    kernel = kernel_of(TWO_OUTPUTS, backend=first)
    for size in (2, 4, 6):
        kernel(np.zeros(size, np.float32))
        kernel(np.zeros(size, np.float32), backend=second)
    assert len(first.built) == len(second.built) == 1


def test_backends_of_one_name_are_told_apart(kernel_of: Make, recording: Any) -> None:
    first, second = recording(), recording()
    kernel = kernel_of(TWO_OUTPUTS, backend=first)
    kernel(np.zeros(2, np.float32))
    kernel(np.zeros(2, np.float32), backend=second)
    assert len(first.executables[0].calls) == len(second.executables[0].calls) == 1


@pytest.mark.parametrize("backend", [5, [], object(), "", np.zeros(3)])
def test_what_is_no_backend_is_refused(kernel_of: Make, backend: Any) -> None:
    x = np.zeros(2, np.float32)
    with pytest.raises(ArgumentError, match=r"E2002"):
        kernel_of(TWO_OUTPUTS)(x, backend=backend)
    with pytest.raises(ArgumentError, match=r"E2002"):
        kernel_of(TWO_OUTPUTS, backend=backend)(x)


def test_stages(kernel_of: Make, recording: Any) -> None:
    backend = recording(passes=(Nothing(), RemoveLaunches()))
    kernel = kernel_of(TWO_OUTPUTS, backend=backend)
    names = ("trace", "tiled", "nothing", "remove-launches", "final", "listing")
    assert kernel.stages == (*names, "assembly", "backend")
    assert "launch" in kernel.source("trace")
    assert kernel.source("nothing") == kernel.source("trace")
    assert "launch" not in kernel.source("remove-launches")
    assert kernel.source("final") == kernel.source("remove-launches")
    assert kernel.source("backend") == kernel.source("listing") == "a listing"
    assert kernel.get_kernel_source() == kernel.source() == "a listing"
    assert kernel.source("assembly") == "an assembly"
    with pytest.raises(ArgumentError, match=r"E2006.*expected one of trace, .*'nope'"):
        kernel.source("nope")


def test_a_pass_that_runs_twice_has_two_stages(kernel_of: Make, recording: Any) -> None:
    backend = recording(passes=(Nothing(), RemoveLaunches(), Nothing()))
    kernel = kernel_of(TWO_OUTPUTS, backend=backend)
    assert "launch" in kernel.source("nothing")
    assert "launch" not in kernel.source("nothing-2")


def test_sources_are_shown_and_exported(
    kernel_of: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = kernel_of(TWO_OUTPUTS)
    kernel.show_source()
    kernel.print_source_code()
    kernel.print_source_code("final")
    printed = capsys.readouterr().out
    assert printed.count("a listing") == 2
    assert printed.count("func halves") == 1
    files = kernel.export_sources(tmp_path / "out")
    assert [file.name for file in files] == [
        "00-trace.txt",
        "01-tiled.txt",
        "02-final.txt",
        "03-listing.txt",
        "04-assembly.txt",
    ]
    assert files[0].read_text() == kernel.source("trace")


def test_explain_tells_what_each_pass_did(kernel_of: Make, recording: Any) -> None:
    kernel = kernel_of(
        TWO_OUTPUTS, backend=recording(passes=(Nothing(), RemoveLaunches()))
    )
    text = kernel.explain()
    assert "kernel halves: halves(X: float32[2 * n]) -> High: float32[n], Low" in text
    assert "traced: 2 copy, 1 launch" in text
    assert "nothing (exact): nothing to do" in text
    assert "remove-launches (exact): no statements" in text


def test_facts(kernel_of: Make) -> None:
    kernel = kernel_of(TWO_OUTPUTS, config={"block": 64})
    assert [param.name for param in kernel.params] == ["Low", "X", "High"]
    assert kernel.out_idx == [2, 0]
    assert kernel.config == {"block": 64}
    assert kernel.latency is None
    assert "halves(X" in repr(kernel)


def test_interpret_runs_the_reference(kernel_of: Make) -> None:
    high, low = kernel_of(TWO_OUTPUTS).interpret(np.arange(4, dtype=np.float32))
    assert (low.tolist(), high.tolist()) == ([0, 1], [2, 3])


def test_checked_mode_needs_a_backend_that_has_it(kernel_of: Make) -> None:
    kernel = kernel_of(TWO_OUTPUTS)
    x = np.arange(4, dtype=np.float32)
    assert kernel.check(x).findings == ()
    high, low = kernel(x, checked=True)
    assert (low.tolist(), high.tolist()) == ([0, 1], [2, 3])
    with pytest.raises(UnsupportedByTarget, match=r"E2005"):
        kernel.check(x, backend="llvm")


@pytest.mark.parametrize("when", ["build", "launch"])
def test_a_failing_backend_leaves_a_reproducer(
    kernel_of: Make, recording: Any, when: str
) -> None:
    backend = recording(**{f"{when}_failure": ZeroDivisionError("surprise")})
    kernel = kernel_of(TWO_OUTPUTS, backend=backend)
    with pytest.raises(InternalError, match=r"E900[23].*recording.*surprise") as caught:
        kernel(np.zeros(2, np.float32))
    found = re.search(r"saved in (\S+)", str(caught.value))
    assert found is not None
    saved = Path(found.group(1))
    assert "func halves" in saved.read_text()
    saved.unlink()


@pytest.mark.parametrize(
    "failure",
    [MemoryError(), KernelError("E2001", "x"), UnsupportedByTarget("E2001", "y")],
)
@pytest.mark.parametrize("when", ["build", "launch"])
def test_errors_that_speak_to_the_user_pass_through(
    kernel_of: Make, recording: Any, when: str, failure: Exception
) -> None:
    kernel = kernel_of(TWO_OUTPUTS, backend=recording(**{f"{when}_failure": failure}))
    with pytest.raises(type(failure)):
        kernel(np.zeros(2, np.float32))


def test_an_interrupt_leaves_the_kernel_usable(kernel_of: Make, recording: Any) -> None:
    backend = recording(launch_failure=KeyboardInterrupt())
    kernel = kernel_of(TWO_OUTPUTS, backend=backend)
    with pytest.raises(KeyboardInterrupt):
        kernel(np.zeros(2, np.float32))
    backend.executables[-1].failure = None
    assert len(kernel(np.zeros(2, np.float32))) == 2


def test_the_options_reach_the_backend_with_a_cache(
    kernel_of: Make,
    recording: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    backend = recording()
    kernel_of(TWO_OUTPUTS, backend=backend)(np.zeros(2, np.float32))
    cache = backend.built[0][2].cache
    assert cache.directory == tmp_path / "cache" / "objects"
    monkeypatch.setenv("TILEDSL_DISABLE_CACHE", "1")
    kernel_of(TWO_OUTPUTS, backend=backend)(np.zeros(2, np.float32))
    assert backend.built[1][2].cache is None


def test_compile_only_targets_show_sources_and_refuse_calls(
    kernel_of: Make, recording: Any
) -> None:
    there = Target("gpu:model_1", "gpu", False, "no such device here", "buy one")
    backend = recording((Target("host"), there))
    kernel = kernel_of(TWO_OUTPUTS, backend=backend)
    assert kernel.source(target="gpu:model_1") == "a listing"
    assert kernel.source(target="gpu:model_2") == "a listing"
    built = [target.name for _, target, _ in backend.built]
    assert built == ["gpu:model_1", "gpu:model_2"]
    bound = kernel_of(TWO_OUTPUTS, backend=backend, target="gpu:model_1")
    with pytest.raises(ArgumentError, match=r"no such device here") as caught:
        bound(np.zeros(2, np.float32))
    assert "buy one" in str(caught.value)
