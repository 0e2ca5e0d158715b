"""Ring mode is a homomorphism: legal rewrites keep every bit, faults do not."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np
import pytest

from tiledsl.backend import Capabilities
from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    At,
    Buffer,
    Cast,
    Const,
    Copy,
    Expr,
    Fill,
    For,
    Function,
    Gemm,
    If,
    Launch,
    Load,
    Parallel,
    Range,
    Reduce,
    Region,
    Statement,
    Store,
    Var,
    While,
    index,
    whole,
)
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.verifier import verify
from tiledsl.runtime.kernel import JITKernel
from tiledsl.testing.ring import RingMode, encode, random_values
from tiledsl.testing.ring.encoding import INFINITY, NAN

N = 64
I = Var("i", INDEX)  # noqa: E741
BF16 = DType("bfloat16")
NO_LIMITS = Capabilities(frozenset(), frozenset(), block_bytes=1 << 30)


def kernel(inputs: int, shape: tuple[int, ...], body: Callable[..., list[Statement]]):
    """A ring kernel of arrays of ``shape``; ``body`` gets the buffers, the last written."""
    sizes = tuple(index(extent) for extent in shape)
    buffers = [Buffer(f"p{k}", sizes, FLOAT32) for k in range(inputs + 1)]
    statements = tuple(body(*buffers))
    launch = Launch((Var("block", INDEX),), (index(1),), (1,), statements)
    function = Function("f", tuple(buffers), (), (launch,), (inputs,))
    verify(function)
    ring = RingMode().run(function, NO_LIMITS)
    verify(ring)
    return JITKernel(ring, backend="numpy")


def elementwise(value: Callable[..., Expr], *arrays: np.ndarray) -> np.ndarray:
    def body(*buffers: Buffer) -> list[Statement]:
        loads = (Load(buffer, (I,)) for buffer in buffers[:-1])
        store = Store(buffers[-1], (I,), value(*loads))
        return [Parallel((I,), (index(arrays[0].size),), (store,))]

    return kernel(len(arrays), arrays[0].shape, body)(*arrays)


def op(name: str) -> Callable[..., Expr]:
    return lambda *args: Apply(name, args)


def signed(value: np.ndarray) -> np.ndarray:
    return ((value.astype(object) + 2**31) % 2**32 - 2**31).astype(np.int64)


@pytest.fixture
def values(request) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return tuple(random_values(rng, (N * N,)) for _ in range(3))


@pytest.mark.parametrize(
    ("name", "exact"),
    [("add", operator.add), ("sub", operator.sub), ("mul", operator.mul)],
)
def test_arithmetic_wraps(name: str, exact, values) -> None:
    a, b, _ = values
    expected = signed(exact(a.astype(object), b.astype(object)))
    assert np.array_equal(elementwise(op(name), a, b), expected)


def test_exp2_turns_sums_into_products(values) -> None:
    a, b, _ = values
    of_sum = elementwise(lambda a, b: op("exp2")(op("add")(a, b)), a, b)
    product = elementwise(lambda a, b: op("mul")(op("exp2")(a), op("exp2")(b)), a, b)
    assert np.array_equal(of_sum, product)
    expected = [(pow(5, int(x) % 2**30, 2**32) + 2**31) % 2**32 - 2**31 for x in a]
    assert np.array_equal(elementwise(op("exp2"), a), expected)


def test_exp_is_exp2_of_a_multiple(values) -> None:
    a, b, _ = values
    of_sum = elementwise(lambda a, b: op("exp")(op("add")(a, b)), a, b)
    product = elementwise(lambda a, b: op("mul")(op("exp")(a), op("exp")(b)), a, b)
    assert np.array_equal(of_sum, product)


def test_division_by_an_odd_value_undoes_multiplication(values) -> None:
    a, b, _ = values
    odd = b | 1
    back = elementwise(lambda a, b: op("div")(op("mul")(a, b), b), a, odd)
    assert np.array_equal(back, a)


def test_fma_is_a_product_and_a_sum(values) -> None:
    fused = elementwise(op("fma"), *values)
    split = elementwise(lambda a, b, c: op("add")(op("mul")(a, b), c), *values)
    assert np.array_equal(fused, split)


HASHED = [
    name
    for name, row in SCALAR_OPS.items()
    if "f" in row.operands and row.result == "same" and (row.ulp or name == "sqrt")
    if row.arity == 1 and name not in ("exp", "exp2", "exp10")
]


@pytest.mark.parametrize("name", HASHED)
def test_other_functions_are_distinct_and_invertible(name: str, values) -> None:
    a = np.unique(values[0][values[0] != 0])
    image = elementwise(op(name), a)
    assert np.unique(image).size == a.size
    for other in HASHED:
        if other != name:
            assert not np.array_equal(elementwise(op(other), a[:8]), image[:8])


INF = float("inf")
SPECIALS = [
    ("add", (INF, 3.0), INF),
    ("add", (-INF, 3.0), -INF),
    ("add", (INF, -INF), np.nan),
    ("add", (np.nan, INF), np.nan),
    ("sub", (INF, INF), np.nan),
    ("sub", (3.0, INF), -INF),
    ("sub", (3.0, np.nan), np.nan),
    ("mul", (INF, -2.0), -INF),
    ("mul", (INF, 0.0), np.nan),
    ("mul", (-INF, -INF), INF),
    ("div", (3.0, INF), 0.0),
    ("div", (INF, INF), np.nan),
    ("div", (-INF, 2.0), -INF),
    ("neg", (INF,), -INF),
    ("abs", (-INF,), INF),
    ("exp2", (-INF,), 0.0),
    ("exp2", (INF,), INF),
    ("exp2", (np.nan,), np.nan),
    ("exp", (-INF,), 0.0),
    ("max", (np.nan, 2.0), 2.0),
    ("max", (-INF, -7.0), -7.0),
    ("min", (2.0, np.nan), 2.0),
    ("min", (INF, np.nan), INF),
    ("max_nan", (np.nan, 2.0), np.nan),
    ("min_nan", (2.0, np.nan), np.nan),
    ("log", (0.0,), -INF),
    ("log2", (INF,), INF),
    ("log2", (-INF,), np.nan),
    ("sqrt", (INF,), INF),
    ("rsqrt", (INF,), 0.0),
    ("sigmoid", (-INF,), 0.0),
]


@pytest.mark.parametrize(("name", "args", "expected"), SPECIALS)
def test_infinities_and_nan_follow_ieee(name: str, args, expected: float) -> None:
    arrays = [np.array([encode(arg)]) for arg in args]
    assert elementwise(op(name), *arrays).tolist() == [encode(expected)]


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons_order_values_and_leave_nan_out(name: str) -> None:
    finite = [-5, 0, 7]
    line = np.array([-INFINITY, *finite, INFINITY])
    a, b = (part.ravel() for part in np.meshgrid(line, line))
    got = elementwise(lambda a, b: Cast(op(name)(a, b), FLOAT32), a, b)
    assert np.array_equal(got, getattr(operator, name)(a, b))
    with_nan = elementwise(
        lambda a, b: Cast(op(name)(a, b), FLOAT32), line, np.full(5, NAN)
    )
    assert with_nan.tolist() == [int(name == "ne")] * 5


def test_narrowing_keeps_low_bits_and_specials() -> None:
    a = np.array([0x12345678, -3, INFINITY, NAN])
    got = elementwise(lambda x: Cast(Cast(x, BF16), FLOAT32), a)
    assert got.tolist() == [0x5678, -3, INFINITY, NAN]


def test_float_to_int_saturates_infinities() -> None:
    a = np.array([-9, INFINITY, -INFINITY, NAN])
    got = elementwise(lambda x: Cast(Cast(x, DType("int8")), FLOAT32), a)
    assert got.tolist() == [-9, 127, -128, 0]


def test_constants_keep_sign_and_small_integers() -> None:
    assert [encode(v) for v in (0.0, 1.0, -2.0)] == [0, 1, -2]
    assert encode(0.3) == -encode(-0.3)
    assert encode(0.3) > 0
    assert encode(0.3) % 2 == 1


# ------------------------------------------------------------- tile operations


def product_in_steps(step: int, *, clear_each: bool = False, skip: int = -1):
    """c = a @ b for 12x12 values in K steps of ``step``, with faults to plant."""

    def body(a: Buffer, b: Buffer, c: Buffer) -> list[Statement]:
        k = Var("k", INDEX)
        acc = Buffer("acc", (index(12), index(12)), FLOAT32, "fragment")
        everything = Range(index(0), index(12))
        start = Apply("mul", (k, index(step)))
        steps = Range(start, index(step))
        gemm = Gemm(
            Region(a, (everything, steps)),
            Region(b, (steps, everything)),
            whole(acc),
            Const(clear_each, BOOL),
        )
        wanted = Apply("ne", (k, index(skip)))
        loop = For(k, index(0), index(-(-12 // step)), index(1), (If(wanted, (gemm,)),))
        fill = Fill(whole(acc), Const(0.0, FLOAT32))
        return [Allocate(acc), fill, loop, Copy(whole(acc), whole(c), acc.shape)]

    return kernel(2, (12, 12), body)


def test_products_do_not_depend_on_the_steps() -> None:
    rng = np.random.default_rng(1)
    a, b = (random_values(rng, (12, 12)) for _ in range(2))
    expected = signed(a.astype(object) @ b.astype(object))
    for step in (1, 3, 5, 12):  # 5 does not divide: the tail reads zeros
        assert np.array_equal(product_in_steps(step)(a, b), expected)


def test_faults_in_a_product_show() -> None:
    rng = np.random.default_rng(2)
    a, b = (random_values(rng, (12, 12)) for _ in range(2))
    right = product_in_steps(3)(a, b)
    assert not np.array_equal(product_in_steps(3, clear_each=True)(a, b), right)
    assert not np.array_equal(product_in_steps(3, skip=2)(a, b), right)


def test_a_special_operand_makes_its_row_nan() -> None:
    a = random_values(np.random.default_rng(3), (12, 12))
    a[4, 7] = NAN
    got = product_in_steps(4)(a, a)
    assert (got[4] == NAN).all()
    assert (got[:, 7] == NAN).all()
    assert (got == NAN).sum() == 23


def reduction(name: str, *, clear: bool, nan_propagate: bool = False):
    def body(a: Buffer, out: Buffer) -> list[Statement]:
        line = Buffer("line", (index(8),), FLOAT32, "fragment")
        everything = Range(index(0), index(8))
        start = Region(a, (At(index(0)), everything))
        return [
            Allocate(line),
            Copy(start, whole(line), (index(8),)),
            Reduce(name, whole(a), whole(line), 1, clear, nan_propagate),
            Copy(whole(line), Region(out, (everything, At(index(0)))), (index(8),)),
        ]

    return lambda a: kernel(1, (8, 8), body)(a)[:, 0]


def test_sums_wrap_and_classify_specials() -> None:
    a = random_values(np.random.default_rng(4), (8, 8))
    a[1, 3] = INFINITY
    a[2, 1], a[2, 5] = INFINITY, -INFINITY
    a[3, 0] = NAN
    got = reduction("sum", clear=True)(a)
    assert got[[1, 2, 3]].tolist() == [INFINITY, NAN, NAN]
    rest = [0, 4, 5, 6, 7]
    assert np.array_equal(got[rest], signed(a[rest].astype(object).sum(axis=1)))


@pytest.mark.parametrize("nan_propagate", [False, True])
@pytest.mark.parametrize("name", ["max", "min"])
def test_extrema_treat_nan_as_asked(name: str, nan_propagate: bool) -> None:
    a = random_values(np.random.default_rng(5), (8, 8))
    a[2, 2] = NAN
    a[3] = NAN
    a[4, 1] = INFINITY
    got = reduction(name, clear=True, nan_propagate=nan_propagate)(a)
    best = getattr(np, name)
    expected = best(a, axis=1)
    expected[2] = NAN if nan_propagate else best(a[2][a[2] != NAN])
    expected[3] = NAN
    assert np.array_equal(got, expected)


def test_an_uncleared_reduction_combines_with_the_old_content() -> None:
    a = random_values(np.random.default_rng(6), (8, 8))
    got = reduction("sum", clear=False)(a)
    assert np.array_equal(got, signed(a.astype(object).sum(axis=1) + a[0]))


@pytest.mark.parametrize("name", ["sum", "max", "min", "mul"])
def test_accumulation_counts_every_iteration_once(name: str) -> None:
    def body(a: Buffer, out: Buffer) -> list[Statement]:
        seed = Store(out, (I,), Const(3.0, FLOAT32))
        j = Var("j", INDEX)
        slot = Apply("floormod", (j, index(4)))
        update = Accumulate(name, out, (slot,), Load(a, (j,)))
        return [
            Parallel((I,), (index(N),), (seed,)),
            Parallel((j,), (index(N),), (update,)),
        ]

    # accumulation into a parameter: its shape is static here
    a = random_values(np.random.default_rng(8), (N,))
    got = kernel(1, (N,), body)(a)[:4]
    groups = a.reshape(-1, 4).astype(object)
    combine = {"sum": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
    total = combine[name].reduce(np.vstack([groups, [[3] * 4]]).astype(object), axis=0)
    assert np.array_equal(got, signed(total) if name in ("sum", "mul") else total)


def test_a_loop_over_a_float_condition() -> None:
    def body(a: Buffer, out: Buffer) -> list[Statement]:
        n = Buffer("n", (), FLOAT32, "local")
        one = Const(1.0, FLOAT32)
        below = Apply("lt", (Load(n, ()), Load(a, (index(0),))))
        step = Store(n, (), Apply("add", (Load(n, ()), one)))
        start = Store(n, (), Const(0.0, FLOAT32))
        store = Store(out, (index(0),), Load(n, ()))
        return [Allocate(n), start, While(below, (step,)), store]

    assert kernel(1, (1,), body)(np.array([5]))[0] == 5
