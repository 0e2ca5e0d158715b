"""Inputs for a parameter, and comparison of torch tensors within tolerances."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime import torch_arrays
from tiledsl.runtime.dimensions import evaluate
from tiledsl.runtime.supply import TensorSupplyType, generate

if TYPE_CHECKING:
    import torch


def get_tensor_supply(
    supply_type: TensorSupplyType = TensorSupplyType.Integer,
) -> Callable[[Buffer], torch.Tensor]:
    """A function from a parameter of static shape to a torch tensor for it."""

    def supply(parameter: Buffer) -> torch.Tensor:
        shape = tuple(evaluate(extent, {}) for extent in parameter.shape)
        static = tuple(extent for extent in shape if extent is not None)
        if len(static) < len(shape):
            raise ArgumentError(
                "E1017",
                f"cannot generate argument '{parameter.name}'",
                expected="a static shape",
            )
        array = generate(static, parameter.dtype, supply_type, np.random.default_rng())
        return torch_arrays.from_numpy(array, parameter.dtype)

    return supply


def torch_assert_close(
    tensor_a: torch.Tensor,
    tensor_b: torch.Tensor,
    rtol: float = 1e-2,
    atol: float = 1e-3,
    max_mismatched_ratio: float = 0.001,
    verbose: bool = False,
    equal_nan: bool = True,
    **options: object,
) -> bool:
    """Raises AssertionError if more than the allowed share of elements is not close.

    Further options, which compare attributes other than shape and dtype, are ignored.
    """
    if tensor_a.shape != tensor_b.shape:
        raise AssertionError(f"shapes differ: {tensor_a.shape}, {tensor_b.shape}")
    if options.get("check_dtype", True) and tensor_a.dtype != tensor_b.dtype:
        raise AssertionError(f"dtypes differ: {tensor_a.dtype}, {tensor_b.dtype}")
    left, right = tensor_a.double(), tensor_b.double()
    close = left.isclose(right, rtol=rtol, atol=atol, equal_nan=equal_nan)
    wrong, total = int((~close).sum()), close.numel()
    if verbose:
        print(f"{wrong} of {total} elements differ")
    if wrong > int(total * max_mismatched_ratio):
        place = tuple(int(i) for i in (~close).nonzero()[0])
        raise AssertionError(
            f"{wrong} of {total} elements differ, first at {place}: "
            f"{left[place].item()} and {right[place].item()}"
        )
    return True
