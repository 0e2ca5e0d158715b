"""One hundred bad inputs, and what has to happen with each.

A case whose ``codes`` are empty is legal and has to work.  Every other one ends in an
error with one of the codes; the tests of this folder are named after the cases
(``test_case_07...``) and take the codes from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Case:
    """``number`` and ``what`` is put in; ``codes`` that may come out; a remark."""

    number: int
    what: str
    codes: tuple[str, ...] = ()
    remark: str = ""


def _case(number: int, what: str, codes: str = "", remark: str = "") -> Case:
    return Case(number, what, tuple(codes.split()), remark)


ARGUMENTS: Final = (
    _case(1, "an array of another dtype", "E1006"),
    _case(2, "an array of another rank", "E1007"),
    _case(3, "a static dim that differs", "E1008"),
    _case(4, "a symbolic dim with two values", "E1008"),
    _case(5, "a derived dim that is negative or does not fit", "E1008 E1017"),
    _case(6, "missing, extra, unknown, repeated arguments", "E1001 E1002 E1003"),
    _case(7, "None, list, str, object array for a tensor", "E1004 E1005 E1016"),
    _case(8, "a scalar out of range or of another type", "E1014 E1015"),
    _case(9, "a one-element array for a scalar; a 0-d array is legal", "E1014"),
    _case(10, "a non-contiguous array for a contiguous parameter", "E1009"),
    _case(11, "negative strides where strides are declared"),
    _case(12, "a broadcast array that is written", "E1013 E1011 E1009"),
    _case(13, "an array that overlaps itself and is written", "E1013"),
    _case(14, "an unaligned pointer"),
    _case(15, "a read-only array that is written", "E1011"),
    _case(16, "one array as input and output", "E1012"),
    _case(17, "an output that overlaps an input in part", "E1012"),
    _case(18, "two outputs that overlap", "E1012"),
    _case(19, "big-endian, structured, masked arrays, matrices", "E1005"),
    _case(20, "dims of size 0, gemm with K = 0"),
    _case(21, "an empty grid"),
    _case(22, "offsets beyond 2^31 elements"),
    _case(23, "more bytes than can be addressed", "E1018 E1020 E1009"),
    _case(24, "a grid axis beyond 65535"),
    _case(25, "arrays of a device that is not here", "E1005 E1010"),
    _case(26, "a backend that is missing", "E2002"),
    _case(27, "torch tensors: sparse, meta, conjugated, grad", "E1019 E1011"),
    _case(28, "DLPack of an unknown device", "E1005"),
    _case(29, "an array resized while its memory is in use", "", "NumPy refuses"),
    _case(30, "a wrong carrier for a narrow float", "E1006"),
    _case(31, "an output declared before the input that sizes it"),
    _case(32, "NaN and infinity for a float scalar", "", "there is no `finite`"),
)

PROGRAMS: Final = (
    _case(33, "a name that does not exist", "E0402"),
    _case(34, "a name assigned on one branch, then read", "E0405"),
    _case(
        35,
        "Python that kernels do not have",
        "E0110 E0112 E0106 E0113 E0121 E0120 E0114 E0116 E0123",
        "lambdas and comprehensions run while tracing (section 3)",
    ),
    _case(36, "recursion", "E0611 E0125"),
    _case(37, "a kernel that calls a kernel", "E0609"),
    _case(38, "a global changed after the first call", "", "traced again"),
    _case(39, "a captured array", "E0408", "lists and dicts by content"),
    _case(40, "a function without source", "E0101"),
    _case(
        41, "async, generator, lambda, decorated functions", "E0105 E0106 E0107 E0104"
    ),
    _case(42, "a name of the language or of Python rebound", "", "Python's scoping"),
    _case(43, "return in a loop, break in T.Parallel", "E0124 E0137"),
    _case(44, "a loop variable assigned", "E0407"),
    _case(45, "a slice with a step", "E0313"),
    _case(46, "a slice beyond its buffer", "E0502 E0501"),
    _case(47, "None, ellipsis, bool, float as an index", "E0311"),
    _case(48, "too few or too many indices", "E0312"),
    _case(49, "tiles of different shapes", "E0201 E0203 E0214"),
    _case(50, "a tile size that is dynamic, not positive, no integer", "E0320 E0208"),
    _case(51, "a tile that is too large", "E0320 E2027"),
    _case(52, "a loop of 10^9 iterations, unrolled", "E0127"),
    _case(53, "division by the constant 0", "E0304"),
    _case(54, "a literal that does not fit; int / int", "E0302 E0303"),
    _case(55, "// and % on floats"),
    _case(56, "a static shift count outside the width", "E0305"),
    _case(
        57,
        "bit operations, reductions, atomics on other dtypes",
        "E0306 E0215 E0221 E2001",
    ),
    _case(58, "gemm of dtypes without a meaning", "E0205"),
    _case(59, "gemm whose K is a multiple of nothing"),
    _case(60, "a reduction over an axis that is no power of two"),
    _case(61, "a tile read before it is written", "", "undefined elements (L41)"),
    _case(62, "parallel iterations that write one element", "", "a race (L54)"),
    _case(63, "a dependence carried by T.Parallel", "", "a race (L54)"),
    _case(64, "num_stages below 0 or no integer", "E0213"),
    _case(65, "a pipelined loop that overwrites what it reads"),
    _case(
        66, "an asynchronous copy without a wait", "", "checked mode reports it (L63)"
    ),
    _case(67, "an output that is never written", "E0607"),
    _case(68, "an assumption that is false for a call", "E1024"),
    _case(69, "a dim that nothing determines", "E0610"),
    _case(70, "a tile that does not divide its tensor"),
    _case(71, "malformed hints; unusable ones are dropped", "E0217"),
    _case(72, "code nested too deeply", "E0125"),
    _case(73, "2000 parameters; too many statements", "E0126"),
)

TEXTS: Final = (
    _case(74, "truncated or garbled IR text", "E3001 E3002 E3003 E3006"),
    _case(75, "IR text nested too deeply", "E3002 E3004"),
    _case(76, "IR text that is too long", "E3004"),
    _case(77, "an integer of IR text with too many digits", "E3007"),
    _case(78, "floats of IR text: inf, nan, hex, huge", "E3002 E3003 E3005 E3007"),
    _case(79, "NUL, byte order mark, bidi characters in IR text", "E3002"),
    _case(80, "names declared twice or not at all in IR text", "E3005 E3006"),
    _case(81, "an operation or version that is not known", "E3001 E3003"),
    _case(82, "constant expressions that explode", "E0302 E0310 E3007 E0140"),
    _case(83, "names that are paths or code", "", "never reach paths or code"),
    _case(84, "claims of IR text that are lies", "", "derived again"),
)

RUN_TIME: Final = (
    _case(85, "gather indices out of range", "", "0 is read (L43)"),
    _case(86, "int64 indices"),
    _case(87, "x // 0, x % 0, MIN // -1", "", "total (L30)"),
    _case(88, "NaN, infinity, huge floats to integers", "", "saturating (L35)"),
    _case(89, "NaN in max and min", "", "ignored (L34)"),
    _case(90, "a row of -inf, a sum of 0", "", "IEEE"),
    _case(91, "subnormals", "", "kept (L33)"),
    _case(92, "float8 overflow", "", "saturates (L35)"),
    _case(93, "Ctrl-C", "", "the next call works"),
    _case(94, "no memory for outputs", "E1018"),
    _case(95, "an exception in a backend", "E9003"),
    _case(96, "fork with a live pool of threads"),
    _case(97, "a cache directory that cannot be used", "", "one warning"),
    _case(98, "a damaged cache entry", "", "a miss"),
    _case(99, "settings outside their range", "E4001"),
    _case(100, "a backend that fails to compile", "E9002"),
)

CATALOG: Final = {
    case.number: case for case in (*ARGUMENTS, *PROGRAMS, *TEXTS, *RUN_TIME)
}
