"""Choosing experts: sigmoid scores, a bias for balance, group limits, top-k."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

import tiledsl
import tiledsl.language as T
from tiledsl.testing import Call, Expected, Inputs, KernelEntry, Size, Static
from tiledsl_kernels.arguments import check, check_arrays
from tiledsl_kernels.arrays import ArrayT
from tiledsl_kernels.data import normal
from tiledsl_kernels.reference.moe import moe_gate_reference


@T.macro
def find_best(rank, best, pick):
    """The largest of each row of a (rows, groups, per) tile; the first of equals."""
    rows, groups, per = rank.shape
    best_of_group = T.alloc_fragment((rows, groups), "float32")
    place = T.alloc_fragment((rows, groups, per), "int32")
    first = T.alloc_fragment((rows, groups), "int32")
    T.reduce_max(rank, best_of_group, dim=2)
    T.reduce_max(best_of_group, best, dim=1)
    for i, g, e in T.Parallel(rows, groups, per):
        place[i, g, e] = g * per + e if rank[i, g, e] == best[i] else groups * per
    T.reduce_min(place, first, dim=2)
    T.reduce_min(first, pick, dim=1)


@T.macro
def sum_two_best(rank, group_rank):
    """What a group ranks by: the sum of its two best experts, or its only one."""
    rows, groups, per = rank.shape
    best = T.alloc_fragment((rows, groups), "float32")
    place = T.alloc_fragment((rows, groups, per), "int32")
    first = T.alloc_fragment((rows, groups), "int32")
    others = T.alloc_fragment((rows, groups, per), "float32")
    T.reduce_max(rank, best, dim=2)
    for i, g, e in T.Parallel(rows, groups, per):
        place[i, g, e] = e if rank[i, g, e] == best[i, g] else per
    T.reduce_min(place, first, dim=2)
    for i, g, e in T.Parallel(rows, groups, per):
        others[i, g, e] = rank[i, g, e] if e != first[i, g] else -T.infinity("float32")
    T.reduce_max(others, group_rank, dim=2)
    for i, g in T.Parallel(rows, groups):
        group_rank[i, g] = best[i, g] + (group_rank[i, g] if per > 1 else 0.0)


@T.macro
def hide_weak_groups(rank, keep):
    """Ranks outside the ``keep`` best groups become -inf."""
    rows, groups, per = rank.shape
    group_rank = T.alloc_fragment((rows, groups), "float32")
    kept = T.alloc_fragment((rows, groups), "int32")
    place = T.alloc_fragment((rows, groups), "int32")
    best = T.alloc_fragment((rows,), "float32")
    pick = T.alloc_fragment((rows,), "int32")
    sum_two_best(rank, group_rank)
    T.clear(kept)
    for _ in range(keep):
        T.reduce_max(group_rank, best, dim=1)
        for i, g in T.Parallel(rows, groups):
            place[i, g] = g if group_rank[i, g] == best[i] else groups
        T.reduce_min(place, pick, dim=1)
        for i, g in T.Parallel(rows, groups):
            if g == pick[i]:
                kept[i, g] = 1
                group_rank[i, g] = -T.infinity("float32")
    for i, g, e in T.Parallel(rows, groups, per):
        rank[i, g, e] = rank[i, g, e] if kept[i, g] == 1 else -T.infinity("float32")


@tiledsl.jit
def moe_gate_kernel(logits, bias, topk=8, groups=8, keep=4, route_scale=2.5, bm=16):
    M = T.dynamic("M")
    E = T.const("E")
    logits: T.Tensor((M, E), "float32")
    bias: T.Tensor((E,), "float32")
    chosen = T.empty((M, topk), "int64")
    weights = T.empty((M, topk), "float32")
    per = E // groups
    with T.Kernel(T.ceildiv(M, bm), threads=128) as bx:
        score = T.alloc_fragment((bm, groups, per), "float32")
        rank = T.alloc_fragment((bm, groups, per), "float32")
        picked = T.alloc_fragment((bm, groups, per), "float32")
        picked_of_group = T.alloc_fragment((bm, groups), "float32")
        best = T.alloc_fragment((bm,), "float32")
        pick = T.alloc_fragment((bm,), "int32")
        weight = T.alloc_fragment((bm, topk), "float32")
        total = T.alloc_fragment((bm,), "float32")

        for i, g, e in T.Parallel(bm, groups, per):
            score[i, g, e] = T.sigmoid(logits[bx * bm + i, g * per + e])
        for i, g, e in T.Parallel(bm, groups, per):
            rank[i, g, e] = score[i, g, e] + bias[g * per + e]
        if keep < groups:
            hide_weak_groups(rank, keep)

        T.clear(total)
        for r in range(topk):
            find_best(rank, best, pick)
            for i, g, e in T.Parallel(bm, groups, per):
                mine = g * per + e == pick[i]
                picked[i, g, e] = score[i, g, e] if mine else 0.0
                rank[i, g, e] = -T.infinity("float32") if mine else rank[i, g, e]
            # the score without the bias; a sum of one number and zeros is exact
            T.reduce_sum(picked, picked_of_group, dim=2)
            T.reduce_sum(picked_of_group, best, dim=1)
            for i in T.Parallel(bm):
                weight[i, r] = best[i]
                total[i] = total[i] + best[i]
                chosen[bx * bm + i, r] = pick[i]

        for i, r in T.Parallel(bm, topk):
            weight[i, r] = weight[i, r] / T.max(total[i], 1e-20) * route_scale
        T.copy(weight, weights[bx * bm, 0])
    return chosen, weights


def moe_gate(
    logits: ArrayT,
    bias: ArrayT,
    *,
    topk: int = 8,
    groups: int = 8,
    keep: int = 4,
    route_scale: float = 2.5,
    backend: str | None = None,
) -> tuple[ArrayT, ArrayT]:
    """Experts (int64) and weights (float32), both [M, topk], for finite logits [M, E].

    Experts rank by sigmoid(logit) + bias, among the ``keep`` best of ``groups`` groups;
    of equals the smaller index wins.  Weights are the scores without the bias, scaled so
    that they sum to ``route_scale``.
    """
    check_arrays(logits=(logits, 2), bias=(bias, 1))
    experts = logits.shape[1]
    even = groups >= 1 and experts % groups == 0
    check(even, "groups", expected=f"a divisor of {experts} experts", got=groups)
    check(1 <= keep <= groups, "keep", expected=f"1 to {groups} groups", got=keep)
    most = keep * (experts // groups)
    check(1 <= topk <= most, "topk", expected=f"1 to {most} experts", got=topk)
    return cast(
        "tuple[ArrayT, ArrayT]",
        moe_gate_kernel(
            logits,
            bias,
            topk=topk,
            groups=groups,
            keep=keep,
            route_scale=route_scale,
            backend=backend,
        ),
    )


@dataclass(frozen=True, slots=True)
class GateWorkload:
    name: str
    M: int
    E: int
    topk: int
    groups: int = 1
    keep: int = 1
    route_scale: float = 2.5
    ties: bool = False
    size: Size = "small"
    linear: bool = False

    def make_inputs(
        self, rng: np.random.Generator, *, integers: bool = False
    ) -> Inputs:
        logits = normal(rng, (self.M, self.E), "float32")
        bias = normal(rng, (self.E,), "float32", 0.1)
        if self.ties:
            # few distinct values: equal experts and equal groups are the rule
            logits = np.rint(logits.astype(np.float32) * 2) / 2
            bias = np.zeros_like(bias)
        return {"logits": logits, "bias": bias}

    def call(self, inputs: Inputs) -> Call:
        options: dict[str, Static] = {
            "topk": self.topk,
            "groups": self.groups,
            "keep": self.keep,
            "route_scale": self.route_scale,
        }
        return Call((inputs["logits"], inputs["bias"]), options)

    def reference(self, inputs: Inputs) -> Mapping[str, Expected]:
        chosen, weights = moe_gate_reference(
            inputs["logits"],
            inputs["bias"],
            topk=self.topk,
            groups=self.groups,
            keep=self.keep,
            route_scale=self.route_scale,
        )
        return {"chosen": chosen, "weights": weights}

    def flops(self, inputs: Inputs) -> float:
        return float(self.M * self.E * (5 + self.topk))

    def bytes(self, inputs: Inputs) -> float:
        return float(self.M * (4 * self.E + 12 * self.topk) + inputs["bias"].nbytes)


MOE_GATE = KernelEntry(
    name="moe_gate",
    area="moe",
    summary="expert choice: sigmoid scores, bias, group limit, top-k",
    kernel=moe_gate_kernel,
    workloads=(
        GateWorkload("no-groups", 21, 17, 3),
        GateWorkload("groups", 19, 24, 5, 6, 2),
        GateWorkload("ties", 40, 32, 6, 4, 2, ties=True),
        GateWorkload("groups-of-one", 5, 6, 2, 6, 3),
        GateWorkload("everything", 3, 8, 8, 2, 2),
        GateWorkload("no-tokens", 0, 16, 4, 4, 2),
        GateWorkload("v3-gate", 64, 256, 8, 8, 4, size="model"),
    ),
)
