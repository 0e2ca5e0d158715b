"""Tile IR: the whole grammar.

    function  := name (buffer | var)* dims block            a kernel: launches and host code
    block     := statement*
    statement := allocate | let | store | accumulate        buffers and elements
               | atomic
               | copy | fill | gemm | reduce | sort         tile operations
               | for | parallel | if | while | break | continue
               | launch | tile_hint                         host level only
               | assert | print | breakpoint | wait         looking at a run
    expr      := const | var | apply | select | cast | bitcast | load
    region    := buffer (at expr | range start extent)*     a box of elements
    buffer    := name shape dtype scope strides? of?

Nodes are frozen and compared by structure; ``span`` takes no part in comparison.  A
``Var`` or ``Buffer`` is identified by its name, which is declared once per function.

What holds everywhere:

* Reading an element outside its buffer (or outside a source region's ranges) gives the
  access's ``fill`` (default: all bits zero); writing there does nothing.  Every dimension
  is tested by itself.  ``proved`` says that a test is not needed; it is a derived fact,
  and believing it when it is false is a compiler bug, not a meaning.  Inside ``Parallel``
  it holds for every iteration, those included that a condition switches off, so that
  a masked evaluation may rely on it.
* Buffers that a block, loop body or arm allocates are undefined until written, again in
  each iteration.  Statements of a block take effect in program order.
* Index arithmetic (subscripts, ranges, extents, loop bounds, shapes) has dtype ``index``.
* Expressions have no effects; they are evaluated where they stand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from tiledsl.ir.dtypes import BOOL, INDEX, DType
from tiledsl.ir.ops import SCALAR_OPS
from tiledsl.ir.spans import NO_SPAN, Span

Scope = Literal["global", "shared", "fragment", "local"]
LoopKind = Literal["serial", "unroll", "pipelined", "vectorized"]


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place in the user's source."""

    span: Span = field(default=NO_SPAN, compare=False, repr=False, kw_only=True)


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A constant: an int, a bool, or a float exactly representable in ``dtype``.

    Constants compare by bit pattern: -0.0 differs from 0.0, NaN equals NaN.
    """

    value: int | float | bool
    dtype: DType

    def _key(self) -> tuple[str, str]:
        value = self.value
        if not isinstance(value, float):
            return str(self.dtype), repr(int(value))
        return str(self.dtype), "nan" if math.isnan(value) else value.hex()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Const) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __index__(self) -> int:
        """``int(extent)`` for what looks at the static shape of a parameter."""
        if not isinstance(self.value, int):
            raise TypeError(f"a constant of dtype {self.dtype} is no integer")
        return int(self.value)


@dataclass(frozen=True, slots=True)
class Var(Node):
    """An immutable scalar: a loop or block index, a dim, a parameter, or a ``Let``."""

    name: str
    dtype: DType


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """A scalar operation of ``ops.SCALAR_OPS`` on operands of one dtype."""

    op: str
    args: tuple[Expr, ...]

    @property
    def dtype(self) -> DType:
        return BOOL if SCALAR_OPS[self.op].result == "bool" else self.args[0].dtype


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``then`` if ``condition`` (bool) else ``otherwise``; both of one dtype.

    ``lazy``: only the chosen arm makes accesses (rule L37).  Loads being total, a
    compiled backend may evaluate both; the sanitizer may not.
    """

    condition: Expr
    then: Expr
    otherwise: Expr
    lazy: bool = True

    @property
    def dtype(self) -> DType:
        return self.then.dtype


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """Conversion, rounded once from the exact source value (rule L35).

    ``rounding`` (rn, rz, rp, rm) applies to a float narrowed to a float;
    ``saturate`` to the 8-bit floats.
    """

    value: Expr
    dtype: DType
    rounding: Literal["rn", "rz", "rp", "rm"] = "rn"
    saturate: bool = True


@dataclass(frozen=True, slots=True)
class Bitcast(Node):
    """The same bits read as another dtype of equal width."""

    value: Expr
    dtype: DType


@dataclass(frozen=True, slots=True)
class Load(Node):
    """One element; ``fill`` (a constant of the buffer's dtype) outside the buffer.

    ``indices``: one ``index`` expression per dimension.  ``proved``: per dimension,
    whether the index is known to be inside; empty means none is.
    """

    buffer: Buffer
    indices: tuple[Expr, ...]
    fill: Const | None = None
    proved: tuple[bool, ...] = ()

    @property
    def dtype(self) -> DType:
        return self.buffer.dtype


Expr = Const | Var | Apply | Select | Cast | Bitcast | Load

# -------------------------------------------------------- buffers and regions


@dataclass(frozen=True, slots=True)
class Buffer(Node):
    """A typed array.

    ``global``: a parameter, or memory allocated at host level for one call.  ``shared``
    and ``fragment``: local to a block, static shape; they differ only as a hint.
    ``local``: likewise, but one private copy per iteration inside ``Parallel``; of rank 0
    it is a mutable scalar.  ``strides`` are in elements; None means row-major.

    ``of`` names another buffer whose bytes these are, in row-major order, the whole of
    both: a view (rule L46).  That buffer is row-major and no view itself, of the same
    scope, not ``local``; elements of other widths are little-endian parts of them.
    """

    name: str
    shape: tuple[Expr, ...]
    dtype: DType
    scope: Scope = "global"
    strides: tuple[Expr, ...] | None = None
    of: str | None = None

    @property
    def root(self) -> str:
        """The name of the memory: buffers with one root are aliases."""
        return self.of or self.name

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def static_shape(self) -> tuple[int, ...]:
        """The shape as ints.  Raises TypeError if a dimension is not constant."""
        if not all(isinstance(extent, Const) for extent in self.shape):
            raise TypeError(f"buffer {self.name} has a dynamic shape")
        return tuple(
            int(extent.value) for extent in self.shape if isinstance(extent, Const)
        )


@dataclass(frozen=True, slots=True)
class At(Node):
    """One position of a dimension; the dimension takes no part in pairing."""

    index: Expr
    proved: bool = False


@dataclass(frozen=True, slots=True)
class Range(Node):
    """Positions ``start`` to ``start + extent`` (exclusive) of a dimension."""

    start: Expr
    extent: Expr
    proved: bool = False


@dataclass(frozen=True, slots=True)
class Region(Node):
    """A box of a buffer: one ``At`` or ``Range`` per dimension.

    The extents of its ranges, in order, are its shape.
    """

    buffer: Buffer
    dims: tuple[At | Range, ...]
    fill: Const | None = None

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(dim.extent for dim in self.dims if isinstance(dim, Range))


# ----------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Allocate(Node):
    """Declares a buffer: a view, or one whose elements are undefined until written."""

    buffer: Buffer


@dataclass(frozen=True, slots=True)
class Let(Node):
    """Evaluates ``value`` here, once; ``var`` names it in the rest of the block."""

    var: Var
    value: Expr


@dataclass(frozen=True, slots=True)
class Store(Node):
    """Writes one element; ``value`` has the buffer's dtype."""

    buffer: Buffer
    indices: tuple[Expr, ...]
    value: Expr
    proved: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Accumulate(Node):
    """Inside ``Parallel``: combines ``value`` into an element (rule L55).

    ``reduction`` is sum, mul, max, min, and, or, xor.  Every executed iteration counts
    once, in a fixed order; the element is carried in ``buffer.dtype.evaluation``, the
    dtype of ``value``, and rounded once when the loop ends.
    """

    reduction: str
    buffer: Buffer
    indices: tuple[Expr, ...]
    value: Expr
    proved: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Atomic(Node):
    """Updates one element indivisibly, also against other blocks (rules L73 to L75).

    ``op`` is add, max, min, or: the element becomes ``op(element, value)``, computed in
    the evaluation dtype and rounded at every update; exchange: it becomes ``value``; load:
    it stays, and ``value`` is None.  ``value`` has the buffer's dtype.  ``previous``, if
    given, is bound in the rest of the block to the element as it was before.  Outside the
    buffer nothing is written and ``previous`` is the ``fill``.  The iterations of a
    ``Parallel`` and the blocks of a launch update in some order; ``order`` is the memory
    order, relaxed, consume, acquire, release, acq_rel or seq_cst.
    """

    op: str
    buffer: Buffer
    indices: tuple[Expr, ...]
    value: Expr | None
    previous: Var | None = None
    order: str = "relaxed"
    fill: Const | None = None
    proved: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy(Node):
    """``target[p] = cast(source[p])`` for every point p of ``shape`` (rules L57-L62).

    Both regions have ``len(shape)`` ranges, paired in order; ``shape`` is static or
    run-time and may exceed a range, whose own extent then clips: outside a source range
    the fill is read, outside a target range nothing is written.  ``asynchronous``: nobody
    may use the target before the block's next ``Wait``; the meaning is the same.
    """

    source: Region
    target: Region
    shape: tuple[Expr, ...]
    asynchronous: bool = False


@dataclass(frozen=True, slots=True)
class Fill(Node):
    """Sets every element of ``target`` to ``value`` (of the buffer's dtype), evaluated once."""

    target: Region
    value: Expr


@dataclass(frozen=True, slots=True)
class Gemm(Node):
    """``c = (0 if clear else c) + op(a) @ op(b)`` (rules L66, L67).

    Regions have two ranges each.  Products are exact, sums are carried in c's dtype (for
    16-bit floats optionally in float32, rounded once); integers wrap.  When ``clear``
    (bool) holds, c's old content is not read.
    """

    a: Region
    b: Region
    c: Region
    clear: Expr
    transpose_a: bool = False
    transpose_b: bool = False
    allow_tf32: bool = False


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    """``target = combine(source along axis)`` (rule L68).

    ``axis`` counts the ranges of ``source``; ``target`` has the other ranges.  Elements
    are converted to target's evaluation dtype, carried there and rounded once.  Starts
    from the identity if ``clear``, else from target's content.  ``nan_propagate``: max
    and min give NaN if any element is NaN, else they ignore NaN.
    """

    reduction: str
    source: Region
    target: Region
    axis: int
    clear: bool = True
    nan_propagate: bool = False


@dataclass(frozen=True, slots=True)
class Sort(Node):
    """``target[k] =`` the position in ``source`` of its k-th element along ``axis`` (L117).

    The order is ascending unless ``descending``, with -0 < +0; NaN is last either way, and
    equal elements keep their order.  ``axis`` counts the ranges of both regions; there
    ``target``, of integers, may be shorter than ``source``, whose shape it has otherwise.
    """

    source: Region
    target: Region
    axis: int
    descending: bool = False


@dataclass(frozen=True, slots=True)
class For(Node):
    """Runs ``body`` for ``var`` = start, start + step, ... below (above) ``stop``, in order.

    Bounds are evaluated once, at entry; step 0 runs nothing.  ``kind`` and ``stages``
    are hints.
    """

    var: Var
    start: Expr
    stop: Expr
    step: Expr
    body: Block
    kind: LoopKind = "serial"
    stages: int = 0


@dataclass(frozen=True, slots=True)
class Parallel(Node):
    """Independent iterations over the product of ``extents``, in any order (rule L53).

    The body holds scalar statements only: allocate (local), let, store, accumulate,
    atomic, for, while, if, break and continue of those loops, assert, print, breakpoint;
    a ``continue`` outside them ends the iteration.  Two iterations touching one element,
    one of them by a store, leave it undefined unless all store equal bits and none reads
    it, or all are atomic.
    """

    vars: tuple[Var, ...]
    extents: tuple[Expr, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class If(Node):
    """Runs one arm.  Names bound in an arm end with it."""

    condition: Expr
    then: Block
    otherwise: Block = ()


@dataclass(frozen=True, slots=True)
class While(Node):
    """Runs ``body`` as long as ``condition``, evaluated before each iteration, holds."""

    condition: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class Break(Node):
    """Ends the innermost ``For`` or ``While``."""


@dataclass(frozen=True, slots=True)
class Continue(Node):
    """Ends the iteration of the innermost ``For``, ``While`` or ``Parallel``."""


@dataclass(frozen=True, slots=True)
class Launch(Node):
    """Runs ``body`` for every block of ``grid``, independently and unordered (rule L12).

    One to three extents, each with its index variable, the first varying fastest.  An
    extent of 0 launches nothing.  ``threads`` is a hint.
    """

    vars: tuple[Var, ...]
    grid: tuple[Expr, ...]
    threads: tuple[int, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class TileHint(Node):
    """How whole-tensor statements in ``body`` may be cut into tiles (rule L92).

    ``sizes``: extents of the tiles along the parallel axes, outermost first; ``reduce``:
    along the reduction axis; 0 leaves the choice to the target.  ``stages`` of the loop
    over the reduction axis.  ``name`` is the key for schedules.  No result depends on it.
    """

    sizes: tuple[int, ...]
    reduce: int
    stages: int
    name: str
    body: Block


@dataclass(frozen=True, slots=True)
class Assert(Node):
    """Says that ``condition`` (bool) holds; nothing that a program computes depends on it.

    Where it is checked, a failure is reported after the launch, which runs to its end
    (rule L72).  At host level it is about dims and scalar parameters.  ``assumed`` is a
    promise of the user: at host level every call verifies it before the launch, so that
    passes may rely on it.
    """

    condition: Expr
    message: str = ""
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Print(Node):
    """Prints a text, and after it a scalar, or outside ``Parallel`` a box of elements.

    What a block prints keeps its order; blocks print in any order.
    """

    message: str
    value: Expr | Region | None


@dataclass(frozen=True, slots=True)
class Breakpoint(Node):
    """Stops in Python's debugger where a run can be looked at, else does nothing.

    ``names`` are the user's names for ``values``: scalars and whole buffers.
    """

    names: tuple[str, ...]
    values: tuple[Expr | Region, ...]


@dataclass(frozen=True, slots=True)
class Wait(Node):
    """Ends the asynchronous copies that the block has begun (rule L63)."""


Statement = (
    Allocate | Let | Store | Accumulate | Atomic | Copy | Fill | Gemm | Reduce | Sort
    | For | Parallel | If | While | Break | Continue | Launch | TileHint
    | Assert | Print | Breakpoint | Wait
)  # fmt: skip
Block = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Function(Node):
    """A kernel function.

    ``params``: buffers (scope global) and scalar variables, in the caller's order.
    ``dims``: the ``index`` variables in their shapes and strides that are solved from the
    arguments at each call (rule L104).  ``outputs``: positions of the parameters that the
    call allocates and returns, in the order returned.  ``body`` is host level: launches,
    allocations of global buffers, and whole-tensor statements, that is ``Parallel`` and
    tile operations on global buffers, each complete before the next (rule L88).
    ``pointers``: positions of the buffers for which a caller may give an address alone,
    which is trusted to have all of the buffer behind it (rule L48).
    """

    name: str
    params: tuple[Buffer | Var, ...]
    dims: tuple[Var, ...]
    body: Block
    outputs: tuple[int, ...] = ()
    fast_math: bool = False
    pointers: tuple[int, ...] = ()


# ------------------------------------------------------------ short spellings


def index(value: int) -> Const:
    """A constant in index arithmetic."""
    return Const(value, INDEX)


def whole(buffer: Buffer, *, fill: Const | None = None) -> Region:
    """The region of all elements."""
    dims = tuple(Range(index(0), extent, True) for extent in buffer.shape)
    return Region(buffer, dims, fill, span=buffer.span)
