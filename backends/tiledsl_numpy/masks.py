"""Sets of lanes as boolean arrays; None is the set of all lanes.

A mask broadcasts to the lanes' shape, so a condition on one axis stays one-dimensional.
"""

from __future__ import annotations

import numpy as np

Mask = np.ndarray | None


def both(a: Mask, b: Mask) -> Mask:
    """The lanes in ``a`` and in ``b``."""
    if a is None or b is None:
        return a if b is None else b
    return np.logical_and(a, b)


def either(a: Mask, b: Mask) -> Mask:
    """The lanes in ``a`` or in ``b``."""
    return None if a is None or b is None else np.logical_or(a, b)


def without(a: Mask, b: Mask) -> Mask:
    """The lanes in ``a`` but not in ``b``."""
    if b is None:
        return nobody()
    return both(a, np.logical_not(b)) if b.any() else a


def some(mask: Mask) -> bool:
    """Whether any lane is in the set."""
    return mask is None or bool(np.any(mask))


def nobody() -> np.ndarray:
    """The empty set."""
    return np.array(False)
