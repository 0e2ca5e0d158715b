"""Integer functions for sizes on the host."""

from __future__ import annotations


def cdiv(a: int, b: int) -> int:
    """The quotient rounded up.

    >>> cdiv(7, 4), cdiv(8, 4)
    (2, 2)
    """
    return -(-a // b)


def next_power_of_2(n: int) -> int:
    """The least power of two that is not below ``n``.

    >>> next_power_of_2(5), next_power_of_2(8), next_power_of_2(0)
    (8, 8, 1)
    """
    return 1 << max(0, int(n) - 1).bit_length()
