"""The state of the code generator inside one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Block
from tiledsl_llvm.lanes import Slope, Slopes
from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import BITS, Value, integer

_STACK_BYTES = 1 << 17
SMALL_ELEMENTS = 64  # of a private array that is kept on the stack


@dataclass(frozen=True, slots=True)
class Storage:
    """Where a buffer's elements are.

    ``strides`` in elements.  A ``private`` buffer holds ``lanes`` copies side by side.
    ``facts`` is appended to its accesses: metadata about what they cannot overlap.
    ``streamed``: whole vectors are stored past the caches, each to a line of its own.
    """

    base: Value
    dtype: DType
    shape: tuple[Value, ...]
    strides: tuple[Value, ...]
    lanes: int = 1
    facts: str = ""
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """A subscript: a scalar and its slope over the lanes, or a vector (slope None)."""

    value: Value
    slope: Slope = 0


@dataclass
class Frame:
    """Names in scope, the lanes that statements run in, and where jumps go.

    ``lanes`` is 1 outside vector loops.  ``mask`` holds the active lanes (None: all).
    ``trusted``: whether ``proved`` may be believed; not so where an expression is
    evaluated although its condition may not hold.  ``viewed``: buffers with views, which
    lie in memory row by row without gaps.  ``sums`` maps an accumulation that the
    current vector loop keeps in registers to its slot; ``shared`` expressions to their
    values, computed before it.  ``uses_tiles``: whether tile
    registers have to be released at the end.  ``record_bytes``: how much of the records
    at the start of the arena is in use.  ``uses_streams``: whether stores have to be
    waited for at the end.
    """

    builder: Builder
    machine: Machine
    run: Callable[[Frame, Block], None]
    arena: Value
    values: dict[str, Value] = field(default_factory=dict)
    buffers: dict[str, Storage] = field(default_factory=dict)
    lanes: int = 1
    slopes: Slopes | None = None
    mask: Value | None = None
    trusted: bool = True
    jumps: list[tuple[str, str]] = field(default_factory=list)
    viewed: frozenset[str] = frozenset()
    sums: dict[int, Value] = field(default_factory=dict)
    shared: dict[int, Value] = field(default_factory=dict)
    arena_bytes: int = 0
    stack_bytes: int = 0
    uses_tiles: bool = False
    record_bytes: int = 0
    uses_streams: bool = False

    @contextmanager
    def streaming(self, names: Iterable[str]) -> Iterator[None]:
        """Inside, whole vectors of these buffers are stored past the caches."""
        outer = self.buffers
        streamed = {name: replace(outer[name], streamed=True) for name in names}
        self.buffers = outer | streamed
        self.uses_streams = True
        yield
        self.buffers = outer

    @contextmanager
    def as_scalar(self) -> Iterator[None]:
        """Inside, expressions are computed once for all lanes."""
        lanes, mask, self.lanes, self.mask = self.lanes, self.mask, 1, None
        yield
        self.lanes, self.mask = lanes, mask

    @contextmanager
    def masked(self, condition: Value, *, trusted: bool = True) -> Iterator[None]:
        """Inside, only lanes for which the condition holds are active."""
        mask, believed = self.mask, self.trusted
        self.mask, self.trusted = (
            both(self.builder, mask, condition),
            believed and trusted,
        )
        yield
        self.mask, self.trusted = mask, believed

    def scratch(self, element: str, count: int, *, small: bool, hint: str) -> Value:
        """Memory for elements of a block-local buffer.

        ``small`` buffers live on the stack, where LLVM can put them into registers, until
        the function has used up its share of it.
        """
        size = count * max(1, BITS[element] // 8)
        if small and self.stack_bytes + size <= _STACK_BYTES:
            self.stack_bytes += size
            return self.builder.slot(element, count, hint=hint)
        return self.take(size)

    def take(self, count: int) -> Value:
        """Fresh memory in the worker's arena, aligned to a cache line."""
        offset = self.arena_bytes
        self.arena_bytes += -(-count // 64) * 64
        return self.builder.address(self.arena, "i8", integer(offset))


def both(builder: Builder, mask: Value | None, condition: Value) -> Value:
    return condition if mask is None else builder.binary("and", mask, condition)


def any_lane(builder: Builder, mask: Value) -> Value:
    """Whether some lane of the mask is set."""
    if mask.lanes == 1:
        return mask
    bits = builder.make(
        f"i{mask.lanes}", 1, f"bitcast {mask.typed} to i{mask.lanes}", "lanes"
    )
    return builder.make("i1", 1, f"icmp ne {bits.typed}, 0", "some")


def lanes_below(builder: Builder, limit: Value, lanes: int) -> Value:
    """The lanes with numbers below a scalar ``limit``."""
    low = builder.intrinsic("smax", limit, integer(0))
    few = builder.convert("trunc", builder.intrinsic("smin", low, integer(lanes)), "i8")
    count = builder.spread(few, lanes)
    numbers = ", ".join(f"i8 {k}" for k in range(lanes))
    return builder.compare("ult", Value(f"<{numbers}>", "i8", lanes), count)
