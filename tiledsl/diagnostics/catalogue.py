"""Every code with its meaning.  A code is never reused.

E01 source and syntax, E02 operands of tile operations, E03 types and values, E04 names
and scopes, E05 bounds, E06 launches and functions, E10 arguments, E20 refused by a
target, E30 IR text, E40 settings, cache and command line, E50 checks at run time,
E90 our own bugs.  W codes are warnings, in the same ranges.
"""

from __future__ import annotations

from typing import Final

CATALOGUE: Final[dict[str, str]] = {
    # E02 operands of tile operations
    "E0201": "the operands of a tile operation do not pair",
    "E0202": "a point has fewer indices than the tile it starts has extents",
    "E0203": "the operands of a matrix product do not have matching shapes",
    "E0204": "the source of a copy is larger than its target",
    "E0205": "a matrix product is not defined on these dtypes",
    "E0206": "an operand of a tile operation is not a buffer, slice or point",
    "E0207": "the operands of a tile operation overlap",
    "E0208": "a tile operation needs static extents",
    "E0209": "a function of the language got an argument it does not take",
    "E0210": "a statement stands where it has no meaning",
    "E0211": "the extents or threads of a launch are malformed",
    "E0212": "an allocation stands where it has no meaning",
    "E0213": "the bounds, step or stages of a loop are malformed",
    "E0214": "the operands of a reduction do not have matching shapes",
    "E0215": "a reduction is not defined on these dtypes",
    "E0216": "a safe value is malformed or given twice",
    "E0217": "a hint is malformed",
    # E03 types and values
    "E0301": "something is not an element type",
    "E0302": "a literal does not fit its dtype",
    "E0303": "`/` was used on integers",
    "E0304": "division by the static value 0",
    "E0305": "a static shift count is outside the width",
    "E0306": "an operator is not defined on these operands",
    "E0307": "a symbolic value was used as a Python value",
    "E0308": "reinterpret needs dtypes of equal width",
    "E0309": "infinity was asked of a dtype without one",
    "E0310": "a scalar was expected",
    "E0311": "an index, bound or extent is not an integer",
    "E0312": "an element has another number of indices than its buffer has dimensions",
    "E0313": "a slice has a step, or was assigned",
    "E0314": "a slice was indexed",
    "E0315": "an operator was used on a whole buffer or slice",
    "E0316": "a cast names a rounding that its dtype does not have",
    "E0320": "a shape, strides or grid is malformed",
    "E0321": "the declaration of dims is malformed",
    # E04 names and scopes
    "E0401": "a construct of kernels was used outside one",
    # E05 bounds
    "E0501": "an access to a global buffer is never in range",
    "E0502": "an access to a block-local buffer is out of range",
    # E10 arguments
    "E1001": "a call leaves out an argument",
    "E1002": "a call passes an argument that the kernel does not take",
    "E1003": "a call passes one argument twice",
    "E1004": "an argument for a tensor is not an array",
    "E1005": "an array argument has no plain memory or dtype",
    "E1006": "an array argument has another dtype than declared",
    "E1007": "an array argument has another rank than declared",
    "E1008": "an array argument has another shape than declared",
    "E1009": "an array argument has other strides than declared",
    "E1010": "the array arguments are on different devices",
    "E1011": "an argument that the kernel writes is read-only",
    "E1012": "an argument that the kernel writes shares memory with another one",
    "E1013": "an argument that the kernel writes overlaps itself",
    "E1014": "a scalar argument or option has the wrong type",
    "E1015": "a scalar argument does not fit its dtype",
    "E1016": "None was passed for an array that the kernel accesses",
    "E1017": "the arguments of a call leave a dim without a value",
    "E1018": "an output cannot be allocated",
    "E1019": "a torch tensor is sparse, quantized, lazy or without data",
    "E1020": "an array argument spans more bytes than can be addressed",
    "E1021": "no argument of any call could determine a dim",
    "E1022": "the grid of a launch is negative for these arguments",
    # E20 refused by a target
    "E2001": "the target cannot do this construct",
    "E2002": "the backend or its target is not available on this machine",
    "E2003": "ring mode has no meaning for this construct",
    "E2004": "the target asked for does not exist",
    "E2005": "a mode of calling is not available in this version",
    "E2006": "the stage asked for does not exist",
    "E2020": "the operation is not available on the CPU target",
    "E2021": "the grid of a launch cannot be run",
    "E2022": "gemm into this dtype is not available on the CPU target",
    "E2023": "accumulating into global narrow floats is not available on the CPU target",
    "E2024": "gemm needs operands of static shape",
    "E2025": "a workspace has an impossible size",
    "E2030": "Triton has no conversion with this rounding",
    "E2031": "Triton has no matrix product of these dtypes",
    "E2032": "a grid extent is negative",
    "E2033": "the name of a GPU target is not understood",
    "E2034": "a kernel needs more shared memory than a block of the GPU has",
    "E2035": "kernels for a GPU that is not here cannot be run",
    # E30 IR text
    "E3001": "the text is not Tile IR, or of a newer version",
    "E3002": "the text does not follow the grammar of Tile IR",
    "E3003": "the text has an unknown operation, attribute or dtype",
    "E3004": "the text exceeds a limit of size, nesting or time",
    "E3005": "the text uses a name or span that it does not declare, or declares one twice",
    "E3006": "the text is well-formed but not valid IR",
    "E3007": "the text has a malformed or impossible literal",
    "E2010": "gemm of these dtypes has no meaning",
    # E40 settings, cache and command line
    "E4001": "an environment variable holds a value out of its range",
    "E4002": "a command about the cache cannot be carried out",
    "E4003": "a command names something that does not exist",
    "E4004": "a command needs a package that is not installed",
    "E4005": "a library of kernels cannot be loaded",
    # W02 operands of tile operations
    "W0201": "the extents of a copy differ",
    # W03 types and values
    "W0301": "integers of different signedness are computed as unsigned",
    "W0302": "a float is truncated to an integer by a store",
    # W05 bounds
    "W0501": "an access under a condition is out of range whenever it happens",
    "W4001": "the cache directory cannot be used; kernels are compiled anew",
    "W4002": "a damaged cache entry was dropped",
    "W4003": "there is no place for the cache; kernels are compiled anew",
    # E50 checks at run time
    "E5001": "the extent of a grid is negative",
    "E5002": "an argument is not in memory that NumPy can read",
    "E5090": "two runs of a kernel on the same inputs differ",
    "E5091": "a kernel's results differ from a reference program's",
    # E90 our own bugs
    "E9001": "a pass or the frontend made IR that does not verify",
    "E9002": "a backend failed to compile verified IR",
    "E9003": "a backend failed to run what it compiled",
    "E9010": "a position was proved to be in bounds and is not",
}
