"""Every name that the language promises exists, or is refused when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.compat.refused import RefusedName
from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.language.names import UnavailableName


def words(*lines: str) -> list[str]:
    return [word for line in lines for word in line.split()]


STRUCTURE = words(
    "prim_func macro Kernel Tensor StridedTensor Buffer ptr make_tensor Ref const",
    "FragmentBuffer SharedBuffer LocalBuffer dynamic symbolic empty get_block_binding",
    "PersistentTileScheduler meta_class",
)
BUFFERS = words(
    "alloc_shared alloc_fragment alloc_local alloc_var alloc_buffer alloc_global view",
    "alloc_reducer reshape index_to_coordinates annotate_safe_value",
    "annotate_restrict_buffers",
)
LOOPS = words(
    "Parallel parallel Pipelined serial Serial unroll Unroll vectorized Vectorized grid",
    "Persistent",
)
TILES = words(
    "copy fill clear gemm transpose im2col cumsum cummax reducer_init reducer_update",
    "reduce_sum reduce_max reduce_min reduce_abssum reduce_absmax reduce_bitand",
    "reduce_bitor reduce_bitxor finalize_reducer any_of all_of dp4a atomic_add",
    "atomic_max atomic_min atomic_or atomic_addx2 atomic_addx4 atomic_load atomic_store",
    "device_assert assume print",
)
SCALARS = words(
    "cast Cast reinterpret if_then_else Select max min clamp infinity max_value",
    "min_value ceildiv floordiv floormod truncdiv truncmod shift_left shift_right",
    "bitwise_and bitwise_or bitwise_xor bitwise_not popcount clz abs2 max2 abs exp exp2",
    "exp10 log log2 log10 log1p sqrt rsqrt sigmoid ceil floor round trunc copysign",
    "isfinite isnan isinf sin cos tan tanh sinh cosh asin acos atan atan2 asinh acosh",
    "atanh erf hypot pow fmod fma nearbyint ldexp nextafter",
)
DTYPES = words(
    "dtype dtypes fp8 bool int uint float int4 int8 int16 int32 int64 uint8 uint16",
    "uint32 uint64 float16 bfloat16 bfloat16x2 float32 tfloat32 float64 float8_e4m3",
    "float8_e4m3fn float8_e5m2 float8_e8m0fnu float4_e2m1fn half double long short",
)
NEW = words("tile_hint tunable topk sort")
HINTS = words(
    "use_swizzle annotate_layout Layout Fragment GemmWarpPolicy WSID",
    "disable_warp_group_reg_alloc no_set_max_nreg annotate_consumer_reg_alloc",
    "annotate_producer_reg_dealloc annotate_l2_hit_ratio annotate_min_blocks_per_sm",
    "annotate_compile_flags annotate_pass_configs",
)
THREADS = words(
    "get_thread_binding get_thread_bindings thread_binding thread_return sync_threads",
    "sync_warp shfl_sync shfl_xor shfl_up shfl_down warp_reduce_sum warp_reduce_max",
    "warp_reduce_min any_sync all_sync ballot get_lane_idx get_warp_idx",
    "tvm_warp_shuffle attr evaluate comm_reducer tvm_thread_allreduce access_ptr",
    "rng_init rng_rand",
)
SOFT = words(
    "async_copy wgmma_gemm wait_wgmma ptx_commit_group ptx_wait_group set_max_nreg",
    "cp_async_barrier_noinc fence_proxy_async pdl_sync pdl_trigger",
)
HARDWARE = words(
    "tma_copy alloc_barrier alloc_cluster_barrier alloc_tmem mbarrier_arrive",
    "mbarrier_wait_parity mbarrier_arrive_expect_tx barrier_arrive barrier_wait",
    "ptx_cp_async ClusterKernel block_rank_in_cluster clc_try_cancel_multicast",
    "clc_is_canceled clc_get_first_ctaid_x tcgen05_gemm tcgen05_gemm_blockscaled",
    "tcgen05_mma_arrive tcgen05_cp_warpx4 tcgen05_sf_warp_transpose gemm_sp",
    "mma_gemm_blockscaled float4_e2m1_unpacked sync_grid call_extern import_source ws",
    "ws_op annotate_ws_schedule WSPipeline WSRole WSSchedule WSScope WSSync",
)
LANGUAGE = [
    *(*STRUCTURE, *BUFFERS, *LOOPS, *TILES, *SCALARS, *DTYPES, *NEW),
    *(*HINTS, *THREADS, *SOFT, *HARDWARE),
]
HOST = words(
    "jit compile par_compile JITKernel PassConfigKey.TL_ENABLE_FAST_MATH DataType",
    "PassConfigKey.TL_DISABLE_TMA_LOWER disable_cache enable_cache set_log_level",
    "env.TILELANG_CACHE_DIR env.CACHE_DIR transform.simplify_prim_func __file__",
    "transform.PassConfigKey autotune autotuner.AutoTuner.from_kernel",
    "autotuner.set_autotune_inputs profiler.do_bench TensorSupplyType.Integer",
    "TensorSupplyType.Uniform TensorSupplyType.Normal TensorSupplyType.Randn",
    "TensorSupplyType.Zero TensorSupplyType.One TensorSupplyType.Auto",
    "utils.tensor.get_tensor_supply tools.Analyzer.analysis cdiv",
    "math.next_power_of_2 utils.tensor.torch_assert_close testing.main",
    "testing.set_random_seed testing.requires_cuda testing.requires_rocm",
    "testing.requires_llvm testing.requires_cuda_compute_version",
    "testing.requires_package testing.process_func testing.regression",
    "carver.arch.driver.get_num_sms utils.target.determine_target",
    "contrib.nvcc.get_target_compute_version contrib.nvcc.have_fp8",
    "rocm.target.target_is_gfx950 tools.plot_layout layout.make_swizzled_layout",
    "layout.Layout layout.Fragment language.gemm Profiler",
)
STUBS = words(
    "carver.template.MatmulTemplate carver.arch.CUDA tvm.IRModule tvm.target.Target",
    "cuda.intrinsics.mma_macro_generator rocm.intrinsics.mfma tools.cuda.iket.anything",
    "lower engine.lower register_cuda_postproc quantize metal.anything",
)
KERNEL = words(
    "source stages get_kernel_source get_host_source show_source print_source_code",
    "export_sources params out_idx config latency ref_latency explain check interpret",
    "get_profiler show_ptx export_ptx show_sass export_sass",
)
PROFILER = words(
    "do_bench assert_allclose manual_assert_close assert_consistent run_once"
)


def test_names_of_the_language() -> None:
    assert len(LANGUAGE) == len(set(LANGUAGE)) == 260
    for name in LANGUAGE:
        assert hasattr(T, name), name


@pytest.mark.parametrize("name", HARDWARE)
def test_hardware_names_are_refused_when_used(name: str) -> None:
    with pytest.raises(UnsupportedByTarget, match=name):
        getattr(T, name)()


def test_soft_names_and_hints_have_a_meaning() -> None:
    for name in (*SOFT, *HINTS, *NEW, *STRUCTURE[:6]):
        value = getattr(T, name)
        assert not isinstance(value, UnavailableName) or name == "WSID", name


def _walked(root: object, path: str) -> Iterator[object]:
    for name in path.split("."):
        root = getattr(root, name)
        yield root


@pytest.mark.parametrize("path", HOST)
def test_host_names_under_tiledsl(path: str) -> None:
    for value in _walked(tiledsl, path):
        assert not isinstance(value, RefusedName)


@pytest.mark.usefixtures("alias")
@pytest.mark.parametrize("path", [path for path in HOST if path != "__file__"])
def test_host_names_under_the_alias(path: str) -> None:
    for value in _walked(importlib.import_module("tilelang"), path):
        assert not isinstance(value, RefusedName)


@pytest.mark.usefixtures("alias")
@pytest.mark.parametrize("path", STUBS)
@pytest.mark.parametrize("package", ["tiledsl", "tilelang"])
def test_stubs_are_refused_when_used(package: str, path: str) -> None:
    with pytest.raises(UnsupportedByTarget, match="E0701"):
        *_, value = _walked(importlib.import_module(package), path)
        assert callable(value)
        value()


def test_names_nobody_has_are_missing() -> None:
    for module in (tiledsl, tiledsl.testing, T):
        with pytest.raises((AttributeError, KernelError)):
            module.no_such_name  # noqa: B018


@tiledsl.jit(out_idx=-1)
def plus_one(N):
    @T.prim_func
    def main(X: T.Tensor((N,), "float32"), Y: T.Tensor((N,), "float32")):
        with T.Kernel(N) as bx:
            Y[bx] = X[bx] + 1

    return main


def test_members_of_kernels_and_profilers(tmp_path, capsys) -> None:
    kernel = plus_one(6)
    for name in KERNEL:
        assert hasattr(kernel, name), name
    for name in PROFILER:
        assert hasattr(kernel.get_profiler(), name), name
    kernel.show_source("both")
    assert "func main" in capsys.readouterr().out
    kernel.print_source_code("host", str(tmp_path / "host.txt"))
    assert "func main" in (tmp_path / "host.txt").read_text()
    for listing in (kernel.show_ptx, kernel.show_sass):
        with pytest.raises(UnsupportedByTarget, match="E2006"):
            listing()
    with pytest.raises(UnsupportedByTarget, match="E2006"):
        kernel.export_ptx(tmp_path / "x.ptx")


def test_analysis_counts_operations_and_bytes() -> None:
    found = tiledsl.tools.Analyzer.analysis(plus_one(6), None)
    assert (found.total_flops, found.total_global_bytes) == (6, 48)

    @T.prim_func
    def dynamic(X: T.Tensor((T.dynamic("m"),), "float32")):
        T.fill(X, 1)

    analysis = tiledsl.tools.Analyzer.analysis
    found = analysis(dynamic, dynamic_symbolic_constraints={"m": 8})
    assert found.total_global_bytes == 32
    for wrong in (dynamic, 3):
        with pytest.raises(tiledsl.ArgumentError):
            analysis(wrong)
