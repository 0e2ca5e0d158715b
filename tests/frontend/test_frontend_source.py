"""Getting at a function's source, and refusing what has none: language rule L17."""

# kernels written as users may write them
# ruff: noqa: E702

from __future__ import annotations

import functools
import linecache
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.source import read_source

HERE = Path(__file__).name


def test_spans_point_into_the_file():
    def function(a):
        ä = "ü"; return (ä, a)  # fmt: skip

    source = read_source(function)
    statement = source.tree.body[1]
    span = source.span(statement)
    text = linecache.getline(span.file, span.line)
    assert span.file.endswith(HERE)
    assert text[span.column : span.end_column] == "return (ä, a)"


def test_decorated_functions_start_at_their_decorator():
    @functools.lru_cache
    def cached():
        return 1

    assert read_source(cached.__wrapped__).tree.name == "cached"


def test_two_functions_on_one_line():
    # fmt: off
    def first(a): return a
    def second(b): return b
    # fmt: on
    assert read_source(first).tree.args.args[0].arg == "a"
    assert read_source(second).tree.args.args[0].arg == "b"


def test_a_string_passed_to_exec():
    names: dict[str, object] = {"T": T}
    exec("def kernel(A):\n    pass\n", names)
    with pytest.raises(KernelError) as caught:
        read_source(names["kernel"])
    assert caught.value.code == "E0101"
    assert "exec" in caught.value.got


def test_notebook_cells_have_a_source():
    name, text = "<ipython-input-7-abc>", "def kernel(A):\n    return A\n"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    names: dict[str, object] = {}
    exec(compile(text, name, "exec"), names)
    assert (
        read_source(names["kernel"]).span(read_source(names["kernel"]).tree).line == 1
    )


def test_only_compiled_code(tmp_path):
    path = tmp_path / "gone.py"
    path.write_text("def kernel(A):\n    pass\n")
    compiled = py_compile.compile(str(path), cfile=str(tmp_path / "gone.pyc"))
    path.unlink()
    program = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('gone', {compiled!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "from tiledsl.frontend.source import read_source\n"
        "read_source(module.kernel)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "E0101" in done.stderr
    assert "does not exist" in done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this prompt keeps sources")
def test_the_bare_prompt():
    program = (
        "from tiledsl.frontend.source import read_source\n"
        "def kernel(A): pass\n"
        "\n"
        "read_source(kernel)\n"
    )
    done = subprocess.run(
        [sys.executable, "-i"],
        input=program,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "E0101" in done.stderr
    assert "prompt" in done.stderr


def test_a_file_that_changed(tmp_path):
    path = tmp_path / "changed.py"
    path.write_text("def kernel(A):\n    pass\n")
    names: dict[str, object] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    path.write_text("\n\n\ndef kernel(A):\n    pass\n")
    with pytest.raises(KernelError, match="E0102"):
        read_source(names["kernel"])


def test_things_that_are_no_function():
    class Callable:
        def __call__(self):
            pass

    for thing in (len, Callable(), functools.partial(read_source, 1), 3, None):
        with pytest.raises(KernelError, match="E0103"):
            read_source(thing)


def test_a_function_wrapped_by_another_decorator():
    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    @logged
    def kernel(A):
        pass

    with pytest.raises(KernelError, match="E0104") as caught:
        read_source(kernel)
    assert caught.value.span.file.endswith(HERE)


def test_async_generator_lambda():
    async def coroutine(A):
        pass

    async def async_generator(A):
        yield A

    def generator(A):
        yield A

    for function, code in (
        (coroutine, "E0105"),
        (async_generator, "E0105"),
        (generator, "E0106"),
        (lambda A: A, "E0107"),
    ):
        with pytest.raises(KernelError) as caught:
            read_source(function)
        assert caught.value.code == code
        assert caught.value.span.file.endswith(HERE)
