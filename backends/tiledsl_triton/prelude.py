"""Functions that generated kernels call, as Triton source.

They make total what Triton leaves open (division by zero, long shifts, conversions out of
range) and round once where Triton would round twice.  A kernel gets only those it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_INTEGERS = '''
def floor_divide(a, b):
    """floor(a / b); 0 if b is 0; wraps for MIN / -1."""
    plain = (b == 0) | (b == -1)
    divisor = tl.where(plain, 1, b)
    quotient = a // divisor
    remainder = a - quotient * divisor
    down = (remainder != 0) & ((remainder < 0) != (divisor < 0))
    quotient = quotient - tl.cast(down, a.dtype)
    return tl.where(b == 0, 0, tl.where(b == -1, 0 - a, quotient))

def truncate_divide(a, b):
    """a / b toward zero; 0 if b is 0; wraps for MIN / -1."""
    plain = (b == 0) | (b == -1)
    quotient = a // tl.where(plain, 1, b)
    return tl.where(b == 0, 0, tl.where(b == -1, 0 - a, quotient))

def divide_unsigned(a, b):
    """a / b; 0 if b is 0."""
    quotient = a // tl.where(b == 0, 1, b)
    return tl.where(b == 0, 0, quotient)

def round_up(quotient, a, b):
    """The ceiling of a / b from its floor."""
    inexact = (a != quotient * b) & (b != 0)
    return quotient + tl.cast(inexact, a.dtype)

def shift_left(a, count, BITS: tl.constexpr):
    """a << count; 0 if count, read as unsigned, is at least BITS."""
    fits = (count >= 0) & (count < BITS)
    return tl.where(fits, a << tl.where(fits, count, 0), 0)

def shift_right(a, count, BITS: tl.constexpr):
    """a >> count with sign fill; only the sign if count, read as unsigned, is large."""
    fits = (count >= 0) & (count < BITS)
    return a >> tl.where(fits, count, BITS - 1)

def shift_right_unsigned(a, count, BITS: tl.constexpr):
    """a >> count; 0 if count is at least BITS."""
    fits = count < BITS
    return tl.where(fits, a >> tl.where(fits, count, 0), 0)

def count_ones(x):
    """Number of one bits of an unsigned 64-bit value."""
    x = x - ((x >> 1) & 0x5555555555555555)
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F
    x = x + (x >> 8)
    x = x + (x >> 16)
    x = x + (x >> 32)
    return x & 0x7F

def leading_zeros(x, BITS: tl.constexpr):
    """Leading zero bits of a BITS wide value held in unsigned 64 bits."""
    x = x | (x >> 1)
    x = x | (x >> 2)
    x = x | (x >> 4)
    x = x | (x >> 8)
    x = x | (x >> 16)
    x = x | (x >> 32)
    return BITS - tl.cast(count_ones(x), tl.int64)

def trip_count(start, stop, step):
    """Iterations of range(start, stop, step); none if step is 0."""
    up = step > 0
    runs = tl.where(up, start < stop, start > stop) & (step != 0)
    distance = tl.cast(tl.where(up, stop - start, start - stop), tl.uint64)
    size = tl.cast(tl.where(up, step, 0 - step), tl.uint64)
    trips = (distance - 1) // tl.where(size == 0, 1, size) + 1
    return tl.cast(tl.where(runs, trips, 0), tl.int64)
'''

_FLOATS = '''
def truncate(x):
    """Integer part, with the sign of x also for zero."""
    return tl.where(x < 0, tl.ceil(x), tl.floor(x))

def round_away(x):
    """Nearest integer, ties away from zero."""
    whole = truncate(x)
    step = tl.where(tl.abs(x - whole) >= 0.5, 1.0, 0.0)
    return libdevice.copysign(tl.abs(whole) + step, x)

def clamp_finite(x, LARGEST: tl.constexpr):
    """x limited to the finite values of a narrow type; NaN stays."""
    clamped = tl.minimum(tl.maximum(x, 0.0 - LARGEST), LARGEST)
    return tl.where(x != x, x, clamped)

def round_toward(x, MODE: tl.constexpr, NARROW: tl.constexpr, BITS: tl.constexpr):
    """x as a narrow float, rounded to zero (MODE 0), up (1) or down (-1)."""
    near = tl.cast(x, NARROW)
    back = tl.cast(near, x.dtype)
    bits = tl.cast(near, BITS, bitcast=True)
    outward = tl.where(bits < 0, -1, 1) * MODE
    if MODE == 0:
        step = tl.where(tl.abs(back) > tl.abs(x), -1, 0)
    elif MODE == 1:
        step = tl.where(back < x, outward, 0)
    else:
        step = tl.where(back > x, outward, 0)
    return tl.cast(bits + tl.cast(step, BITS), NARROW, bitcast=True)

def overflow_to(
    x, LIMIT: tl.constexpr, CODE: tl.constexpr, LARGEST: tl.constexpr, NARROW: tl.constexpr
):
    """x as an 8-bit float; beyond LIMIT the value of CODE with the sign of x."""
    bits = tl.cast(tl.cast(clamp_finite(x, LARGEST), NARROW), tl.uint8, bitcast=True)
    code = tl.cast(tl.where(x < 0.0, CODE + 128, CODE), tl.uint8)
    return tl.cast(tl.where(tl.abs(x) > LIMIT, code, bits), NARROW, bitcast=True)

def to_integer(x, LOW, HIGH, MIN, MAX):
    """Toward zero, saturating, NaN to 0.  LOW <= x < HIGH converts; typed MIN and MAX."""
    inside = (x >= LOW) & (x < HIGH)
    whole = tl.cast(tl.where(inside, x, 0.0), MIN.dtype)
    return tl.where(inside, whole, tl.where(x >= HIGH, MAX, tl.where(x < LOW, MIN, 0)))

def sticky_float32(x):
    """float64 to float32 so that a second rounding, to a narrower type, is exact."""
    near = tl.cast(x, tl.float32)
    back = tl.cast(near, tl.float64)
    bits = tl.cast(near, tl.int32, bitcast=True)
    away = (tl.abs(back) > tl.abs(x)) & (tl.abs(x) < float("inf"))
    bits = bits - tl.cast(away, tl.int32)
    inexact = (back != x) & (x == x)
    bits = tl.where(inexact, bits | 1, bits)
    return tl.cast(bits, tl.float32, bitcast=True)

def sticky_float64(x):
    """A 64-bit integer as float64 so that a second, narrower rounding is exact."""
    small = ((x >> 53) + 1) >> 1 == 0
    kept = (x >> 11) << 11
    odd = tl.where(x == kept, kept, kept | 2048)
    return tl.cast(tl.where(small, x, odd), tl.float64)

def from_e8m0(bits):
    """A power of two from its float8_e8m0fnu code."""
    wide = tl.cast(bits, tl.int32)
    word = tl.where(wide == 0, 0x00400000, tl.where(wide == 255, 0x7FC00000, wide << 23))
    return tl.cast(word, tl.float32, bitcast=True)

def to_e8m0(x):
    """The float8_e8m0fnu code of the nearest power of two, ties up."""
    word = tl.cast(x, tl.int32, bitcast=True)
    exponent = (word & 0x7FFFFFFF) >> 23
    half = tl.where(exponent == 0, 0x600000, 0x400000)
    code = exponent + tl.cast((word & 0x7FFFFF) >= half, tl.int32)
    code = tl.minimum(code, 254)
    code = tl.where((x != x) | (x < 0.0), 255, code)
    return tl.cast(code, tl.uint8)
'''

_TILES = '''
def pick(x, here, AXIS: tl.constexpr, BITS: tl.constexpr):
    """The element of each row where ``here`` holds, bit for bit; zero bits if nowhere."""
    bits = tl.cast(x, BITS, bitcast=True)
    chosen = tl.sum(tl.where(here, bits, 0), axis=AXIS)
    return tl.cast(tl.cast(chosen, BITS), x.dtype, bitcast=True)

def pick_integer(x, here, AXIS: tl.constexpr):
    """As pick, for integers and bool."""
    chosen = tl.sum(tl.where(here, tl.cast(x, tl.int64), 0), axis=AXIS)
    return tl.cast(chosen, x.dtype)

def product_of(a, b):
    return a * b

def all_bits_of(a, b):
    return a & b

def any_bits_of(a, b):
    return a | b

def odd_bits_of(a, b):
    return a ^ b

def wrapping_dot(a, b, c, M: tl.constexpr, K: tl.constexpr, N: tl.constexpr):
    """c + a @ b for integers that no matrix unit takes, modulo 2^bits."""
    columns = tl.arange(0, K)[None, :]
    rows = tl.arange(0, K)[:, None]
    for k in range(K):
        left = tl.sum(tl.where(columns == k, a, 0), axis=1)
        right = tl.sum(tl.where(rows == k, b, 0), axis=0)
        c = c + left[:, None] * right[None, :]
    return c
'''


def _functions(text: str) -> dict[str, str]:
    parts = re.split(r"\n(?=def )", text.strip("\n"))
    return {part[4 : part.index("(")]: part.strip() for part in parts}


FUNCTIONS: Final[dict[str, str]] = {
    **_functions(_INTEGERS),
    **_functions(_FLOATS),
    **_functions(_TILES),
}


def needed(names: Iterable[str]) -> list[str]:
    """The sources of these functions and of those they call, callees first."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        for called in re.findall(r"(\w+)\(", FUNCTIONS[name].split("\n", 1)[1]):
            if called in FUNCTIONS and called != name:
                visit(called)
        order.append(name)

    for name in sorted(set(names)):
        visit(name)
    return [f"@triton.jit\n{FUNCTIONS[name]}" for name in order]
