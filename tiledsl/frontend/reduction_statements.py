"""Element writes, and which of them in ``T.Parallel`` are reductions (rule L55).

``r[f] op= v`` means one thing if every iteration has its own element (a store of
``r[f] op v``), and another if several share one (each contributes once).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tiledsl.analysis.affine import Affine
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.builder import Builder, Collected, here
from tiledsl.frontend.conversion import convert
from tiledsl.frontend.index_bounds import normal_form
from tiledsl.frontend.scalars import Operand, Scalar, scalar
from tiledsl.frontend.values import as_value, operand
from tiledsl.ir.nodes import (
    Accumulate,
    Allocate,
    Apply,
    Buffer,
    Cast,
    Expr,
    Load,
    Store,
    Var,
)
from tiledsl.ir.visitor import walk

Update = tuple[str, object]

_BY_OPERATOR: Final = {
    "+": "sum", "*": "mul", "&": "and", "|": "or", "^": "xor",
    "add": "sum", "mul": "mul", "and": "and", "or": "or", "xor": "xor",
    "max": "max", "min": "min",
}  # fmt: skip


def element_write(
    builder: Builder,
    buffer: Buffer,
    indices: tuple[Expr, ...],
    value: object,
    update: Update | None,
) -> None:
    """Emits the ``Store``, or the ``Accumulate`` of a reduction statement."""
    contribution = None
    if builder.inside("parallel"):
        contribution = _contribution(buffer, indices, value, update)
    if contribution is not None and _is_shared(builder, buffer, indices):
        reduction, part = contribution
        if buffer.dtype.is_packed:
            raise KernelError(
                "E0215",
                f"{buffer.dtype} elements cannot be accumulated into",
                span=here(),
                hint=f"accumulate into {buffer.dtype.evaluation}, then copy",
            )
        evaluated = convert(part, buffer.dtype.evaluation, implicit=True)
        span = here()
        builder.emit(Accumulate(reduction, buffer, indices, evaluated, span=span))
        return
    stored = convert(operand(value), buffer.dtype, implicit=True)
    builder.emit(Store(buffer, indices, stored, span=here()))


def _contribution(
    buffer: Buffer, indices: tuple[Expr, ...], value: object, update: Update | None
) -> tuple[str, Operand] | None:
    """The reduction and v of ``r[f] = op(r[f], v)``, where v does not read r."""
    if update is not None:
        reduction = _BY_OPERATOR.get(update[0].removesuffix("="))
        found = (reduction, operand(update[1])) if reduction else None
    else:
        found = _matched(as_value(value).expr, buffer, indices)
    if found is None:
        return None
    part = found[1]
    reads = isinstance(part, Scalar) and any(
        isinstance(node, Load) and node.buffer.root == buffer.root
        for node in walk(part.expr)
    )
    return None if reads else found


def _matched(
    expr: Expr, buffer: Buffer, indices: tuple[Expr, ...]
) -> tuple[str, Operand] | None:
    """``op(r[f], v)`` or ``op(v, r[f])`` as written, whatever casts promotion added."""
    while isinstance(expr, Cast):
        expr = expr.value
    if (
        not isinstance(expr, Apply)
        or expr.op not in _BY_OPERATOR
        or len(expr.args) != 2
    ):
        return None
    for this, other in (expr.args, expr.args[::-1]):
        inner = this
        while isinstance(inner, Cast):
            inner = inner.value
        if isinstance(inner, Load) and (inner.buffer, inner.indices) == (
            buffer,
            indices,
        ):
            return _BY_OPERATOR[expr.op], scalar(other)
    return None


def _is_shared(builder: Builder, buffer: Buffer, indices: tuple[Expr, ...]) -> bool:
    """Whether several iterations may write one element of ``buffer``."""
    blocks = builder.scopes[_outermost_parallel(builder) :]
    if _is_private(buffer, blocks):
        return False
    extents = {
        var.name: builder.ranges.get(var.name)
        for block in blocks
        if block.kind == "parallel"
        for var in block.indices
    }
    inner = _names_bound_in(blocks)
    forms = [normal_form(expr) for expr in indices]
    return not is_injective(forms, extents, inner)


def _outermost_parallel(builder: Builder) -> int:
    kinds = [block.kind for block in builder.scopes]
    return kinds.index("parallel")


def is_private(builder: Builder, buffer: Buffer) -> bool:
    """Whether each iteration of the enclosing ``T.Parallel`` has its own copy (L56)."""
    return _is_private(buffer, builder.scopes[_outermost_parallel(builder) :])


def _is_private(buffer: Buffer, blocks: list[Collected]) -> bool:
    """Scratch of one iteration: allocated in the loop, or written in it before (L56)."""
    if buffer.scope != "local":
        return False
    for block in blocks:
        for statement in block.open_statements:
            for node in walk(statement):
                if isinstance(node, Allocate | Store) and node.buffer == buffer:
                    return True
    return False


def _names_bound_in(blocks: list[Collected]) -> frozenset[str]:
    """Variables that the iteration itself binds: inner loops and snapshots."""
    names = {
        var.name
        for block in blocks
        if block.kind != "parallel"
        for var in block.indices
    }
    for block in blocks:
        for statement in block.open_statements:
            var = getattr(statement, "var", None)
            if isinstance(var, Var):
                names.add(var.name)
    return frozenset(names)


def is_injective(
    forms: list[Affine],
    ranges: Mapping[str, tuple[int, int] | None],
    inner: frozenset[str],
) -> bool:
    """Whether different iterations always have different subscripts.

    ``ranges`` are the parallel indices; ``inner`` the variables that may differ between
    iterations.  A subscript determines the indices in it if, ordered by coefficient, each
    step is longer than everything the smaller ones reach: ``i * 64 + j`` with j < 64.
    """
    unknown = {name for name, known in ranges.items() if known is None or _many(known)}
    progress = True
    while unknown and progress:
        progress = False
        for form in forms:
            found = _determined(form, ranges, unknown, inner)
            if found:
                unknown -= found
                progress = True
    return not unknown


def _many(known: tuple[int, int]) -> bool:
    return known[0] != known[1]


def _determined(
    form: Affine,
    ranges: Mapping[str, tuple[int, int] | None],
    unknown: set[str],
    inner: frozenset[str],
) -> set[str]:
    """The unknown indices that the value of ``form`` fixes."""
    steps: list[tuple[int, str]] = []
    for atom, coefficient in form.terms:
        name = atom.name if isinstance(atom, Var) else None
        if name in unknown:
            steps.append((abs(coefficient), name))
        elif not _uniform(atom, unknown, inner):
            return set()
    steps.sort()
    reach = 0
    for position, (step, name) in enumerate(steps):
        if step <= reach:
            return set()
        known = ranges[name]
        if known is None and position < len(steps) - 1:
            return set()
        reach += step * (known[1] - known[0]) if known else 0
    return {name for _, name in steps}


def _uniform(atom: Expr, unknown: set[str], inner: frozenset[str]) -> bool:
    """Whether an atom has one value wherever the ``unknown`` indices are.

    A load does, if its subscripts do: an iteration that wrote the element would race
    with the others that read it.
    """
    for node in walk(atom):
        if isinstance(node, Load) and node.buffer.scope == "local":
            return False
        if isinstance(node, Var) and (node.name in unknown or node.name in inner):
            return False
    return True
