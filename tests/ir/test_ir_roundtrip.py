"""parse(print(f)) = f and print(parse(t)) = t (rule L116)."""

from __future__ import annotations

import math
import subprocess
import sys
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledsl.analysis.reading import read_function
from tiledsl.diagnostics import KernelError
from tiledsl.ir.dtypes import ALL_DTYPES, BOOL, FLOAT32, INDEX, DType
from tiledsl.ir.literals import const_text, const_value, fits, name_text, name_value
from tiledsl.ir.nodes import (
    Allocate,
    Apply,
    Atomic,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Fill,
    Function,
    Gemm,
    If,
    Launch,
    Let,
    Load,
    Node,
    Reduce,
    Select,
    Store,
    Var,
    index,
    whole,
)
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_expression, print_function
from tiledsl.ir.spans import NO_SPAN, Span
from tiledsl.ir.visitor import children, transform
from tiledsl.testing.random_functions import random_function

ONE_TILE = Buffer("t", (index(4),), FLOAT32, "shared")


def kernel(
    *body: object, params: tuple[object, ...] = (), **options: object
) -> Function:
    """A function with one launch of one block."""
    launch = Launch((Var("block", INDEX),), (index(1),), (1,), tuple(body))
    return Function("f", params, (), (launch,), **options)


def assert_round_trip(function: Function) -> None:
    text = print_function(function)
    again = read_function(text)
    assert again == function
    assert print_function(again) == text


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_generated_functions(random: Random) -> None:
    assert_round_trip(random_function(random))


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_spans_round_trip(random: Random) -> None:
    place = Span('a "b"\n.py', 3, 1, 3, 9)
    spans = [NO_SPAN, place, Span("m.py", 1, 0, 2, 5, place), Span("é", 7, 0, 7, 1)]

    def marked(node: Node) -> Node:
        if type(node).__name__ in ("Const", "Var", "Buffer", "At", "Range"):
            return node
        return type(node)(
            **{name: getattr(node, name) for name in fields_of(node)},
            span=random.choice(spans),
        )

    function = transform(random_function(random), marked)
    text = print_function(function, spans=True)
    again = parse_function(text, settle_claims=lambda f: f)
    assert again == function
    assert print_function(again, spans=True) == text
    assert spans_of(again) == spans_of(function)


def fields_of(node: Node) -> list[str]:
    return [name for name in type(node).__dataclass_fields__ if name != "span"]


def spans_of(node: Node) -> list[Span]:
    """Of all operations; a use of a buffer has the spans of its declaration."""
    if isinstance(node, Buffer):
        return []
    leaf = type(node).__name__ in ("Const", "Var", "At", "Range")
    inner = [span for child in children(node) for span in spans_of(child)]
    return inner if leaf else [node.span, *inner]


def test_spans_of_leaves_and_buffers_round_trip() -> None:
    here, there = Span("k.py", 1, 2, 1, 5), Span("k.py", 2, 0, 2, 7)
    tile = Buffer("t", (index(4),), FLOAT32, "shared", span=there)
    value = Apply(
        "add", (Const(1.0, FLOAT32, span=there), Const(2.0, FLOAT32)), span=here
    )
    function = kernel(Allocate(tile, span=here), Fill(whole(tile), value, span=here))
    text = print_function(function, spans=True)
    again = parse_function(text)
    fill = again.body[0].body[1]
    assert fill.value.args[0].span == there
    assert fill.value.args[1].span == NO_SPAN
    assert again.body[0].body[0].buffer.span == there
    assert print_function(parse_function(text), spans=True).count("@") > 3


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_constants_of_every_dtype(dtype: DType) -> None:
    values: list[int | float | bool] = [dtype.maximum, dtype.minimum]
    if dtype.is_float:
        bits = range(0, 1 << min(dtype.bits, 16), 7)
        import numpy as np

        raw = np.array(list(bits), dtype=f"u{min(dtype.bytes, 2)}")
        if dtype.bits <= 16:
            values += [float(v) for v in raw.view(dtype.as_numpy())]
        values += [math.inf, -math.inf, math.nan, 0.0, -0.0, 1.0, 0.1, 1e-40, 3e38]
        values = [float(value) for value in values if fits(float(value), dtype)]
    elif dtype == BOOL:
        values = [True, False]
    for value in values:
        const = Const(value, dtype)
        text = const_text(const)
        assert const_value(text) == const, text
        assert const_text(const_value(text)) == text


@given(st.floats(width=32))
def test_float32_constants(value: float) -> None:
    const = Const(value, FLOAT32)
    assert const_value(const_text(const)) == const


@given(st.floats())
def test_float64_constants(value: float) -> None:
    const = Const(value, DType("float64"))
    assert const_value(const_text(const)) == const


def test_shortest_digits() -> None:
    assert const_text(Const(0.10000000149011612, FLOAT32)) == "0.1"
    assert const_text(Const(math.inf, FLOAT32)) == "0x7f800000:float32"
    assert const_text(Const(0.1, DType("float64"))) == "0.1:float64"


@given(st.text(max_size=12))
def test_names_round_trip(name: str) -> None:
    text = name_text(name)
    assert name_value(text) == name
    assert text.isascii() and "\n" not in text
    tile = Buffer(name, (index(4),), FLOAT32, "shared")
    assert_round_trip(kernel(Allocate(tile), Fill(whole(tile), Const(0.0, FLOAT32))))


@pytest.mark.parametrize(
    "name", ["for", "fill", "min", "float32", "true", "rounding", "T", "span", "step"]
)
def test_words_of_the_grammar_are_names(name: str) -> None:
    tile = Buffer(name, (index(4),), FLOAT32, "shared")
    body = (
        Allocate(tile),
        Fill(whole(tile), Const(0.0, FLOAT32)),
        Store(tile, (index(0),), Load(tile, (index(1),), None, (True,)), (True,)),
        Let(Var(f"{name}2", INDEX), index(3)),
    )
    assert_round_trip(kernel(*body))
    assert_round_trip(Function(name, (), (), ()))


@pytest.mark.parametrize("op", SCALAR_OPS.values(), ids=lambda op: op.name)
def test_every_scalar_operation(op: object) -> None:
    for dtype in ALL_DTYPES:
        if op.accepts(dtype):
            args = tuple(
                Load(Buffer("x", (index(1),), dtype), (index(0),))
                for _ in range(op.arity)
            )
            value = Apply(op.name, args)
            out = Buffer("y", (index(1),), value.dtype)
            stored = Store(out, (index(0),), value)
            params = (args[0].buffer, out)
            text = print_function(kernel(stored, params=params))
            assert parse_function(text) == kernel(stored, params=params)


def test_operators_keep_their_grouping() -> None:
    a, b, c = (Var(name, INDEX) for name in "abc")

    def of(op: str, *args: object) -> Apply:
        return Apply(op, args)

    cases = {
        "a - (b - c)": of("sub", a, of("sub", b, c)),
        "a - b - c": of("sub", of("sub", a, b), c),
        "(a + b) * c": of("mul", of("add", a, b), c),
        "a + b * c": of("add", a, of("mul", b, c)),
        "a << b << c": of("shl", of("shl", a, b), c),
        "a & (b | c)": of("and", a, of("or", b, c)),
        "a + -1": of("add", a, index(-1)),
        "a % (b // c)": of("floormod", a, of("floordiv", b, c)),
        "(a < b) == (b < c)": of("eq", of("lt", a, b), of("lt", b, c)),
        "neg(a) * not(b)": of("mul", of("neg", a), of("not", b)),
    }
    for text, expr in cases.items():
        assert print_expression(expr) == text
        lets = (Let(a, index(1)), Let(b, index(2)), Let(c, index(3)))
        assert_round_trip(kernel(*lets, Let(Var("d", expr.dtype), expr)))


def test_rare_attributes() -> None:
    tile = Buffer("t", (index(4), index(4)), FLOAT32, "shared")
    row = Buffer("r", (index(4),), FLOAT32, "fragment")
    half = Buffer("h", (index(4),), DType("float8_e5m2"), "fragment")
    x = Load(tile, (index(0), index(0)))
    yes, no = Const(True, BOOL), Const(False, BOOL)
    body = (
        Allocate(tile),
        Allocate(row),
        Allocate(half),
        Gemm(whole(tile), whole(tile), whole(tile), yes, True, True, True),
        Gemm(whole(tile), whole(tile), whole(tile), no, False, True),
        Reduce("absmax", whole(tile), whole(row), 0, False, True),
        Reduce("sum", whole(tile), whole(row), 1, True, False),
        Store(half, (index(0),), Cast(x, half.dtype, "rz", False)),
        Store(half, (index(1),), Cast(x, half.dtype, "rn", False)),
        Let(Var("u", DType("uint32")), Bitcast(x, DType("uint32"))),
        Let(Var("v", FLOAT32), Select(yes, x, x, lazy=False)),
        If(no, (), (Fill(whole(row), Const(math.nan, FLOAT32)),)),
    )
    assert_round_trip(kernel(*body, fast_math=True))
    strided = Buffer("x", (Var("n", INDEX),), FLOAT32, strides=(Var("ld", INDEX),))
    ranked = Buffer("y", (), FLOAT32)
    dims = (Var("n", INDEX), Var("ld", INDEX))
    params = (strided, Var("s", DType("int32")), ranked)
    assert_round_trip(Function("f", params, dims, (), (2, 0)))


def test_shapes_may_name_scalar_parameters_to_their_right() -> None:
    count = Var("count", DType("int32"))
    shape = (Cast(count, INDEX),)
    assert_round_trip(Function("f", (Buffer("x", shape, FLOAT32), count), (), ()))


def test_printing_is_the_same_in_every_process() -> None:
    code = (
        "from random import Random;"
        "from tiledsl.testing.random_functions import random_function;"
        "from tiledsl.ir.printer import print_function;"
        "print(print_function(random_function(Random(7))), end='')"
    )
    run = [sys.executable, "-c", code]
    texts = {
        subprocess.run(
            run, capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {print_function(random_function(Random(7))).encode()}


def test_atomic_updates() -> None:
    tile = Buffer("atomic", (index(4),), DType("bfloat16"), "shared")
    var, value = Var("of", tile.dtype), Const(1.5, tile.dtype)
    at = (index(1),)
    load = Load(tile, at)
    assert_round_trip(
        kernel(
            Allocate(tile),
            Atomic("add", tile, at, value),
            Atomic("exchange", tile, at, load, var, "seq_cst", value, (True,)),
            Atomic("load", tile, at, None, Var("b", tile.dtype), "acquire"),
            Store(tile, at, var),
        )
    )


@pytest.mark.parametrize("line", ["mul relaxed t[0] = 1.0", "add weak t[0] = 1.0"])
def test_unknown_updates(line: str) -> None:
    text = print_function(kernel(Allocate(ONE_TILE))) + f"    atomic {line}\n"
    with pytest.raises(KernelError, match="E3003"):
        parse_function(text)
