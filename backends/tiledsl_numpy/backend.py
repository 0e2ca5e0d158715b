"""The interpreter as a backend."""

from __future__ import annotations

import itertools

from tiledsl.backend import BuildOptions, Capabilities, Target
from tiledsl.diagnostics import UnsupportedByTarget
from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import ALL_DTYPES, DType
from tiledsl.ir.visitor import walk
from tiledsl.passes.base import Pass
from tiledsl_numpy.executable import NumpyExecutable
from tiledsl_numpy.frame import Options

_HOST = Target("host")

_NARROW = ("float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
_BYTES = ("int8", "uint8", "int4", "uint4")
# rule L66, and integers of one width for exact tests
_GEMM = frozenset(
    (DType(a), DType(b), DType(c))
    for a, b, c in [
        *((a, a, c) for a in ("float16", "bfloat16") for c in (a, "float32")),
        *((a, a, "float32") for a in ("float32", "tfloat32")),
        ("float64", "float64", "float64"),
        *itertools.product(_NARROW, _NARROW, ("float32", "float16", "bfloat16")),
        *itertools.product(_BYTES, _BYTES, ("int32",)),
        *((a, a, a) for a in ("int32", "int64", "uint32", "uint64")),
    ]
)


class NumpyBackend:
    """Runs Tile IR as it is, at any stage: the meaning of every program."""

    @property
    def name(self) -> str:
        return "numpy"

    def targets(self) -> tuple[Target, ...]:
        return (_HOST,)

    def capabilities(self, target: Target) -> Capabilities:
        """Everything; a block's tiles may take a gigabyte."""
        return Capabilities(
            frozenset(ALL_DTYPES), _GEMM, block_bytes=1 << 30, observes=True
        )

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        return ()

    def build(
        self, function: ir.Function, target: Target, options: BuildOptions
    ) -> NumpyExecutable:
        """Refuses only products of dtypes that have no meaning (rule L66)."""
        for node in walk(function):
            if isinstance(node, ir.Gemm):
                _check_gemm(node)
        return NumpyExecutable(function, Options.of(options))


def _check_gemm(gemm: ir.Gemm) -> None:
    dtypes = (gemm.a.buffer.dtype, gemm.b.buffer.dtype, gemm.c.buffer.dtype)
    if dtypes not in _GEMM:
        known = sorted(f"{a} x {b} -> {c}" for a, b, c in _GEMM)
        raise UnsupportedByTarget(
            "E2010",
            "gemm of these dtypes has no meaning",
            span=gemm.span,
            expected="one of " + ", ".join(known),
            got=f"{dtypes[0]} x {dtypes[1]} -> {dtypes[2]}",
        )
