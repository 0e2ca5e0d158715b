"""Expressions as Triton text."""

from __future__ import annotations

from tiledsl.ir.dtypes import BOOL, INDEX
from tiledsl.ir.nodes import Apply, Bitcast, Cast, Const, Expr, Load, Select, Var
from tiledsl_triton import memory, privates, tiles
from tiledsl_triton.conversions import convert
from tiledsl_triton.lanes import Lanes
from tiledsl_triton.lowering import Lowering
from tiledsl_triton.subscripts import split
from tiledsl_triton.values import (
    Value,
    bits_of_e8m0,
    integer,
    literal,
    triton_type,
)

_LONG = 120  # longer texts get a name


class Evaluator:
    """Evaluates expressions for some lanes, emitting a line for each load."""

    def __init__(self, state: Lowering, lanes: Lanes) -> None:
        self.state, self.lanes = state, lanes

    def __call__(self, expr: Expr) -> Value:
        """The value; its text may be used once or more often."""
        value = self._evaluate(expr)
        if len(value.text) > _LONG:
            value = self.state.bind("value", value)
        return value

    def _evaluate(self, expr: Expr) -> Value:
        if isinstance(expr, Const):
            return _constant(expr)
        if isinstance(expr, Var):
            return self._variable(expr)
        if isinstance(expr, Apply):
            return self._apply(expr)
        if isinstance(expr, Select):
            return self._select(expr)
        if isinstance(expr, Cast):
            value = self(expr.value)
            text = convert(self.state.operations, value, expr)
            return Value(text, expr.dtype, value.axes)
        if isinstance(expr, Bitcast):
            value = self(expr.value)
            text = f"tl.cast({value.typed}, tl.{triton_type(expr.dtype)}, bitcast=True)"
            return Value(text, expr.dtype, value.axes)
        return self._load(expr)

    def _variable(self, var: Var) -> Value:
        for position, axis in enumerate(self.lanes.axes):
            if axis.name == var.name:
                wide = f"tl.cast({axis.lane}, tl.int64)"
                text = (
                    wide if axis.start.literal == 0 else f"{wide} + {axis.start.atom}"
                )
                return Value(text, INDEX, frozenset({position}))
        return self.state.variable(var)

    def _apply(self, expr: Apply) -> Value:
        args = tuple(self(arg) for arg in expr.args)
        folded = _fold(expr.op, args)
        if folded is not None:
            return folded
        axes = frozenset().union(*(arg.axes for arg in args))
        text = self.state.operations.render(expr.op, args)
        return Value(text, expr.dtype, axes)

    def _select(self, expr: Select) -> Value:
        condition = self(expr.condition)
        if condition.literal is not None:
            return self(expr.then if condition.literal else expr.otherwise)
        if not condition.text.isidentifier():
            condition = self.state.bind("chosen", condition)
        then, otherwise = self, self
        if expr.lazy:
            opposite = Value(f"~{condition.atom}", BOOL, condition.axes)
            then = Evaluator(self.state, self.lanes.when(condition))
            otherwise = Evaluator(self.state, self.lanes.when(opposite))
        left, right = then(expr.then), otherwise(expr.otherwise)
        if expr.lazy and condition.axes <= left.axes and self._reads_same(expr):
            return left
        first = left.typed if right.literal is not None else left.text
        text = f"tl.where({condition.text}, {first}, {right.text})"
        return Value(text, expr.dtype, condition.axes | left.axes | right.axes)

    def _reads_same(self, expr: Select) -> bool:
        """Whether a load under the condition fills with the other arm already."""
        load, other = expr.then, expr.otherwise
        if not isinstance(load, Load) or not isinstance(other, Const):
            return False
        if load.buffer.name in self.state.privates | self.state.tiles:
            return False
        fill = load.fill or Const(0.0 if load.dtype.is_float else 0, load.dtype)
        return fill == other and load.dtype != "float8_e8m0fnu"

    def _load(self, load: Load) -> Value:
        state, lanes, buffer = self.state, self.lanes, load.buffer
        if buffer.name in state.privates:
            private = state.privates[buffer.name]
            value = privates.read_private(
                state, lanes, private, load.indices, load.fill, self
            )
            return state.bind(buffer.name, value)
        subscripts = tuple(split(at, lanes.facts) for at in load.indices)
        if buffer.name in state.tiles:
            access = tiles.TileAccess(lanes, state.tiles[buffer.name], subscripts)
            value = tiles.read(state, access, self, load.fill)
            return (
                value if value.text.isidentifier() else state.bind(buffer.name, value)
            )
        place = memory.memory_of(state, buffer)
        address = memory.Address(state, lanes, place, subscripts, self)
        return memory.load(state, lanes, address, buffer, load.fill, load.proved)


def _constant(const: Const) -> Value:
    if const.dtype == "float8_e8m0fnu":
        code = bits_of_e8m0(float(const.value))
        return Value(str(code), const.dtype, literal=code)
    return literal(const.value, const.dtype)


def _fold(op: str, args: tuple[Value, ...]) -> Value | None:
    """Index arithmetic on constants; neutral elements."""
    known = [arg.literal for arg in args]
    if len(args) != 2 or args[0].dtype != INDEX:
        return None
    if op == "add" and 0 in known and None in known:
        return args[1 - known.index(0)]
    if op == "mul" and 1 in known and None in known:
        return args[1 - known.index(1)]
    if None in known or op not in ("add", "sub", "mul"):
        return None
    a, b = int(known[0] or 0), int(known[1] or 0)
    return integer({"add": a + b, "sub": a - b, "mul": a * b}[op])
