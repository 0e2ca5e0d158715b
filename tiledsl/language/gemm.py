"""``T.gemm`` (rules L66, L67)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tiledsl.diagnostics import KernelError
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import here
from tiledsl.frontend.operands import (
    Place,
    as_range,
    check_tile_statement,
    equal,
    on_whole_tensors,
    overlap,
    place,
    shown,
    static_extent,
)
from tiledsl.frontend.snapshots import refuse_reads
from tiledsl.frontend.values import ScalarLike, as_condition
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import At, Expr, Gemm, Region

_FLOAT8: Final = ("float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
_INT8: Final = ("int8", "uint8", "int4", "uint4")
_TRIPLES: Final = (
    "float16, float16 -> float16 or float32; bfloat16, bfloat16 -> bfloat16 or float32; "
    "float32, float32 -> float32; tfloat32, tfloat32 -> float32; "
    "float64, float64 -> float64; any of float8_e4m3fn, float8_e5m2, float4_e2m1fn -> "
    "float32, float16 or bfloat16; any of int8, uint8, int4, uint4 -> int32"
)

Tile = BufferRef | RegionRef


def gemm(
    A: Tile,
    B: Tile,
    C: Tile,
    transpose_A: bool = False,
    transpose_B: bool = False,
    policy: object = None,
    clear_accum: ScalarLike = False,
    k_pack: int = 1,
    wg_wait: int = 0,
    mbar: object = None,
    annotations: object = None,
    *,
    allow_tf32: bool = False,
) -> None:
    """``C += op(A) @ op(B)``, or ``C = op(A) @ op(B)`` where ``clear_accum`` holds.

    Operands are buffers or slices of rank 2 (or more, with leading extents of 1), any
    scope, any positive static sizes.  Sums are carried in C's dtype.  ``clear_accum`` may
    be a run-time bool.  ``policy``, ``k_pack``, ``wg_wait``, ``mbar`` and ``annotations``
    are hints.

    E0203: M, N or K disagree.  E0205: dtypes outside the table.  E0207: C overlaps A or B.
    E0208: a run-time extent.

    >>> import numpy as np, tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def outer_products(Q, K):
    ...     m, n, d = T.const("m, n, d")
    ...     Q: T.Tensor((m, d), "float32")
    ...     K: T.Tensor((n, d), "float32")
    ...     S = T.empty((m, n), "float32")
    ...     with T.Kernel(1):
    ...         q, k = T.alloc_shared((m, d)), T.alloc_shared((n, d))
    ...         scores = T.alloc_fragment((m, n))
    ...         T.copy(Q, q)
    ...         T.copy(K, k)
    ...         T.gemm(q, k, scores, transpose_B=True, clear_accum=True)
    ...         T.copy(scores, S)
    ...     return S
    >>> outer_products(np.eye(2, dtype=np.float32), np.ones((3, 2), np.float32))
    array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)
    """
    builder = check_tile_statement("gemm")
    parts = [place(x, "gemm", name) for x, name in ((A, "A"), (B, "B"), (C, "C"))]
    a, b, c = (_matrix(part, name) for part, name in zip(parts, "ABC", strict=True))
    _check_shapes(a, b, c, bool(transpose_A), bool(transpose_B))
    _check_dtypes(a.buffer.dtype, b.buffer.dtype, c.buffer.dtype)
    if overlap(a, c) or overlap(b, c):
        raise KernelError(
            "E0207", "T.gemm: C overlaps A or B", span=here(), got=c.buffer.name
        )
    clear = as_condition(clear_accum)
    if on_whole_tensors():
        refuse_reads([clear])
    builder.emit(
        Gemm(
            a,
            b,
            c,
            clear,
            bool(transpose_A),
            bool(transpose_B),
            bool(allow_tf32) or a.buffer.dtype == "tfloat32",
            span=here(),
        )
    )


def _matrix(part: Place, name: str) -> Region:
    """The region with exactly two ranges, the last two dimensions."""
    leading = part.extents[:-2]
    if (
        part.form == "point"
        or len(part.extents) < 2
        or any(static_extent(extent) != 1 for extent in leading)
    ):
        raise KernelError(
            "E0203",
            f"T.gemm: {name} is not a matrix",
            span=here(),
            expected="two extents, after leading ones of 1",
            got=f"{part.buffer.name}{shown(part.extents)}",
        )
    dims = part.region.dims
    rows, columns = as_range(dims[-2]), as_range(dims[-1])
    for extent in (rows.extent, columns.extent):
        if static_extent(extent) is None and not on_whole_tensors():
            raise KernelError(
                "E0208",
                f"T.gemm: {name} has a run-time extent",
                span=here(),
                got=f"{part.buffer.name}{shown(part.extents)}",
                hint="copy it to a static tile first: rows past the end are zero",
            )
    points = tuple(
        At(as_range(dim).start, dim.proved, span=dim.span) for dim in dims[:-2]
    )
    return replace(part.region, dims=(*points, rows, columns))


def _check_shapes(
    a: Region, b: Region, c: Region, transpose_a: bool, transpose_b: bool
) -> None:
    m, k = a.shape[::-1] if transpose_a else a.shape
    k_of_b, n = b.shape[::-1] if transpose_b else b.shape
    pairs: tuple[tuple[str, Expr, Expr], ...] = (
        ("K", k, k_of_b),
        ("M", m, c.shape[0]),
        ("N", n, c.shape[1]),
    )
    wrong = [name for name, one, other in pairs if equal(one, other) is not True]
    if wrong:
        left, right = ("A^T" if transpose_a else "A"), ("B^T" if transpose_b else "B")
        raise KernelError(
            "E0203",
            f"T.gemm: {', '.join(wrong)} disagree in C += {left} @ {right}",
            span=here(),
            expected="A (M, K), B (K, N) and C (M, N), A and B as transposed",
            got=f"A {shown(a.shape)}, B {shown(b.shape)}, C {shown(c.shape)}",
            hint="transpose_A and transpose_B take tiles stored (K, M) and (N, K)",
        )


def _check_dtypes(a: DType, b: DType, c: DType) -> None:
    allowed: tuple[str, ...] = ()
    if a == b and a in ("float16", "bfloat16"):
        allowed = (str(a), "float32")
    elif a == b and a in ("float32", "float64"):
        allowed = (str(a),)
    elif a == b == "tfloat32":
        allowed = ("float32",)
    elif a in _FLOAT8 and b in _FLOAT8:
        allowed = ("float32", "float16", "bfloat16")
    elif a in _INT8 and b in _INT8:
        allowed = ("int32",)
    if c not in allowed:
        raise KernelError(
            "E0205",
            "T.gemm does not take these dtypes",
            span=here(),
            expected=_TRIPLES,
            got=f"{a}, {b} -> {c}",
        )
