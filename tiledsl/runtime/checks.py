"""The checks of one array argument, each an ArgumentError that says what to do."""

from __future__ import annotations

from tiledsl.diagnostics import ArgumentError
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Buffer
from tiledsl.runtime.arrays import ArrayFacts, row_major
from tiledsl.runtime.dimensions import evaluate, spell, spell_shape
from tiledsl.runtime.overlap import byte_range, overlaps_itself
from tiledsl.runtime.packing import holds_pairs
from tiledsl.runtime.solving import Solution

# storage that is accepted for a dtype besides its own carrier
_ALSO_CARRIED: dict[str, tuple[str, ...]] = {
    "bool": ("uint8", "int8"),
    "tfloat32": ("float32",),
    "index": ("int64",),
}
_RAW_BITS = {8: ("uint8", "int8"), 16: ("uint16", "int16")}


def check_kind(buffer: Buffer, facts: ArrayFacts) -> None:
    """Dtype and rank, which must hold before sizes can be solved."""
    name = buffer.name
    carried = (buffer.dtype, *_ALSO_CARRIED.get(buffer.dtype, ()))
    if buffer.dtype.is_packed:
        accepted = holds_pairs(facts)
    else:
        accepted = facts.dtype is not None and facts.dtype in carried
    if not accepted:
        raise ArgumentError(
            "E1006",
            f"dtype of argument '{name}'",
            span=buffer.span,
            expected=_expected(buffer.dtype),
            got=facts.dtype_name,
            hint=_dtype_hint(buffer, facts),
        )
    if len(facts.shape) != buffer.rank:
        raise ArgumentError(
            "E1007",
            f"rank of argument '{name}'",
            span=buffer.span,
            expected=f"{buffer.rank}, for the shape {spell_shape(buffer.shape)}",
            got=f"{len(facts.shape)}, the shape {facts.shape}",
            hint=f"pass {name}.reshape(...) or index the extra dimension away",
        )


def check_writable(buffer: Buffer, facts: ArrayFacts) -> None:
    """A parameter that the kernel writes takes an array that may be written."""
    if facts.writable:
        return
    grad = facts.kind == "torch"
    raise ArgumentError(
        "E1011",
        f"argument '{buffer.name}', which the kernel writes",
        span=buffer.span,
        expected="a writable array",
        got="a tensor that requires grad" if grad else "a read-only array",
        hint=f"pass {buffer.name}.detach()" if grad else f"pass {buffer.name}.copy()",
    )


def check_shape(buffer: Buffer, facts: ArrayFacts, solution: Solution) -> None:
    """Every extent equals the declared expression."""
    expected = tuple(evaluate(extent, solution.values) for extent in buffer.shape)
    if expected == facts.shape:
        return
    axis = next(
        axis
        for axis, pair in enumerate(zip(expected, facts.shape, strict=True))
        if pair[0] != pair[1]
    )
    place = f"{buffer.name}.shape[{axis}]"
    raise ArgumentError(
        "E1008",
        f"shape of argument '{buffer.name}'",
        span=buffer.span,
        expected=_declared(spell_shape(buffer.shape), expected),
        got=f"{facts.shape}: {_equation(buffer, axis, solution)}, "
        f"{facts.shape[axis]} from {place}",
    )


def check_strides(buffer: Buffer, facts: ArrayFacts, solution: Solution) -> None:
    """Contiguous, or the declared strides; a dim of extent 0 or 1 is free."""
    if 0 in facts.shape:
        return
    if buffer.strides is None:
        expected: tuple[int | None, ...] = row_major(facts.shape)
        declared = "row-major contiguous, strides " + str(expected)
        hint = f"pass a contiguous copy, or declare {buffer.name} as T.StridedTensor"
    else:
        expected = tuple(evaluate(step, solution.values) for step in buffer.strides)
        declared = _declared(spell_shape(buffer.strides), expected)
        hint = None
    triples = zip(facts.shape, facts.strides, expected, strict=True)
    if all(extent == 1 or got == wanted for extent, got, wanted in triples):
        return
    raise ArgumentError(
        "E1009",
        f"strides of argument '{buffer.name}'",
        span=buffer.span,
        expected=f"{declared} (in elements)",
        got=f"{facts.strides} for the shape {facts.shape}",
        hint=hint,
        notes=[
            text for step in buffer.strides or () if (text := solution.explain(step))
        ],
    )


def check_extent(buffer: Buffer, facts: ArrayFacts, *, written: bool) -> None:
    """All bytes can be addressed; a written array does not overlap itself."""
    low, high = byte_range(facts.shape, facts.strides, buffer.dtype.bytes)
    if max(-low, high) >= 1 << 63:
        raise ArgumentError(
            "E1020",
            f"size of argument '{buffer.name}'",
            expected="fewer than 2^63 bytes",
            got=f"shape {facts.shape} with strides {facts.strides}",
        )
    if written and overlaps_itself(facts.shape, facts.strides):
        raise ArgumentError(
            "E1013",
            f"argument '{buffer.name}', which the kernel writes",
            span=buffer.span,
            expected="elements at distinct places",
            got=f"an array that overlaps itself: shape {facts.shape}, "
            f"strides {facts.strides}",
            hint=f"pass {buffer.name}.copy()",
        )


def _declared(text: str, values: tuple[int | None, ...]) -> str:
    plain = f"({', '.join(map(str, values))}{',' if len(values) == 1 else ''})"
    return plain if text == plain else f"{text} = {plain}"


def _equation(buffer: Buffer, axis: int, solution: Solution) -> str:
    extent = buffer.shape[axis]
    value, known = evaluate(extent, solution.values), solution.explain(extent)
    text = spell(extent)
    if not known:
        return f"{value} declared"
    if text in solution.values:
        return known
    return f"{text} = {value} ({known})"


def _expected(dtype: DType) -> str:
    if not dtype.is_packed:
        return str(dtype)
    return f"{dtype} as {dtype.packed_storage}, two elements a byte"


def _dtype_hint(buffer: Buffer, facts: ArrayFacts) -> str:
    dtype, name = buffer.dtype, buffer.name
    if dtype.is_packed:
        carrier = f"ml_dtypes.{dtype}"
        unpacked = facts.dtype_name == str(dtype)
        return f"pass tiledsl.pack({name}{'' if unpacked else f'.astype({carrier})'})"
    raw = _RAW_BITS.get(dtype.bits, ())
    if dtype.is_float and facts.dtype is not None and facts.dtype in raw:
        return f"for an array of raw bits pass tiledsl.as_dtype({name}, '{dtype}')"
    if facts.kind == "torch":
        return f"pass {name}.to(torch.{dtype.as_numpy().name})"
    if dtype.as_numpy().isbuiltin == 1:
        return f"pass {name}.astype('{dtype.as_numpy().name}')"
    return f"pass {name}.astype(ml_dtypes.{dtype.as_numpy().name})"
