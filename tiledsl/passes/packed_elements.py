"""Expressions, buffers and regions without packed dtypes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tiledsl.ir.nodes import (
    Bitcast,
    Buffer,
    Cast,
    Const,
    Expr,
    Let,
    Load,
    Node,
    Region,
    Select,
    Var,
)
from tiledsl.ir.visitor import rebuild
from tiledsl.passes import packed_memory
from tiledsl.passes.packed_codes import decode, encode, narrow, unpacked


def in_memory(buffer: Buffer) -> bool:
    """Whether a buffer's elements lie two in a byte."""
    return buffer.dtype.is_packed and buffer.scope == "global"


@dataclass
class PackedElements:
    """Rewrites what statements consist of.

    ``taken``: names that are declared.  ``lets``: what has to be evaluated before the
    statement at hand; None where nothing can come before.
    """

    taken: set[str]
    lets: list[Let] | None = field(default=None)

    def fresh(self, hint: str) -> str:
        name, number = hint, 0
        while name in self.taken:
            number += 1
            name = f"{hint}_{number}"
        self.taken.add(name)
        return name

    def buffer(self, buffer: Buffer) -> Buffer:
        """Tensors as bytes, tiles with wider elements."""
        shape = tuple(self.inline(extent) for extent in buffer.shape)
        buffer = buffer if shape == buffer.shape else replace(buffer, shape=shape)
        if in_memory(buffer):
            return packed_memory.bytes_of(buffer)
        dtype = unpacked(buffer.dtype)
        return buffer if dtype == buffer.dtype else replace(buffer, dtype=dtype)

    def inline(self, expr: Expr) -> Expr:
        """The expression where no statement can come before it."""
        outer, self.lets = self.lets, None
        result = self.expr(expr)
        self.lets = outer
        return result

    def expr(self, expr: Expr) -> Expr:
        match expr:
            case Var() | Const():
                dtype = unpacked(expr.dtype)
                return expr if dtype == expr.dtype else replace(expr, dtype=dtype)
            case Load():
                return self.load(expr)
            case Cast(value=value, dtype=dtype) if dtype.is_packed:
                if value.dtype == dtype:
                    return self.expr(value)
                return narrow(self.named(self.expr(value)), dtype, expr.rounding)
            case Cast(value=value) if value.dtype.is_packed:
                wide = self.expr(value)
                same = wide.dtype == expr.dtype
                return wide if same else replace(expr, value=wide)
            case Bitcast(value=value, dtype=dtype) if dtype.is_packed:
                return decode(encode(self.expr(value), value.dtype), dtype)
            case Select(lazy=True):
                # what an arm reads must not be read before the choice
                condition = self.expr(expr.condition)
                arms = self.inline(expr.then), self.inline(expr.otherwise)
                return Select(condition, *arms, span=expr.span)
        return rebuild(expr, self._part)

    def _part(self, node: Node) -> Node:
        return node if isinstance(node, Buffer) else self.expr(node)  # type: ignore[arg-type]

    def named(self, value: Expr) -> Expr:
        """A value that is used several times."""
        if self.lets is None or isinstance(value, Const | Var):
            return value
        var = Var(self.fresh("element"), value.dtype)
        self.lets.append(Let(var, value, span=value.span))
        return var

    def load(self, load: Load) -> Expr:
        buffer = load.buffer
        indices = tuple(self.expr(at) for at in load.indices)
        if in_memory(buffer):
            code = packed_memory.load(
                self.buffer(buffer), indices, load.fill, load.proved, load.span
            )
            # integers are decoded in one step, e2m1 looks at the code several times
            code = self.named(code) if buffer.dtype.is_float else code
            return decode(code, buffer.dtype)
        fill = self._fill(load.fill)
        return replace(load, buffer=self.buffer(buffer), indices=indices, fill=fill)

    def _fill(self, fill: Const | None) -> Const | None:
        if fill is None or not fill.dtype.is_packed:
            return fill
        return replace(fill, dtype=unpacked(fill.dtype))

    def region(self, region: Region) -> Region:
        """A region of something that is not packed memory."""
        dims = tuple(
            rebuild(dim, lambda part: self.inline(part))  # type: ignore[arg-type]
            for dim in region.dims
        )
        buffer, fill = self.buffer(region.buffer), self._fill(region.fill)
        return replace(region, buffer=buffer, dims=dims, fill=fill)
