"""Which object of tiledsl each host name of TileLang means.

One entry a module: its names, each with ``module:attribute``.  A name that is missing
here exists nevertheless, and is refused when it is used.
"""

from __future__ import annotations

from typing import Final

_HOST: Final = "tiledsl.compat.host"
_LAYOUTS: Final = (
    "make_swizzled_layout",
    "make_volta_swizzled_layout",
    "make_wgmma_swizzled_layout",
    "make_tcgen05mma_swizzled_layout",
    "make_full_bank_swizzled_layout",
    "make_half_bank_swizzled_layout",
    "make_quarter_bank_swizzled_layout",
    "make_linear_layout",
    "make_cutlass_metadata_layout",
)
_FRAGMENTS: Final = (
    "make_gemm_fragment_8x8",
    "make_gemm_fragment_8x8_transposed",
    "make_fully_replicated_layout_fragment",
)
_COMPILING: Final = {
    "jit": "tiledsl.jit_function:jit",
    "compile": "tiledsl.compile_function:compile",
    "par_compile": "tiledsl.compile_function:par_compile",
    "JITKernel": "tiledsl.runtime.kernel:JITKernel",
    "JITImpl": "tiledsl.jit_function:JitFunction",
}
_CACHE: Final = {
    "enable_cache": "tiledsl.runtime.cache:enable_cache",
    "disable_cache": "tiledsl.runtime.cache:disable_cache",
    "is_cache_enabled": "tiledsl.runtime.cache:cache_enabled",
}
_TUNING: Final = {
    "autotune": "tiledsl.tune.autotune:autotune",
    "AutoTuner": "tiledsl.tune.tuner:AutoTuner",
    "AutotuneResult": "tiledsl.tune.tuner:AutotuneResult",
    "set_autotune_inputs": "tiledsl.tune.inputs:set_autotune_inputs",
    "get_autotune_inputs": "tiledsl.tune.inputs:get_autotune_inputs",
}
_PASSES: Final = {
    "PassConfigKey": "tiledsl.pass_config:PassConfigKey",
    "simplify_prim_func": f"{_HOST}.names:simplify_prim_func",
}
_NUMBERS: Final = {
    "cdiv": f"{_HOST}.numbers:cdiv",
    "next_power_of_2": f"{_HOST}.numbers:next_power_of_2",
}
_SUPPLY: Final = {"TensorSupplyType": "tiledsl.runtime.supply:TensorSupplyType"}
_TENSORS: Final = {
    **_SUPPLY,
    "get_tensor_supply": f"{_HOST}.tensors:get_tensor_supply",
    "torch_assert_close": f"{_HOST}.tensors:torch_assert_close",
}
_LAYOUT_TYPES: Final = {
    "Layout": "tiledsl.language.layouts:Layout",
    "Fragment": "tiledsl.language.layouts:Fragment",
}
_MMA_LAYOUT: Final = {
    "make_mma_swizzle_layout": f"{_HOST}.layouts:make_mma_swizzle_layout"
}
_NVCC: Final = {
    name: f"{_HOST}.devices:{name}"
    for name in ("get_target_compute_version", "parse_compute_version", "have_fp8")
}
_TARGETS: Final = {
    "determine_target": f"{_HOST}.devices:determine_target",
    "check_cuda_availability": f"{_HOST}.devices:check_cuda_availability",
    "check_hip_availability": f"{_HOST}.devices:check_hip_availability",
}
_EXPRESSIONS: Final = {
    "Cast": "tiledsl.language:Cast",
    "Select": "tiledsl.language:Select",
    "if_then_else": "tiledsl.language:if_then_else",
    "Max": "tiledsl.language:max",
    "Min": "tiledsl.language:min",
    "ceildiv": "tiledsl.language:ceildiv",
    "floordiv": "tiledsl.language:floordiv",
    "floormod": "tiledsl.language:floormod",
    "truncdiv": "tiledsl.language:truncdiv",
    "truncmod": "tiledsl.language:truncmod",
    **{name: f"{_HOST}.expressions:{name}" for name in ("const", "reinterpret")},
}
_TESTING: Final = {
    **{
        name: f"{_HOST}.checking:{name}"
        for name in ("main", "set_random_seed", "process_func", "regression")
    },
    "torch_assert_close": f"{_HOST}.tensors:torch_assert_close",
    **{
        name: f"{_HOST}.requirements:{name}"
        for name in (
            "requires_cuda",
            "requires_rocm",
            "requires_metal",
            "requires_llvm",
            "requires_cdna",
            "requires_cuda_or_cdna",
            "requires_gfx950",
            "requires_package",
            "requires_cuda_compute_version",
            "requires_cuda_compute_version_ge",
            "requires_cuda_compute_version_gt",
            "requires_cuda_compute_version_eq",
            "requires_cuda_compute_version_lt",
            "requires_cuda_compute_version_le",
        )
    },
}

MODULES: Final[dict[str, dict[str, str]]] = {
    "tilelang": {
        **_COMPILING,
        **_CACHE,
        **_SUPPLY,
        **_LAYOUT_TYPES,
        **_NUMBERS,
        "autotune": _TUNING["autotune"],
        "PassConfigKey": _PASSES["PassConfigKey"],
        "Profiler": "tiledsl.runtime.profiler:Profiler",
        "DataType": f"{_HOST}.names:DataType",
        "set_log_level": f"{_HOST}.names:set_log_level",
        "dtypes": "tiledsl.language:dtypes",
        "env": f"{_HOST}.environment:env",
        "__version__": f"{_HOST}.names:VERSION",
    },
    "tilelang.jit": {**_COMPILING},
    "tilelang.autotuner": {**_TUNING},
    "tilelang.cache": {**_CACHE},
    "tilelang.env": {
        **_CACHE,
        "env": f"{_HOST}.environment:env",
        "TILELANG_CACHE_DIR": f"{_HOST}.environment:TILELANG_CACHE_DIR",
        "CACHE_DIR": f"{_HOST}.environment:TILELANG_CACHE_DIR",
    },
    "tilelang.profiler": {
        "Profiler": "tiledsl.runtime.profiler:Profiler",
        "do_bench": "tiledsl.runtime.profiler:do_bench",
        **_SUPPLY,
    },
    "tilelang.testing": _TESTING,
    "tilelang.transform": _PASSES,
    "tilelang.transform.simplify": {
        "simplify_prim_func": _PASSES["simplify_prim_func"]
    },
    "tilelang.layout": {
        **_LAYOUT_TYPES,
        **{name: f"{_HOST}.layouts:{name}" for name in (*_LAYOUTS, *_FRAGMENTS)},
    },
    "tilelang.math": _NUMBERS,
    "tilelang.utils": {**_TENSORS, "determine_target": _TARGETS["determine_target"]},
    "tilelang.utils.tensor": _TENSORS,
    "tilelang.utils.target": _TARGETS,
    "tilelang.utils.language": {},
    "tilelang.backend.target": _TARGETS,
    "tilelang.contrib": {},
    "tilelang.contrib.nvcc": _NVCC,
    "tilelang.rocm": {},
    "tilelang.rocm.target": {
        "target_is_gfx950": f"{_HOST}.devices:target_is_gfx950",
        "check_hip_availability": _TARGETS["check_hip_availability"],
    },
    "tilelang.carver": {},
    "tilelang.carver.arch": {},
    "tilelang.carver.arch.driver": {
        "get_num_sms": f"{_HOST}.devices:get_num_sms",
    },
    "tilelang.carver.template": {},
    "tilelang.tools": {
        "plot_layout": f"{_HOST}.names:plot_layout",
        "Analyzer": f"{_HOST}.analyzing:Analyzer",
        "AnalysisResult": f"{_HOST}.analyzing:AnalysisResult",
    },
    "tilelang.tileop": {},
    "tilelang.tileop.base": {
        "GemmWarpPolicy": "tiledsl.language.hints:GemmWarpPolicy",
    },
    "tilelang.engine": {},
    "tilelang.engine.callback": {},
    "tilelang.tools.cuda": {},
    "tilelang.tools.cuda.iket": {},
    "tilelang.rocm.intrinsics": {},
    "tilelang.cuda": {},
    "tilelang.cuda.intrinsics": _MMA_LAYOUT,
    "tilelang.cuda.intrinsics.layout": {},
    "tilelang.cuda.intrinsics.layout.mma_layout": _MMA_LAYOUT,
    "tilelang.tvm": {"DataType": f"{_HOST}.names:DataType"},
    "tilelang.tvm.tirx": _EXPRESSIONS,
    "tvm": {"DataType": f"{_HOST}.names:DataType"},
    "tvm.tirx": _EXPRESSIONS,
}
