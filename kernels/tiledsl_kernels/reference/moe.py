"""What ``moe_gate`` computes, in float64, and where rounding may choose otherwise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiledsl.testing import Array, Bounded, Exact, bounded_math, exact
from tiledsl.testing.bounds import Booleans, Floats

Integers = npt.NDArray[np.int64]


def moe_gate_reference(
    logits: Array, bias: Array, *, topk: int, groups: int, keep: int, route_scale: float
) -> tuple[Exact, Bounded]:
    """Chosen experts and their weights; see ``moe_gate``."""
    tokens, experts = logits.shape
    score = bounded_math.sigmoid(exact(logits))
    rank = score + exact(bias)
    # experts with equal inputs are equal in every evaluation: their order is decided
    same = _identity(np.stack([logits, np.broadcast_to(bias, logits.shape)], -1))
    undecided = np.zeros(tokens, np.bool_)
    if keep < groups:
        kept, undecided = _kept_groups(rank, same, groups, keep)
        hidden = np.repeat(~kept, experts // groups, axis=1)
        rank = bounded_math.where(hidden, -np.inf, rank)
    chosen, unclear = _best(rank, same, topk)
    undecided |= unclear
    picked = _take(score, chosen)
    total = bounded_math.maximum(bounded_math.sum_along(picked, -1), 1e-20)
    weights = picked / total.reshape(-1, 1) * route_scale
    rows = np.broadcast_to(undecided[:, None], chosen.shape)
    doubt = np.where(rows, np.inf, 0.0)
    return Exact(chosen, rows), weights.widened(doubt)


def _kept_groups(
    rank: Bounded, same: Integers, groups: int, keep: int
) -> tuple[Booleans, Booleans]:
    """The groups with the best sums of two, and the tokens where that is unclear."""
    tokens, experts = rank.shape
    per = experts // groups
    rows = rank.reshape(tokens * groups, per)
    members = same.reshape(tokens * groups, per)
    two = min(2, per)
    # which of two close experts is second changes the sum by no more than their errors
    best, _ = _best(rows, members, two)
    value = _take(rows, best)
    lower = -bounded_math.max_along(-value, -1)
    spread = np.max(rows.error, axis=-1, initial=0.0)
    total = bounded_math.max_along(value, -1).widened(spread)
    if two == 2:
        total = total + lower.widened(spread)
    pair = np.sort(np.take_along_axis(members, best, -1), -1)
    total_by_group = total.reshape(tokens, groups)
    identity = _identity(pair.reshape(tokens, groups, two))
    chosen, unclear = _best(total_by_group, identity, keep)
    kept = np.zeros((tokens, groups), np.bool_)
    np.put_along_axis(kept, chosen, True, -1)
    return kept, unclear


def _best(rank: Bounded, same: Integers, count: int) -> tuple[Integers, Booleans]:
    """The largest of each row in falling order, of equals the smaller index first.

    A row is unclear if rounding may exchange one of them with its successor.
    """
    order = np.argsort(-rank.value, axis=-1, kind="stable")
    kind = np.take_along_axis(same, order, -1)
    # float64 gives equal inputs equal values, so that the stable order is the true one
    value, error = (np.take_along_axis(x, order, -1) for x in (rank.value, rank.error))
    reach = min(count, value.shape[1] - 1)
    with np.errstate(invalid="ignore"):
        gap = value[:, :reach] - value[:, 1 : reach + 1]
    slack = error[:, :reach] + error[:, 1 : reach + 1]
    equal = kind[:, :reach] == kind[:, 1 : reach + 1]
    return order[:, :count], ((gap <= slack) & ~equal).any(-1)


def _take(values: Bounded, places: Integers) -> Bounded:
    value: Floats = np.take_along_axis(values.value, places, -1)
    return Bounded(value, np.take_along_axis(values.error, places, -1), values.dtype)


def _identity(keys: npt.NDArray[np.generic]) -> Integers:
    """A number for each vector along the last axis, equal for equal vectors."""
    flat = keys.reshape(-1, keys.shape[-1])
    if not len(flat):
        return np.zeros(keys.shape[:-1], np.int64)
    _, numbers = np.unique(flat, axis=0, return_inverse=True)
    return numbers.reshape(keys.shape[:-1]).astype(np.int64)
