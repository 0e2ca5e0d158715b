"""Running a case and judging the error that comes out."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from textwrap import indent

import pytest

from tests.bad_inputs.catalog import CATALOG as CASES
from tiledsl.diagnostics import CATALOGUE, Error
from tiledsl.frontend.prim_func import PrimFunc

HEAD = """\
import numpy as np
import tiledsl
import tiledsl.language as T

@T.macro
def again(x):
    again(x)

@T.prim_func
def other(A: T.Tensor((4,), "float32")):
    with T.Kernel(1):
        A[0] = 1.0

n = T.dynamic("n")

@T.prim_func
def kernel(
    A: T.Tensor((n, 8), "float32"),
    B: T.Tensor((n, 8), "float16"),
    ids: T.Tensor((8,), "int32"),
    s: T.int32,
    Y: T.Tensor((4, 8), "float32"),
):
"""
TILES = """\
with T.Kernel(T.ceildiv(n, 4), threads=128) as bx:
    tile = T.alloc_shared((4, 8), "float32")
    half = T.alloc_shared((4, 8), "float16")
    acc = T.alloc_fragment((4, 8), "float32")
    line = T.alloc_fragment((4,), "float32")
    var = T.alloc_var("int32", init=0)
"""
_NUMBERS = itertools.count()


@pytest.fixture
def program() -> Callable[[str], PrimFunc]:
    """The kernel with these statements; their names are those of HEAD and TILES."""

    def made(statements: str, *, host: bool = False) -> PrimFunc:
        body = statements if host else TILES + indent(statements, "    ")
        text = HEAD + indent(body, "    ") + "\n"
        file = f"<bad input {next(_NUMBERS)}>"
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        names: dict[str, object] = {"__name__": "bad_inputs"}
        exec(compile(text, file, "exec"), names)
        kernel = names["kernel"]
        assert isinstance(kernel, PrimFunc)
        return kernel

    return made


def well_formed(error: Error, *texts: str) -> None:
    """What every message owes its reader."""
    message = str(error)
    assert error.code in CATALOGUE
    assert message.startswith(f"{error.code} ")
    assert len(message) < 3000
    for ours in ("Traceback", "BufferRef", "object at 0x", "__stage", "tiledsl/"):
        assert ours not in message, message
    # what a call lacks, and what IR text says, is told in a sentence
    sentence = error.code.startswith("E30") or error.notes
    assert sentence or error.expected or error.got or error.hint, message
    for text in texts:
        assert text in message, message


@pytest.fixture
def refused() -> Callable[..., Error]:
    """``refused(7, call, "text")``: the call raises an error of case 7 that says so."""

    def check(number: int, call: Callable[[], object], *texts: str) -> Error:
        with pytest.raises(Error) as caught:
            call()
        error = caught.value
        assert error.code in CASES[number].codes, str(error)
        well_formed(error, *texts)
        return error

    return check


@pytest.fixture
def refused_program(
    program: Callable[..., PrimFunc], refused: Callable[..., Error]
) -> Callable[..., Error]:
    """A program refused with the caret under ``at``."""

    def check(
        number: int, statements: str, at: str, *texts: str, host: bool = False
    ) -> Error:
        kernel = program(statements, host=host)
        error = refused(number, lambda: kernel.function, *texts)
        assert error.span is not None and error.span.file.startswith("<bad input")
        line = linecache.getline(error.span.file, error.span.line)
        assert line[error.span.column :].startswith(at), str(error)
        assert "^" in str(error)
        return error

    return check
