"""Compiles Tile IR for CPUs: loops and vectors in LLVM IR, blocks over threads."""

from tiledsl_llvm.backend import LlvmBackend

__all__ = ["LlvmBackend"]
