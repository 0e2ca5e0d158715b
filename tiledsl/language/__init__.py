"""What kernel authors import as ``T``."""

from tiledsl.frontend.macros import macro, meta_class
from tiledsl.frontend.macros import macro as inline
from tiledsl.frontend.pointers import ptr
from tiledsl.frontend.prim_func import prim_func
from tiledsl.language import dtypes, fp8
from tiledsl.language.allocation import (
    alloc_buffer,
    alloc_fragment,
    alloc_global,
    alloc_local,
    alloc_shared,
    alloc_var,
)
from tiledsl.language.annotations import (
    FragmentBuffer,
    LocalBuffer,
    Ref,
    SharedBuffer,
    annotate_safe_value,
)
from tiledsl.language.arithmetic import (
    Select,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    ceildiv,
    clamp,
    clz,
    floordiv,
    floormod,
    if_then_else,
    index_to_coordinates,
    max,
    min,
    popcount,
    shift_left,
    shift_right,
    truncdiv,
    truncmod,
)
from tiledsl.language.atomics import (
    atomic_add,
    atomic_addx2,
    atomic_addx4,
    atomic_load,
    atomic_max,
    atomic_min,
    atomic_or,
    atomic_store,
)
from tiledsl.language.barriers import sync_threads, sync_warp
from tiledsl.language.casts import (
    Cast,
    cast,
    infinity,
    max_value,
    min_value,
    reinterpret,
)
from tiledsl.language.copy import async_copy, copy, ptx_wait_group
from tiledsl.language.debugging import assume, device_assert
from tiledsl.language.debugging import print_ as print
from tiledsl.language.dot_products import dp4a
from tiledsl.language.dtypes import (
    bfloat16,
    dtype,
    float4_e2m1fn,
    float8_e4m3fn,
    float8_e5m2,
    float8_e8m0fnu,
    float16,
    float32,
    float64,
    int4,
    int8,
    int16,
    int32,
    int64,
    tfloat32,
    uint4,
    uint8,
    uint16,
    uint32,
    uint64,
)
from tiledsl.language.dtypes import bool_ as bool
from tiledsl.language.dtypes import float8_e4m3fn as float8_e4m3
from tiledsl.language.dtypes import float16 as half
from tiledsl.language.dtypes import float32 as float
from tiledsl.language.dtypes import float64 as double
from tiledsl.language.dtypes import int16 as short
from tiledsl.language.dtypes import int32 as int
from tiledsl.language.dtypes import int64 as long
from tiledsl.language.dtypes import uint32 as uint
from tiledsl.language.fill import clear, fill
from tiledsl.language.gemm import gemm
from tiledsl.language.gemm import gemm as wgmma_gemm
from tiledsl.language.hints import (
    GemmWarpPolicy,
    annotate_compile_flags,
    annotate_consumer_reg_alloc,
    annotate_l2_hit_ratio,
    annotate_layout,
    annotate_min_blocks_per_sm,
    annotate_pass_configs,
    annotate_producer_reg_dealloc,
    cp_async_barrier_noinc,
    dec_max_nreg,
    disable_warp_group_reg_alloc,
    fence_proxy_async,
    inc_max_nreg,
    no_set_max_nreg,
    pdl_sync,
    pdl_trigger,
    ptx_commit_group,
    set_max_nreg,
    use_swizzle,
    wait_wgmma,
)
from tiledsl.language.im2col import im2col
from tiledsl.language.kernel import Kernel, get_block_binding, get_block_bindings
from tiledsl.language.layouts import Fragment, Layout
from tiledsl.language.loops import (
    Parallel,
    Pipelined,
    Serial,
    Unroll,
    Vectorized,
    grid,
    parallel,
    serial,
    unroll,
    vectorized,
)
from tiledsl.language.math import (
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    copysign,
    cos,
    cosh,
    erf,
    exp,
    exp2,
    exp10,
    floor,
    fma,
    fmod,
    hypot,
    isfinite,
    isinf,
    isnan,
    ldexp,
    log,
    log1p,
    log2,
    log10,
    nearbyint,
    nextafter,
    pow,
    round,
    rsqrt,
    sigmoid,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    trunc,
)
from tiledsl.language.names import UnavailableName as _UnavailableName
from tiledsl.language.names import unavailable as _unavailable
from tiledsl.language.packs import abs2, add2, fma2, max2, min2, mul2
from tiledsl.language.packs import pack_dtype as _pack_dtype
from tiledsl.language.persistent import Persistent, PersistentTileScheduler
from tiledsl.language.pointers import (
    access_ptr,
    address_of,
    annotate_restrict_buffers,
    make_tensor,
)
from tiledsl.language.predicates import all_of, any_of
from tiledsl.language.random import rng_init, rng_rand, rng_rand_float
from tiledsl.language.reduce import (
    reduce_absmax,
    reduce_abssum,
    reduce_bitand,
    reduce_bitor,
    reduce_bitxor,
    reduce_max,
    reduce_min,
    reduce_sum,
)
from tiledsl.language.reducers import (
    alloc_reducer,
    finalize_reducer,
    reducer_init,
    reducer_update,
)
from tiledsl.language.scan import cummax, cumsum
from tiledsl.language.sort import sort, topk
from tiledsl.language.tensors import (
    StridedTensor,
    Tensor,
    const,
    dynamic,
    empty,
    symbolic,
)
from tiledsl.language.thread_reductions import (
    attr,
    comm_reducer,
    evaluate,
    syncthreads_and,
    syncthreads_count,
    syncthreads_or,
    tvm_thread_allreduce,
)
from tiledsl.language.threads import (
    get_thread_binding,
    get_thread_bindings,
    thread_binding,
    thread_return,
)
from tiledsl.language.tile_hint import tile_hint
from tiledsl.language.transpose import transpose
from tiledsl.language.tunable import tunable
from tiledsl.language.views import reshape, view
from tiledsl.language.warps import (
    activemask,
    all_sync,
    any_sync,
    ballot,
    ballot_sync,
    get_lane_idx,
    get_warp_group_idx,
    get_warp_idx,
    get_warp_idx_sync,
    shfl_down,
    shfl_sync,
    shfl_up,
    shfl_xor,
    shuffle_elect,
    tvm_warp_shuffle,
    warp_reduce_bitand,
    warp_reduce_bitor,
    warp_reduce_max,
    warp_reduce_min,
    warp_reduce_sum,
)

Buffer = Tensor

__all__ = [
    "Buffer", "Cast", "Fragment", "FragmentBuffer", "GemmWarpPolicy", "Kernel",
    "Layout", "LocalBuffer", "Parallel", "Persistent", "PersistentTileScheduler",
    "Pipelined", "Ref", "Select", "Serial", "SharedBuffer", "StridedTensor", "Tensor",
    "Unroll", "Vectorized", "abs", "abs2", "access_ptr", "acos", "acosh", "activemask",
    "add2", "address_of", "all_of", "all_sync", "alloc_buffer", "alloc_fragment",
    "alloc_global", "alloc_local", "alloc_reducer", "alloc_shared", "alloc_var",
    "annotate_compile_flags", "annotate_consumer_reg_alloc", "annotate_l2_hit_ratio",
    "annotate_layout", "annotate_min_blocks_per_sm", "annotate_pass_configs",
    "annotate_producer_reg_dealloc", "annotate_restrict_buffers", "annotate_safe_value",
    "any_of", "any_sync", "asin", "asinh", "assume", "async_copy", "atan", "atan2",
    "atanh", "atomic_add", "atomic_addx2", "atomic_addx4", "atomic_load", "atomic_max",
    "atomic_min", "atomic_or", "atomic_store", "attr", "ballot", "ballot_sync",
    "bfloat16", "bfloat16x2", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor",
    "bool", "cast", "ceil", "ceildiv", "clamp", "clear", "clz", "comm_reducer", "const",
    "copy", "copysign", "cos", "cosh", "cp_async_barrier_noinc", "cummax", "cumsum",
    "dec_max_nreg", "device_assert", "disable_warp_group_reg_alloc", "double", "dp4a",
    "dtype", "dtypes", "dynamic", "empty", "erf", "evaluate", "exp", "exp2", "exp10",
    "fence_proxy_async", "fill", "finalize_reducer", "float", "float4_e2m1fn",
    "float8_e4m3", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "float16",
    "float16x2", "float32", "float32x2", "float64", "floor", "floordiv", "floormod",
    "fma", "fma2", "fmod", "fp8", "gemm", "get_block_binding", "get_block_bindings",
    "get_lane_idx", "get_thread_binding", "get_thread_bindings", "get_warp_group_idx",
    "get_warp_idx", "get_warp_idx_sync", "grid", "half", "hypot", "if_then_else",
    "im2col", "inc_max_nreg", "index_to_coordinates", "infinity", "inline", "int",
    "int4", "int8", "int16", "int32", "int64", "isfinite", "isinf", "isnan", "ldexp",
    "log", "log1p", "log2", "log10", "long", "macro", "make_tensor", "max", "max2", "max_value",
    "meta_class", "min", "min2", "min_value", "mul2", "nearbyint", "nextafter",
    "no_set_max_nreg", "parallel", "pdl_sync", "pdl_trigger", "popcount", "pow",
    "prim_func", "print", "ptr", "ptx_commit_group", "ptx_wait_group", "reduce_absmax",
    "reduce_abssum", "reduce_bitand", "reduce_bitor", "reduce_bitxor", "reduce_max",
    "reduce_min", "reduce_sum", "reducer_init", "reducer_update", "reinterpret",
    "reshape", "rng_init", "rng_rand", "rng_rand_float", "round",
    "rsqrt", "serial", "set_max_nreg", "shfl_down", "shfl_sync",
    "shfl_up", "shfl_xor", "shift_left", "shift_right", "short", "shuffle_elect",
    "sigmoid", "sin", "sinh", "sort", "sqrt", "symbolic", "sync_threads", "sync_warp",
    "syncthreads_and", "syncthreads_count", "syncthreads_or", "tan", "tanh", "tfloat32",
    "thread_binding", "thread_return", "tile_hint", "topk", "transpose", "trunc",
    "truncdiv", "truncmod", "tunable", "tvm_thread_allreduce", "tvm_warp_shuffle",
    "uint", "uint4", "uint8", "uint16", "uint32", "uint64", "unroll", "use_swizzle",
    "vectorized", "view", "wait_wgmma", "warp_reduce_bitand", "warp_reduce_bitor",
    "warp_reduce_max", "warp_reduce_min", "warp_reduce_sum", "wgmma_gemm",
]  # fmt: skip


# any other pack: T.dtypes, or its name as a string
bfloat16x2 = _pack_dtype("bfloat16x2")
float16x2 = _pack_dtype("float16x2")
float32x2 = _pack_dtype("float32x2")


def __getattr__(name: str) -> _UnavailableName:
    return _unavailable(name, list(globals()))
