"""``make_..._layout``: layouts are hints, so that each is a plain one (rule L84)."""

from __future__ import annotations

from collections.abc import Callable

from tiledsl.language.layouts import Fragment, Layout


def _identity(*at: object) -> tuple[object, ...]:
    return at


def _shape_of(buffer: object) -> object:
    return getattr(buffer, "shape", buffer)


def _layout(name: str) -> Callable[..., Layout]:
    def make(buffer: object = None, *_: object, **__: object) -> Layout:
        return Layout(_shape_of(buffer), _identity)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = "A layout of a buffer; without influence on any result."
    return make


def _fragment(name: str) -> Callable[..., Fragment]:
    def make(buffer: object = None, *_: object, **__: object) -> Fragment:
        return Fragment(_shape_of(buffer), _identity)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = "A layout of a tile over threads; without influence on any result."
    return make


make_swizzled_layout = _layout("make_swizzled_layout")
make_volta_swizzled_layout = _layout("make_volta_swizzled_layout")
make_wgmma_swizzled_layout = _layout("make_wgmma_swizzled_layout")
make_tcgen05mma_swizzled_layout = _layout("make_tcgen05mma_swizzled_layout")
make_full_bank_swizzled_layout = _layout("make_full_bank_swizzled_layout")
make_half_bank_swizzled_layout = _layout("make_half_bank_swizzled_layout")
make_quarter_bank_swizzled_layout = _layout("make_quarter_bank_swizzled_layout")
make_mma_swizzle_layout = _layout("make_mma_swizzle_layout")
make_linear_layout = _layout("make_linear_layout")
make_cutlass_metadata_layout = _layout("make_cutlass_metadata_layout")
make_gemm_fragment_8x8 = _fragment("make_gemm_fragment_8x8")
make_gemm_fragment_8x8_transposed = _fragment("make_gemm_fragment_8x8_transposed")
make_fully_replicated_layout_fragment = _fragment(
    "make_fully_replicated_layout_fragment"
)
