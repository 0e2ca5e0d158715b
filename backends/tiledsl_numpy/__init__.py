"""The NumPy interpreter: the meaning of Tile IR."""

from tiledsl_numpy.backend import NumpyBackend

__all__ = ["NumpyBackend"]
