"""Seeded faults of every class are found, and their sound twins are not blamed.

A case is a text with a place for what is wrong in one twin and right in the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tiledsl.diagnostics import CheckReport

Check = Callable[..., CheckReport]
SEEDS = 12


@dataclass(frozen=True)
class Case:
    """``text`` with ``sound`` or ``faulty`` at its @; found by an error or a note."""

    code: str
    text: str
    sound: str
    faulty: str
    inputs: tuple[object, ...] = ()
    severity: str = "error"

    def twin(self, part: str) -> str:
        margin = " " * 10
        body = "\n".join(margin + line for line in self.text.strip("\n").splitlines())
        return body.replace("@", part).replace("PROD", "@")


def _floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(1, 9, shape).astype(np.float32)


# ------------------------------------------------------------- 1 out of bounds


def read_below(rng: np.random.Generator) -> Case:
    n, back = (int(v) for v in rng.integers(3, 30, 2))
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = X[i - @]
"""
    return Case("E5010", text, "0", str(back), (_floats(rng, n),))


def gather_outside(rng: np.random.Generator) -> Case:
    n, m = (int(v) for v in rng.integers(2, 20, 2))
    ids = rng.integers(0, n, m).astype(np.int32)
    ids[rng.integers(m)] = rng.choice([-1, n, n + 5])
    text = f"""
func f(X: float32[{n}], I: int32[{m}], Y: float32[{m}]) -> (Y)
  launch (b: {m}) threads 1
    Y[b] = X[@]
"""
    inside = f"min(max(index(I[b]), 0), {n - 1})"
    return Case("E5010", text, inside, "index(I[b])", (_floats(rng, n), ids))


def write_beyond(rng: np.random.Generator) -> Case:
    n, bs = int(rng.integers(3, 40)), int(rng.integers(2, 9))
    text = f"""
func f(Y: float32[{n}])
  launch (b: @) threads 1
    fill Y[b * {bs} +: {bs}] = 1.0
"""
    blocks = -(-n // bs)
    return Case("E5010", text, str(blocks), str(blocks + 1), (_floats(rng, n),))


def tile_before_the_start(rng: np.random.Generator) -> Case:
    n, t = int(rng.integers(8, 40)), int(rng.integers(2, 8))
    shift = int(rng.integers(1, t + 3))
    text = f"""
func f(X: float32[{n}], Y: float32[{t}]) -> (Y)
  launch (b: 1) threads 1
    alloc shared s: float32[{t}]
    copy X[0 - @ +: {t}] -> s[0 +: {t}] shape ({t})
    copy s[0 +: {t}] -> Y[0 +: {t}] shape ({t})
"""
    return Case("E5010", text, "0", str(shift), (_floats(rng, n),))


def serial_index_of_data(rng: np.random.Generator) -> Case:
    n = int(rng.integers(3, 20))
    ends = np.array([n, n + int(rng.integers(1, 5))], np.int32)
    text = f"""
func f(X: float32[{n}], E: int32[2], Y: float32[1]) -> (Y)
  launch (b: 1) threads 1
    Y[0] = 0.0
    for serial i in 0 .. index(E[@]) step 1
      Y[0] = Y[0] + X[i]
"""
    return Case("E5010", text, "0", "1", (_floats(rng, n), ends))


# ----------------------------------------------------------- 2 undefined reads


def uncleared_accumulator(rng: np.random.Generator) -> Case:
    m, n, k = (int(v) for v in rng.integers(1, 9, 3))
    text = f"""
func f(A: float32[{m}, {k}], B: float32[{k}, {n}], C: float32[{m}, {n}]) -> (C)
  launch (b: 1) threads 1
    alloc fragment c: float32[{m}, {n}]
    gemm c[0 +: {m}, 0 +: {n}] += A[0 +: {m}, 0 +: {k}] PROD B[0 +: {k}, 0 +: {n}] clear @
    copy c[0 +: {m}, 0 +: {n}] -> C[0 +: {m}, 0 +: {n}] shape ({m}, {n})
"""
    values = (_floats(rng, m, k), _floats(rng, k, n))
    return Case("E5011", text, "true", "false", values)


def partly_filled_tile(rng: np.random.Generator) -> Case:
    n = int(rng.integers(3, 30))
    short = int(rng.integers(0, n))
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    alloc shared s: float32[{n}]
    parallel (i: @)
      s[i] = X[i]
    copy s[0 +: {n}] -> Y[0 +: {n}] shape ({n})
"""
    return Case("E5011", text, str(n), str(short), (_floats(rng, n),))


def workspace_before_it_is_written(rng: np.random.Generator) -> Case:
    n, at = int(rng.integers(2, 20)), int(rng.integers(0, 2))
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  alloc global W: float32[{n + 2}]
  launch (b: {n}) threads 1
    W[b] = X[b] * 2.0
  launch (c: {n}) threads 1
    Y[c] = W[@]
"""
    return Case("E5011", text, "c", f"c + {1 + at}", (_floats(rng, n),))


def tile_of_the_last_iteration(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 9))
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    for serial k in 0 .. {n} step 1
      alloc shared s: float32[1]
      if k @
        s[0] = X[k]
      Y[k] = s[0]
"""
    return Case("E5011", text, ">= 0", "== 0", (_floats(rng, n),))


def output_read_first(rng: np.random.Generator) -> Case:
    n = int(rng.integers(1, 20))
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = @
"""
    return Case("E5011", text, "X[i]", "Y[i] + X[i]", (_floats(rng, n),))


# --------------------------------------------------------- 3 races of blocks


def blocks_write_one_element(rng: np.random.Generator) -> Case:
    n, t = int(rng.integers(2, 20)), int(rng.integers(2, 5))
    text = f"""
func f(X: float32[{n}], Y: float32[{n * t}])
  launch (b: {n}) threads 1
    fill Y[b * @ +: {t}] = float32(b)
"""
    values = (_floats(rng, n), _floats(rng, n * t))
    return Case("E5012", text, str(t), str(t - 1), values)


def block_reads_its_neighbor(rng: np.random.Generator) -> Case:
    n, t = int(rng.integers(2, 12)), int(rng.integers(1, 5))
    text = f"""
func f(Y: float32[{n + 1}, {t}])
  launch (b: {n}) threads 1
    alloc shared s: float32[{t}]
    copy Y[b + @, 0 +: {t}] -> s[0 +: {t}] shape ({t})
    parallel (i: {t})
      Y[b, i] = s[i] + 1.0
"""
    return Case("E5012", text, "0", "1", (_floats(rng, n + 1, t),))


def blocks_share_a_total(rng: np.random.Generator) -> Case:
    n, t = int(rng.integers(2, 12)), int(rng.integers(1, 9))
    text = f"""
func f(X: float32[{n}, {t}], R: float32[{n}])
  launch (b: {n}) threads 1
    parallel (i: {t})
      R[@] sum= X[b, i]
"""
    return Case("E5012", text, "b", "b // 2", (_floats(rng, n, t), _floats(rng, n)))


# ----------------------------------------------------- 4 races of iterations


def iteration_reads_its_neighbor(rng: np.random.Generator) -> Case:
    n, step = int(rng.integers(8, 40)), int(rng.integers(1, 4))
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    alloc shared s: float32[{n}]
    copy X[0 +: {n}] -> s[0 +: {n}] shape ({n})
    parallel (i: {n - step})
      s[i] = s[i + @] + 1.0
    copy s[0 +: {n}] -> Y[0 +: {n}] shape ({n})
"""
    return Case("E5013", text, "0", str(step), (_floats(rng, n),))


def iterations_write_one_element(rng: np.random.Generator) -> Case:
    n, m = (int(v) for v in rng.integers(2, 9, 2))
    x = np.arange(n * m, dtype=np.float32).reshape(n, m)
    text = f"""
func f(X: float32[{n}, {m}], Y: float32[{n}, {m}]) -> (Y)
  launch (b: 1) threads 1
    fill Y[0 +: {n}, 0 +: {m}] = 0.0
    parallel (i: {n}, j: {m})
      Y[i, @] = X[i, j]
"""
    return Case("E5013", text, "j", "j // 2", (x,))


def iterations_scatter_by_data(rng: np.random.Generator) -> Case:
    n = int(rng.integers(3, 30))
    places = np.stack([rng.permutation(n), rng.permutation(n)]).astype(np.int32)
    a, b = rng.choice(n, 2, replace=False)
    places[1, a] = places[1, b]
    text = f"""
func f(X: float32[{n}], I: int32[2, {n}], Y: float32[{n}])
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[index(I[@, i])] = X[i]
"""
    x = np.arange(n, dtype=np.float32)
    return Case("E5013", text, "0", "1", (x, places, _floats(rng, n)))


# ----------------------------------------------------------------- 5 overlap


def overlapping_copy(rng: np.random.Generator) -> Case:
    t = int(rng.integers(2, 12))
    shift = int(rng.integers(1, t))
    text = f"""
func f(Y: float32[{2 * t}])
  launch (b: 1) threads 1
    copy Y[0 +: {t}] -> Y[@ +: {t}] shape ({t})
"""
    return Case("E5014", text, str(t), str(shift), (_floats(rng, 2 * t),))


# ------------------------------------------------------------- 6 arithmetic


def division_by_zero(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 20))
    op = str(rng.choice(["//", "%"]))
    d = rng.integers(1, 9, n).astype(np.int32)
    d[rng.integers(n)] = 0
    text = f"""
func f(X: int32[{n}], D: int32[{n}], Y: int32[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = X[i] {op} @
"""
    x = rng.integers(-99, 99, n).astype(np.int32)
    return Case("E5016", text, "max(D[i], 1:int32)", "D[i]", (x, d))


def overflowing_quotient(rng: np.random.Generator) -> Case:
    bits = int(rng.choice([8, 16, 32, 64]))
    n = int(rng.integers(2, 20))
    x = rng.integers(-99, 99, n).astype(f"int{bits}")
    x[rng.integers(n)] = np.iinfo(x.dtype).min
    text = f"""
func f(X: int{bits}[{n}], D: int{bits}[2], Y: int{bits}[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = X[i] // D[@]
"""
    return Case("E5016", text, "0", "1", (x, np.array([1, -1], x.dtype)))


def shift_by_too_much(rng: np.random.Generator) -> Case:
    n, op = int(rng.integers(2, 20)), str(rng.choice(["<<", ">>"]))
    count = rng.integers(0, 31, n).astype(np.int32)
    count[rng.integers(n)] = rng.choice([32, 99, -1])
    text = f"""
func f(X: int32[{n}], D: int32[{n}], Y: int32[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = X[i] {op} @
"""
    x = rng.integers(0, 2, n).astype(np.int32)
    return Case("E5016", text, "(D[i] & 31:int32)", "D[i]", (x, count))


# ------------------------------------------------------- 7 indices that wrap


def index_wraps(rng: np.random.Generator) -> Case:
    n, op = int(rng.integers(2, 20)), str(rng.choice(["*", "+"]))
    step = 2**31 - 1 - int(rng.integers(0, 5))
    text = f"""
func f(S: int32[2], X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      let k: int32 = (int32(i) + 6:int32) {op} S[@]
      Y[i] = select(k >= 0:int32, X[index(k) % {n}], 0.0)
"""
    steps = np.array([3, step], np.int32)
    return Case("E5017", text, "0", "1", (steps, _floats(rng, n)))


def index_is_narrowed(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 20))
    bits = int(rng.choice([8, 16]))
    far = (1 << bits) + int(rng.integers(0, 99))
    text = f"""
func f(Y: float32[{n}]) -> (Y)
  launch (b: {n}) threads 1
    Y[b] = float32(int{bits}(b + @))
"""
    return Case("E5017", text, "3", str(far))


# ----------------------------------------------- 8 to 11 results and conversions


def first_nan(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 20))
    x = _floats(rng, n)
    x[rng.integers(n)] = -1
    text = f"""
func f(X: float32[{n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = sqrt(@)
"""
    return Case("E5018", text, "abs(X[i])", "X[i]", (x,), "note")


def first_infinity(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 9))
    x = np.full((n, n), 3e38, np.float32)
    text = f"""
func f(X: float32[{n}, {n}], Y: float32[{n}]) -> (Y)
  launch (b: 1) threads 1
    reduce @ X[0 +: {n}, 0 +: {n}] axis 1 -> Y[0 +: {n}] clear
"""
    return Case("E5018", text, "max", "sum", (x,), "note")


def output_not_written(rng: np.random.Generator) -> Case:
    n, t = int(rng.integers(3, 40)), int(rng.integers(2, 9))
    text = f"""
func f(Y: float32[{n}]) -> (Y)
  launch (b: @) threads 1
    fill Y[b * {t} +: {t}] = 1.0
"""
    blocks = -(-n // t)
    return Case("E5019", text, str(blocks), str(blocks - 1))


def lossy_store(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 20))
    dtype = str(rng.choice(["int8", "int32", "float16", "float8_e4m3fn"]))
    loss = 0.5 if "int" in dtype and rng.integers(2) else 1e30
    x = _floats(rng, 2, n)
    x[1, rng.integers(n)] += loss
    text = f"""
func f(X: float32[2, {n}], Y: {dtype}[{n}]) -> (Y)
  launch (b: 1) threads 1
    copy X[@, 0 +: {n}] -> Y[0 +: {n}] shape ({n})
"""
    return Case("E5020", text, "0", "1", (x,), "note")


def overflow_of_8_bits(rng: np.random.Generator) -> Case:
    n = int(rng.integers(2, 20))
    dtype = str(rng.choice(["float8_e4m3fn", "float8_e5m2"]))
    x = _floats(rng, n)
    text = f"""
func f(X: float32[{n}], Y: {dtype}[{n}]) -> (Y)
  launch (b: 1) threads 1
    parallel (i: {n})
      Y[i] = {dtype}(X[i] * @)
"""
    return Case("E5020", text, "2.0", "65536.0", (x,), "note")


FAULTS = [
    read_below, gather_outside, write_beyond, tile_before_the_start,
    serial_index_of_data, uncleared_accumulator, partly_filled_tile,
    workspace_before_it_is_written, tile_of_the_last_iteration, output_read_first,
    blocks_write_one_element, block_reads_its_neighbor, blocks_share_a_total,
    iteration_reads_its_neighbor, iterations_write_one_element,
    iterations_scatter_by_data, overlapping_copy, division_by_zero,
    overflowing_quotient, shift_by_too_much, index_wraps, index_is_narrowed,
    first_nan, first_infinity, output_not_written, lossy_store, overflow_of_8_bits,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_seeded_faults(
    check: Check, fault: Callable[[np.random.Generator], Case], seed: int
) -> None:
    case = fault(np.random.default_rng([seed, 7]))
    inputs = [v.copy() if isinstance(v, np.ndarray) else v for v in case.inputs]
    wrong = check(case.twin(case.faulty), *inputs)
    found = wrong.errors if case.severity == "error" else wrong.notes
    assert case.code in [each.code for each in found], str(wrong)
    inputs = [v.copy() if isinstance(v, np.ndarray) else v for v in case.inputs]
    right = check(case.twin(case.sound), *inputs)
    assert right.ok, str(right)
    if case.severity == "note":
        assert case.code not in [each.code for each in right.notes], str(right)
