"""Every code with its meaning.  A code is never reused.

E01 source and syntax, E02 operands of tile operations, E03 types and values, E04 names
and scopes, E05 bounds, E06 launches and functions, E10 arguments, E20 refused by a
target, E30 IR text, E40 settings, cache and command line, E50 checks at run time,
E90 our own bugs.  W codes are warnings, in the same ranges.
"""

from __future__ import annotations

from typing import Final

CATALOGUE: Final[dict[str, str]] = {
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
