"""Each promise of the node docstrings, broken once."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import pytest

from tiledsl.diagnostics import InternalError
from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, INT32, DType
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    At,
    Atomic,
    Bitcast,
    Break,
    Buffer,
    Cast,
    Const,
    Continue,
    Copy,
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
    Store,
    Var,
    While,
    index,
    whole,
)
from tiledsl.ir.spans import Span
from tiledsl.ir.verifier import problems, verify
from tiledsl.testing.random_functions import random_function

X = Buffer("x", (Var("m", INDEX), index(8)), FLOAT32)
T = Buffer("t", (index(4), index(8)), FLOAT32, "shared")
R = Buffer("r", (index(4),), FLOAT32, "fragment")
N = Buffer("n", (), INT32, "local")
B8 = DType("bfloat16")
H = Buffer("h", (index(4),), B8, "shared")
LANE, STEP = Var("i", INDEX), Var("j", INDEX)
ZERO, ONE = Const(0.0, FLOAT32), Const(1.0, FLOAT32)
TRUE, FALSE = Const(True, BOOL), Const(False, BOOL)
ALLOCATED = (Allocate(T), Allocate(R), Allocate(N), Allocate(H))


def kernel(*body: object) -> Function:
    launch = Launch((Var("b", INDEX),), (index(3),), (64,), (*ALLOCATED, *body))
    return Function("f", (X, Var("s", INT32)), (Var("m", INDEX),), (launch,), (0,))


def at_host(*body: object) -> Function:
    return replace(kernel(), body=body)


def lanes(*body: object) -> Parallel:
    return Parallel((LANE,), (index(4),), body)


def loop(*body: object, **facts: object) -> For:
    parts = {"var": STEP, "start": index(0), "stop": index(4), "step": index(1)} | facts
    return For(**parts, body=body)


def store(value: object, *indices: object) -> Store:
    return Store(T, indices or (index(0), index(0)), value)


def let(value: object, dtype: DType) -> Let:
    return Let(Var("v", dtype), value)


def load(buffer: Buffer, *indices: object, **facts: object) -> Load:
    return Load(buffer, indices, **facts)


def update(op: str, value: object, **facts: object) -> Atomic:
    return Atomic(op, T, (index(0), index(0)), value, **facts)


t00 = load(T, index(0), index(0))
box = Region(T, (Range(index(0), index(4)), Range(index(0), index(8))))

VALID = {
    "elements": kernel(
        lanes(loop(Accumulate("sum", R, (LANE,), ONE), Break()), Continue())
    ),
    "narrow": kernel(
        Store(H, (index(0),), Cast(t00, B8)), Fill(whole(H), Const(1.0, B8))
    ),
    "jump": kernel(loop(If(TRUE, (Break(),), (Continue(),)))),
    "reduce": kernel(Reduce("max", whole(T), whole(R), 1)),
    "atomic": kernel(
        update("exchange", load(T, index(0), index(0)), previous=Var("v", FLOAT32)),
        store(Var("v", FLOAT32)),
        lanes(update("load", None, order="acquire"), update("max", ONE, fill=ZERO)),
    ),
    "workspace": at_host(Allocate(Buffer("w", (Var("m", INDEX),), FLOAT32))),
}

INVALID = {
    "undeclared variable": (kernel(store(ZERO, LANE, index(0))), "'i' is not declared"),
    "undeclared buffer": (kernel(Store(Buffer("q", (), FLOAT32), (), ZERO)), "'q' is not"),
    "variable after its loop": (
        kernel(loop(store(ZERO, STEP, index(0))), store(ZERO, STEP, index(0))),
        "'j' is used out of its scope",
    ),
    "let after its arm": (
        kernel(If(TRUE, (let(ONE, FLOAT32),)), store(Var("v", FLOAT32))),
        "'v' is used out of its scope",
    ),
    "let before itself": (kernel(let(Var("v", FLOAT32), FLOAT32)), "'v' is not declared"),
    "buffer of an arm": (
        kernel(
            If(TRUE, (Allocate(Buffer("q", (), FLOAT32, "local")),)),
            Store(Buffer("q", (), FLOAT32, "local"), (), ZERO),
        ),
        "'q' is used out of its scope",
    ),
    "declared twice": (kernel(let(ONE, FLOAT32), let(ONE, FLOAT32)), "declared twice"),
    "variable named as a buffer": (kernel(Let(Var("t", INDEX), index(1))), "declared twice"),
    "other dtype": (kernel(store(Var("s", FLOAT32))), "used differently than declared"),
    "other shape": (
        kernel(store(load(replace(T, shape=(index(8), index(8))), index(0), index(0)))),
        "used differently than declared",
    ),
    "float index": (kernel(store(ZERO, ONE, index(0))), "must have dtype index, not float32"),
    "int32 index": (
        kernel(store(ZERO, Const(0, INT32), index(0))),
        "must have dtype index, not int32",
    ),
    "too few subscripts": (kernel(store(ZERO, index(0))), "takes 2 subscripts"),
    "stored dtype": (kernel(store(Const(0, INT32))), "must have dtype float32, not int32"),
    "narrow operand": (
        kernel(let(Apply("neg", (load(H, index(0)),)), B8)),
        "neg does not take bfloat16",
    ),
    "mixed operands": (
        kernel(let(Apply("add", (ONE, Const(1, INT32))), FLOAT32)),
        "operands of add differ",
    ),
    "operands missing": (kernel(let(Apply("add", (ONE,)), FLOAT32)), "no scalar operation"),
    "unknown operation": (kernel(let(Apply("abx", (ONE,)), FLOAT32)), "no scalar operation"),
    "logic on floats": (kernel(let(Apply("and", (ONE, ONE)), FLOAT32)), "and does not take"),
    "select arms": (
        kernel(let(Select(TRUE, ONE, Const(1, INT32)), FLOAT32)),
        "arms of a select differ",
    ),
    "select condition": (
        kernel(let(Select(ONE, ONE, ONE), FLOAT32)),
        "condition of a select must be bool",
    ),
    "bitcast width": (
        kernel(let(Bitcast(ONE, DType("int64")), DType("int64"))),
        "has not the bits",
    ),
    "bitcast to bool": (
        kernel(let(Bitcast(Const(1, DType("uint8")), BOOL), BOOL)),
        "has not the bits",
    ),
    "rounding": (kernel(let(Cast(ONE, B8, "up"), B8)), "unknown rounding"),
    "constant too large": (kernel(let(Const(2**31, INT32), INT32)), "is not a value of int32"),
    "constant inexact": (kernel(store(Const(0.1, FLOAT32))), "is not a value of float32"),
    "float as int": (kernel(let(Const(1.0, INT32), INT32)), "is not a value of int32"),
    "int as float": (kernel(store(Const(1, FLOAT32))), "is not a value of float32"),
    "bool as int": (kernel(let(Const(True, INT32), INT32)), "is not a value of int32"),
    "infinite fp8": (
        kernel(let(Const(float("inf"), DType("float8_e4m3fn")), DType("float8_e4m3fn"))),
        "is not a value",
    ),
    "fill dtype": (
        kernel(store(load(T, index(0), index(0), fill=Const(0, INT32)))),
        "the fill of 't' must have dtype float32",
    ),
    "claims": (
        kernel(store(load(T, index(0), index(0), proved=(True,)))),
        "one claim per subscript",
    ),
    "empty claims": (
        kernel(store(load(T, index(0), index(0), proved=(False, False)))),
        "one claim per subscript",
    ),
    "if number": (kernel(If(ONE, ())), "a condition must have dtype bool"),
    "while number": (kernel(While(index(1), ())), "a condition must have dtype bool"),
    "loop variable": (kernel(loop(var=Var("j", INT32))), "'j' must have dtype index"),
    "loop bound": (kernel(loop(stop=Const(4, INT32))), "a loop bound must have dtype index"),
    "loop kind": (kernel(loop(kind="magic")), "unknown kind of loop"),
    "stages": (kernel(loop(stages=-1)), "negative number of stages"),
    "break outside": (kernel(Break()), "Break outside a loop"),
    "break in parallel": (kernel(loop(lanes(Break()))), "Break outside a loop"),
    "continue outside": (kernel(If(TRUE, (Continue(),))), "Continue outside a loop"),
    "accumulate outside": (kernel(Accumulate("sum", R, (index(0),), ONE)), "cannot stand"),
    "copy in parallel": (kernel(lanes(Fill(whole(T), ZERO))), "Fill cannot stand"),
    "parallel in parallel": (
        kernel(lanes(Parallel((STEP,), (index(2),), ()))),
        "Parallel cannot stand",
    ),
    "shared in parallel": (
        kernel(lanes(Allocate(Buffer("q", (index(1),), FLOAT32, "shared")))),
        "only local buffers",
    ),
    "launch in launch": (
        kernel(Launch((Var("c", INDEX),), (index(1),), (1,), ())),
        "Launch cannot stand",
    ),
    "host statement": (at_host(let(ONE, FLOAT32)), "Let cannot stand at host level"),
    "shared at host": (at_host(Allocate(T)), "a shared buffer is allocated at host level"),
    "global in block": (
        kernel(Allocate(Buffer("w", (index(4),), FLOAT32))),
        "a global buffer is allocated at block level",
    ),
    "dynamic tile": (
        kernel(Allocate(Buffer("q", (Var("m", INDEX),), FLOAT32, "shared"))),
        "needs a static shape",
    ),
    "empty tile": (
        kernel(Allocate(Buffer("q", (index(0),), FLOAT32, "shared"))),
        "a dimension of 'q' is below 1",
    ),
    "strided tile": (
        kernel(Allocate(Buffer("q", (index(2),), FLOAT32, "shared", (index(1),)))),
        "must be row-major",
    ),
    "grid of loads": (
        at_host(
            Launch(
                (Var("b", INDEX),),
                (Cast(load(X, index(0), index(0)), INDEX),),
                (1,),
                (),
            )
        ),
        "'x' is read at host level",
    ),
    "four grid axes": (
        at_host(Launch(tuple(Var(n, INDEX) for n in "abcd"), (index(1),) * 4, (1,), ())),
        "one to three extents",
    ),
    "no axes": (at_host(Launch((), (), (1,), ())), "one variable for each extent"),
    "no threads": (at_host(Launch((LANE,), (index(1),), (0,), ())), "positive numbers"),
    "axis without variable": (
        kernel(Parallel((LANE,), (index(1), index(2)), ())),
        "one variable",
    ),
    "copy ranges": (kernel(Copy(box, box, (index(4),))), "has 2 ranges, not 1"),
    "copy extent": (kernel(Copy(box, box, (index(4), index(-8)))), "copy is negative"),
    "region rank": (kernel(Fill(Region(T, (At(index(0)),)), ZERO)), "takes 2 dimensions"),
    "region extent": (
        kernel(Fill(Region(R, (Range(index(0), index(-1)),)), ZERO)),
        "is negative",
    ),
    "fill value": (kernel(Fill(whole(T), index(0))), "must have dtype float32, not index"),
    "gemm extents": (kernel(Gemm(box, box, box, FALSE)), "extents K differ: 8 and 4"),
    "gemm rank": (kernel(Gemm(whole(R), box, box, FALSE)), "has 1 ranges, not 2"),
    "gemm clear": (
        kernel(Gemm(box, box, box, index(1), True)),
        "a condition must have dtype bool",
    ),
    "reduce axis": (kernel(Reduce("sum", whole(T), whole(R), 2)), "no axis 2"),
    "reduce extents": (kernel(Reduce("sum", whole(T), whole(R), 0)), "differ: 8 and 4"),
    "reduce kind": (kernel(Reduce("mean", whole(T), whole(R), 1)), "unknown reduction"),
    "reduce bits of floats": (kernel(Reduce("and", whole(T), whole(R), 1)), "carried in"),
    "accumulate kind": (
        kernel(lanes(Accumulate("absmax", R, (LANE,), ONE))),
        "Accumulate has no reduction",
    ),
    "accumulate dtype": (
        kernel(lanes(Accumulate("sum", H, (LANE,), Const(1.0, B8)))),
        "must have dtype float32, not bfloat16",
    ),
    "atomic operation": (kernel(update("mul", ONE)), "unknown atomic operation 'mul'"),
    "atomic bits of floats": (kernel(update("or", ONE)), "atomic or does not take float32"),
    "atomic order": (kernel(update("add", ONE, order="weak")), "unknown memory order"),
    "atomic load of a value": (kernel(update("load", ONE)), "a load has none"),
    "atomic add of nothing": (kernel(update("add", None)), "has a value"),
    "atomic value": (kernel(update("add", Var("s", INT32))), "must have dtype float32"),
    "atomic fill": (kernel(update("add", ONE, fill=Const(1, INT32))), "fill of 't'"),
    "atomic previous": (
        kernel(update("add", ONE, previous=Var("v", INT32))),
        "'v' must have dtype float32",
    ),
    "atomic previous of an arm": (
        kernel(
            If(TRUE, (update("add", ONE, previous=Var("v", FLOAT32)),)),
            store(Var("v", FLOAT32)),
        ),
        "'v' is used out of its scope",
    ),
    "atomic at host level": (at_host(update("add", ONE)), "cannot stand at host level"),
    "outputs": (replace(kernel(), outputs=(1,)), "positions of buffer parameters"),
    "output twice": (replace(kernel(), outputs=(0, 0)), "positions of buffer parameters"),
    "dim dtype": (replace(kernel(), dims=(Var("m", INT32),)), "'m' must have dtype index"),
    "parameter scope": (replace(kernel(), params=(T,)), "must have scope global"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    verify(VALID[name])


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    function, message = INVALID[name]
    assert any(message in problem.message for problem in problems(function)), [
        problem.message for problem in problems(function)
    ]
    with pytest.raises(InternalError) as caught:
        verify(function)
    assert caught.value.code == "E9001"


def test_error_shows_the_statement_at_its_place() -> None:
    place = Span("user.py", 7, 4, 7, 20)
    bad = Store(T, (index(0), index(0)), index(1), span=place)
    with pytest.raises(InternalError) as caught:
        verify(kernel(loop(bad)))
    assert caught.value.span == place
    assert "t[0, 0] = 1" in caught.value.notes
    assert problems(kernel(loop(bad)))[0].place[-1] is bad


def test_deep_expressions_are_a_problem_not_a_crash() -> None:
    value = ONE
    for _ in range(5000):
        value = Apply("neg", (value,))
    assert "nested deeper" in problems(kernel(store(value)))[0].message


def test_time_is_linear() -> None:
    def seconds(count: int) -> float:
        body = tuple(If(TRUE, (store(Apply("add", (t00, ONE))),)) for _ in range(count))
        function = kernel(*body)
        started = time.perf_counter()
        verify(function)
        return time.perf_counter() - started

    seconds(10)
    small = min(seconds(1000) for _ in range(3))
    large = min(seconds(8000) for _ in range(3))
    assert large < 24 * small


def test_generated_functions_are_valid() -> None:
    for seed in range(40):
        assert problems(random_function(Random(seed))) == []
