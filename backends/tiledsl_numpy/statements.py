"""Which function executes which statement."""

from __future__ import annotations

from types import MappingProxyType

from tiledsl.ir import nodes as ir
from tiledsl_numpy import control, elements, observations, tiles
from tiledsl_numpy.accumulation import accumulate
from tiledsl_numpy.atomics import atomic
from tiledsl_numpy.debugging import breakpoint_
from tiledsl_numpy.frame import Execute
from tiledsl_numpy.launching import launch
from tiledsl_numpy.matmul import gemm
from tiledsl_numpy.parallel import parallel
from tiledsl_numpy.reductions import reduce
from tiledsl_numpy.sorting import sort

EXECUTE: MappingProxyType[type, Execute] = MappingProxyType(
    {
        ir.Allocate: elements.allocate,
        ir.Let: elements.let,
        ir.Store: elements.store,
        ir.Accumulate: accumulate,
        ir.Atomic: atomic,
        ir.Copy: tiles.copy,
        ir.Fill: tiles.fill,
        ir.Gemm: gemm,
        ir.Reduce: reduce,
        ir.Sort: sort,
        ir.For: control.for_,
        ir.While: control.while_,
        ir.If: control.if_,
        ir.Break: control.break_,
        ir.Continue: control.continue_,
        ir.Parallel: parallel,
        ir.Launch: launch,
        ir.TileHint: control.hint,
        ir.Assert: observations.assert_,
        ir.Print: observations.print_,
        ir.Breakpoint: breakpoint_,
        ir.Wait: observations.nothing,
    }
)
