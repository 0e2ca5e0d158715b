"""Random numbers: Philox4x32-10, a function of seed, sequence and position (rule L83).

The same numbers on every backend, in whatever order blocks and iterations run.
"""

from __future__ import annotations

import math as python_math
from dataclasses import dataclass
from typing import Final, cast

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.buffers import VarRef, store
from tiledsl.frontend.builder import Builder, Collected, here
from tiledsl.frontend.operators import ScalarLike
from tiledsl.frontend.threads.axis import in_thread_code, thread_axis, used_axis
from tiledsl.frontend.values import Value, as_value, converted, select, wrap
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Apply, Cast, Const, Expr, Store, index
from tiledsl.language import math
from tiledsl.language.allocation import alloc_var

_UINT32: Final = DType("uint32")
_UINT64: Final = DType("uint64")
_MULTIPLIERS: Final = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS: Final = (0x9E3779B9, 0xBB67AE85)
_ROUNDS: Final = 10
_FACT: Final = "random_numbers"
_GENERATORS: Final = (
    "curandStatePhilox4_32_10_t",
    "curandStateMRG32k3a_t",
    "curandStateXORWOW_t",
)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The numbers that a block or thread draws from, and how many it has drawn."""

    key: tuple[Value, Value]
    sequence: tuple[Value, Value]
    drawn: VarRef


def rng_init(
    seed: ScalarLike,
    seq: ScalarLike | None = None,
    off: ScalarLike = 0,
    generator: str = _GENERATORS[0],
) -> None:
    """Begins a sequence of random numbers at position ``off``, for ``T.rng_rand``.

    Holds to the end of the block, loop body or arm around.  In thread code each thread
    has its own, elsewhere each block.  Without ``seq`` the sequences of all blocks, or
    of all threads, differ.  The numbers are those of Philox4x32-10 as cuRAND defines
    them, whatever ``generator`` says.

    >>> import tiledsl, tiledsl.language as T
    >>> @tiledsl.jit
    ... def numbers():
    ...     Y = T.empty((6,), "uint32")
    ...     with T.Kernel(1):
    ...         T.rng_init(42, 0)
    ...         for i in T.Parallel(6):
    ...             Y[i] = T.rng_rand()
    ...     return Y
    >>> hex(numbers()[0])
    '0x9ceaf053'
    """
    builder = Builder.active()
    if not builder.inside("launch") or builder.inside("parallel"):
        raise KernelError(
            "E0210",
            "T.rng_init belongs inside T.Kernel and outside T.Parallel",
            span=here(),
        )
    if generator not in _GENERATORS:
        raise KernelError(
            "E0209",
            "T.rng_init got an unknown generator",
            span=here(),
            expected=", ".join(_GENERATORS),
            got=brief(generator),
        )
    key = _halves(builder, "seed", _wide(seed))
    sequence = _halves(
        builder, "sequence", _own(builder) if seq is None else _wide(seq)
    )
    numbers = _Numbers(key, sequence, alloc_var(_UINT64, _wide(off)))
    builder.scopes[-1].facts[_FACT] = numbers


def rng_rand() -> Value:
    """The next random number, of dtype uint32.

    In ``T.Parallel`` iteration i, counted with the last index fastest, has the i-th of
    the numbers that follow; the next place that draws has those after all of them.
    There no loop may be around it, and thread code has to draw outside.
    """
    builder = Builder.active()
    numbers = _current(builder)
    return _philox(builder, numbers, _position(builder, numbers.drawn))


def rng_rand_float(bit: int = 32, dist: str = "uniform") -> Value:
    """The next random number as a float of 32 or 64 bits.

    "uniform": above 0, at most 1.  "normal": of mean 0 and variance 1, made of two
    numbers.  E0209: another ``bit`` or ``dist``.
    """
    if bit not in (32, 64) or dist not in ("uniform", "normal"):
        raise KernelError(
            "E0209",
            "T.rng_rand_float makes 32 or 64 bits, uniform or normal",
            span=here(),
            got=f"{brief(bit)}, {brief(dist)}",
        )
    dtype = DType(f"float{bit}")
    first = _uniform(rng_rand(), dtype)
    if dist == "uniform":
        return first
    second = _uniform(rng_rand(), dtype)
    radius = math.sqrt(-2.0 * math.log(first))
    return radius * math.sin(second * (2 * python_math.pi))


def _uniform(number: Value, dtype: DType) -> Value:
    """The middle of the number's part of (0, 1], which may round up to 1."""
    return converted(number, dtype) * 2.0**-32 + 2.0**-33


# ------------------------------------------------------------------------- state


def _current(builder: Builder) -> _Numbers:
    for block in reversed(builder.scopes):
        found = block.facts.get(_FACT)
        if isinstance(found, _Numbers):
            return found
    raise KernelError(
        "E0210",
        "no random numbers were begun in the blocks around",
        span=here(),
        hint="T.rng_init(seed, seq, off) first",
    )


def _position(builder: Builder, drawn: VarRef) -> Value:
    """The position of the number that is drawn here; the next one follows it."""
    kinds = [block.kind for block in builder.scopes]
    if "parallel" not in kinds:
        position = wrap(builder.let("position", as_value(drawn).expr))
        store(drawn.buffer, (), position + 1)
        return position
    depth = kinds.index("parallel")
    loops = builder.scopes[depth:]
    threads = used_axis(_launch(builder).facts)
    if threads is not None or any(loop.kind == "loop" for loop in loops):
        raise KernelError(
            "E0210",
            "T.rng_rand has no position here",
            span=here(),
            expected="T.Parallel without a loop in it, and outside of thread code",
            hint="draw the numbers into a tile first",
        )
    number, count = _iteration([block for block in loops if block.indices])
    outer = builder.scopes[depth - 1]
    first = builder.let("position", as_value(drawn).expr, outer)
    after = Apply("add", (first, Cast(count, _UINT64)), span=here())
    builder.emit_in(outer, Store(drawn.buffer, (), after, span=here()))
    return wrap(first) + converted(wrap(number), _UINT64)


def _iteration(loops: list[Collected]) -> tuple[Expr, Expr]:
    """The number of this iteration of the loops, and the number of all of them."""
    number: Expr = index(0)
    count: Expr = index(1)
    for loop in loops:
        extents = cast(tuple[Expr, ...], loop.facts["extents"])
        for var, extent in zip(loop.indices, extents, strict=True):
            number = Apply("add", (Apply("mul", (number, extent)), var), span=here())
            count = Apply("mul", (count, extent), span=here())
    return number, count


def _launch(builder: Builder) -> Collected:
    return next(block for block in builder.scopes if block.kind == "launch")


def _own(builder: Builder) -> Value:
    """A sequence for each block, in thread code for each thread."""
    first, *more = (_wide(wrap(var)) for var in _launch(builder).indices)
    if in_thread_code(builder):
        axis = thread_axis(builder, "rng_init")
        first = first * axis.count + _wide(wrap(axis.number))
    for place, block in enumerate(more, 2):
        first = first + (block << 16 * place)
    return first


def _wide(value: ScalarLike) -> Value:
    if isinstance(value, int):
        return converted(value % 2**64, _UINT64)
    return converted(value, _UINT64)


def _halves(builder: Builder, name: str, word: Value) -> tuple[Value, Value]:
    """The low and the high 32 bits of a word, computed once."""
    whole = wrap(builder.let(name, word.expr))
    return converted(whole, _UINT32), converted(whole >> 32, _UINT32)


# ------------------------------------------------------------------------ Philox


def _philox(builder: Builder, numbers: _Numbers, position: Value) -> Value:
    """The number at a position: one of the four that each counter gives."""
    block = position >> 2
    counter = [
        converted(block, _UINT32),
        converted(block >> 32, _UINT32),
        *numbers.sequence,
    ]
    key = list(numbers.key)
    for _ in range(_ROUNDS):
        products = [
            wrap(builder.let("product", (_wide(half) * _constant(by)).expr))
            for half, by in zip(counter[::2], _MULTIPLIERS, strict=True)
        ]
        low = [converted(product, _UINT32) for product in products]
        high = [converted(product >> 32, _UINT32) for product in products]
        counter = [
            high[1] ^ counter[1] ^ key[0],
            low[1],
            high[0] ^ counter[3] ^ key[1],
            low[0],
        ]
        key = [half + step for half, step in zip(key, _KEY_STEPS, strict=True)]
    lane = converted(position & 3, _UINT32)
    first = select(lane == 0, counter[0], counter[1])
    second = select(lane == 2, counter[2], counter[3])
    return wrap(builder.let("random", select(lane < 2, first, second).expr))


def _constant(value: int) -> Value:
    return wrap(Const(value, _UINT64))
