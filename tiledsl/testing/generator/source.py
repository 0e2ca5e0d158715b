"""A generated function as source text of the language, to test the frontend with.

The text means what the function means: traced, it must give the same results.  Constants
are typed and conversions written out, so that no promotion is left to the frontend but
those that keep a dtype.  What has no spelling raises ``NoSpelling``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    At,
    Bitcast,
    Block,
    Break,
    Buffer,
    Cast,
    Const,
    Continue,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Load,
    Parallel,
    Range,
    Reduce,
    Region,
    Select,
    Statement,
    Store,
    Var,
    While,
)
from tiledsl.ir.visitor import walk

_INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "floormod": "%",
    "and": "&", "or": "|", "xor": "^", "shl": "<<", "shr": ">>", "eq": "==", "ne": "!=",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip
_PREFIX: Final = {"neg": "-", "not": "~"}
_CALLS: Final = {
    "min": "T.min({})", "max": "T.max({})",
    "min_nan": "T.min({}, nan_propagate=True)",
    "max_nan": "T.max({}, nan_propagate=True)",
    "round_away": 'T.round({}, "ties-away-from-zero")',
}  # fmt: skip
_REDUCTIONS: Final = {"and": "bitand", "or": "bitor", "xor": "bitxor"}
_UPDATES: Final = {"sum": "+", "mul": "*", "and": "&", "or": "|", "xor": "^"}


class NoSpelling(ValueError):
    """The function uses what the language cannot say in this way."""


def source(function: Function) -> str:
    """A module with a lazy ``kernel`` of no static parameters."""
    lines = ["import tiledsl", "import tiledsl.language as T", "", "", "@tiledsl.jit"]
    lines.append("def kernel():")
    lines += [f'    {dim.name} = T.dynamic("{dim.name}")' for dim in function.dims]
    anchors = [f'sizes: T.Tensor({_tuple(function.dims)}, "int8")']  # tells all dims
    params = ", ".join([*map(_parameter, function.params), *anchors])
    lines += ["    @T.prim_func", f"    def main({params}):"]
    lines += [f"        {line}" for line in _block(function.body)]
    return "\n".join([*lines, "    return main", ""])


def _parameter(param: Buffer | Var) -> str:
    if isinstance(param, Var):
        return f"{param.name}: T.{param.dtype}"
    shape = _tuple(param.shape)
    if param.strides is None:
        return f'{param.name}: T.Tensor({shape}, "{param.dtype}")'
    strides = _tuple(param.strides)
    return f'{param.name}: T.StridedTensor({shape}, {strides}, "{param.dtype}")'


def _tuple(parts: tuple[Expr, ...]) -> str:
    return "(" + "".join(f"{expression(part)}, " for part in parts) + ")"


# ------------------------------------------------------------------ statements


def _block(block: Block) -> list[str]:
    lines = [line for statement in block for line in _statement(statement)]
    return lines or ["pass"]


def _nested(head: str, block: Block) -> list[str]:
    return [head, *(f"    {line}" for line in _block(block))]


def _statement(statement: Statement) -> Iterator[str]:
    match statement:
        case Launch() | For() | Parallel() | While() | If():
            yield from _control(statement)
        case Allocate(buffer=buffer):
            yield _allocation(buffer)
        case Let(var=var, value=value):
            yield f"{var.name} = {expression(value)}"
        case Store(buffer=buffer, indices=indices, value=value):
            yield f"{_element(buffer, indices)} = {expression(value)}"
        case Accumulate():
            yield _accumulation(statement)
        case Break():
            yield "break"
        case Continue():
            yield "continue"
        case _:
            yield _operation(statement)


def _control(statement: Launch | For | Parallel | While | If) -> list[str]:
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
    if not buffer.shape:
        if buffer.scope != "local":
            raise NoSpelling("a tile of rank 0")
        return f'{buffer.name} = T.alloc_var("{buffer.dtype}")'
    return f'{buffer.name} = T.alloc_{buffer.scope}({_tuple(buffer.shape)}, "{buffer.dtype}")'


def _accumulation(statement: Accumulate) -> str:
    target = _element(statement.buffer, statement.indices)
    value = expression(statement.value)
    if statement.reduction in _UPDATES:
        return f"{target} {_UPDATES[statement.reduction]}= {value}"
    return f"{target} = T.{statement.reduction}({target}, {value})"


def _operation(statement: Statement) -> str:
    match statement:
        case Copy(source=origin, target=target, shape=shape) if (
            origin.shape == target.shape == shape  # slices say no other extent
        ):
            if not target.shape:
                return f"{_points(target)} = {_points(origin)}"
            return f"T.copy({region(origin)}, {region(target)})"
        case Fill(target=target, value=value):
            if not target.shape:
                return f"{_points(target)} = {expression(value)}"
            return f"T.fill({region(target)}, {expression(value)})"
        case Gemm(a=a, b=b, c=c, clear=clear):
            return (
                f"T.gemm({region(a)}, {region(b)}, {region(c)}, "
                f"transpose_A={statement.transpose_a}, "
                f"transpose_B={statement.transpose_b}, clear_accum={expression(clear)})"
            )
        case Reduce(reduction=name, source=origin, target=target, axis=axis):
            if not target.shape:
                raise NoSpelling("a reduction to rank 0")
            more = _nan_option(statement)
            return (
                f"T.reduce_{_REDUCTIONS.get(name, name)}({region(origin)}, "
                f"{region(target)}, dim={axis}, clear={statement.clear}{more})"
            )
    raise NoSpelling(type(statement).__name__)


def _nan_option(statement: Reduce) -> str:
    """Only the reductions that can ignore NaN have the choice."""
    chosen = statement.nan_propagate and statement.reduction in (
        "max",
        "min",
        "absmax",
    )
    return ", nan_propagate=True" if chosen else ""


def region(part: Region) -> str:
    """A slice; the whole buffer by its name."""
    if part.fill is not None:
        raise NoSpelling("a fill of one access")
    whole = all(
        isinstance(dim, Range) and dim.start == Const(0, INDEX) and dim.extent == extent
        for dim, extent in zip(part.dims, part.buffer.shape, strict=True)
    )
    if whole:
        return part.buffer.name
    dims = [
        expression(dim.index)
        if isinstance(dim, At)
        else f"{expression(dim.start)} : {expression(dim.start)} + {expression(dim.extent)}"
        for dim in part.dims
    ]
    return f"{part.buffer.name}[{', '.join(dims)}]"


def _points(part: Region) -> str:
    indices = tuple(dim.index for dim in part.dims if isinstance(dim, At))
    return _element(part.buffer, indices)


# ----------------------------------------------------------------- expressions


def _element(buffer: Buffer, indices: tuple[Expr, ...]) -> str:
    if not indices:
        return buffer.name if buffer.scope == "local" else f"{buffer.name}[()]"
    return f"{buffer.name}[{', '.join(expression(index) for index in indices)}]"


def expression(expr: Expr) -> str:
    """One expression, wholly parenthesized."""
    match expr:
        case Const():
            return _constant(expr)
        case Var(name=name):
            return name
        case Apply(op="not", args=(value,)) if _is_static_bool(value):
            return f"(not {expression(value)})"  # ~True is an int of Python
        case Apply(op=op, args=args):
            return _application(op, tuple(expression(arg) for arg in args))
        case Select(condition=condition, then=then, otherwise=otherwise, lazy=lazy):
            c, a, b = expression(condition), expression(then), expression(otherwise)
            return f"({a} if {c} else {b})" if lazy else f"T.Select({c}, {a}, {b})"
        case Cast(value=value, dtype=dtype, rounding=rounding, saturate=saturate):
            if dtype == INDEX:
                # else an index position would compute the value anew, in 64 bits
                return f'T.cast({expression(value)}, "int64")'
            more = f', round="{rounding}", sat={saturate}' if dtype.is_float else ""
            return f'T.cast({expression(value)}, "{dtype}"{more})'
        case Bitcast(value=value, dtype=dtype):
            return f'T.reinterpret({expression(value)}, "{dtype}")'
    if expr.fill is not None:
        raise NoSpelling("a fill of one access")
    return _element(expr.buffer, expr.indices)


def _is_static_bool(expr: Expr) -> bool:
    return expr.dtype == BOOL and not any(
        isinstance(part, Var | Load) for part in walk(expr)
    )


def _constant(constant: Const) -> str:
    value, dtype = constant.value, constant.dtype
    if dtype == INDEX:
        return f"({value})" if value < 0 else str(value)
    if dtype == BOOL:
        return str(bool(value))
    text = repr(value)
    if isinstance(value, float) and not math.isfinite(value):
        text = f'float("{value}")'
    return f'T.cast({text}, "{dtype}")'


def _application(op: str, args: tuple[str, ...]) -> str:
    listed = ", ".join(args)
    if op in _INFIX:
        return f"({args[0]} {_INFIX[op]} {args[1]})"
    if op in _PREFIX:
        return f"({_PREFIX[op]}{args[0]})"
    if op in _CALLS:
        return _CALLS[op].format(listed)
    return f"T.{op}({listed})"
