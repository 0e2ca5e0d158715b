"""Names of the language that raise when used: hardware, and what is still to come.

Every name of the language exists, so that a program can be read, imported and refused at
the line that uses the name (rules L5, L86).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final, NoReturn

from tiledsl.diagnostics import KernelError, UnsupportedByTarget
from tiledsl.frontend.builder import Builder, here

# hardware names and their portable replacements, "" where there is none
_HARDWARE: Final[dict[str, str]] = {
    "tma_copy": "T.copy",
    "alloc_barrier": "",
    "alloc_cluster_barrier": "",
    "alloc_tmem": "T.alloc_fragment",
    "mbarrier_arrive": "",
    "mbarrier_wait_parity": "",
    "mbarrier_arrive_expect_tx": "",
    "barrier_arrive": "",
    "barrier_wait": "",
    "ptx_cp_async": "T.copy",
    "ClusterKernel": "T.Kernel",
    "block_rank_in_cluster": "",
    "clc_try_cancel_multicast": "",
    "clc_is_canceled": "",
    "clc_get_first_ctaid_x": "",
    "tcgen05_gemm": "T.gemm",
    "tcgen05_gemm_blockscaled": "T.gemm on tiles that were scaled in T.Parallel",
    "tcgen05_mma_arrive": "",
    "tcgen05_cp_warpx4": "T.copy",
    "tcgen05_sf_warp_transpose": "T.copy",
    "mma_gemm_blockscaled": "T.gemm on tiles that were scaled in T.Parallel",
    "gemm_sp": "T.gemm on the dense tile",
    "float4_e2m1_unpacked": "",
    "sync_grid": "two T.Kernel in one function: the second sees the first's effects",
    "call_extern": 'T functions, e.g. T.cast(x, dtype, round="rz")',
    "import_source": "T functions",
    "ws": "T.Pipelined",
    "ws_op": "T.Pipelined",
    "annotate_ws_schedule": "T.Pipelined",
    "WSPipeline": "T.Pipelined",
    "WSRole": "T.Pipelined",
    "WSSchedule": "T.Pipelined",
    "WSScope": "T.Pipelined",
    "WSSync": "T.Pipelined",
}

_TO_COME: Final[dict[str, str]] = {
    # narrow floats
    "float8_e4m3fnuz": "float8_e4m3fn",
    "float8_e5m2fnuz": "float8_e5m2",
    # threads
    "WSID": "",
    # approximate forms (rule L38)
    "__exp": "T.exp",
    "__exp10": "T.exp10",
    "__log": "T.log",
    "__log2": "T.log2",
    "__log10": "T.log10",
    "__sin": "T.sin",
    "__cos": "T.cos",
    "__tan": "T.tan",
    "fast_rcp": "1.0 / x",
}

# what no other device can do; an address of a buffer has an answer, and is refused so
HARDWARE: Final = frozenset(_HARDWARE) - {"access_ptr"}
UNAVAILABLE: Final = frozenset(_HARDWARE) | frozenset(_TO_COME)


def unavailable_reason(name: str) -> tuple[str, str | None]:
    """Why a name of ``UNAVAILABLE`` cannot be used, and what can be instead."""
    hardware = name in _HARDWARE
    instead = _HARDWARE[name] if hardware else _TO_COME[name]
    why = "names hardware of one device" if hardware else "is not available yet"
    return f"T.{name} {why}", f"instead: {instead}" if instead else None


class UnavailableName:
    """A name of the language without a meaning here: any use raises at the user's line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self) -> UnsupportedByTarget:
        message, hint = unavailable_reason(self._name)
        return UnsupportedByTarget("E2001", message, span=here(), hint=hint)

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise self._refuse()

    def __getitem__(self, _: object) -> NoReturn:
        raise self._refuse()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._refuse()

    def __repr__(self) -> str:
        return f"<T.{self._name}, not available>"


def unavailable(name: str, known: list[str]) -> UnavailableName:
    """The object for a name of the language.

    Any other name is an error with the nearest name: AttributeError, or while a kernel is
    traced KernelError E0322 at the user's line.
    """
    if name in UNAVAILABLE:
        return UnavailableName(name)
    near = get_close_matches(name, [*known, *UNAVAILABLE], n=1)
    if Builder.active_or_none() is not None and not name.startswith("__"):
        raise KernelError(
            "E0322",
            f"the language has no name T.{name}",
            span=here(),
            hint=f"did you mean T.{near[0]}?" if near else None,
        )
    suggestion = f"; did you mean {near[0]}?" if near else ""
    raise AttributeError(f"tiledsl.language has no name {name!r}{suggestion}")
