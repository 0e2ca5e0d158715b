"""Where the decisions of a generator come from: a seed, or hypothesis.

A generator asks for nothing but integers of a range, and puts what is simple first, so
that whatever makes the integers smaller makes the program simpler.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Choice(ABC):
    """A source of decisions."""

    @abstractmethod
    def integer(self, low: int, high: int) -> int:
        """An integer of ``low`` to ``high``, both included."""

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases; False is the simple answer."""
        return self.integer(0, 99) >= 100 - percent

    def weighted(self, weights: Mapping[T, int]) -> T:
        """A key, as often as its weight says."""
        left = self.integer(0, sum(weights.values()) - 1)
        for key, weight in weights.items():
            left -= weight
            if left < 0:
                return key
        raise ValueError("no key has a weight")


class SeededChoice(Choice):
    """Decisions that a seed determines, in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        # not randrange, whose use of the generator is nobody's promise
        return low + int(self._random.random() * (high - low + 1))
