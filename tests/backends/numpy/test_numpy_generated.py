"""Generated functions: the interpreter and the scalar evaluator agree bit for bit.

Programs are well defined by construction: no iteration of a Parallel writes what another
one touches, everything local is written before it is read, and floats only meet exact
operations, on values of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import BOOL, FLOAT32, FLOAT64, INDEX, INT32, DType
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.verifier import problems

Run = Callable[..., list]
Draw = st.DrawFn

BF16, INT8, UINT64 = DType("bfloat16"), DType("int8"), DType("uint64")
ARITHMETIC = [BOOL, INDEX, INT8, INT32, UINT64, FLOAT32, FLOAT64]
EXACT = [op for op in SCALAR_OPS.values() if not op.ulp]

# read by every statement; O is written, each iteration its own elements
INPUTS = {
    "A": ir.Buffer("A", (ir.index(5), ir.index(4)), FLOAT32),
    "B": ir.Buffer("B", (ir.index(7),), INT32),
    "C": ir.Buffer("C", (ir.index(3),), UINT64),
    "D": ir.Buffer("D", (ir.Var("n", INDEX), ir.index(2)), BF16),
    "E": ir.Buffer("E", (ir.index(6),), INT8),
}
OUTPUT = ir.Buffer("O", (ir.index(4), ir.index(3), ir.index(5)), FLOAT32)
TOTALS = ir.Buffer("T", (ir.index(4),), INT32)


@dataclass
class Names:
    """What expressions may use where they stand."""

    values: list[ir.Var] = field(default_factory=list)
    locals: list[ir.Buffer] = field(default_factory=list)
    counter: int = 0

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"


def constant(draw: Draw, dtype: DType) -> ir.Const:
    if dtype == BOOL:
        return ir.Const(draw(st.booleans()), dtype)
    if dtype.is_float:
        width = 32 if dtype == FLOAT32 else 64
        near = st.sampled_from([0.0, -0.0, 1.0, -1.5, 3.0, 0.1 if width == 64 else 0.5])
        return ir.Const(draw(near | st.floats(width=width)), dtype)
    low, high = int(dtype.minimum), int(dtype.maximum)
    return ir.Const(draw(st.integers(max(low, -9), 9) | st.integers(low, high)), dtype)


def leaf(draw: Draw, dtype: DType, names: Names) -> ir.Expr:
    variables = [var for var in names.values if var.dtype == dtype]
    loads = [buffer for buffer in INPUTS.values() if buffer.dtype.evaluation == dtype]
    loads += [buffer for buffer in names.locals if buffer.dtype == dtype]
    kind = draw(st.sampled_from(["constant"] + ["variable"] * 3 + ["load"] * 3))
    if kind == "variable" and variables:
        return draw(st.sampled_from(variables))
    if kind == "load" and loads:
        buffer = draw(st.sampled_from(loads))
        load = ir.Load(buffer, tuple(position(draw, names) for _ in buffer.shape))
        return load if buffer.dtype == dtype else ir.Cast(load, dtype)
    return constant(draw, dtype)


def position(draw: Draw, names: Names) -> ir.Expr:
    """Mostly close to the buffers: a variable plus a little."""
    base = leaf(draw, INDEX, names)
    if draw(st.booleans()):
        return base
    offset = ir.index(draw(st.integers(-3, 3)))
    operation = draw(st.sampled_from(["add", "sub", "floormod", "mul"]))
    return ir.Apply(operation, (base, offset))


def expression(draw: Draw, dtype: DType, names: Names, depth: int) -> ir.Expr:
    if depth == 0:
        return leaf(draw, dtype, names)
    operations = [op for op in EXACT if op.result == "same" and op.accepts(dtype)]
    tests = [op for op in EXACT if op.result == "bool"]
    kind = draw(st.sampled_from(["apply", "apply", "apply", "select", "cast", "test"]))
    if kind == "select":
        condition = expression(draw, BOOL, names, depth - 1)
        arms = [expression(draw, dtype, names, depth - 1) for _ in range(2)]
        return ir.Select(condition, arms[0], arms[1], draw(st.booleans()))
    if kind == "cast":
        other = draw(st.sampled_from([kind for kind in ARITHMETIC if kind != dtype]))
        return ir.Cast(expression(draw, other, names, depth - 1), dtype)
    if kind == "test" and dtype == BOOL:
        op = draw(st.sampled_from(tests))
        operand = draw(st.sampled_from([d for d in ARITHMETIC if op.accepts(d)]))
    else:
        op, operand = draw(st.sampled_from(operations)), dtype
    args = [expression(draw, operand, names, depth - 1) for _ in range(op.arity)]
    return ir.Apply(op.name, tuple(args))


def statements(
    draw: Draw, names: Names, point: tuple, depth: int, loops: int
) -> ir.Block:
    """A block of a Parallel body; names bound in it end with it."""
    known, private = len(names.values), len(names.locals)
    block: list[ir.Statement] = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = ["let", "store", "scratch", "accumulate"]
        kinds += ["if", "for", "while"] * (depth > 0)
        kind = draw(st.sampled_from(kinds))
        block += STATEMENTS[kind](draw, names, point, depth, loops)
    if loops and draw(st.integers(0, 3)) == 0:
        block.append(draw(st.sampled_from([ir.Break(), ir.Continue()])))
    del names.values[known:], names.locals[private:]
    return tuple(block)


def a_let(draw: Draw, names: Names, *_: object) -> list[ir.Statement]:
    dtype = draw(st.sampled_from(ARITHMETIC))
    value = expression(draw, dtype, names, 2)
    var = ir.Var(names.fresh("v"), dtype)
    names.values.append(var)
    return [ir.Let(var, value)]


def a_store(draw: Draw, names: Names, point: tuple, *_: object) -> list[ir.Statement]:
    indices = tuple(point)
    value = expression(draw, FLOAT32, names, 2)
    if draw(st.booleans()):
        old = ir.Load(OUTPUT, indices)
        value = ir.Apply(draw(st.sampled_from(["add", "max", "min_nan"])), (old, value))
    return [ir.Store(OUTPUT, indices, value)]


def a_scratch(draw: Draw, names: Names, *_: object) -> list[ir.Statement]:
    """A private array, wholly written, then changed at one position."""
    dtype = draw(st.sampled_from([INT32, FLOAT32, UINT64, BOOL]))
    size = draw(st.integers(0, 2))
    shape = (ir.index(size),) if size else ()
    buffer = ir.Buffer(names.fresh("w"), shape, dtype, "local")
    block: list[ir.Statement] = [ir.Allocate(buffer)]
    for indices in [(ir.index(k),) for k in range(size)] or [()]:
        block.append(ir.Store(buffer, indices, expression(draw, dtype, names, 1)))
    names.locals.append(buffer)
    where = tuple(position(draw, names) for _ in shape)
    block.append(ir.Store(buffer, where, expression(draw, dtype, names, 2)))
    return block


def an_accumulate(draw: Draw, names: Names, *_: object) -> list[ir.Statement]:
    value = expression(draw, INT32, names, 1)
    return [ir.Accumulate("sum", TOTALS, (position(draw, names),), value)]


def an_if(draw: Draw, names: Names, point: tuple, depth: int, loops: int) -> list:
    condition = expression(draw, BOOL, names, 2)
    then = statements(draw, names, point, depth - 1, loops)
    other = draw(st.booleans())
    otherwise = statements(draw, names, point, depth - 1, loops) if other else ()
    return [ir.If(condition, then, otherwise)]


def a_for(draw: Draw, names: Names, point: tuple, depth: int, loops: int) -> list:
    """Bounds per lane, at most 3 iterations."""
    start = position(draw, names)
    distance = ir.Apply("floormod", (position(draw, names), ir.index(4)))
    step = ir.index(draw(st.sampled_from([1, 1, 2, -1, 0])))
    sign = "sub" if draw(st.booleans()) else "add"
    bounded = ir.Apply("floormod", (start, ir.index(100)))
    var = ir.Var(names.fresh("k"), INDEX)
    names.values.append(var)
    body = statements(draw, names, point, depth - 1, loops + 1)
    names.values.remove(var)
    stop = ir.Apply(sign, (bounded, distance))
    return [ir.For(var, bounded, stop, step, body)]


def a_while(draw: Draw, names: Names, point: tuple, depth: int, loops: int) -> list:
    """Counts a private variable down, so that it ends."""
    count = ir.Buffer(names.fresh("c"), (), INT32, "local")
    left = ir.Load(count, ())
    start = ir.Const(draw(st.integers(0, 3)), INT32)
    condition = ir.Apply("gt", (left, ir.Const(0, INT32)))
    extra = expression(draw, BOOL, names, 1)
    down = ir.Store(count, (), ir.Apply("sub", (left, ir.Const(1, INT32))))
    body = statements(draw, names, point, depth - 1, loops + 1)
    loop = ir.While(ir.Apply("and", (condition, extra)), (down, *body))
    return [ir.Allocate(count), ir.Store(count, (), start), loop]


STATEMENTS: dict[str, Callable[..., list[ir.Statement]]] = {
    "let": a_let,
    "store": a_store,
    "scratch": a_scratch,
    "accumulate": an_accumulate,
    "if": an_if,
    "for": a_for,
    "while": a_while,
}


@st.composite
def functions(draw: Draw) -> ir.Function:
    names = Names([ir.Var("n", INDEX), ir.Var("b", INDEX)])
    body: list[ir.Statement] = a_let(draw, names)
    i, j = ir.Var("i", INDEX), ir.Var("j", INDEX)
    names.values += [i, j]
    order = draw(st.sampled_from([(i, j), (j, i)]))
    extents = tuple(draw(st.sampled_from([ir.index(3), ir.index(1), ir.index(6),
                                          ir.Var("n", INDEX)])) for _ in order)  # fmt: skip
    point = (ir.Var("b", INDEX), i, ir.Apply("sub", (j, ir.index(1))))
    inside = statements(draw, names, point, 3, 0)
    if draw(st.integers(0, 2)) == 0:
        # ends some iterations early
        condition = expression(draw, BOOL, Names([i, j]), 1)
        inside = (*inside[:1], ir.If(condition, (ir.Continue(),)), *inside[1:])
    body.append(ir.Parallel(order, extents, inside))
    block = ir.Launch((ir.Var("b", INDEX),), (ir.index(4),), (1,), tuple(body))
    params = (*INPUTS.values(), OUTPUT, TOTALS)
    return ir.Function("f", params, (ir.Var("n", INDEX),), (block,))


def arguments(n: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, 80, dtype=np.uint8).view(np.float32)
    a = np.where(rng.integers(0, 3, 20) == 0, codes, rng.integers(-4, 5, 20))
    return [
        a.astype(np.float32).reshape(5, 4),
        rng.integers(-3, 8, 7).astype(np.int32),
        rng.integers(0, 2**64, 3, dtype=np.uint64),
        rng.normal(size=(n, 2)).astype(ml_dtypes.bfloat16),
        rng.integers(-128, 128, 6).astype(np.int8),
        np.zeros((4, 3, 5), np.float32),
        np.zeros(4, np.int32),
    ]


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(function=functions(), n=st.integers(0, 4), seed=st.integers(0, 1000))
def test_generated(run: Run, function: ir.Function, n: int, seed: int) -> None:
    assert problems(function) == []
    run(function, *arguments(n, seed), dims=[n])
