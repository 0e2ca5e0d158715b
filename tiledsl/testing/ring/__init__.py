"""Ring mode: exact twins of float programs, compared bit by bit."""

from tiledsl.testing.ring.encoding import encode, random_values
from tiledsl.testing.ring.rewrite import RingMode

__all__ = ["RingMode", "encode", "random_values"]
