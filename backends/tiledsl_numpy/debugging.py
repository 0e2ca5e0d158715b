"""Breakpoint: Python's debugger in the middle of a kernel.

The debugger sees a frame at the user's line whose local names are the kernel's: buffers
are the arrays themselves, scalars are numbers.  Inside ``T.Parallel`` a name whose value
differs between iterations is an array with one entry per executing iteration, or the one
value if a single iteration executes.
"""

from __future__ import annotations

import bdb
import linecache

import numpy as np

from tiledsl.diagnostics import CheckError, Error
from tiledsl.ir import nodes as ir
from tiledsl_numpy import regions
from tiledsl_numpy.expressions import evaluate
from tiledsl_numpy.frame import Frame


def breakpoint_(statement: ir.Breakpoint, frame: Frame) -> None:
    """Calls Python's ``breakpoint`` where the user wrote it.

    Leaving the debugger ends the call with ``bdb.BdbQuit``, as everywhere in Python.
    """
    seen = {
        name: _seen(value, frame)
        for name, value in zip(statement.names, statement.values, strict=True)
    }
    file, line = statement.span.file, max(statement.span.line, 1)
    code = compile("\n" * (line - 1) + "breakpoint()", file, "exec")
    linecache.checkcache(file)
    try:
        exec(code, {"__name__": "__kernel__", "np": np}, seen)
    except (bdb.BdbQuit, Error):
        raise
    except Exception as error:
        raise CheckError(
            "E5031",
            f"the hook of breakpoint() raised {type(error).__name__}: {error}",
            span=statement.span,
        ) from error


def _seen(value: ir.Expr | ir.Region, frame: Frame) -> np.ndarray:
    if isinstance(value, ir.Expr):
        return _of_lanes(np.asarray(evaluate(value, frame)), frame, 0)
    storage = frame.memory(value.buffer)
    if storage.private:
        return _of_lanes(storage.array, frame, value.buffer.rank)
    if all(isinstance(dim, ir.Range) for dim in value.dims):
        shape = regions.shape_of(value.shape, frame)
        if shape == storage.array.shape:
            return storage.array
    return regions.read(value, regions.shape_of(value.shape, frame), frame)


def _of_lanes(value: np.ndarray, frame: Frame, rank: int) -> np.ndarray:
    """The values of the active lanes, one after the other; the value if it is one."""
    lanes = frame.lanes.shape
    if value.ndim == rank or not lanes:
        return value[()]
    own = value.shape[value.ndim - rank :]
    spread = np.broadcast_to(value, lanes + own).reshape(-1, *own)
    active = True if frame.active is None else frame.active
    chosen: np.ndarray = spread[np.broadcast_to(active, lanes).reshape(-1)]
    return np.asarray(chosen[0])[()] if len(chosen) == 1 else chosen
