"""Generated functions: the interpreter and the scalar evaluator agree bit for bit.

Programs are well defined by construction: no iteration of a Parallel writes what another
one touches, everything local is written before it is read, and floats only meet exact
operations, on values of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import ml_dtypes
import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tiledsl.ir import nodes as ir
from tiledsl.ir.dtypes import BOOL, FLOAT32, FLOAT64, INDEX, INT32, DType
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import problems
from tiledsl.testing.random_functions import random_function
from tiledsl.testing.scalar_evaluator.expressions import integer
from tiledsl.testing.scalar_evaluator.scope import Scope

Run = Callable[..., list]

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


def constant(random: Random, dtype: DType) -> ir.Const:
    if dtype == BOOL:
        return ir.Const((random.random() < 0.5), dtype)
    if dtype.is_float:
        width = 32 if dtype == FLOAT32 else 64
        codes = np.array([random.getrandbits(width)], f"u{width // 8}")
        near = [0.0, -0.0, 1.0, -1.5, 3.0, 0.5, float(codes.view(f"f{width // 8}")[0])]
        return ir.Const(random.choice(near), dtype)
    low, high = int(dtype.minimum), int(dtype.maximum)
    near = random.randint(max(low, -9), 9)
    return ir.Const(random.choice([near, near, random.randint(low, high)]), dtype)


def leaf(random: Random, dtype: DType, names: Names) -> ir.Expr:
    variables = [var for var in names.values if var.dtype == dtype]
    loads = [buffer for buffer in INPUTS.values() if buffer.dtype.evaluation == dtype]
    loads += [buffer for buffer in names.locals if buffer.dtype == dtype]
    kind = random.choice(["constant"] + ["variable"] * 3 + ["load"] * 3)
    if kind == "variable" and variables:
        return random.choice(variables)
    if kind == "load" and loads:
        buffer = random.choice(loads)
        load = ir.Load(buffer, tuple(position(random, names) for _ in buffer.shape))
        return load if buffer.dtype == dtype else ir.Cast(load, dtype)
    return constant(random, dtype)


def position(random: Random, names: Names) -> ir.Expr:
    """Mostly close to the buffers: a variable plus a little."""
    base: ir.Expr = random.choice([var for var in names.values if var.dtype == INDEX])
    if random.random() < 0.3:
        base = ir.Cast(ir.Load(INPUTS["B"], (base,)), INDEX)
    if random.random() < 0.3:
        return base
    offset = ir.index(random.randint(-3, 3))
    operation = random.choice(["add", "sub", "floormod", "mul"])
    return ir.Apply(operation, (base, offset))


def expression(random: Random, dtype: DType, names: Names, depth: int) -> ir.Expr:
    if depth == 0:
        return leaf(random, dtype, names)
    operations = [op for op in EXACT if op.result == "same" and op.accepts(dtype)]
    tests = [op for op in EXACT if op.result == "bool"]
    kind = random.choice(["apply", "apply", "apply", "select", "cast", "test"])
    if kind == "select":
        condition = expression(random, BOOL, names, depth - 1)
        arms = [expression(random, dtype, names, depth - 1) for _ in range(2)]
        return ir.Select(condition, arms[0], arms[1], (random.random() < 0.5))
    if kind == "cast":
        other = random.choice([kind for kind in ARITHMETIC if kind != dtype])
        return ir.Cast(expression(random, other, names, depth - 1), dtype)
    if kind == "test" and dtype == BOOL:
        op = random.choice(tests)
        operand = random.choice([d for d in ARITHMETIC if op.accepts(d)])
    else:
        op, operand = random.choice(operations), dtype
    args = [expression(random, operand, names, depth - 1) for _ in range(op.arity)]
    return ir.Apply(op.name, tuple(args))


def statements(
    random: Random, names: Names, point: tuple, depth: int, loops: int
) -> ir.Block:
    """A block of a Parallel body; names bound in it end with it."""
    known, private = len(names.values), len(names.locals)
    block: list[ir.Statement] = []
    for _ in range(random.randint(1, 4)):
        kinds = ["let", "store", "scratch", "accumulate"]
        kinds += ["if", "for", "while"] * (depth > 0)
        kind = random.choice(kinds)
        block += STATEMENTS[kind](random, names, point, depth, loops)
    value = ir.Apply("add", (ir.Load(OUTPUT, point), everything(names)))
    block.append(ir.Store(OUTPUT, point, value))
    if loops and random.randint(0, 3) == 0:
        block.append(random.choice([ir.Break(), ir.Continue()]))
    del names.values[known:], names.locals[private:]
    return tuple(block)


def a_let(random: Random, names: Names, *_: object) -> list[ir.Statement]:
    dtype = random.choice(ARITHMETIC)
    value = expression(random, dtype, names, 2)
    var = ir.Var(names.fresh("v"), dtype)
    names.values.append(var)
    return [ir.Let(var, value)]


def a_store(
    random: Random, names: Names, point: tuple, *_: object
) -> list[ir.Statement]:
    indices = tuple(point)
    value = expression(random, FLOAT32, names, 2)
    if random.random() < 0.5:
        old = ir.Load(OUTPUT, indices)
        value = ir.Apply(random.choice(["add", "max", "min_nan"]), (old, value))
    return [ir.Store(OUTPUT, indices, value)]


def a_scratch(random: Random, names: Names, *_: object) -> list[ir.Statement]:
    """A private array, wholly written, then changed at one position."""
    dtype = random.choice([INT32, FLOAT32, UINT64, BOOL])
    size = random.randint(0, 2)
    shape = (ir.index(size),) if size else ()
    buffer = ir.Buffer(names.fresh("w"), shape, dtype, "local")
    block: list[ir.Statement] = [ir.Allocate(buffer)]
    for indices in [(ir.index(k),) for k in range(size)] or [()]:
        block.append(ir.Store(buffer, indices, expression(random, dtype, names, 1)))
    names.locals.append(buffer)
    where = tuple(position(random, names) for _ in shape)
    block.append(ir.Store(buffer, where, expression(random, dtype, names, 2)))
    return block


def an_accumulate(random: Random, names: Names, *_: object) -> list[ir.Statement]:
    value = expression(random, INT32, names, 1)
    return [ir.Accumulate("sum", TOTALS, (position(random, names),), value)]


def an_if(random: Random, names: Names, point: tuple, depth: int, loops: int) -> list:
    condition = expression(random, BOOL, names, 2)
    then = statements(random, names, point, depth - 1, loops)
    other = random.random() < 0.5
    otherwise = statements(random, names, point, depth - 1, loops) if other else ()
    return [ir.If(condition, then, otherwise)]


def a_for(random: Random, names: Names, point: tuple, depth: int, loops: int) -> list:
    """Bounds per lane, at most 3 iterations."""
    start = position(random, names)
    distance = ir.Apply("floormod", (position(random, names), ir.index(4)))
    step = ir.index(random.choice([1, 1, 2, -1, 0]))
    sign = "sub" if (random.random() < 0.5) else "add"
    bounded = ir.Apply("floormod", (start, ir.index(100)))
    var = ir.Var(names.fresh("k"), INDEX)
    names.values.append(var)
    body = statements(random, names, point, depth - 1, loops + 1)
    names.values.remove(var)
    stop = ir.Apply(sign, (bounded, distance))
    return [ir.For(var, bounded, stop, step, body)]


def a_while(random: Random, names: Names, point: tuple, depth: int, loops: int) -> list:
    """Counts a private variable down, so that it ends."""
    count = ir.Buffer(names.fresh("c"), (), INT32, "local")
    left = ir.Load(count, ())
    start = ir.Const(random.randint(0, 3), INT32)
    condition = ir.Apply("gt", (left, ir.Const(0, INT32)))
    extra = expression(random, BOOL, names, 1)
    down = ir.Store(count, (), ir.Apply("sub", (left, ir.Const(1, INT32))))
    body = statements(random, names, point, depth - 1, loops + 1)
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


def everything(names: Names) -> ir.Expr:
    """A float that depends on the variables and private elements in sight."""
    visible: list[ir.Expr] = [*names.values]
    visible += [ir.Load(buffer, tuple(ir.index(0) for _ in buffer.shape))
                for buffer in names.locals]  # fmt: skip
    total: ir.Expr = ir.Const(0.0, FLOAT32)
    for number, value in enumerate(visible):
        if value.dtype.is_float:
            # so that NaN and infinity do not hide the rest
            value = ir.Bitcast(value, INDEX if value.dtype == FLOAT64 else INT32)
        weight = ir.Const(float(number + 1), FLOAT32)
        small = value if value.dtype == BOOL else ir.Cast(value, INT8)
        term = ir.Apply("mul", (ir.Cast(small, FLOAT32), weight))
        total = ir.Apply("add", (total, term))
    return total


def function_of(random: Random) -> ir.Function:
    names = Names([ir.Var("n", INDEX), ir.Var("b", INDEX)])
    body: list[ir.Statement] = a_let(random, names)
    i, j = ir.Var("i", INDEX), ir.Var("j", INDEX)
    names.values += [i, j]
    order = random.choice([(i, j), (j, i)])
    sizes = [ir.index(3), ir.index(2), ir.index(6), ir.Var("n", INDEX)]
    extents = tuple(random.choice(sizes) for _ in order)
    point = (ir.Var("b", INDEX), i, ir.Apply("sub", (j, ir.index(1))))
    inside = statements(random, names, point, 3, 0)
    if random.random() < 0.3:
        # ends some iterations early
        condition = expression(random, BOOL, Names([i, j]), 1)
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


@settings(max_examples=120, deadline=None, derandomize=True)
@given(random=st.randoms(use_true_random=True), n=st.sampled_from([0, 1, 2, 3, 4, 7]))
def test_generated(run: Run, random: Random, n: int) -> None:
    function = function_of(random)
    note(print_function(function))
    assert problems(function) == []
    run(function, *arguments(n, random.randrange(1000)), dims=[n])


def random_array(buffer: ir.Buffer, m: int, rng: np.random.Generator) -> np.ndarray:
    shape = [integer(extent, Scope({"m": m})) for extent in buffer.shape]
    codes = rng.integers(0, 256, (*shape, buffer.dtype.bytes), dtype=np.uint8)
    if buffer.dtype == BOOL:
        codes %= 2
    wild = codes.view(buffer.dtype.as_numpy()).reshape(shape)
    tame = rng.integers(0, 5, shape).astype(buffer.dtype.as_numpy())
    return np.where(rng.integers(0, 4, shape) == 0, wild, tame)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(random=st.randoms(use_true_random=True), m=st.sampled_from([0, 1, 3, 4, 5, 9]))
def test_generated_tile_operations(run: Run, random: Random, m: int) -> None:
    function = random_function(random)
    note(print_function(function))
    rng = np.random.default_rng(random.randrange(1000))
    values = [
        random_array(part, m, rng) if isinstance(part, ir.Buffer) else 3
        for part in function.params
    ]
    run(function, *values, dims=[m])
