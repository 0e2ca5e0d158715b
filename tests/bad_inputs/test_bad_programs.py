"""Cases 33 to 73: programs."""

from __future__ import annotations

import linecache
import time
from collections.abc import Callable

import numpy as np
import pytest
from tiledsl_numpy import NumpyBackend

import tiledsl
import tiledsl.language as T
from tiledsl.backend import Target
from tiledsl.diagnostics import Error, KernelError, UnsupportedByTarget
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.passes.drop_observations import DropObservations

Program = Callable[..., PrimFunc]
Refused = Callable[..., Error]

# case, statements, where the caret stands, what the message says
REFUSED = [
    (33, "Y[0, 0] = vra", "vra", "did you mean var"),
    (34, "if bx > 1:\n    x = 1\nY[0, 0] = x", "x", "T.alloc_var"),
    (35, "try:\n    var = 1\nexcept ValueError:\n    pass", "try", "if"),
    (35, "f = lambda: (yield)", "(yield)"[1:-1], "output"),
    (35, "x = (y := 2)", "y := 2", "statement"),
    (35, "a, *b = (1, 2)", "*b", "name every target"),
    (35, "class C:\n    pass", "class", "outside"),
    (35, "global Q", "global", "parameter"),
    (35, "with memoryview(b'x') as f:\n    pass", "memoryview", "T.Kernel"),
    (36, "again(1)", "again(x)", "loop"),
    (37, "other(Y)", "other(Y)", "T.macro"),
    (43, "for i in range(3):\n    return", "return", ""),
    (43, "for i in T.Parallel(4):\n    break", "break", "continue"),
    (44, "for i in range(3):\n    i = 1", "i", ""),
    (45, "T.copy(tile[0:4:2, :], acc)", "tile[0:4:2, :]", "T.Parallel"),
    (46, "T.copy(tile[2:6, :], acc)", "tile[2:6, :]", "tile"),
    (46, "Y[0, 0] = Y[4, 0]", "Y[4, 0]", "Y"),
    (46, "Y[0, 0] = tile[4, 0]", "tile[4, 0]", "4"),
    (47, "Y[0, 0] = tile[None, 0]", "tile[None, 0]", "None"),
    (47, "Y[0, 0] = tile[..., 0]", "tile[..., 0]", "Ellipsis"),
    (47, "Y[0, 0] = tile[True, 0]", "tile[True, 0]", "True"),
    (47, "Y[0, 0] = tile[1.0, 0]", "tile[1.0, 0]", "1.0"),
    (48, "Y[0, 0] = tile[0]", "tile[0]", "shape (4, 8)"),
    (48, "tile[0, 0, 0] = 1.0", "tile[0, 0, 0]", "shape (4, 8)"),
    (49, "T.copy(tile, line)", "T.copy", "(4, 8)"),
    (49, "T.gemm(tile, tile, acc)", "T.gemm", "(4, 8)"),
    (49, "T.reduce_sum(tile, line, dim=0)", "T.reduce_sum", "(4,)"),
    (50, 'x = T.alloc_shared((n, 4), "float32")', "T.alloc_shared", "n"),
    (50, 'x = T.alloc_shared((0, 4), "float32")', "T.alloc_shared", "0"),
    (50, 'x = T.alloc_shared((2.5,), "float32")', "T.alloc_shared", "2.5"),
    (52, "for i in list(range(10**5)):\n    var = i", "list", "10000"),
    (53, "var = s // 0", "s // 0", "x // 0 = 0"),
    (53, "var = s % 0", "s % 0", ""),
    (54, "var = 1 << 40", "var", "int32"),
    (54, "var = s / 2", "s / 2", "//"),
    (56, "var = s << 32", "s << 32", "0 to 31"),
    (56, "var = s >> -1", "s >> -1", "0 to 31"),
    (57, "Y[0, 0] = Y[0, 0] & 1", "Y[0, 0] & 1", "integers"),
    (57, "T.reduce_bitor(tile, line)", "T.reduce_bitor", "float32"),
    (58, "T.gemm(T.alloc_shared((4, 4), 'int32'), tile, acc)", "T.gemm", "float32"),
    (64, "for k in T.Pipelined(4, num_stages=-1):\n    var = 1", "T.Pipelined", "-1"),
    (64, "for k in T.Pipelined(4, num_stages=s):\n    var = 1", "T.Pipelined", ""),
    (71, "T.use_swizzle('x')", "T.use_swizzle", "positive int"),
    (71, "T.annotate_layout({tile: 3, 4: 5})", "T.annotate_layout", "buffer"),
]


@pytest.mark.parametrize(
    ("number", "statements", "at", "text"),
    REFUSED,
    ids=[f"test_case_{row[0]:02}-{row[1][:30]!r}" for row in REFUSED],
)
def test_refused_program(
    refused_program: Refused, number: int, statements: str, at: str, text: str
) -> None:
    started = time.perf_counter()
    refused_program(number, statements, at, text)
    assert time.perf_counter() - started < 5  # a limit ends it, not patience


# names that the language has and this version refuses, at the user's line
UNAVAILABLE = [
    "T.attr(var, 'x', 1)", "T.evaluate(T.attr)", "T.call_extern('sin', 1.0)",
    "T.tma_copy(tile, acc)", "T.alloc_barrier(1)", "T.make_tensor(s, (4,), 'int8')",
    "T.tcgen05_gemm(tile, tile, acc)",
    "T.mbarrier_arrive(1)",
]  # fmt: skip


@pytest.mark.parametrize("statement", UNAVAILABLE)
def test_constructs_that_are_not_available(program: Program, statement: str) -> None:
    kernel = program(statement)
    with pytest.raises(UnsupportedByTarget) as caught:
        _ = kernel.function
    error = caught.value
    assert error.code == "E2001"
    assert error.span is not None and f"{error.span}".startswith("<bad input")
    assert statement.split("(")[0] in str(error)


def test_case_36_mutual_recursion(program: Program, refused: Refused) -> None:
    kernel = program("f = lambda g: g(g)\nvar = f(f)")
    refused(36, lambda: kernel.function, "g(g)")


def test_case_37_a_kernel_on_the_host(refused: Refused) -> None:
    @T.prim_func
    def inner(X: T.Tensor((4,), "float32")):
        with T.Kernel(4) as bx:
            X[bx] = 1.0

    refused(37, lambda: inner(np.zeros(4, np.float32)), "tiledsl.compile")


FACTOR = 2.0


@tiledsl.jit(backend="numpy")
def times_factor(X):
    X: T.Tensor((4,), "float32")
    with T.Kernel(4) as bx:
        X[bx] = X[bx] * FACTOR


def test_case_38_a_changed_global(monkeypatch: pytest.MonkeyPatch) -> None:
    for factor in (2.0, 3.0, 2.0):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        x = np.ones(4, np.float32)
        times_factor(x)
        assert (x == factor).all()


def test_case_39_a_captured_array(refused: Refused) -> None:
    table = np.zeros(3)

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        with T.Kernel(4) as bx:
            X[bx] = float(table[0])

    refused(39, lambda: kernel(np.zeros(4, np.float32)), "table", "ndarray")


def test_case_40_no_source(refused: Refused) -> None:
    names: dict[str, object] = {"T": T}
    exec("def kernel(X):\n    pass", names)
    refused(40, lambda: tiledsl.jit(names["kernel"])(1), "kernel")


def test_case_41_what_is_no_plain_function(refused: Refused) -> None:
    async def asynchronous(X: T.Tensor((4,), "int8")): ...

    def generator(X: T.Tensor((4,), "int8")):
        yield 1

    for function in (asynchronous, generator, lambda X: None):
        refused(41, lambda f=function: T.prim_func(f).function)
        refused(41, lambda f=function: tiledsl.jit(f)(np.zeros(4, np.int8)))


def test_case_42_shadowed_names(program: Program) -> None:
    kernel = program("range = 3\nT_copy = T.copy\nmax = T.max(s, range)\nvar = max")
    assert kernel.function.name == "kernel"


def test_case_51_a_tile_that_is_too_large(refused: Refused) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "float32")):
        with T.Kernel(1):
            tile = T.alloc_shared((1 << 17, 1 << 10), "float32")
            T.clear(tile)
            T.copy(tile[0, 0:4], X)

    compiled = tiledsl.compile(kernel, backend="llvm")
    started = time.perf_counter()
    refused(51, lambda: compiled(np.zeros(4, np.float32)), "268435456 bytes")
    assert time.perf_counter() - started < 10


def test_case_51_a_tile_that_no_backend_could_hold(refused: Refused) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "float32")):
        with T.Kernel(1):
            tile = T.alloc_fragment((100_000, 100_000), "float32")
            T.clear(tile)

    refused(51, lambda: kernel.function, "10000000000 elements")


@pytest.mark.parametrize("name", ["fmod", "floordiv"])
def test_case_55_division_of_floats(name: str) -> None:
    @tiledsl.jit
    def kernel(X, op):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as bx:
            Y[bx] = X[bx] // 2.5 if op == "floordiv" else X[bx] % 2.5
        return Y

    x = np.array([-7, 7, -0.5, 1e6], np.float32)
    expected = {"fmod": np.mod, "floordiv": np.floor_divide}[name](x, np.float32(2.5))
    for backend in ("numpy", "llvm"):
        assert np.array_equal(kernel(x, name, backend=backend), expected)


def test_case_57_atomics_on_float8(refused: Refused) -> None:
    @T.prim_func
    def kernel(X: T.Tensor((4,), "float8_e4m3fn")):
        with T.Kernel(4) as bx:
            T.atomic_add(X[bx], 1.0)

    refused(57, lambda: kernel.function, "T.atomic_add")


@tiledsl.jit
def product(A, B, tile_k):
    K = T.dynamic("K")
    A: T.Tensor((5, K), "float32")
    B: T.Tensor((K, 3), "float32")
    C = T.empty((5, 3), "float32")
    with T.Kernel(1):
        a = T.alloc_shared((5, tile_k), "float32")
        b = T.alloc_shared((tile_k, 3), "float32")
        c = T.alloc_fragment((5, 3), "float32")
        T.clear(c)
        for k in T.Pipelined(T.ceildiv(K, tile_k), num_stages=3):
            T.copy(A[0, k * tile_k], a)
            T.copy(B[k * tile_k, 0], b)
            T.gemm(a, b, c)
        T.copy(c, C)
    return C


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_case_59_65_70_a_gemm_of_any_size(backend: str) -> None:
    """The loop overwrites, stage by stage, what the last iteration read (65)."""
    a = np.arange(5 * 23, dtype=np.float32).reshape(5, 23) % 7
    b = np.arange(23 * 3, dtype=np.float32).reshape(23, 3) % 5
    assert np.array_equal(product(a, b, 7, backend=backend), a @ b)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_case_60_61_62_63_reductions_races_and_unwritten_tiles(backend: str) -> None:
    """Races and unwritten tiles give undefined elements; nothing else is touched."""

    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((3, 37), "float32")
        Y = T.empty((3,), "float32")
        Z = T.empty((8,), "float32")
        with T.Kernel(1):
            x = T.alloc_shared((3, 37), "float32")
            y = T.alloc_fragment((3,), "float32")
            unwritten = T.alloc_fragment((8,), "float32")
            T.copy(X, x)
            T.reduce_max(x, y, dim=1)
            T.copy(y, Y)
            for i in T.Parallel(7):
                unwritten[i + 1] = unwritten[i] + x[0, i]
            for i, j in T.Parallel(4, 2):
                unwritten[j] = x[0, i]
            T.copy(unwritten, Z)
        return Y, Z

    x = np.arange(3 * 37, dtype=np.float32).reshape(3, 37)
    y, z = kernel(x, backend=backend)
    assert np.array_equal(y, x.max(1))
    assert z.shape == (8,)


def test_case_66_an_asynchronous_copy_is_a_copy(program: Program) -> None:
    def statements(kernel: PrimFunc) -> object:
        return kernel.function.body

    def plain(kernel: PrimFunc) -> object:
        capabilities = NumpyBackend().capabilities(Target("host"))
        return DropObservations().run(kernel.function, capabilities).body

    assert plain(program("T.async_copy(A[0, 0], tile)")) == statements(
        program("T.copy(A[0, 0], tile)")
    )


def test_case_68_an_assumption_that_is_false(refused: Refused) -> None:
    @tiledsl.jit
    def kernel(X):
        n = T.dynamic("n")
        X: T.Tensor((n,), "float32")
        Y = T.empty((n,), "float32")
        T.assume(n % 4 == 0)
        with T.Kernel(n // 4) as bx:
            T.copy(X[bx * 4 : bx * 4 + 4], Y[bx * 4])
        return Y

    refused(68, lambda: kernel(np.zeros(7, np.float32)), "got n = 7")


def test_case_67_an_output_that_is_never_written(refused: Refused) -> None:
    @tiledsl.jit
    def kernel(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as bx:
            X[bx] = 1.0
        return Y

    refused(67, lambda: kernel(np.zeros(4, np.float32)), "Y")


def test_case_69_a_dim_that_nothing_determines(refused: Refused) -> None:
    k = T.dynamic("k")

    @T.prim_func
    def kernel(X: T.Tensor((4,), "float32")):
        with T.Kernel(k) as bx:
            X[bx] = 1.0

    refused(69, lambda: kernel.function, "k: T.int32")


def test_case_71_hints_that_cannot_be_used(program: Program) -> None:
    kernel = program(
        "T.use_swizzle(1000)\nT.annotate_layout({tile: T.Layout((1,), lambda i: i)})"
    )
    assert kernel.function.name == "kernel"


@pytest.mark.parametrize(
    "statements",
    [
        "Y[0, 0] = " + "-" * 300 + "1.0",
        "Y[0, 0] = " + " + ".join(["s"] * 2000),
        "var = s if " + " and ".join(["s > 1"] * 2000) + " else 0",
        "f = lambda g, x: g(g, x + 1)\nvar = f(f, 1)",
    ],
)
def test_case_72_nested_too_deeply(
    program: Program, refused: Refused, statements: str
) -> None:
    kernel = program(statements)
    started = time.perf_counter()
    refused(72, lambda: kernel.function, "-->")
    assert time.perf_counter() - started < 5


def test_case_73_too_many_statements(program: Program, refused: Refused) -> None:
    kernel = program("for i in list(range(9000)):\n" + "    x = i\n" * 12)
    refused(73, lambda: kernel.function)


def test_case_73_many_parameters_are_legal() -> None:
    scalars = ", ".join(f"p{i}: T.int32" for i in range(2000))
    text = (
        "import tiledsl.language as T\n@T.prim_func\n"
        f"def kernel(X: T.Tensor((4,), 'int32'), {scalars}):\n"
        "    with T.Kernel(1):\n        X[0] = p1999\n"
    )
    linecache.cache["<many>"] = (len(text), None, text.splitlines(True), "<many>")
    space: dict[str, object] = {}
    exec(compile(text, "<many>", "exec"), space)
    kernel = tiledsl.compile(space["kernel"], backend="numpy")
    x = np.zeros(4, np.int32)
    kernel(x, *range(2000))
    assert x[0] == 1999


def test_errors_are_syntax_errors_at_the_users_line(program: Program) -> None:
    """So that Python and pytest draw the line themselves."""
    with pytest.raises(KernelError) as caught:
        _ = program("Y[0, 0] = vra").function
    error = caught.value
    assert isinstance(error, SyntaxError)
    assert error.text is not None and "vra" in error.text
    assert error.lineno == error.span.line
