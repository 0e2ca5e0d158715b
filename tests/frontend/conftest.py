"""Tracing small kernels, and looking at their IR and at their errors."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from textwrap import dedent

import pytest

from tiledsl.diagnostics import CATALOGUE, KernelError
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import verify

Refused = Callable[
    [str, str], AbstractContextManager[pytest.ExceptionInfo[KernelError]]
]


def _text_under_caret(error: KernelError) -> str:
    assert error.span is not None, "the error has no place"
    return linecache.getline(error.span.file, error.span.line)[error.span.column :]


@pytest.fixture
def refused() -> Refused:
    """``with refused(code, text):`` — a KernelError whose caret stands before the text."""

    @contextmanager
    def expecting(code: str, at: str) -> Iterator[pytest.ExceptionInfo[KernelError]]:
        with pytest.raises(KernelError) as caught:
            yield caught
        error = caught.value
        assert error.code == code, str(error)
        assert code in CATALOGUE
        assert _text_under_caret(error).startswith(at), str(error)
        assert error.lineno == error.span.line  # Python itself draws this line

    return expecting


@pytest.fixture
def ir() -> Callable[[PrimFunc], str]:
    """The verified IR of a kernel, as text without its header lines."""

    def text(kernel: PrimFunc) -> str:
        verify(kernel.function)
        return print_function(kernel.function)

    return text


@pytest.fixture
def block(ir: Callable[[PrimFunc], str]) -> Callable[[PrimFunc], str]:
    """The IR inside the (only) launch of a kernel."""

    def text(kernel: PrimFunc) -> str:
        lines = ir(kernel).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("  launch"))
        return dedent("\n".join(lines[start + 1 :])).strip()

    return text
