"""Small functions that use one tile operation each, with data on which it is exact.

Sizes are odd, tiles reach over the edges of arrays, and sums of the data are small
integers, so that every legal order of evaluation gives the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.dtypes import WHOLE_DTYPES, DType
from tiledsl.ir.nodes import Function
from tiledsl.ir.ops import REDUCTIONS, SCALAR_OPS
from tiledsl.ir.parser import parse_function
from tiledsl.testing.accuracy.elementwise import Array, poisoned
from tiledsl.testing.accuracy.exact_values import from_codes
from tiledsl.testing.accuracy.patterns import source_codes
from tiledsl.testing.scalar_evaluator.conversion import convert, to_bits

Dtypes: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A function with its arguments; ``results`` names the constructs it writes.

    The last ``len(results)`` parameters are the results, one each.
    """

    function: Function
    values: tuple[Array, ...]
    results: tuple[tuple[str, Dtypes], ...]


def copies(source: DType) -> Trial:
    """Copies to every dtype, through a tile that reaches beyond both arrays."""
    lines = [
        "launch (b: 3) threads 64",
        f"  alloc shared t: {source}[16, 32]",
        "  copy X[b * 16 +: 16, 0 +: 32] -> t[0 +: 16, 0 +: 32] shape (16, 32)",
    ]
    lines += [
        f"  copy t[0 +: 16, 0 +: 32] -> Y{k}[b * 16 +: 16, 2 +: 29] shape (16, 32)"
        for k in range(len(WHOLE_DTYPES))
    ]
    rng = np.random.default_rng(50)
    codes = rng.choice(source_codes(source, "small"), (37, 21))
    params = [f"X: {source}[37, 21]"]
    params += [f"Y{k}: {target}[45, 30]" for k, target in enumerate(WHOLE_DTYPES)]
    outputs = [poisoned((45, 30), target) for target in WHOLE_DTYPES]
    names = tuple(("copy", (str(source), str(target))) for target in WHOLE_DTYPES)
    x = from_codes(codes.ravel(), source).reshape(codes.shape)
    return Trial(_function(params, lines), (x, *outputs), names)


def fills(dtype: DType) -> Trial:
    """A part of an array, and a part of a tile, set to a value."""
    value = np.array(2.0 if dtype.is_float else 1).astype(dtype.as_numpy())
    lines = [
        "launch (b: 2) threads 64",
        "  if b == 0",
        "    fill Y0[1 +: 3, 2 +: 5] = S[0]",
        "  else",
        f"    alloc shared t: {dtype}[4, 9]",
        "    fill t[0 +: 4, 0 +: 9] = S[1]",
        "    fill t[1 +: 2, 3 +: 4] = S[0]",
        "    copy t[0 +: 4, 0 +: 9] -> Y1[0 +: 4, 0 +: 9] shape (4, 9)",
    ]
    params = [f"S: {dtype}[2]", f"Y0: {dtype}[5, 8]", f"Y1: {dtype}[3, 9]"]
    last = from_codes(source_codes(dtype, "small")[-1:], dtype)
    given = np.concatenate([value.reshape(1), last])
    outputs = (poisoned((5, 8), dtype), poisoned((3, 9), dtype))
    names = (("fill global", (str(dtype),)), ("fill tile", (str(dtype),)))
    return Trial(_function(params, lines), (given, *outputs), names)


def gemms(a: DType, b: DType, c: DType) -> Trial:
    """All transpositions, onto zero and onto an old value."""
    m, n, k = 5, 7, 3
    params, lines, values = [], ["launch (z: 1) threads 128"], []
    outputs, names = [], []
    for number, (ta, tb) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        shapes = {"a": (k, m) if ta else (m, k), "b": (n, k) if tb else (k, n)}
        for name, dtype in (("a", a), ("b", b)):
            rows, columns = shapes[name]
            upper, lower = f"{name.upper()}{number}", f"{name}{number}"
            box = f"[0 +: {rows}, 0 +: {columns}]"
            params.append(f"{upper}: {dtype}[{rows}, {columns}]")
            values.append(_small(dtype, (rows, columns), 60 + number))
            lines.append(f"  alloc shared {lower}: {dtype}[{rows}, {columns}]")
            lines.append(
                f"  copy {upper}{box} -> {lower}{box} shape ({rows}, {columns})"
            )
        box = f"[0 +: {m}, 0 +: {n}]"
        clear = number in (0, 3)
        left = f"a{number}[0 +: {shapes['a'][0]}, 0 +: {shapes['a'][1]}]"
        right = f"b{number}[0 +: {shapes['b'][0]}, 0 +: {shapes['b'][1]}]"
        lines += [
            f"  alloc fragment c{number}: {c}[{m}, {n}]",
            f"  copy C{number}{box} -> c{number}{box} shape ({m}, {n})",
            f"  gemm c{number}{box} += {left}{'.T' * ta} @ {right}{'.T' * tb}"
            f" clear {str(clear).lower()}",
            f"  copy c{number}{box} -> C{number}{box} shape ({m}, {n})",
        ]
        outputs.append((f"C{number}: {c}[{m}, {n}]", _small(c, (m, n), 70)))
        names.append(("gemm", (str(a), str(b), str(c))))
    params += [text for text, _ in outputs]
    values += [value for _, value in outputs]
    return Trial(_function(params, lines), tuple(values), tuple(names))


def reductions_into(target: DType) -> tuple[str, ...]:
    """Reductions that can be carried in a target's evaluation dtype."""
    carried = target.evaluation
    return tuple(
        name for name, op in REDUCTIONS.items() if SCALAR_OPS[op].accepts(carried)
    )


def reductions(source: DType, target: DType) -> Trial:
    """Every reduction of a pair, along both axes, onto the identity and an old value."""
    rows, columns = 5, 6
    params = [f"X: {source}[{rows}, {columns}]"]
    lines = [
        "launch (b: 1) threads 64",
        f"  alloc fragment t: {source}[{rows}, {columns}]",
        f"  copy X[0 +: {rows}, 0 +: {columns}] -> t[0 +: {rows}, 0 +: {columns}]"
        f" shape ({rows}, {columns})",
    ]
    values = [_reducible(source, (rows, columns))]
    names: list[tuple[str, Dtypes]] = []
    for name in reductions_into(target):
        extremal = target.evaluation.is_float and name in ("max", "min", "absmax")
        for flag in ("", " nan_propagate") if extremal else ("",):
            for axis, clear in ((0, " clear"), (1, "")):
                k, kept = len(names), columns if axis == 0 else rows
                params.append(f"Y{k}: {target}[{kept}]")
                lines += [
                    f"  alloc fragment r{k}: {target}[{kept}]",
                    f"  copy Y{k}[0 +: {kept}] -> r{k}[0 +: {kept}] shape ({kept})",
                    f"  reduce {name} t[0 +: {rows}, 0 +: {columns}] axis {axis} ->"
                    f" r{k}[0 +: {kept}]{clear}{flag}",
                    f"  copy r{k}[0 +: {kept}] -> Y{k}[0 +: {kept}] shape ({kept})",
                ]
                values.append(_small(target, (kept,), 80))
                names.append((f"reduce {name}{flag}", (str(source), str(target))))
    return Trial(_function(params, lines), tuple(values), tuple(names))


def accumulations(dtype: DType, scope: str) -> Trial:
    """Every reduction statement, several iterations to an element."""
    carried, count = dtype.evaluation, 23
    params, values = [f"X: {carried}[{count}]"], [_reducible(carried, (count,))]
    lines = ["launch (b: 1) threads 64"]
    names: list[tuple[str, Dtypes]] = []
    for name in [n for n in reductions_into(dtype) if not n.startswith("abs")]:
        k = len(names)
        params.append(f"Y{k}: {dtype}[4]")
        values.append(_small(dtype, (4,), 90))
        place = f"Y{k}"
        if scope != "global":
            place = f"r{k}"
            lines.append(f"  alloc {scope} r{k}: {dtype}[4]")
            lines.append(f"  copy Y{k}[0 +: 4] -> r{k}[0 +: 4] shape (4)")
        lines.append(f"  parallel (i{k}: {count})")
        lines.append(f"    {place}[i{k} % 4] {name}= X[i{k}]")
        if scope != "global":
            lines.append(f"  copy r{k}[0 +: 4] -> Y{k}[0 +: 4] shape (4)")
        names.append((f"accumulate {name}, {scope}", (str(dtype),)))
    return Trial(_function(params, lines), tuple(values), tuple(names))


def _function(params: Sequence[str], lines: Sequence[str]) -> Function:
    body = "\n".join(f"  {line}" for line in lines)
    text = f"tiledsl.ir 1\nfunc f({', '.join(params)})\n{body}\n"
    return parse_function(text, settle_claims=recheck_claims)


def _small(dtype: DType, shape: tuple[int, ...], seed: int) -> Array:
    """Integers from -2 to 2, or what of them the dtype has."""
    low = 1 if dtype == "float8_e8m0fnu" else -2 if dtype.is_signed else 0
    high = 2 if dtype.kind == "bool" else 3
    numbers = np.random.default_rng(seed).integers(low, high, shape)
    return _array(numbers.ravel().tolist(), dtype).reshape(shape)


def _reducible(dtype: DType, shape: tuple[int, ...]) -> Array:
    """Small integers; in floats also a NaN and zeros of both signs."""
    values = _small(dtype, shape, 95)
    if dtype.is_float and dtype != "float8_e8m0fnu":
        values.flat[: shape[-1] - 1] = np.array(0.0).astype(values.dtype)
        values.flat[1] = -values.flat[0]
    if dtype.is_float:
        values.flat[-1] = np.array(np.nan).astype(values.dtype)
    return values


def _array(numbers: Sequence[int], dtype: DType) -> Array:
    codes = [
        to_bits(convert(float(x) if dtype.is_float else x, dtype), dtype)
        for x in numbers
    ]
    return from_codes(np.array(codes, np.uint64), dtype)
