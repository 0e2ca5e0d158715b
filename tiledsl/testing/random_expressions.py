"""Random expressions of Tile IR for tests of the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tiledsl.ir.dtypes import BOOL, FLOAT32, INDEX, INT32, DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Load, Select, Var, index
from tiledsl.ir.nodes import Buffer as BufferNode

_COMPARISONS: Final = ("lt", "le", "gt", "ge", "eq", "ne")
_INDEX_OPS: Final = (
    "add",
    "sub",
    "mul",
    "floordiv",
    "floormod",
    "min",
    "max",
    "ceildiv",
)
_INTEGER_OPS: Final = (
    *_INDEX_OPS,
    *("truncdiv", "truncmod", "and", "or", "xor", "shl", "shr"),
)
_FLOAT_OPS: Final = ("add", "sub", "mul", "min", "max", "div")
_SPECIAL: Final = (0.0, -0.0, 1.0, -1.0, 0.5, float("inf"), float("-inf"), float("nan"))


@dataclass
class Scope:
    """What an expression may mention."""

    random: Random
    variables: list[Var] = field(default_factory=list)
    buffers: list[BufferNode] = field(default_factory=list)

    def inside(self, variables: Sequence[Var]) -> Scope:
        """A copy that knows some variables more."""
        return Scope(self.random, [*self.variables, *variables], list(self.buffers))

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    # ---- expressions

    def index(self, depth: int = 2) -> Expr:
        """An index expression without loads; small, sometimes negative."""
        if depth == 0 or self.chance(40):
            known = [var for var in self.variables if var.dtype == INDEX]
            if known and self.chance(70):
                return self.random.choice(known)
            return index(self.random.choice((0, 0, 1, 1, 2, 3, 4, 7, -1, 64)))
        op = self.random.choice(_INDEX_OPS)
        return Apply(op, (self.index(depth - 1), self.index(depth - 1)))

    def condition(self, depth: int = 2) -> Expr:
        choice = self.random.randrange(10)
        if choice < 1:
            return Const(self.chance(50), BOOL)
        if choice < 3 and depth > 0:
            op = self.random.choice(("and", "or"))
            return Apply(op, (self.condition(depth - 1), self.condition(depth - 1)))
        if choice < 4 and depth > 0:
            return Apply("not", (self.condition(depth - 1),))
        op = self.random.choice(_COMPARISONS)
        if choice < 8:
            return Apply(op, (self.index(depth), self.index(depth)))
        dtype = self.random.choice((INT32, FLOAT32))
        return Apply(op, (self.value(dtype, 1), self.value(dtype, 1)))

    def value(self, dtype: DType, depth: int = 3) -> Expr:
        """An expression of any dtype; narrow floats are rounded from float32."""
        if dtype == BOOL:
            return self.condition(depth - 1)
        if not dtype.is_arithmetic:
            return Cast(self.value(FLOAT32, depth), dtype)
        if depth <= 0 or self.chance(30):
            return self._leaf(dtype)
        if self.chance(15):
            arms = (self.value(dtype, depth - 1), self.value(dtype, depth - 1))
            return Select(self.condition(depth - 1), *arms, lazy=self.chance(50))
        if self.chance(10) and not dtype.is_float:
            source = self.random.choice((INT32, DType("uint8"), DType("int64")))
            return Cast(self.value(source, depth - 1), dtype)
        ops = _FLOAT_OPS if dtype.is_float else _INTEGER_OPS
        op = self.random.choice(ops)
        if self.chance(15):
            return Apply(self.random.choice(("neg", "abs")), (self._leaf(dtype),))
        return Apply(op, (self.value(dtype, depth - 1), self.value(dtype, depth - 1)))

    def _leaf(self, dtype: DType) -> Expr:
        choice = self.random.randrange(3)
        known = [buffer for buffer in self.buffers if buffer.dtype.evaluation == dtype]
        if choice == 0 and known:
            return self.load(self.random.choice(known))
        scalars = [var for var in self.variables if var.dtype == dtype]
        if choice == 1 and scalars:
            return self.random.choice(scalars)
        if choice == 1 and not dtype.is_float:
            return Cast(self.index(1), dtype)
        return self.constant(dtype)

    def constant(self, dtype: DType) -> Const:
        if dtype.is_float:
            return Const(self.random.choice(_SPECIAL), dtype)
        if dtype == BOOL:
            return Const(self.chance(50), BOOL)
        edges = (0, 1, 2, 5, -1, dtype.minimum, dtype.maximum)
        fitting = [int(edge) for edge in edges if dtype.minimum <= edge]
        return Const(self.random.choice(fitting), dtype)

    def load(self, buffer: BufferNode) -> Expr:
        """An element, in bounds or not, in the dtype that expressions use."""
        fill = self.constant(buffer.dtype) if self.chance(20) else None
        indices = tuple(self.index(1) for _ in buffer.shape)
        loaded = Load(buffer, indices, fill)
        wide = buffer.dtype.evaluation
        return loaded if wide == buffer.dtype else Cast(loaded, wide)
