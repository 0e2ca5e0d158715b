"""autotune and AutoTuner: what is measured, checked, kept (rules L107, L110, C27)."""

from __future__ import annotations

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import ArgumentError
from tiledsl.tune import measuring
from tiledsl.tune.inputs import set_autotune_inputs
from tiledsl.tune.tuner import AutoTuner

FAST = {"warmup": 1, "rep": 1}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path))


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often something was timed; each time is less than the one before."""
    calls: list[int] = []

    def bench(fn: object, *_: object) -> float:
        fn()
        calls.append(len(calls))
        return 100.0 - len(calls)

    monkeypatch.setattr(measuring, "do_bench", bench)
    return calls


def build(N, rows=1, wrong=0):
    assert rows != 3
    if wrong == "raises":
        raise RuntimeError("of the user")

    @T.prim_func
    def main(X: T.Tensor((N,), "int32"), Y: T.Tensor((N,), "int32")):
        with T.Kernel(T.ceildiv(N, rows)) as bx:
            for i in T.Parallel(rows):
                Y[bx * rows + i] = X[bx * rows + i] + 1 + wrong

    return main


def tuned(configs: object, **options: object) -> object:
    return tiledsl.autotune(configs=configs, **FAST, **options)(
        tiledsl.jit(out_idx=-1)(build)
    )


X = np.arange(7, dtype=np.int32)


def test_the_best_of_those_that_are_right(timed: list[int]) -> None:
    configs = [
        {"rows": 1, "wrong": 0},
        {"rows": 2, "wrong": 0},
        {"rows": 2, "wrong": 1},
        {"rows": 3, "wrong": 0},
        {"rows": 4, "wrong": "raises"},
        {"rows": 4, "no_such_parameter": 1},
    ]
    function = tuned(configs)
    result = function.tune(7)
    assert result.config == configs[1] and result.kernel.latency == 98
    assert [failure.config for failure in result.failures] == configs[2:]
    reasons = " ".join(failure.reason for failure in result.failures)
    for word in ("E5091", "AssertionError", "of the user", "no_such_parameter"):
        assert word in reasons
    assert function(7) is result.kernel and len(timed) == 2
    assert function(7)(X).tolist() == (X + 1).tolist()
    assert result.kernel.config["rows"] == 2 and "define" in result.libcode


def test_nothing_is_measured_unasked(timed: list[int]) -> None:
    function = tuned({"rows": [1, 2], "wrong": [0]})
    assert function(7, 4, 0)(X).tolist() == (X + 1).tolist()
    assert function(7, rows=1, wrong=0).latency is None
    assert not timed
    assert function(7, rows=2).config["rows"] == 2  # what is given stays
    assert len(timed) == 1


def test_a_reference_program(timed: list[int]) -> None:
    function = tuned([{"wrong": 1}, {"wrong": 0}], ref_prog=lambda x: x + 2)
    result = function.tune(7)
    assert result.config == {"wrong": 1} and len(result.failures) == 1
    assert result.ref_latency is not None
    with pytest.raises(ArgumentError, match="E0706"):
        tuned([{"wrong": 1}, {"wrong": 0}], ref_prog=lambda x: x)(7)


def test_checks_can_be_replaced_or_skipped(timed: list[int]) -> None:
    assert tuned({"wrong": [0, 5]}, skip_check=True).tune(7).config == {"wrong": 5}
    seen: list[object] = []
    tuned({"wrong": [0, 5]}, manual_check_prog=lambda *parts: seen.append(parts))(7)
    assert len(seen) == 2 and len(timed) == 4


def test_what_was_found_is_kept_for_the_same_call_only(timed: list[int]) -> None:
    tuned({"rows": [1, 2]})(7)
    assert len(timed) == 2
    again = tuned({"rows": [1, 2]})(7)
    assert len(timed) == 2 and again.config["rows"] == 2 and again.latency == 98
    tuned({"rows": [1, 2]})(8)  # another size
    assert len(timed) == 4
    tuned({"rows": [1, 2, 4]})(7)  # other candidates
    assert len(timed) == 7
    tiledsl.disable_cache()
    try:
        tuned({"rows": [1, 2]})(7)
    finally:
        tiledsl.enable_cache()
    assert len(timed) == 9


def test_a_damaged_record_is_a_miss(timed: list[int], tmp_path: object) -> None:
    tuned({"rows": [1, 2]})(7)
    for file in tmp_path.rglob("*.entry"):
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.warns(match="W4002"):
        assert tuned({"rows": [1, 2]})(7).config["rows"] == 2
    assert len(timed) == 4


def test_inputs_of_the_caller(timed: list[int]) -> None:
    seen: list[object] = []

    def reference(x: np.ndarray) -> np.ndarray:
        seen.append(x.tolist())
        return x + 1

    with set_autotune_inputs([X]):
        tuned({"rows": [1]}, ref_prog=reference)(7)
    supply = tuned(
        {"rows": [1]},
        ref_prog=reference,
        supply_prog=lambda inputs: [X * 2 for _ in inputs],
    )
    supply(7)
    assert X.tolist() in seen and (X * 2).tolist() in seen


@tiledsl.autotune(**FAST)
@tiledsl.jit
def eager(X, rows=T.tunable("rows", [1, 2])):
    N = T.dynamic("N")
    X: T.Tensor((N,), "int32")
    with T.Kernel(T.ceildiv(N, rows)) as bx:
        for i in T.Parallel(rows):
            X[bx * rows + i] = X[bx * rows + i] + T.tunable("by", [1, 1 + 0])


def test_eager_calls_are_tuned_on_copies(timed: list[int]) -> None:
    mine = X.copy()
    assert eager(mine) is None
    assert mine.tolist() == (X + 1).tolist()  # once, however often it was measured
    eager(mine)
    assert mine.tolist() == (X + 2).tolist()
    count = len(timed)
    eager(np.zeros(20, np.int32))  # another shape
    assert len(timed) == 2 * count
    eager(mine, rows=1, tunables={"by": 1})
    assert len(timed) == 2 * count


def test_scalars_are_not_made_up(timed: list[int]) -> None:
    @tiledsl.autotune(configs={"rows": [1]}, **FAST)
    @tiledsl.jit
    def scaled(rows=1):
        @T.prim_func
        def main(X: T.Tensor((7,), "int32"), n: T.int32):
            T.fill(X, n)

        return main

    with pytest.raises(ArgumentError, match="auto-generated scalar inputs"):
        scaled()
    with set_autotune_inputs(X.copy(), 3):
        assert scaled().config == {"rows": 1}


def test_auto_tuner(timed: list[int]) -> None:
    def kernel(rows=None):
        return build(7, rows)

    tuner = AutoTuner.from_kernel(kernel=kernel, configs=[{"rows": 1}, {"rows": 2}])
    tuner = tuner.set_compile_args(out_idx=[-1], target="auto")
    tuner = tuner.set_profile_args(ref_prog=lambda x: x + 1, backend="event")
    best = tuner.run(warmup=1, rep=1, enable_grouped_compile=True)
    assert best.config == {"rows": 2} and best.latency == 98 and best.ref_latency == 97
    assert best.kernel(X).tolist() == (X + 1).tolist()


def test_fast_math_of_a_candidate(timed: list[int]) -> None:
    configs = [{"pass_configs": {"tl.enable_fast_math": on}} for on in (False, True)]
    result = tuned(configs).tune(7)
    assert result.kernel.function.fast_math


@pytest.mark.parametrize(
    "options", [{"rep": "x"}, {"warmup": -1}, {"unknown": 1}, {"supply_type": 3}]
)
def test_options(options: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match="E0706"):
        tiledsl.autotune(**options)


@pytest.mark.parametrize("configs", [[], 3, [1], "ab", {"rows": 3}, lambda *_: None])
def test_configs(configs: object) -> None:
    with pytest.raises(ArgumentError, match="E0706"):
        tuned(configs)(7)
    with pytest.raises(ArgumentError, match="E0704"):
        tiledsl.autotune(configs=[])(len)


def test_compile_gives_the_kernel_with_the_best_values(timed: list[int]) -> None:
    @tiledsl.autotune(configs={"rows": [1, 2, 4]}, **FAST)
    @tiledsl.jit
    def doubled(X, rows=None):
        n = T.const("n")
        X: T.Tensor((n,), "int32")
        Y = T.empty((n,), "int32")
        with T.Kernel(T.ceildiv(n, rows)) as bx:
            for i in T.Parallel(rows):
                Y[bx * rows + i] = X[bx * rows + i] * 2
        return Y

    kernel = doubled.compile(n=7)
    assert kernel.config == {"rows": 4} and len(timed) == 3
    np.testing.assert_array_equal(kernel(X), X * 2)
    assert doubled.compile(n=7) is kernel and len(timed) == 3
    np.testing.assert_array_equal(doubled.compile(n=7, rows=2)(X), X * 2)
    assert len(timed) == 3
    assert tuned({"rows": [1, 2]}).compile(7).config["rows"] == 2
