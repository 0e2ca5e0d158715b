"""Tile kernels in Python: one source for NumPy, LLVM and Triton.

``import tiledsl`` is cheap; what it offers is loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from tiledsl.host_imports import install as install_host_imports

if TYPE_CHECKING:
    from tiledsl import language as language
    from tiledsl.compat.host.environment import env as env
    from tiledsl.compat.host.names import DataType as DataType
    from tiledsl.compat.host.names import set_log_level as set_log_level
    from tiledsl.compat.host.numbers import cdiv as cdiv
    from tiledsl.compile_function import compile as compile
    from tiledsl.compile_function import par_compile as par_compile
    from tiledsl.diagnostics import ArgumentError as ArgumentError
    from tiledsl.diagnostics import CacheError as CacheError
    from tiledsl.diagnostics import CheckError as CheckError
    from tiledsl.diagnostics import Error as Error
    from tiledsl.diagnostics import InternalError as InternalError
    from tiledsl.diagnostics import KernelError as KernelError
    from tiledsl.diagnostics import TileWarning as TileWarning
    from tiledsl.diagnostics import UnsupportedByTarget as UnsupportedByTarget
    from tiledsl.jit_function import JitFunction as JitFunction
    from tiledsl.jit_function import jit as jit
    from tiledsl.pass_config import PassConfigKey as PassConfigKey
    from tiledsl.runtime.cache import disable_cache as disable_cache
    from tiledsl.runtime.cache import enable_cache as enable_cache
    from tiledsl.runtime.kernel import JITKernel as JITKernel
    from tiledsl.runtime.packing import pack as pack
    from tiledsl.runtime.packing import unpack as unpack
    from tiledsl.runtime.profiler import Profiler as Profiler
    from tiledsl.runtime.profiler import TensorSupplyType as TensorSupplyType
    from tiledsl.runtime.reinterpret import as_dtype as as_dtype
    from tiledsl.tune.autotune import autotune as autotune

__version__: Final = "0.1.0"

# public name -> the module that defines it
_HOMES: Final[dict[str, str]] = {
    "ArgumentError": "tiledsl.diagnostics",
    "CacheError": "tiledsl.diagnostics",
    "CheckError": "tiledsl.diagnostics",
    "Error": "tiledsl.diagnostics",
    "InternalError": "tiledsl.diagnostics",
    "KernelError": "tiledsl.diagnostics",
    "TileWarning": "tiledsl.diagnostics",
    "UnsupportedByTarget": "tiledsl.diagnostics",
    "JITKernel": "tiledsl.runtime.kernel",
    "JitFunction": "tiledsl.jit_function",
    "Profiler": "tiledsl.runtime.profiler",
    "TensorSupplyType": "tiledsl.runtime.profiler",
    "as_dtype": "tiledsl.runtime.reinterpret",
    "autotune": "tiledsl.tune.autotune",
    "DataType": "tiledsl.compat.host.names",
    "cdiv": "tiledsl.compat.host.numbers",
    "compile": "tiledsl.compile_function",
    "disable_cache": "tiledsl.runtime.cache",
    "enable_cache": "tiledsl.runtime.cache",
    "env": "tiledsl.compat.host.environment",
    "jit": "tiledsl.jit_function",
    "pack": "tiledsl.runtime.packing",
    "par_compile": "tiledsl.compile_function",
    "PassConfigKey": "tiledsl.pass_config",
    "set_log_level": "tiledsl.compat.host.names",
    "unpack": "tiledsl.runtime.packing",
}
_MODULES: Final = {
    "language": "tiledsl.language",
    "layout": "tiledsl.compat.host.layouts",
    "math": "tiledsl.compat.host.numbers",
    "autotuner": "tiledsl.autotuner",
    "testing": "tiledsl.testing",
    "profiler": "tiledsl.runtime.profiler",
}
# modules of host names, the same as those of the alias tilelang
_HOST_MODULES: Final = frozenset(
    {"cache", "carver", "contrib", "cuda", "engine", "rocm", "tileop", "tools"}
    | {"transform", "tvm", "utils"}
)
# what TileLang has beside them: refused when it is used
_THEIRS: Final = frozenset(
    {"cpu", "lower", "libinfo", "metal", "quantize", "webgpu"}
    | {f"register_{kind}_postproc" for kind in ("cuda", "hip", "c")}
)


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOST_MODULES:
        host = import_module("tiledsl.compat.host_modules")
        return host.host_module(f"tiledsl.{name}")
    if name in _THEIRS:
        refused = import_module("tiledsl.compat.refused")
        return refused.refused(f"tiledsl.{name}", [*_HOMES, *_MODULES])
    if name not in _HOMES:
        raise AttributeError(f"module 'tiledsl' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def _host_module(path: str) -> object:
    """What ``tiledsl.<path>`` is, if it begins with a module; else None."""
    first, *rest = path.split(".")
    if first not in _MODULES and first not in _HOST_MODULES:
        return None
    found: object = __getattr__(first)
    for name in rest:
        found = getattr(found, name, None)
    return found


install_host_imports(_host_module)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_MODULES, *_HOST_MODULES])
