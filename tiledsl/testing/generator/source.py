"""A generated function as source text of the language, to test the frontend with.

The text means what the function means: traced, it must give the same results.  Constants
are typed and conversions written out, so that no promotion is left to the frontend but
those that keep a dtype.  What has no spelling raises ``NoSpelling``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Block,
    Break,
    Buffer,
    Const,
    Continue,
    For,
    Function,
    If,
    Launch,
    Let,
    Parallel,
    Statement,
    Store,
    TileHint,
    Var,
    While,
)
from tiledsl.testing.generator.source_expressions import (
    NoSpelling,
    element,
    expression,
    shape_of,
)
from tiledsl.testing.generator.source_operations import operation

__all__ = ["NoSpelling", "source"]

_UPDATES: Final = {"sum": "+", "mul": "*", "and": "&", "or": "|", "xor": "^"}


def source(function: Function) -> str:
    """A module with a lazy ``kernel`` of no static parameters."""
    lines = ["import tiledsl", "import tiledsl.language as T", "", "", "@tiledsl.jit"]
    lines.append("def kernel():")
    lines += [f'    {dim.name} = T.dynamic("{dim.name}")' for dim in function.dims]
    anchors = [f'sizes: T.Tensor({shape_of(function.dims)}, "int8")']  # tells all dims
    params = ", ".join([*map(_parameter, function.params), *anchors])
    lines += ["    @T.prim_func", f"    def main({params}):"]
    lines += [f"        {line}" for line in _block(function.body)]
    return "\n".join([*lines, "    return main", ""])


def _parameter(param: Buffer | Var) -> str:
    if isinstance(param, Var):
        return f"{param.name}: T.{param.dtype}"
    shape = shape_of(param.shape)
    if param.strides is None:
        return f'{param.name}: T.Tensor({shape}, "{param.dtype}")'
    strides = shape_of(param.strides)
    return f'{param.name}: T.StridedTensor({shape}, {strides}, "{param.dtype}")'


# ------------------------------------------------------------------ statements


def _block(block: Block) -> list[str]:
    lines = [line for statement in block for line in _statement(statement)]
    return lines or ["pass"]


def _nested(head: str, block: Block) -> list[str]:
    return [head, *(f"    {line}" for line in _block(block))]


def _statement(statement: Statement) -> Iterator[str]:
    match statement:
        case Launch() | For() | Parallel() | While() | If() | TileHint():
            yield from _control(statement)
        case Allocate(buffer=buffer):
            yield _allocation(buffer)
        case Let(var=var, value=value):
            yield f"{var.name} = {expression(value)}"
        case Store(buffer=buffer, indices=indices, value=value):
            yield f"{element(buffer, indices)} = {expression(value)}"
        case Accumulate():
            yield _accumulation(statement)
        case Break():
            yield "break"
        case Continue():
            yield "continue"
        case _:
            yield operation(statement)


def _control(
    statement: Launch | For | Parallel | While | If | TileHint,
) -> list[str]:
    match statement:
        case Launch(vars=names, grid=grid, threads=threads, body=body):
            extents = "".join(f"{expression(extent)}, " for extent in grid)
            head = f"with T.Kernel({extents}threads={threads[0]}) as ({_names(names)}):"
            return _nested(head, body)
        case For(var=var, body=body):
            return _nested(f"for {var.name} in {_range(statement)}:", body)
        case Parallel(vars=names, extents=extents, body=body):
            listed = ", ".join(expression(extent) for extent in extents)
            names_text = ", ".join(var.name for var in names)
            return _nested(f"for {names_text} in T.Parallel({listed}):", body)
        case TileHint(sizes=sizes, reduce=reduce, stages=stages, body=body):
            listed = "".join(f"{size}, " for size in sizes)
            options = f"reduce={reduce}, num_stages={stages}"
            return _nested(f"with T.tile_hint({listed}{options}):", body)
        case While(condition=condition, body=body):
            return _nested(f"while {expression(condition)}:", body)
    then = _nested(f"if {expression(statement.condition)}:", statement.then)
    return then + (_nested("else:", statement.otherwise) if statement.otherwise else [])


def _names(names: tuple[Var, ...]) -> str:
    return "".join(f"{var.name}, " for var in names)


def _range(loop: For) -> str:
    bounds = f"{expression(loop.start)}, {expression(loop.stop)}"
    if isinstance(loop.step, Const) and loop.step.value == 0:
        raise NoSpelling("a step of 0")
    if loop.kind == "pipelined" and loop.step == Const(1, INDEX):
        return f"T.Pipelined({bounds}, num_stages={loop.stages})"
    if loop.kind == "vectorized" and loop.step == Const(1, INDEX):
        return f"T.vectorized({bounds})"
    name = "unroll" if loop.kind == "unroll" else "serial"
    return f"T.{name}({bounds}, {expression(loop.step)})"


def _allocation(buffer: Buffer) -> str:
    if buffer.of is not None:
        shape = shape_of(buffer.shape)
        return f'{buffer.name} = T.view({buffer.of}, {shape}, "{buffer.dtype}")'
    if not buffer.shape:
        if buffer.scope != "local":
            raise NoSpelling("a tile of rank 0")
        return f'{buffer.name} = T.alloc_var("{buffer.dtype}")'
    return f'{buffer.name} = T.alloc_{buffer.scope}({shape_of(buffer.shape)}, "{buffer.dtype}")'


def _accumulation(statement: Accumulate) -> str:
    target = element(statement.buffer, statement.indices)
    value = expression(statement.value)
    if statement.reduction in _UPDATES:
        return f"{target} {_UPDATES[statement.reduction]}= {value}"
    return f"{target} = T.{statement.reduction}({target}, {value})"
