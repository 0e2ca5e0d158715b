"""Gemm: exact products, sums carried in c's dtype or, for 16-bit floats, in float32."""

from __future__ import annotations

import math

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import DType
from tiledsl_numpy import regions
from tiledsl_numpy.casts import cast
from tiledsl_numpy.expressions import evaluate
from tiledsl_numpy.frame import Frame

# multiplications in a product for which OpenBLAS starts no second thread
_ONE_THREAD = 1 << 18


def gemm(statement: ir.Gemm, frame: Frame) -> None:
    """Multiplies two regions and adds to, or replaces, a third."""
    target = statement.c
    carry = target.buffer.dtype.evaluation
    left = _operand(statement.a, statement.transpose_a, frame)
    right = _operand(statement.b, statement.transpose_b, frame)
    total = _product(left, right, carry)
    if not evaluate(statement.clear, frame):
        old = regions.read(target, total.shape, frame)
        total = np.add(cast(old, target.buffer.dtype, carry), total)
    regions.write(target, cast(total, carry, target.buffer.dtype), frame)


def _operand(region: ir.Region, transpose: bool, frame: Frame) -> np.ndarray:
    """A matrix in a dtype that holds its values exactly: float32 if it is narrow."""
    value = regions.read(region, regions.shape_of(region.shape, frame), frame)
    dtype = region.buffer.dtype
    wide = cast(value, dtype, dtype.evaluation)
    return wide.T if transpose else wide


def _product(left: np.ndarray, right: np.ndarray, carry: DType) -> np.ndarray:
    """The matrix product, in ``carry``; integers modulo 2**bits."""
    carrier = carry.as_numpy()
    depth = left.shape[1]
    if not carry.is_float and left.dtype.itemsize == right.dtype.itemsize == 1:
        # sums of products below 2**16 are exact in floats, whose product is fast
        wide = np.float32 if depth <= 2**8 else np.float64
        product = _blockwise(left.astype(wide), right.astype(wide))
        return product.astype(np.int64).astype(carrier)
    left, right = left.astype(carrier, copy=False), right.astype(carrier, copy=False)
    if not carry.is_float and carrier.itemsize == 4 and depth < 2**20:
        return _product_modulo(left, right)
    return _blockwise(left, right)


def _blockwise(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The product, in blocks of the result that a BLAS computes on one thread.

    So the bits do not depend on the number of threads, nor the time on other processes:
    a thread pool that waits for a busy core makes a small product a thousand times slower.
    """
    (rows, depth), columns = left.shape, right.shape[1]
    result = np.empty((rows, columns), left.dtype)
    work = _ONE_THREAD // max(depth, 1)
    width = max(1, min(columns, max(math.isqrt(work), work // max(rows, 1))))
    height = max(1, work // width)
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            block = slice(row, row + height), slice(column, column + width)
            np.matmul(left[block[0]], right[:, block[1]], out=result[block])
    return result


def _product_modulo(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A 32-bit product modulo 2**32 from products of 16-bit halves in float64."""
    carrier = left.dtype
    low_l, high_l = _halves(left)
    low_r, high_r = _halves(right)
    # the halves' sums stay below 2 * 2**32 * 2**20; the high halves' product is 0 here
    low = _blockwise(low_l, low_r).astype(np.uint64)
    middle = _blockwise(low_l, high_r) + _blockwise(high_l, low_r)
    total = low + (middle.astype(np.uint64) << np.uint64(16))
    result: np.ndarray = total.astype(np.uint32).view(carrier)
    return result


def _halves(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bits = value.view(np.uint32)
    low = (bits & np.uint32(0xFFFF)).astype(np.float64)
    return low, (bits >> np.uint32(16)).astype(np.float64)
