"""Running a rewritten function under a builder, and checking what came out."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, TracebackType
from typing import Final

from tiledsl.diagnostics import Error, InternalError, KernelError
from tiledsl.frontend import python_operations
from tiledsl.frontend.activation import TraceState
from tiledsl.frontend.builder import Builder, Collected
from tiledsl.frontend.escapes import check_escapes
from tiledsl.frontend.parameters import dims_of
from tiledsl.frontend.pointers import with_tensors
from tiledsl.frontend.rewrite_expressions import STAGE
from tiledsl.frontend.rewritten import FACTORY, Rewritten, too_deep
from tiledsl.frontend.scopes import undefined_name
from tiledsl.frontend.stage import Stage
from tiledsl.ir.nodes import (
    Block,
    Buffer,
    Copy,
    Fill,
    Function,
    Gemm,
    Launch,
    Node,
    Parallel,
    Reduce,
    TileHint,
    Var,
    Wait,
)
from tiledsl.ir.spans import Span
from tiledsl.ir.visitor import transform, walk

# what Python's messages call our classes -> what users call them
_WORDS: Final = {
    "BufferRef": "a buffer",
    "RegionRef": "a slice of a buffer",
    "VarRef": "a variable of the kernel",
    "Element": "an element of a buffer",
    "Value": "a value of the kernel",
    "DynamicDim": "a dimension",
}
_PACKAGE: Final = str(Path(__file__).resolve().parent.parent)


@contextmanager
def tracing(state: TraceState, twin: Rewritten) -> Iterator[Collected]:
    """Opens the host block of a trace; errors of the user's code get their place."""
    try:
        with state.activate(), state.builder.block("host") as top:
            yield top
    except (Error, AssertionError):
        raise
    except (RecursionError, MemoryError):
        raise too_deep(state.builder.span) from None
    except Exception as error:
        translated = _translated(error, state.builder, twin)
        if translated is None:
            raise  # it comes from a function of the user
        raise translated from (error if isinstance(translated, InternalError) else None)


def stage_for(state: TraceState, twin: Rewritten, caller: Span | None = None) -> Stage:
    return Stage(state, twin.spans, twin.parameters, caller)


def finished(
    name: str,
    params: tuple[Buffer | Var, ...],
    body: Block,
    span: Span,
    outputs: tuple[int, ...] = (),
    *,
    builder: Builder,
) -> Function:
    """The function, after the checks that need all of it."""
    params = with_tensors(params, builder.pointers, builder.made_tensors)
    pointers = tuple(
        at for at, param in enumerate(params) if param.name in builder.pointers
    )
    function = Function(
        name, params, dims_of(params), body, outputs, pointers=pointers, span=span
    )
    check_escapes(function)
    return _without_idle_waits(function)


def _without_idle_waits(function: Function) -> Function:
    """Most barriers have no asynchronous copies to wait for."""
    nodes = list(walk(function))
    if any(isinstance(node, Copy) and node.asynchronous for node in nodes):
        return function
    if not any(isinstance(node, Wait) for node in nodes):
        return function

    def change(node: Node) -> Node | Block:
        return () if isinstance(node, Wait) else node

    return transform(function, change)


def check_dims(function: Function) -> None:
    """Refuses symbols that no argument determines (rule L104)."""
    given = [p for i, p in enumerate(function.params) if i not in function.outputs]
    known = {dim.name for dim in dims_of(tuple(given))}
    known |= {param.name for param in function.params if isinstance(param, Var)}
    for node in _outer_nodes(function):
        if isinstance(node, Var) and node.name not in known:
            raise KernelError(
                "E0610",
                f"no argument determines the dimension {node.name}",
                span=node.span if node.span.line else function.span,
                expected="a dimension in the shape or strides of an input tensor",
                hint=f"pass it as a scalar parameter, {node.name}: T.int32",
            )


def _outer_nodes(function: Function) -> Iterator[Node]:
    """Everything in the shapes of parameters and workspaces and in grids."""
    for param in function.params:
        if isinstance(param, Buffer):
            for extent in (*param.shape, *(param.strides or ())):
                yield from walk(extent)
    yield from _host_parts(function.body)


def _host_parts(block: Block) -> Iterator[Node]:
    for statement in block:
        match statement:
            case Launch(grid=extents) | Parallel(extents=extents):
                for extent in extents:
                    yield from walk(extent)
            case TileHint(body=body):
                yield from _host_parts(body)
            case Copy() | Fill() | Gemm() | Reduce():
                yield from walk(statement)


def _translated(error: Exception, builder: Builder, twin: Rewritten) -> Error | None:
    """An exception of Python as ours; None if a user's own function raised it."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None and _is_internal(last.tb_frame.f_code):
        return InternalError(
            "E9001",
            f"tracing failed: {type(error).__name__}: {error}",
            span=builder.span,
            hint="this is a bug in tiledsl; please report it with the kernel",
        )
    if last is None or not _is_users(last.tb_frame.f_code):
        return None
    if isinstance(error, NameError):
        missing = str(getattr(error, "name", "") or "")
        known = [*twin.run.__globals__, *vars(builtins), *_names(last)]
        return undefined_name(
            missing, _place_of_name(missing, builder.span, twin), known
        )
    return KernelError(
        "E0140",
        f"this raised {type(error).__name__} while the kernel was traced",
        span=builder.span,
        got=_message(error, twin.run),
    )


def _place_of_name(name: str, statement: Span, twin: Rewritten) -> Span:
    """Where the kernel reads a name near the place that the trace has reached."""
    for node in ast.walk(twin.source.tree):
        if isinstance(node, ast.Name) and node.id == name:
            place = twin.source.span(node)
            if place.file == statement.file and place.line >= statement.line:
                return place
    return statement


def _is_internal(code: CodeType) -> bool:
    return code.co_filename.startswith(_PACKAGE) and not _is_users(code)


def _is_users(code: CodeType) -> bool:
    """Whether code is a kernel's, or Python's operations done for one."""
    rewritten = code.co_qualname.startswith(FACTORY) or STAGE in code.co_varnames
    return rewritten or code.co_filename == python_operations.__file__


def _names(place: TracebackType) -> tuple[str, ...]:
    code = place.tb_frame.f_code
    return code.co_varnames + code.co_freevars + code.co_cellvars


def _message(error: Exception, function: Callable[..., object]) -> str:
    text = str(error).replace(f"'{STAGE}'", "an argument")
    for kind, word in _WORDS.items():
        bare = rf"|\b{kind}\b" if kind.endswith("Ref") else ""
        text = re.sub(f"'{kind}'{bare}", word, text)
    return text or type(error).__name__
