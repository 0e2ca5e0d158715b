"""Tile IR on GPUs through Triton, and on the host through Triton's interpreter."""

from tiledsl_triton.backend import TritonBackend

__all__ = ["TritonBackend"]
