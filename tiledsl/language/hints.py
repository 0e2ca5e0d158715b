"""Hints: checked for type, without influence on any result (rules L84, L85)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import NoReturn

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import BufferRef, RegionRef
from tiledsl.frontend.builder import Builder, here


class GemmWarpPolicy(Enum):
    """How a GPU divides a gemm among warps."""

    Square = 0
    FullRow = 1
    FullCol = 2

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        _check(False, "T.GemmWarpPolicy", "Square, FullRow or FullCol", value)
        raise ValueError(value)  # not reached


def _check(valid: bool, name: str, expected: str, got: object) -> None:
    if not valid:
        raise KernelError(
            "E0217",
            f"{name} got a malformed hint",
            span=here(),
            expected=expected,
            got=brief(got),
        )


def use_swizzle(
    panel_size: int, order: str = "row", enable: bool = True, **options: object
) -> None:
    """The order in which a GPU visits blocks."""
    Builder.active()
    valid = isinstance(panel_size, int) and not isinstance(panel_size, bool)
    _check(valid and panel_size > 0, "T.use_swizzle", "a positive int", panel_size)


def annotate_layout(layouts: Mapping[BufferRef, object], **options: object) -> None:
    """Physical layouts of tiles: ``{buffer: T.Layout(...)}``."""
    Builder.active()
    valid = isinstance(layouts, Mapping) and all(
        isinstance(buffer, BufferRef) for buffer in layouts
    )
    _check(valid, "T.annotate_layout", "a dict {buffer: layout}", layouts)


def annotate_l2_hit_ratio(ratios: Mapping[BufferRef | RegionRef, float]) -> None:
    """How much of a tensor to keep in the second-level cache."""
    Builder.active()
    valid = isinstance(ratios, Mapping) and all(
        isinstance(ratio, int | float) and 0 <= ratio <= 1 for ratio in ratios.values()
    )
    _check(valid, "T.annotate_l2_hit_ratio", "a dict {buffer: 0 to 1}", ratios)


def annotate_min_blocks_per_sm(count: int) -> None:
    """How many blocks should share a multiprocessor."""
    Builder.active()
    _check(
        isinstance(count, int) and count > 0,
        "T.annotate_min_blocks_per_sm",
        "a positive int",
        count,
    )


def annotate_compile_flags(flags: object) -> None:
    """Flags for a device compiler that this system does not run."""
    Builder.active()
    valid = isinstance(flags, str) or (
        isinstance(flags, list | tuple) and all(isinstance(flag, str) for flag in flags)
    )
    _check(valid, "T.annotate_compile_flags", "a str or a list of them", flags)


def annotate_pass_configs(configs: Mapping[object, object]) -> None:
    """Settings of another compiler's passes."""
    Builder.active()
    _check(isinstance(configs, Mapping), "T.annotate_pass_configs", "a dict", configs)


def _without_effect(name: str) -> Callable[..., None]:
    def hint(*arguments: object, **options: object) -> None:
        Builder.active()

    hint.__name__ = hint.__qualname__ = name
    hint.__doc__ = "Has a sequential meaning: nothing (rule L85)."
    return hint


# register budgets of GPU warps
disable_warp_group_reg_alloc = _without_effect("disable_warp_group_reg_alloc")
no_set_max_nreg = _without_effect("no_set_max_nreg")
set_max_nreg = _without_effect("set_max_nreg")
inc_max_nreg = _without_effect("inc_max_nreg")
dec_max_nreg = _without_effect("dec_max_nreg")
annotate_consumer_reg_alloc = _without_effect("annotate_consumer_reg_alloc")
annotate_producer_reg_dealloc = _without_effect("annotate_producer_reg_dealloc")
# waiting for copies and matrix instructions that are synchronous here
ptx_commit_group = _without_effect("ptx_commit_group")
wait_wgmma = _without_effect("wait_wgmma")
cp_async_barrier_noinc = _without_effect("cp_async_barrier_noinc")
fence_proxy_async = _without_effect("fence_proxy_async")
pdl_sync = _without_effect("pdl_sync")
pdl_trigger = _without_effect("pdl_trigger")
