"""Persistent programs visit every tile once, in the documented order (rule L52)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.testing import runnable_backends

every_backend = pytest.mark.parametrize("backend", runnable_backends())


def order(domain: tuple[int, ...], group: int) -> list[tuple[int, ...]]:
    """The tiles by their numbers; None where a number has no tile."""
    *outer, last = domain
    group = max(1, min(group, last))
    found = []
    for number in range(-(-last // group) * group * int(np.prod(outer))):
        rest, offset = divmod(number, group)
        place: list[int] = []
        for extent in reversed(outer):
            rest, position = divmod(rest, extent)
            place.insert(0, position)
        column = rest * group + offset
        found.append((*place, column) if column < last else None)
    return found


@every_backend
@pytest.mark.parametrize(
    ("domain", "programs", "group"),
    [((5, 7), 4, 3), ((3, 2), 8, 8), ((4, 4), 1, 1), ((2, 3, 5), 6, 2), ((9,), 2, 4)],
)
def test_every_tile_once(
    backend: str, domain: tuple[int, ...], programs: int, group: int
) -> None:
    rank = len(domain)

    @T.prim_func
    def kernel(
        SEEN: T.Tensor(domain, "int32"), LAST: T.Tensor((programs, rank), "int32")
    ):
        with T.Kernel(programs) as program:
            for place in T.Persistent(domain, programs, program, group):
                at = place if rank > 1 else (place,)
                SEEN[at] += program + 1
                for k, position in enumerate(at):
                    LAST[program, k] = position

    seen, last = np.zeros(domain, np.int32), np.full((programs, rank), -1, np.int32)
    tiledsl.compile(kernel, backend=backend)(seen, last)
    numbered = order(domain, group)
    for program in range(programs):
        own = [place for place in numbered[program::programs] if place is not None]
        assert all(seen[place] == program + 1 for place in own)
        assert tuple(last[program]) == (own[-1] if own else (-1,) * rank)
    assert seen.all()


@every_backend
def test_run_time_domains_and_jumps(backend: str) -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((8, 8), "int32"), m: T.int32, n: T.int32):
        with T.Kernel(3) as program:
            for i, j in T.Persistent([m, n], 3, program):
                if i == 2:
                    continue
                if j == 7:
                    break
                Y[i, j] += 1

    y = np.zeros((8, 8), np.int32)
    tiledsl.compile(kernel, backend=backend)(y, 5, 6)
    want = np.zeros((8, 8), np.int32)
    want[:5, :6] = 1
    want[2] = 0
    np.testing.assert_array_equal(y, want)


@every_backend
@pytest.mark.parametrize("column_major", [True, False])
@pytest.mark.parametrize("swizzle", [1, 2, 3])
def test_schedulers(backend: str, swizzle: int, column_major: bool) -> None:
    options = {"swizzle_size": swizzle, "column_major": column_major}

    @T.prim_func
    def kernel(WHEN: T.Tensor((5, 7), "int32"), PLACE: T.Tensor((35,), "int32")):
        with T.Kernel(4) as worker:
            tiles = T.PersistentTileScheduler(5, 7, **options)
            tiles.init(worker)
            while tiles.valid():
                m, n = tiles.m_idx, tiles.n_idx
                WHEN[m, n] = tiles.current_iter * 4 + worker
                PLACE[tiles.linear_idx] = m * 7 + n
                tiles.next_tile()
            other = T.PersistentTileScheduler(5, 7, stateful=False, **options)
            first, second = other.coord(worker)
            WHEN[first, second] += 100

    when, place = np.full((5, 7), -1, np.int32), np.zeros(35, np.int32)
    tiledsl.compile(kernel, backend=backend)(when, place)
    # the first four tiles were visited in the first round, and found again by number
    assert sorted(when.ravel()) == [*range(4, 35), *range(100, 104)]
    when %= 100
    np.testing.assert_array_equal(when.ravel()[place], np.arange(35))
    slow = when if column_major else when.T
    # panels of `swizzle` along the slow axis follow each other
    panels = [slow[:, k : k + swizzle] for k in range(0, slow.shape[1], swizzle)]
    ends = [(panel.min(), panel.max()) for panel in panels]
    assert all(one[1] < other[0] for one, other in pairwise(ends))


@pytest.mark.parametrize(
    ("make", "error", "code"),
    [
        (lambda: T.Persistent(4, 2, 0), KernelError, "E0213"),
        (lambda: T.Persistent([], 2, 0), KernelError, "E0213"),
        (lambda: T.Persistent([4.0], 2, 0), KernelError, "E0311"),
        (lambda: T.Persistent([4], 2, 0, group_size=None), KernelError, "E0310"),
        (
            lambda: T.PersistentTileScheduler(4, 4, cluster_size=2),
            UnsupportedByTarget,
            "cluster",
        ),
    ],
)
def test_what_is_refused(make, error: type[Exception], code: str) -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((4,), "int32")):
        with T.Kernel(2):
            make()

    with pytest.raises(error, match=code):
        kernel.function  # noqa: B018


def test_not_at_host_level() -> None:
    @T.prim_func
    def kernel(Y: T.Tensor((4,), "int32")):
        for _i in T.Persistent([4], 2, 0):
            with T.Kernel(1):
                Y[0] = 1

    with pytest.raises(KernelError, match="E0210"):
        kernel.function  # noqa: B018
