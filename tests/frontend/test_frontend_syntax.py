"""Python that kernels may not use, and their limits: language rule L26."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from textwrap import indent

import pytest

from tiledsl.diagnostics import CATALOGUE, KernelError

HEADER = """\
import tiledsl
import tiledsl.language as T

@T.prim_func
def kernel(A: T.Tensor((8,), "float32"), B: T.Tensor((8,), "float32")):
    with T.Kernel(8) as bx:
"""


def load(tmp_path: Path, text: str) -> object:
    """The kernel of a module with this text."""
    path = tmp_path / "module.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("module", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.kernel


def body(tmp_path: Path, statements: str) -> object:
    return load(tmp_path, HEADER + indent(statements, "        "))


REJECTED = {
    "try": ("E0110", "try:\n    A[0] = 1.0\nexcept ValueError:\n    pass"),
    "try star": ("E0110", "try:\n    A[0] = 1.0\nexcept* ValueError:\n    pass"),
    "raise": ("E0111", "raise ValueError"),
    "class": ("E0114", "class Inner:\n    pass"),
    "del": ("E0115", "x = 1\ndel x"),
    "global": ("E0116", "global Q\nA[0] = 1.0"),
    "match": ("E0118", "match bx:\n    case 1:\n        pass"),
    "import": ("E0119", "import math"),
    "from import": ("E0119", "from math import pi"),
    "starred": ("E0120", "first, *rest = (1, 2, 3)"),
    "walrus": ("E0121", "A[0] = (y := 2.0)"),
    "for else": ("E0122", "for i in range(2):\n    A[i] = 0.0\nelse:\n    A[0] = 1.0"),
    "while else": ("E0122", "while bx < 2:\n    pass\nelse:\n    A[0] = 1.0"),
    "with": ("E0123", "with memoryview(b'x'):\n    pass"),
    "early return": ("E0124", "return"),
    "return in loop": ("E0124", "for i in range(2):\n    return"),
    "unrolled break": ("E0128", "for i in (1, 2):\n    break"),
    "unrolled continue": ("E0128", "for i in (1, 2):\n    continue"),
    "range step": ("E0129", "for i in range(0, 4, 0):\n    A[i] = 0.0"),
    "range nothing": ("E0129", "for i in range():\n    A[i] = 0.0"),
    "unpack count": ("E0130", "x, y = (1, 2, 3)"),
    "unpack value": ("E0130", "x, y = A[0]"),
    "unpack index": ("E0130", "for i, j in range(4):\n    A[i] = 0.0"),
    "buffer op": ("E0131", "A += 1"),
    "attribute": ("E0132", "A.shape = 3"),
    "attribute op": ("E0132", "A.shape += 3"),
    "scalar element": ("E0133", "x = A[0]\nx[0] = 1"),
    "loop over value": ("E0135", "for i in bx:\n    A[i] = 0.0"),
    "loop over buffer": ("E0135", "for x in A:\n    x = 0.0"),
    "loop over int": ("E0135", "for i in 4:\n    A[i] = 0.0"),
    "endless": ("E0136", "while True:\n    A[0] = 1.0"),
    "parallel break": ("E0137", "for i in T.Parallel(8):\n    break"),
    "parallel mixed": (
        "E0138",
        "for i in T.Parallel(8):\n    A[i] = 0.0\n    for j in T.Parallel(2):\n"
        "        B[j] = 0.0",
    ),
    "parallel after": (
        "E0138",
        "for i in T.Parallel(8):\n    for j in T.Parallel(2):\n        B[j] = 0.0\n"
        "    A[i] = 0.0",
    ),
    "parallel depends": (
        "E0138",
        "for i in T.Parallel(8):\n    for j in T.Parallel(i):\n        A[j] = 0.0",
    ),
    "pipelined in parallel": (
        "E0139",
        "for i in T.Parallel(8):\n    for j in T.Pipelined(2):\n        A[i] = 0.0",
    ),
    "buffer as condition": ("E0412", "if A:\n    B[0] = 1.0"),
    "Python error": ("E0140", "x = (1, 2)[5]"),
    "launch alone": ("E0141", "T.Parallel(8)"),
    "loop over launch": ("E0135", "for i in T.Kernel(4):\n    A[i] = 0.0"),
    "missing attribute": ("E0140", "x = A.nothing"),
    "nested launch": ("E0608", "with T.Kernel(1):\n    A[0] = 1.0"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_rejected_construct(tmp_path, name):
    code, statements = REJECTED[name]
    with pytest.raises(KernelError) as caught:
        _ = body(tmp_path, statements).function
    error = caught.value
    assert error.code == code, str(error)
    assert code in CATALOGUE
    assert error.span is not None and error.span.file.endswith("module.py")
    first = HEADER.count("\n") + 1
    assert first <= error.span.line <= first + statements.count("\n")
    assert error.span.column >= 8


def test_nonlocal(tmp_path):
    text = """\
import tiledsl.language as T

def outer():
    x = 1

    @T.prim_func
    def inner(A: T.Tensor((8,), "float32")):
        nonlocal x
        x = 2

    return inner

kernel = outer()
"""
    with pytest.raises(KernelError, match="E0117"):
        _ = load(tmp_path, text).function


@pytest.mark.parametrize(
    ("statements", "code"),
    [
        ("yield 1", "E0106"),
        ("yield from (1, 2)", "E0106"),
        ("x = (yield)", "E0106"),
        ("x = lambda: (yield)\nA[0] = 1.0", "E0112"),
    ],
)
def test_generators(tmp_path, statements, code):
    with pytest.raises(KernelError) as caught:
        _ = body(tmp_path, statements).function
    assert caught.value.code == code


def test_async(tmp_path):
    text = HEADER.replace("def kernel", "async def kernel") + "        await bx\n"
    with pytest.raises(KernelError, match="E0105"):
        _ = load(tmp_path, text).function


# -------------------------------------------------------------------------- limits


def hostile(kind: str) -> str:
    nested_if = "".join(" " * depth + "if bx > 1:\n" for depth in range(90)) + (
        " " * 90 + "A[0] = 1.0"
    )
    return {
        "sum": "A[0] = " + " + ".join(["bx"] * 1_000),
        "deep parentheses": "A[0] = " + "(" * 150 + "bx" + " + 1)" * 150,
        "many operators": "A[0] = " + "-" * 400 + "bx",
        "elif": "if bx == 0:\n    pass\n"
        + "".join(f"elif bx == {n}:\n    A[0] = {n}.0\n" for n in range(1, 1500)),
        "boolean": "if " + " and ".join(["bx > 1"] * 5_000) + ":\n    pass",
        "nested if": nested_if,
        "calls": "A[0] = " + "T.exp(" * 80 + "A[1]" + ")" * 80,
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["sum", "deep parentheses", "many operators", "elif", "boolean", "calls"],
)
def test_hostile_source_gives_a_kernel_or_an_error_quickly(tmp_path, kind):
    try:
        kernel = body(tmp_path, hostile(kind))
    except (RecursionError, SyntaxError, MemoryError):
        pytest.skip("Python itself does not take this source")
    start = time.perf_counter()
    try:
        _ = kernel.function
    except KernelError as error:
        assert error.code in CATALOGUE
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("kind", ["sum", "elif", "many operators", "boolean"])
def test_nesting_limit(tmp_path, kind):
    try:
        kernel = body(tmp_path, hostile(kind))
    except (RecursionError, SyntaxError, MemoryError):
        pytest.skip("Python itself does not take this source")
    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    assert caught.value.code == "E0125"


def test_unrolling_limit(tmp_path):
    kernel = body(tmp_path, "for i in list(range(10**6)):\n    x = i")
    start = time.perf_counter()
    with pytest.raises(KernelError) as caught:
        _ = kernel.function
    assert caught.value.code == "E0127"
    assert caught.value.span.line == HEADER.count("\n") + 1
    assert time.perf_counter() - start < 5


def test_unrolling_below_the_limit(tmp_path):
    kernel = body(tmp_path, "for i in list(range(9_999)):\n    x = i\nA[0] = x")
    assert kernel.function.body[0].body[0].value.value == 9998.0


def test_statement_limit(tmp_path):
    statements = "for i in list(range(9000)):\n" + "    x = i\n" * 12
    start = time.perf_counter()
    with pytest.raises(KernelError) as caught:
        _ = body(tmp_path, statements).function
    assert caught.value.code == "E0126"
    assert time.perf_counter() - start < 10


def test_endless_recursion_of_a_plain_function(tmp_path):
    text = HEADER.replace(
        "@T.prim_func", "def again(x):\n    return again(x + 1)\n\n@T.prim_func"
    )
    with pytest.raises(KernelError) as caught:
        _ = load(tmp_path, text + "        A[0] = again(1)\n").function
    assert caught.value.code == "E0125"
    assert "again(1)" in str(caught.value)


def test_many_parameters(tmp_path):
    count = 2000
    names = ", ".join(f"p{n}: T.float32" for n in range(count))
    text = (
        "import tiledsl.language as T\n\n@T.prim_func\n"
        f'def kernel(A: T.Tensor((8,), "float32"), {names}):\n'
        "    with T.Kernel(1):\n        A[0] = p1999\n"
    )
    start = time.perf_counter()
    assert len(load(tmp_path, text).function.params) == count + 1
    assert time.perf_counter() - start < 10
