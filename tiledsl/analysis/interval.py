"""Sets of integers: an interval and a congruence.

Every operation contains all results that the scalar operation of the same name has on
members of its operands, computed without wrap-around.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Interval:
    """The x with ``low <= x <= high`` and ``x % modulus == residue``.

    Always in normal form: the ends are members, and modulus 0 means exactly one member.
    Build one with ``interval``.
    """

    low: int
    high: int
    modulus: int = 1
    residue: int = 0

    def __contains__(self, value: int) -> bool:
        if not self.low <= value <= self.high:
            return False
        return self.modulus == 0 or value % self.modulus == self.residue

    @property
    def constant(self) -> int | None:
        return self.low if self.low == self.high else None

    def within(self, other: Interval) -> bool:
        """Whether the ends of ``other`` enclose this one."""
        return other.low <= self.low and self.high <= other.high


def interval(low: int, high: int, modulus: int = 1, residue: int = 0) -> Interval:
    """The normal form.  Raises ValueError if there is no member."""
    if modulus > 1:
        low += (residue - low) % modulus
        high -= (high - residue) % modulus
    if low > high:
        raise ValueError("empty interval")
    if low == high:
        return Interval(low, high, 0, low)
    return Interval(low, high, modulus, residue % modulus)


def point(value: int) -> Interval:
    return Interval(value, value, 0, value)


def _congruent(low: int, high: int, modulus: int, residue: int) -> Interval:
    """As ``interval``, where modulus 0 stands for a constant residue."""
    return interval(low, high, modulus, residue) if modulus else point(residue)


def add(a: Interval, b: Interval) -> Interval:
    modulus = math.gcd(a.modulus, b.modulus)
    return _congruent(a.low + b.low, a.high + b.high, modulus, a.residue + b.residue)


def neg(a: Interval) -> Interval:
    return _congruent(-a.high, -a.low, a.modulus, -a.residue)


def sub(a: Interval, b: Interval) -> Interval:
    return add(a, neg(b))


def mul(a: Interval, b: Interval) -> Interval:
    ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    # (p*s + r) * (q*t + u) = pq*st + pu*s + qr*t + ru
    modulus = math.gcd(
        a.modulus * b.modulus, a.modulus * b.residue, b.modulus * a.residue
    )
    return _congruent(min(ends), max(ends), modulus, a.residue * b.residue)


def join(a: Interval, b: Interval) -> Interval:
    """The smallest set of this kind with the members of both."""
    modulus = math.gcd(a.modulus, b.modulus, a.residue - b.residue)
    return _congruent(min(a.low, b.low), max(a.high, b.high), modulus, a.residue)


def meet(a: Interval, low: int, high: int) -> Interval:
    """The members of ``a`` between two bounds; ``a`` itself if there is none."""
    low, high = max(a.low, low), min(a.high, high)
    try:
        return _congruent(low, high, a.modulus, a.residue) if low <= high else a
    except ValueError:
        return a


def minimum(a: Interval, b: Interval) -> Interval:
    both = join(a, b)
    return meet(both, both.low, min(a.high, b.high))


def maximum(a: Interval, b: Interval) -> Interval:
    both = join(a, b)
    return meet(both, max(a.low, b.low), both.high)


def _monotone(a: Interval, b: Interval, divide: Callable[[int, int], int]) -> Interval:
    """A rounded quotient; by rule L30 a zero divisor gives 0."""
    divisors = {d for d in (b.low, b.high, -1, 1) if d != 0 and b.low <= d <= b.high}
    values = [divide(x, d) for x in (a.low, a.high) for d in divisors]
    if 0 in b or not values:
        values.append(0)
    return interval(min(values), max(values))


def floordiv(a: Interval, b: Interval) -> Interval:
    divisor = b.constant
    if divisor and a.modulus and a.modulus % divisor == 0 and divisor > 0:
        # (q*d*s + r) // d = q*s + r // d
        modulus, residue = a.modulus // divisor, a.residue // divisor
        return interval(a.low // divisor, a.high // divisor, modulus, residue)
    return _monotone(a, b, lambda x, d: x // d)


def ceildiv(a: Interval, b: Interval) -> Interval:
    return _monotone(a, b, lambda x, d: -(-x // d))


def truncdiv(a: Interval, b: Interval) -> Interval:
    return _monotone(a, b, truncated)


def truncated(x: int, d: int) -> int:
    """The quotient rounded toward zero."""
    return x // d if (x < 0) == (d < 0) else -(-x // d)


def floormod(a: Interval, b: Interval) -> Interval:
    divisor = b.constant
    if divisor is not None and divisor > 0:
        if a.low // divisor == a.high // divisor:
            return sub(a, point(a.low // divisor * divisor))
        modulus = math.gcd(a.modulus, divisor)
        return interval(0, divisor - 1, modulus, a.residue % modulus)
    reach = max(abs(b.low), abs(b.high))
    low = 1 - reach if b.low < 0 else 0
    high = reach - 1 if b.high > 0 else 0
    if 0 in b:  # x % 0 = x
        low, high = min(low, a.low), max(high, a.high)
    return interval(low, high)


def truncmod(a: Interval, b: Interval) -> Interval:
    if a.low >= 0 and b.low > 0:
        return floormod(a, b)
    reach = max(abs(a.low), abs(a.high))
    if 0 not in b:
        reach = min(reach, max(abs(b.low), abs(b.high)) - 1)
    return interval(-reach if a.low < 0 else 0, reach if a.high > 0 else 0)


def absolute(a: Interval) -> Interval:
    if a.low >= 0:
        return a
    return neg(a) if a.high <= 0 else interval(0, max(-a.low, a.high))


def bitand(a: Interval, b: Interval) -> Interval:
    """At least 0 and at most each operand that is not negative."""
    ends = [part.high for part in (a, b) if part.low >= 0]
    if ends:
        return interval(0, min(ends))
    reach = 1 << max(part.bit_length() for part in (a.low, a.high, b.low, b.high))
    return interval(-reach, reach - 1)


def hull(parts: Iterable[Interval]) -> Interval:
    """The join of at least one interval."""
    first, *rest = parts
    for part in rest:
        first = join(first, part)
    return first


OPERATIONS: Final[dict[str, Callable[[Interval, Interval], Interval]]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "min": minimum,
    "max": maximum,
    "floordiv": floordiv,
    "floormod": floormod,
    "truncdiv": truncdiv,
    "truncmod": truncmod,
    "ceildiv": ceildiv,
    "and": bitand,
}
