"""Sort: positions in a total order of the bits, in which equal elements keep theirs."""

from __future__ import annotations

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import DType
from tiledsl_numpy import regions
from tiledsl_numpy.casts import cast
from tiledsl_numpy.frame import Frame


def sort(statement: ir.Sort, frame: Frame) -> None:
    """Writes the first positions of each line in order."""
    source, target = statement.source, statement.target
    shape = regions.shape_of(source.shape, frame)
    value = regions.read(source, shape, frame)
    keys = order_keys(value, source.buffer.dtype, descending=statement.descending)
    order = np.argsort(keys, axis=statement.axis, kind="stable")
    count = regions.shape_of(target.shape, frame)[statement.axis]
    first = order[(slice(None),) * statement.axis + (slice(count),)]
    wide = DType("int64")
    regions.write(target, cast(first, wide, target.buffer.dtype), frame)


def order_keys(value: np.ndarray, dtype: DType, *, descending: bool) -> np.ndarray:
    """Unsigned integers that are ordered as the elements, the greatest for NaN."""
    bits = value.dtype.itemsize * 8
    keys = np.ascontiguousarray(value).view(f"u{bits // 8}")
    if dtype == "float4_e2m1fn":  # the carrier holds the code in its low half
        keys = keys << np.uint8(4)
    top = keys.dtype.type(1 << (bits - 1))
    if dtype.is_float and dtype.minimum < 0:
        keys = np.where(keys & top, ~keys, keys | top)
    elif dtype.kind in ("int", "index"):
        keys = keys ^ top
    keys = ~keys if descending else keys
    if not dtype.is_float:
        return keys
    # behind every number; of 64 bits, only NaN has this key
    absent = np.isnan(value.astype(np.float64))
    last = np.uint64(2**64 - 1 if bits == 64 else 2**bits)
    return np.where(absent, last, keys.astype(np.uint64))
