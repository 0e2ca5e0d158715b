"""Softmax over keys that arrive in blocks: the steps that attention kernels share.

Per row of a tile they keep the largest score so far and the sum of exp2(score - largest);
``shrink`` is the factor by which the latest block's larger maximum scales down what was
accumulated before.
"""

from __future__ import annotations

import tiledsl.language as T

LOG2_E = 1.4426950408889634


@T.macro
def start_rows(acc, largest, total):
    """Nothing seen yet."""
    T.fill(largest, -T.infinity("float32"))
    T.clear(total)
    T.clear(acc)


@T.macro
def take_block(s, acc, largest, total, factor):
    """Turns a block's scores into exp2(factor * score - shift), in place.

    A score of -inf is a key that is not seen.
    """
    rows, columns = s.shape
    width = acc.shape[1]
    before = T.alloc_fragment((rows,), "float32")
    shift = T.alloc_fragment((rows,), "float32")
    shrink = T.alloc_fragment((rows,), "float32")
    part = T.alloc_fragment((rows,), "float32")
    T.copy(largest, before)
    T.reduce_max(s, largest, dim=1, clear=False)
    for i in T.Parallel(rows):
        # a row that has seen no key yet has nothing to subtract
        shift[i] = largest[i] * factor if largest[i] > -T.infinity("float32") else 0.0
        shrink[i] = T.exp2(before[i] * factor - shift[i])
    for i, j in T.Parallel(rows, columns):
        s[i, j] = T.exp2(s[i, j] * factor - shift[i])
    T.reduce_sum(s, part, dim=1)
    for i in T.Parallel(rows):
        total[i] = total[i] * shrink[i] + part[i]
    for i, d in T.Parallel(rows, width):
        acc[i, d] = acc[i, d] * shrink[i]


@T.macro
def finish_rows(acc, largest, total, lse, scale):
    """Divides by the sums; a row that has seen no key becomes 0, its lse -inf."""
    rows, width = acc.shape
    for i, d in T.Parallel(rows, width):
        acc[i, d] = acc[i, d] / total[i] if total[i] != 0.0 else 0.0
    for i in T.Parallel(rows):
        seen = total[i] != 0.0
        lse[i] = (
            largest[i] * scale + T.log(total[i]) if seen else -T.infinity("float32")
        )
