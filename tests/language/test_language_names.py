"""Every name of the language exists; those without a meaning here say so when used."""

from __future__ import annotations

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.language.names import UNAVAILABLE, UnavailableName

NAMES_OF_THE_LANGUAGE = """
prim_func macro Kernel Tensor StridedTensor Buffer ptr make_tensor Ref FragmentBuffer
SharedBuffer LocalBuffer const dynamic symbolic empty get_block_binding
PersistentTileScheduler meta_class alloc_shared alloc_fragment alloc_local alloc_var
alloc_buffer alloc_global alloc_reducer reshape view index_to_coordinates
annotate_safe_value annotate_restrict_buffers Parallel parallel Pipelined serial
Serial unroll Unroll vectorized Vectorized grid Persistent copy fill clear gemm
transpose im2col reduce_sum reduce_max reduce_min reduce_abssum reduce_absmax
reduce_bitand reduce_bitor reduce_bitxor cumsum cummax reducer_init reducer_update
finalize_reducer any_of all_of dp4a atomic_add atomic_max atomic_min atomic_or
atomic_addx2 atomic_addx4 atomic_load atomic_store device_assert assume print cast
Cast reinterpret if_then_else Select max min clamp infinity max_value min_value
ceildiv floordiv floormod truncdiv truncmod shift_left shift_right bitwise_and
bitwise_or bitwise_xor bitwise_not popcount clz abs2 max2 min2 add2 mul2 fma2 abs exp
exp2 exp10 log log2 log10 log1p sqrt rsqrt sigmoid ceil floor trunc round copysign
isfinite isnan isinf fma fmod sin cos tan tanh erf asin acos atan atan2 sinh cosh
asinh acosh atanh hypot pow nearbyint ldexp nextafter dtype dtypes fp8 bool int uint
float int4 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16
bfloat16x2 float32 tfloat32 float64 float8_e4m3 float8_e4m3fn float8_e5m2
float8_e8m0fnu float4_e2m1fn half double long short tile_hint tunable topk sort
use_swizzle annotate_layout Layout Fragment GemmWarpPolicy WSID
disable_warp_group_reg_alloc no_set_max_nreg annotate_consumer_reg_alloc
annotate_producer_reg_dealloc annotate_l2_hit_ratio annotate_min_blocks_per_sm
annotate_compile_flags annotate_pass_configs get_thread_binding get_thread_bindings
thread_binding thread_return sync_threads sync_warp shfl_sync shfl_xor shfl_up
shfl_down warp_reduce_sum warp_reduce_max warp_reduce_min any_sync all_sync ballot
get_lane_idx get_warp_idx tvm_warp_shuffle attr evaluate comm_reducer
tvm_thread_allreduce access_ptr rng_init rng_rand async_copy wgmma_gemm wait_wgmma
ptx_commit_group ptx_wait_group cp_async_barrier_noinc fence_proxy_async set_max_nreg
inc_max_nreg dec_max_nreg pdl_sync pdl_trigger tma_copy alloc_barrier
alloc_cluster_barrier alloc_tmem mbarrier_arrive mbarrier_wait_parity
mbarrier_arrive_expect_tx barrier_arrive barrier_wait ptx_cp_async ClusterKernel
block_rank_in_cluster clc_try_cancel_multicast clc_is_canceled clc_get_first_ctaid_x
tcgen05_gemm tcgen05_gemm_blockscaled tcgen05_mma_arrive tcgen05_cp_warpx4
tcgen05_sf_warp_transpose mma_gemm_blockscaled gemm_sp float4_e2m1_unpacked sync_grid
call_extern import_source ws ws_op annotate_ws_schedule WSPipeline WSRole WSSchedule
WSScope WSSync __exp __log fast_rcp
"""
NAMES = frozenset(NAMES_OF_THE_LANGUAGE.split())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_name_exists(name: str) -> None:
    assert getattr(T, name) is not None


@pytest.mark.parametrize("name", sorted(UNAVAILABLE))
def test_using_an_unavailable_name_is_refused_at_the_line(builder, name: str) -> None:
    found = getattr(T, name)
    assert isinstance(found, UnavailableName)
    for use in (lambda: found(1, x=2), lambda: found[0], lambda: found.member):
        with pytest.raises(UnsupportedByTarget, match=f"E2001 T.{name} ") as caught:
            use()
        assert caught.value.span == builder.span


def test_hardware_names_say_what_to_use_instead(builder) -> None:
    with pytest.raises(UnsupportedByTarget) as caught:
        T.tma_copy(None, None)
    assert caught.value.hint == "instead: T.copy"


def test_nothing_is_both_available_and_not() -> None:
    assert not UNAVAILABLE & set(T.__all__)


def test_other_names_are_attribute_errors_with_a_suggestion() -> None:
    with pytest.raises(AttributeError, match="did you mean alloc_shared"):
        _ = T.alloc_sharde
    with pytest.raises(AttributeError, match="has no name"):
        _ = T.xyzzy_plugh
    assert not hasattr(T, "__wrapped__")


def test_in_a_kernel_they_are_errors_at_the_line(builder) -> None:
    with pytest.raises(KernelError, match="E0322") as caught:
        _ = T.alloc_sharde
    assert caught.value.span == builder.span
    assert caught.value.hint == "did you mean T.alloc_shared?"


def test_public_functions_are_documented() -> None:
    undocumented = [
        name
        for name in T.__all__
        if callable(getattr(T, name)) and not getattr(T, name).__doc__
    ]
    assert not undocumented
