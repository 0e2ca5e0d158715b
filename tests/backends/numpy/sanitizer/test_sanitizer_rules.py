"""What is excused, what is a note, and what does not count as a fault."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tiledsl.diagnostics import CheckReport, Finding

Check = Callable[..., CheckReport]


def _floats(*shape: int) -> np.ndarray:
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)


def _only(report: CheckReport) -> Finding:
    (found,) = report.findings
    return found


COPY_TAIL = """
    func f[n](X: float32[n], Y: float32[n]) -> (Y)
      launch (b: (n + 3) // 4) threads 1
        alloc shared s: float32[4]
        copy X[b * 4 +: 4] -> s[0 +: 4] shape (4)
        copy s[0 +: 4] -> Y[b * 4 +: 4] shape (4)
"""
LOOP_TAIL = """
    func f[n](X: float32[n], Y: float32[n]) -> (Y)
      launch (b: (n + 3) // 4) threads 1
        parallel (i: 4)
          let j: index = b * 4 + i
          Y[j] = X[j]
"""
SERIAL_TAIL = """
    func f[n](X: float32[n], Y: float32[n]) -> (Y)
      launch (b: (n + 3) // 4) threads 1
        for serial i in 0 .. 4 step 1
          Y[b * 4 + i] = X[b * 4 + i]
"""


@pytest.mark.parametrize("text", [COPY_TAIL, LOOP_TAIL, SERIAL_TAIL])
def test_tails_are_notes_unless_strict(check: Check, text: str) -> None:
    assert not check(text, _floats(8)).findings
    report = check(text, _floats(7))
    assert report.ok
    assert {found.kind for found in report.notes} == {"tail"}
    assert len(report.notes) == 2
    strict = check(text, _floats(7), strict=True)
    assert {found.code for found in strict.errors} == {"E5010"}


@pytest.mark.parametrize(
    ("access", "ok"),
    [
        ("X[i - 2]", False),
        ("X[i - 2; fill 0.0]", True),
        ("select(i >= 5, X[i - 9], 0.0)", True),
    ],
)
def test_safe_values_and_conditions_excuse_wild_reads(
    check: Check, access: str, ok: bool
) -> None:
    text = f"""
        func f(X: float32[9], Y: float32[9]) -> (Y)
          launch (b: 1) threads 1
            parallel (i: 9)
              Y[i] = {access}
    """
    report = check(text, _floats(9))
    assert report.ok == ok
    assert _only(report).kind == "wild"


def test_lazy_selects_and_branches_mask_accesses(check: Check) -> None:
    report = check(
        """
        func f(X: float32[9], Y: float32[9]) -> (Y)
          launch (b: 1) threads 1
            parallel (i: 9)
              if i >= 2
                Y[i] = X[i - 2]
              else
                Y[i] = select(i > 5, X[0 - i], 1.0)
        """,
        _floats(9),
    )
    assert not report.findings


def test_writes_of_equal_bits_do_not_race(check: Check) -> None:
    text = """
        func f(Y: float32[3])
          launch (b: 4) threads 1
            fill Y[0 +: 3] = {}
            parallel (i: 6)
              Y[i // 2] = {}
    """
    assert check(text.format("1.0", "1.0"), _floats(3)).ok
    report = check(text.format("1.0", "float32(i // 2)"), _floats(3))
    assert {found.code for found in report.errors} == {"E5012"}
    report = check(text.format("1.0", "float32(i)"), _floats(3))
    assert {found.code for found in report.errors} == {"E5012", "E5013"}


def test_equal_writes_race_with_reads(check: Check) -> None:
    text = """
        func f(Y: float32[3], Z: float32[4]) -> (Z)
          launch (b: 4) threads 1
            fill Y[0 +: 3] = 1.0
            Z[b] = Y[0]
    """
    assert [found.code for found in check(text, _floats(3)).errors] == ["E5012"] * 2


def test_launches_and_loops_are_ordered(check: Check) -> None:
    report = check(
        """
        func f(X: float32[4], Y: float32[4])
          launch (b: 4) threads 1
            Y[b] = X[b]
          launch (c: 4) threads 1
            X[c] = Y[3 - c]
            parallel (i: 1)
              Y[3 - c] = X[c]
            parallel (j: 1)
              Y[3 - c] = X[c] + 1.0
        """,
        _floats(4),
        _floats(4),
    )
    assert not report.findings


def test_private_buffers_do_not_race_but_are_undefined(check: Check) -> None:
    text = """
        func f(X: float32[5], Y: float32[5]) -> (Y)
          launch (b: 1) threads 1
            alloc local v: float32[2]
            parallel (i: 5)
              v[0] = X[i]
              Y[i] = v[{}]
    """
    assert not check(text.format(0), _floats(5)).findings
    found = _only(check(text.format("i % 2"), _floats(5)))
    assert (found.code, found.count) == ("E5011", 2)
    assert [sample.index for sample in found.samples] == [(1,), (1,)]
    assert [sample.loops for sample in found.samples] == [(("i", 1),), (("i", 3),)]


def test_iterations_share_an_accumulator(check: Check) -> None:
    report = check(
        """
        func f(X: float32[5], Y: float32[1])
          launch (b: 1) threads 1
            parallel (i: 5)
              Y[0] sum= X[i]
        """,
        _floats(5),
        _floats(1),
    )
    assert not report.findings


def test_results_that_depend_on_the_order(check: Check) -> None:
    report = check(
        """
        func f(Y: int64[1])
          launch (b: 5) threads 1
            Y[0] = Y[0] * 2:int64 + int64(b)
        """,
        np.zeros(1, np.int64),
    )
    orders = [found for found in report.errors if found.code == "E5021"]
    assert len(orders) == 2
    assert "E5012" in [found.code for found in report.errors]


def test_the_results_of_a_check_are_those_of_a_call(check: Check) -> None:
    y = np.array([1, 2, 3], np.float32)
    check(
        """
        func f(Y: float32[3])
          launch (b: 3) threads 1
            Y[b] = Y[b] * 2.0
        """,
        y,
    )
    assert y.tolist() == [2, 4, 6]


def test_arguments_that_share_memory(check: Check) -> None:
    text = """
        func f(X: float32[3], Y: float32[3])
          launch (b: 3) threads 1
            Y[b] = X[b]
    """
    x = _floats(4)
    assert _only(check(text, x[1:], x[:3])).code == "E5015"
    assert not check(text, x[1:], _floats(3)).findings


def test_conditions_of_while_loops_are_checked_each_time(check: Check) -> None:
    text = """
        func f(X: int32[4], Y: int32[1]) -> (Y)
          launch (b: 1) threads 1
            alloc local n: index[]
            n[] = 0
            while {}
              n[] = n[] + 1
            Y[0] = int32(n[])
    """
    inside = "select(n[] < 4, X[n[]] > 0:int32, false)"
    x = np.ones(4, np.int32)
    assert not check(text.format(inside), x).findings
    found = _only(check(text.format("X[n[]] > 0:int32"), x))
    assert (found.code, found.count, found.samples[0].index) == ("E5010", 1, (4,))


def test_tiles_of_a_loop_over_data_are_wild(check: Check) -> None:
    text = """
        func f(X: float32[4], E: int32[1], Y: float32[4]) -> (Y)
          launch (b: 1) threads 1
            fill Y[0 +: 4] = 0.0
            for serial i in 0 .. {} step 1
              Y[i % 4] = X[i]
    """
    ends = np.array([6], np.int32)
    assert _only(check(text.format("6"), _floats(4), ends)).kind == "tail"
    found = _only(check(text.format("index(E[0])"), _floats(4), ends))
    assert (found.severity, found.kind, found.count) == ("error", "wild", 2)


def test_empty_arrays_and_grids(check: Check) -> None:
    assert not check(COPY_TAIL, _floats(0)).findings
    assert not check(LOOP_TAIL, _floats(0)).findings


def test_a_scalar_buffer(check: Check) -> None:
    report = check(
        """
        func f(N: int32[], Y: int32[]) -> (Y)
          launch (b: 1) threads 1
            alloc shared s: int32[]
            parallel (i: 3)
              s[] = N[]
            Y[] = s[]
        """,
        np.array(3, np.int32),
    )
    assert not report.findings


def test_iterations_far_apart_race(check: Check) -> None:
    # so many that the interpreter takes them in parts
    text = """
        func f(Y: float32[360000])
          launch (b: 1) threads 1
            parallel (i: 600, j: 600)
              Y[(i * 600 + j) % {}] = float32(i)
    """
    assert not check(text.format(360000), _floats(360000)).findings
    found = _only(check(text.format(359999), _floats(360000)))
    assert (found.code, found.count) == ("E5013", 1)
    (sample,) = found.samples
    assert (sample.index, dict(sample.loops)) == ((0,), {"i": 599, "j": 599})


def test_lanes_that_left_a_loop_make_no_accesses(check: Check) -> None:
    text = """
        func f(X: float32[6], Y: float32[6]) -> (Y)
          launch (b: 1) threads 1
            parallel (i: 6)
              Y[i] = 0.0
              for serial k in 0 .. i + 3 step 1
                if i + k {} 6
                  break
                Y[i] = Y[i] + X[i + k]
    """
    assert not check(text.format(">="), _floats(6)).findings
    found = _only(check(text.format(">"), _floats(6)))
    assert (found.code, found.kind, found.count) == ("E5010", "tail", 4)
    assert {sample.index for sample in found.samples} == {(6,)}


def test_each_operand_of_a_product_is_read(check: Check) -> None:
    text = """
        func f(C: float32[2, 2]) -> (C)
          launch (b: 1) threads 1
            alloc shared a: float32[2, 3]
            alloc shared b: float32[3, 2]
            {}
            gemm C[0 +: 2, 0 +: 2] += a[0 +: 2, 0 +: 3] @ b[0 +: 3, 0 +: 2] clear true
    """
    fill = {"a": "fill a[0 +: 2, 0 +: 3] = 1.0", "b": "fill b[0 +: 3, 0 +: 2] = 1.0"}
    both = "\n            ".join(fill.values())
    assert not check(text.format(both).replace("(b: 1)", "(z: 1)")).findings
    for filled, missing in (("a", "b"), ("b", "a")):
        found = _only(check(text.format(fill[filled]).replace("(b: 1)", "(z: 1)")))
        assert (found.code, found.buffer, found.count) == ("E5011", missing, 6)


def test_findings_are_merged_by_place(check: Check) -> None:
    report = check(
        """
        func f(X: float32[4], Y: float32[4]) -> (Y)
          launch (b: 4) threads 1
            Y[b] = X[b - 9] + X[b - 8]
        """,
        _floats(4),
    )
    assert sum(found.count for found in report.errors) == 8
    assert all(len(found.samples) == 3 for found in report.errors)
