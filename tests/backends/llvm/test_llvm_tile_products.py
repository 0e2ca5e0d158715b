"""Products in tile registers, on processors that have them: exact, for every edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from tiledsl_llvm.launches import emit_function
from tiledsl_llvm.machine import host_machine, named_machine
from tiledsl_llvm.tile_registers import Block, split

from tiledsl.ir.parser import parse_function

Same = Callable[..., list[np.ndarray]]
CARRIERS = {
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
}
SHAPES = [
    (1, 1, 16),
    (1, 40, 32),
    (16, 16, 64),
    (17, 33, 65),
    (32, 32, 32),
    (31, 16, 96),
    (48, 20, 130),
    (70, 67, 64),
    (33, 18, 300),  # two chunks of words of bfloat16, one of bytes
    (5, 40, 1050),
]
TRIPLES = [
    ("bfloat16", "bfloat16", "float32"),
    ("bfloat16", "bfloat16", "bfloat16"),
    ("float8_e4m3fn", "float8_e5m2", "float32"),
    ("int8", "int8", "int32"),
    ("int8", "uint8", "int32"),
    ("uint8", "int8", "int32"),
    ("uint8", "uint8", "int32"),
]


def program(m: int, n: int, k: int, dtypes: tuple[str, str, str], **change: str) -> str:
    """C += A B, B transposed or not, in a tile that the sums start from."""
    a, b, c = dtypes
    transposed = "transposed" in change
    size = f"{n}, {k}" if transposed else f"{k}, {n}"
    box = ", ".join(f"!0 +: {extent}" for extent in size.split(", "))
    turn = ".T" if transposed else ""
    product = f"A[!0 +: {m}, !0 +: {k}] @ B[{box}]{turn}"
    clear = change.get("clear", "false")
    return f"""
        func f(A: {a}[{m}, {k}], B: {b}[{size}], C: {c}[{m}, {n}])
          launch (bx: 1) threads 1
            alloc fragment c: {c}[{m}, {n}]
            copy C[!0 +: {m}, !0 +: {n}] -> c[!0 +: {m}, !0 +: {n}] shape ({m}, {n})
            gemm c[!0 +: {m}, !0 +: {n}] += {product} clear {clear}
            copy c[!0 +: {m}, !0 +: {n}] -> C[!0 +: {m}, !0 +: {n}] shape ({m}, {n})
        """


def values(generator: np.random.Generator, dtype: str, *shape: int) -> np.ndarray:
    if dtype in ("int8", "uint8"):
        kind = np.iinfo(dtype)
        return generator.integers(kind.min, kind.max, shape, dtype, endpoint=True)
    low, high = (-4, 5)
    drawn = generator.integers(low, high, shape)
    return drawn.astype(CARRIERS.get(dtype, dtype))


@pytest.fixture
def tiles() -> None:
    if not host_machine().has_tile_products:
        pytest.skip("this processor has no tile registers")


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("dtypes", TRIPLES, ids="-".join)
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_exact_products(
    same: Same, m: int, n: int, k: int, dtypes: tuple[str, str, str]
) -> None:
    generator = np.random.default_rng(1)
    for transposed, clear in [(False, "bx == 0"), (True, "bx == 1")]:
        a = values(generator, dtypes[0], m, k)
        b = values(generator, dtypes[1], *((n, k) if transposed else (k, n)))
        c = values(generator, dtypes[2], m, n)
        change = {"transposed": "yes"} if transposed else {}
        (_, _, got) = same(program(m, n, k, dtypes, clear=clear, **change), a, b, c)
        right = (b.T if transposed else b).astype(np.float64)
        begin = 0 if clear == "bx == 0" else c.astype(np.float64)
        expected = begin + a.astype(np.float64) @ right
        np.testing.assert_array_equal(got, expected.astype(got.dtype))


@pytest.mark.usefixtures("tiles")
@pytest.mark.parametrize("clear", ["true", "false"])
def test_unwritten_tiles_are_cleared(same: Same, clear: str) -> None:
    generator = np.random.default_rng(2)
    dtypes = ("bfloat16", "bfloat16", "float32")
    a, b = (values(generator, "bfloat16", 33, 33) for _ in range(2))
    c = np.full((33, 33), np.nan if clear == "true" else 3.0, np.float32)
    (_, _, got) = same(program(33, 33, 33, dtypes, clear=clear), a, b, c)
    assert np.isfinite(got).all()


@pytest.mark.usefixtures("tiles")
def test_infinity_and_nan_stay_in_their_rows(same: Same) -> None:
    # what fills up a row of k is zero in both operands
    generator = np.random.default_rng(3)
    a, b = (values(generator, "bfloat16", 20, 20) for _ in range(2))
    a[3, 19], a[5, 0], b[19, 7] = np.inf, np.nan, -np.inf
    c = np.zeros((20, 20), np.float32)
    same(program(20, 20, 20, ("bfloat16", "bfloat16", "float32")), a, b, c)


def test_the_unit_follows_from_the_target() -> None:
    text = program(32, 32, 64, ("bfloat16", "bfloat16", "float32"))
    margin = " " * 8
    lines = [line.removeprefix(margin) for line in text.splitlines() if line.strip()]
    function = parse_function("\n".join(["tiledsl.ir 1", *lines]) + "\n")
    plain = named_machine("x86-64-v4")
    with_tiles = replace(
        plain, features=plain.features | {"amx-tile", "amx-bf16", "amx-int8"}
    )
    assert "tdpbf16ps" in emit_function(function, with_tiles).text
    for machine in (plain, named_machine("x86-64-v3"), named_machine("aarch64")):
        assert "amx" not in emit_function(function, machine).text
        assert "tdp" not in emit_function(function, machine).text


def test_ranges_of_registers() -> None:
    assert split(96, 16) == [(0, 96, (16, 16))]
    assert split(57, 16) == [(0, 32, (16, 16)), (32, 57, (16, 9))]
    assert split(3, 16) == [(0, 3, (3,))]
    for extent in range(1, 100):
        covered = 0
        for first, end, parts in split(extent, 16):
            assert first == covered
            assert (end - first) % sum(parts) == 0
            covered = end
        assert covered == extent


def test_configuration() -> None:
    block = Block((16, 3), (5,))
    words = block.configuration
    assert len(words) == 64
    assert words[0] == 1
    rows, row_bytes = words[48:56], words[16:32:2]
    # sums 0 and 2, left 4 and 5, right 6
    assert list(rows) == [16, 0, 3, 0, 16, 3, 16, 0]
    assert list(row_bytes) == [20, 0, 20, 0, 64, 64, 20, 0]
