"""Which unit of the processor multiplies matrices of some dtypes.

    tiles   tile registers (x86 with AMX): bfloat16, 8-bit integers
    pairs   dot products of pairs of bfloat16 (x86 with AVX-512)
    None    multiply-add of what sums are carried in

An 8-bit float is a bfloat16 exactly.
"""

from __future__ import annotations

from typing import Final, Literal

from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Const, Expr, Gemm, index
from tiledsl_llvm.machine import Machine

Unit = Literal["tiles", "pairs"] | None

BFLOAT16: Final = DType("bfloat16")
_BYTES: Final = ("int8", "uint8")
_AS_BFLOAT16: Final = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
# elements along k that fill a row of a tile register
_TILE_ROW_BYTES: Final = 64
# below this depth a padded row of a tile register is mostly padding
_SHALLOW: Final = 16


def unit_of(machine: Machine, node: Gemm) -> Unit:
    """The fastest unit for the product."""
    carry = node.c.buffer.dtype.evaluation
    depth = node.a.shape[1]
    if node.transpose_a or not isinstance(depth, Const):
        return None
    dtypes = (node.a.buffer.dtype, node.b.buffer.dtype)
    if machine.has_tile_products and int(depth.value) >= _SHALLOW:
        floats = carry == "float32" and all(dtype in _AS_BFLOAT16 for dtype in dtypes)
        bytes_ = carry == "int32" and all(dtype in _BYTES for dtype in dtypes)
        if floats or bytes_:
            return "tiles"
    both = all(dtype == BFLOAT16 for dtype in dtypes) and carry == "float32"
    even = int(depth.value) % 2 == 0
    return "pairs" if machine.has_bfloat_products and both and even else None


def operand_dtypes(unit: Unit, node: Gemm) -> tuple[DType, DType]:
    """What the unit takes."""
    carry = node.c.buffer.dtype.evaluation
    if unit is None:
        return carry, carry
    if carry == "float32":
        return BFLOAT16, BFLOAT16
    return node.a.buffer.dtype, node.b.buffer.dtype


def tile_product(a: DType, b: DType) -> str:
    """The instruction for operands of these dtypes."""
    if a in _AS_BFLOAT16:
        return "tdpbf16ps"
    signs = ("s" if dtype == "int8" else "u" for dtype in (a, b))
    return f"tdpb{''.join(signs)}d"


def operand_dtype(dtype: DType, carry: DType, *, bfloat_products: bool) -> DType:
    """What a float is best copied to before it is multiplied."""
    exact = dtype in _AS_BFLOAT16 and carry == "float32"
    return BFLOAT16 if bfloat_products and exact else carry


def padded_depth(unit: Unit, node: Gemm) -> Expr | None:
    """The extent of k, with zeros that fill the last row of a tile register."""
    depth = node.a.shape[1]
    if unit != "tiles" or not isinstance(depth, Const):
        return None
    step = _TILE_ROW_BYTES // operand_dtypes(unit, node)[0].bytes
    return index(-(-int(depth.value) // step) * step)
