"""Rules of expressions and names; ``verifier`` says where they apply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tiledsl.ir.dtypes import BOOL, INDEX, DType
from tiledsl.ir.literals import fits
from tiledsl.ir.nodes import (
    Apply,
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Load,
    Range,
    Region,
    Select,
    Var,
)
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.text_format import MAX_NESTING


class ExpressionChecks:
    """Reports what is wrong with expressions, given the names in scope.

    ``depth``: the number of blocks around the statement being checked.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.report = report
        self.depth = 0
        self._used: set[str] = set()
        self._visible: dict[str, Var | Buffer] = {}
        self._opened: list[list[str]] = []
        self.loads_allowed = True

    # ---- names

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Names declared inside end with it."""
        self._opened.append([])
        yield
        for name in self._opened.pop():
            del self._visible[name]

    def declare(self, node: Var | Buffer) -> None:
        if node.name in self._used:
            self.report(f"{node.name!r} is declared twice")
            return
        self._used.add(node.name)
        self._visible[node.name] = node
        if self._opened:
            self._opened[-1].append(node.name)

    def declare_index(self, var: Var) -> None:
        if var.dtype != INDEX:
            self.report(f"{var.name!r} must have dtype index")
        self.declare(var)

    def visible(self, name: str) -> Var | Buffer | None:
        """What a name means here."""
        return self._visible.get(name)

    def resolve(self, node: Var | Buffer) -> None:
        """The node must agree with a declaration that is in scope."""
        known = self._visible.get(node.name)
        if known is None:
            what = (
                "used out of its scope" if node.name in self._used else "not declared"
            )
            self.report(f"{node.name!r} is {what}")
        elif known is not node and known != node:
            self.report(f"{node.name!r} is used differently than declared")

    # ---- positions

    def index(self, expr: Expr, what: str) -> None:
        self.expect(expr, INDEX, what)

    def host_index(self, expr: Expr, what: str) -> None:
        """An index expression over dims and scalar parameters only."""
        before, self.loads_allowed = self.loads_allowed, False
        self.index(expr, what)
        self.loads_allowed = before

    def host_condition(self, expr: Expr) -> None:
        """A condition over dims and scalar parameters only."""
        before, self.loads_allowed = self.loads_allowed, False
        self.condition(expr)
        self.loads_allowed = before

    def condition(self, expr: Expr) -> None:
        self.expect(expr, BOOL, "a condition")

    def expect(self, expr: Expr, dtype: DType, what: str) -> None:
        got = self._check(expr, self.depth)
        if got is not None and got != dtype:
            self.report(f"{what} must have dtype {dtype}, not {got}")

    def element(
        self, buffer: Buffer, indices: Sequence[Expr], proved: Sequence[bool]
    ) -> None:
        """One element of a buffer."""
        self.resolve(buffer)
        for index in indices:
            self.index(index, f"a subscript of {buffer.name!r}")
        if len(indices) != buffer.rank:
            self.report(f"{buffer.name!r} takes {buffer.rank} subscripts")
        if proved and (len(proved) != len(indices) or not any(proved)):
            self.report("proved holds one claim per subscript, or nothing")

    def region(self, region: Region) -> None:
        buffer = region.buffer
        self.resolve(buffer)
        if len(region.dims) != buffer.rank:
            self.report(f"a region of {buffer.name!r} takes {buffer.rank} dimensions")
        for dim in region.dims:
            if isinstance(dim, Range):
                self.index(dim.start, f"a start in {buffer.name!r}")
                self.index(dim.extent, f"an extent in {buffer.name!r}")
                if isinstance(dim.extent, Const) and int(dim.extent.value) < 0:
                    self.report(f"an extent in {buffer.name!r} is negative")
            else:
                self.index(dim.index, f"a position in {buffer.name!r}")
        self.fill(buffer, region.fill)

    def fill(self, buffer: Buffer, fill: Const | None) -> None:
        """What a read outside the buffer gives."""
        if fill is not None:
            self.expect(fill, buffer.dtype, f"the fill of {buffer.name!r}")

    # ---- expressions

    def _check(self, expr: Expr, depth: int) -> DType | None:
        """The dtype of a correct expression; None after a report."""
        if depth > MAX_NESTING:
            self.report(f"nested deeper than {MAX_NESTING}")
            return None
        match expr:
            case Const(value=value, dtype=dtype):
                if not fits(value, dtype):
                    self.report(f"{value!r} is not a value of {dtype}")
                return dtype
            case Var(dtype=dtype):
                self.resolve(expr)
                return dtype
            case Apply():
                return self._apply(expr, depth)
            case Select():
                return self._select(expr, depth)
            case Cast() | Bitcast():
                return self._conversion(expr, depth)
            case Load():
                return self._load(expr)
        self.report(f"{type(expr).__name__} is not an expression")
        return None

    def _apply(self, expr: Apply, depth: int) -> DType | None:
        op = SCALAR_OPS.get(expr.op)
        kinds = [self._check(arg, depth + 1) for arg in expr.args]
        if op is None or len(kinds) != op.arity:
            self.report(f"no scalar operation {expr.op!r} of {len(kinds)} operands")
            return None
        first = kinds[0]
        if first is None or None in kinds:
            return None
        if any(kind != first for kind in kinds):
            self.report(f"operands of {expr.op} differ: {', '.join(map(str, kinds))}")
        if not op.accepts(first):
            self.report(f"{expr.op} does not take {first}")
        return BOOL if op.result == "bool" else first

    def _select(self, expr: Select, depth: int) -> DType | None:
        condition = self._check(expr.condition, depth + 1)
        then = self._check(expr.then, depth + 1)
        otherwise = self._check(expr.otherwise, depth + 1)
        if condition not in (BOOL, None):
            self.report(f"the condition of a select must be bool, not {condition}")
        if then != otherwise and then is not None and otherwise is not None:
            self.report(f"the arms of a select differ: {then}, {otherwise}")
        return then

    def _conversion(self, expr: Cast | Bitcast, depth: int) -> DType | None:
        source = self._check(expr.value, depth + 1)
        if isinstance(expr, Cast):
            if expr.rounding not in ("rn", "rz", "rp", "rm"):
                self.report(f"unknown rounding {expr.rounding!r}")
        elif source is not None:
            bools = BOOL in (source, expr.dtype) and source != expr.dtype
            if source.bits != expr.dtype.bits or bools:
                self.report(f"{source} has not the bits of {expr.dtype}")
        return expr.dtype

    def _load(self, expr: Load) -> DType:
        if not self.loads_allowed:
            self.report(f"{expr.buffer.name!r} is read at host level")
        around = self.depth
        self.depth = around + 1
        self.element(expr.buffer, expr.indices, expr.proved)
        self.fill(expr.buffer, expr.fill)
        self.depth = around
        return expr.buffer.dtype
