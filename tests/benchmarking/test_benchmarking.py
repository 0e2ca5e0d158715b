"""The harness, on contenders and clocks made up for it; nothing here is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tiledsl.benchmarking import Timing, interleaved, load_suite, measure, quiet, ratio
from tiledsl.benchmarking.contenders import prepared
from tiledsl.benchmarking.interleaved import Window
from tiledsl.benchmarking.limits import streaming_kernel
from tiledsl.benchmarking.quiet import Moment
from tiledsl.benchmarking.table import own_suite
from tiledsl.diagnostics import ArgumentError
from tiledsl.testing import discover_kernels


def _timing(*windows: tuple[float, bool]) -> Timing:
    return Timing(tuple(Window(ms, still) for ms, still in windows))


def test_only_quiet_windows_count() -> None:
    timing = _timing((1.0, True), (100.0, False), (3.0, True), (90.0, False))
    assert timing.ms == 2.0
    assert timing.quiet == 2


def test_without_a_quiet_window_all_count() -> None:
    assert _timing((5.0, False), (7.0, False)).ms == 6.0


def test_ratios_are_taken_within_rounds() -> None:
    slow = _timing((2.0, True), (200.0, False), (6.0, True))
    fast = _timing((1.0, True), (1.0, True), (2.0, True))
    assert ratio(slow, fast) == 2.5


def test_contenders_take_turns() -> None:
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    timings = measure(calls, rounds=3, window=0.0, patience=0.0)
    # one call to warm up; then in each round one to warm up again and one that counts
    assert order == ["a", "b", *["a", "a", "b", "b"] * 3]
    assert all(len(timing.windows) == 3 for timing in timings.values())


def test_disturbed_windows_are_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([0.5, 0.0, 0.5, 0.0])
    monkeypatch.setattr(interleaved, "others", lambda begin, end: next(shares))
    timings = measure({"a": lambda: None}, rounds=2, window=0.0, patience=1e9)
    assert [w.quiet for w in timings["a"].windows] == [False, True, False, True]


def test_the_work_of_others_excludes_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet.os, "cpu_count", lambda: 0)
    monkeypatch.setattr(quiet.os, "sysconf", lambda name: 1e9)
    begin, end = Moment(10.0, 100.0, 50.0), Moment(12.0, 104.0, 53.0)
    assert quiet.others(begin, end) == pytest.approx(0.5)
    assert quiet.others(Moment(0.0, None, 0.0), end) is None


def test_a_prepared_kernel_writes_into_arrays_that_exist() -> None:
    x = np.arange(2048, dtype=np.float32)
    contender = prepared("copy", streaming_kernel.compile(x), (x,), "numpy")
    (result,) = contender.results()
    result[:] = -1
    contender.run()
    assert contender.results()[0] is result
    np.testing.assert_array_equal(result, x)


def test_the_suite_speaks_of_registered_kernels() -> None:
    suite = load_suite(own_suite(), ("numpy",))
    names = {entry.name for entry in discover_kernels()}
    assert suite.large.keys() <= names
    assert suite.rivals["numpy"].keys() <= names


def test_rivals_compute_what_the_kernels_compute() -> None:
    suite = load_suite(own_suite(), ("numpy",))
    for entry in discover_kernels():
        make = suite.rivals["numpy"].get(entry.name)
        for work in entry.of_size("small") if make else ():
            inputs = work.make_inputs(np.random.default_rng(0))
            rival = make(work, inputs) if make else None
            if rival is None or work.name in ("special", "no-rows"):
                continue
            rival.run()
            for got, want in zip(
                rival.results(), work.reference(inputs).values(), strict=False
            ):
                np.testing.assert_allclose(got, want.value, rtol=1e-3, atol=1e-5)


def test_an_unknown_rival_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="E4003"):
        load_suite(tmp_path, ("nobody",))


def test_a_rival_that_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "absent_rivals.py").write_text("import a_library_that_is_not_here\n")
    assert load_suite(tmp_path).rivals == {}
    with pytest.raises(ArgumentError, match="installed"):
        load_suite(tmp_path, ("absent",))
