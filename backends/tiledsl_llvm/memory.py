"""Reading and writing elements: addresses, bounds, masks.

Every dimension without a proof is tested by itself (rule L43).  A test never branches
around a read: it becomes part of the mask of a vector, or chooses between the element's
address and that of a zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl_llvm.frame import Frame, Index, Storage, any_lane, both, lanes_below
from tiledsl_llvm.representation import memory_element_of
from tiledsl_llvm.values import BITS, Value, integer, mangled, sequence

_ZEROS = "zeros"


def load_element(
    frame: Frame,
    storage: Storage,
    indices: Sequence[Index],
    proved: Sequence[bool],
    fill: Value,
) -> Value:
    """The element at ``indices`` (per lane), ``fill`` outside the buffer."""
    inside = _inside(frame, storage, indices, proved)
    where, slope = _offset(frame, storage, indices)
    element = memory_element_of(storage.dtype)
    if slope == 0 and where.lanes == 1 and (inside is None or inside.lanes == 1):
        value = _load_scalar(frame, storage, element, where, inside)
    elif slope == 1:
        mask = _mask(frame, inside)
        value = _load_contiguous(frame, storage, element, where, mask)
    else:
        mask = _mask(frame, inside)
        value = _gather(frame, storage, element, _positions(frame, where, slope), mask)
    if storage.dtype.kind == "bool":
        value = frame.builder.convert("trunc", value, "i1")
    return value if inside is None else frame.builder.select(inside, value, fill)


def store_element(
    frame: Frame,
    storage: Storage,
    indices: Sequence[Index],
    proved: Sequence[bool],
    value: Value,
) -> None:
    """Writes the element at ``indices`` (per active lane); outside the buffer nothing."""
    b = frame.builder
    if storage.dtype.kind == "bool":
        value = b.convert("zext", value, "i8")
    inside = _inside(frame, storage, indices, proved)
    where, slope = _offset(frame, storage, indices)
    mask = _mask(frame, inside)
    if frame.lanes == 1:
        _store_scalar(frame, storage, where, value, mask)
    elif slope == 0 and where.lanes == 1:
        _store_shared(frame, storage, where, value, mask)
    elif slope == 1:
        _store_contiguous(frame, storage, where, b.spread(value, frame.lanes), mask)
    else:
        positions = _positions(frame, where, slope)
        _scatter(frame, storage, positions, b.spread(value, frame.lanes), mask)


def located(
    frame: Frame, storage: Storage, indices: Sequence[Index], proved: Sequence[bool]
) -> tuple[Value, Value | None]:
    """The address of one element, and whether it exists (None: certainly)."""
    inside = _inside(frame, storage, indices, proved)
    where, _ = _offset(frame, storage, indices)
    element = memory_element_of(storage.dtype)
    return frame.builder.address(storage.base, element, where), inside


# ------------------------------------------------------------------ addresses


def _offset(
    frame: Frame, storage: Storage, indices: Sequence[Index]
) -> tuple[Value, int | None]:
    """The element offset of the first lane and its slope, or those of all lanes and None."""
    b = frame.builder
    slope = _slope(storage, indices)
    total = integer(0)
    for index, stride in zip(indices, storage.strides, strict=True):
        value = index.value
        if slope is None and index.slope:
            value = b.binary("add", value, sequence(frame.lanes, "i64", index.slope))
        part = value if stride.text == "1" else b.binary("mul", value, stride)
        total = part if total.text == "0" else b.binary("add", total, part, "offset")
    if storage.lanes == 1:
        return total, slope
    total = b.binary("mul", total, integer(storage.lanes))
    if slope == 0:
        return total, 1
    if slope is not None:
        return total, slope * storage.lanes + 1
    return b.binary("add", total, sequence(frame.lanes)), None


def _slope(storage: Storage, indices: Sequence[Index]) -> int | None:
    total = 0
    for index, stride in zip(indices, storage.strides, strict=True):
        if index.slope is None:
            return None
        if index.slope != 0:
            if stride.text.startswith("%"):
                return None
            total += index.slope * int(stride.text)
    return total


def _positions(frame: Frame, where: Value, slope: int | None) -> Value:
    if slope is None:
        return frame.builder.spread(where, frame.lanes)
    return frame.builder.binary("add", where, sequence(frame.lanes, "i64", slope))


# --------------------------------------------------------------------- bounds


def _inside(
    frame: Frame, storage: Storage, indices: Sequence[Index], proved: Sequence[bool]
) -> Value | None:
    """Whether the subscripts (of each lane) are inside; None if that is certain."""
    result: Value | None = None
    for dim, (index, extent) in enumerate(zip(indices, storage.shape, strict=True)):
        believed = frame.trusted and dim < len(proved) and proved[dim]
        if believed or _certain(index, extent):
            continue
        test = _inside_dim(frame, index, extent)
        result = test if result is None else both(frame.builder, result, test)
    return result


def _certain(index: Index, extent: Value) -> bool:
    value, limit = index.value.text, extent.text
    return (
        index.slope == 0
        and value.isdigit()
        and limit.isdigit()
        and int(value) < int(limit)
    )


def _inside_dim(frame: Frame, index: Index, extent: Value) -> Value:
    b = frame.builder
    if index.slope == 0:
        return b.compare("ult", index.value, extent)
    if index.slope == 1:
        end = lanes_below(b, b.intrinsic("ssub.sat", extent, index.value), frame.lanes)
        if index.value.text.isdigit():
            return end
        begin = lanes_below(
            b, b.intrinsic("ssub.sat", integer(0), index.value), frame.lanes
        )
        return b.binary("and", end, b.binary("xor", begin, integer(1, "i1")))
    return b.compare("ult", _positions(frame, index.value, index.slope), extent)


def _mask(frame: Frame, inside: Value | None) -> Value | None:
    if inside is None:
        return frame.mask
    inside = frame.builder.spread(inside, frame.lanes)
    return both(frame.builder, frame.mask, inside)


# ---------------------------------------------------------------------- reads


def _load_scalar(
    frame: Frame, storage: Storage, element: str, where: Value, inside: Value | None
) -> Value:
    b = frame.builder
    pointer = b.address(storage.base, element, where)
    if inside is not None:
        b.module.constant(_ZEROS, "[8 x i8] zeroinitializer, align 8")
        pointer = b.select(inside, pointer, Value(f"@{_ZEROS}", "ptr"))
    return b.load(pointer, element, align=BITS[element] // 8, facts=storage.facts)


def _load_contiguous(
    frame: Frame, storage: Storage, element: str, where: Value, mask: Value | None
) -> Value:
    b, lanes, align = frame.builder, frame.lanes, BITS[element] // 8
    pointer = b.address(storage.base, element, where)
    if mask is None:
        return b.load(pointer, element, lanes, align=align, facts=storage.facts)
    none = Value("zeroinitializer", element, lanes)
    name = f"llvm.masked.load.{mangled(element, lanes)}.p0"
    return b.call(name, element, lanes, [pointer, f"i32 {align}", mask, none])


def _gather(
    frame: Frame, storage: Storage, element: str, positions: Value, mask: Value | None
) -> Value:
    b, lanes, align = frame.builder, frame.lanes, BITS[element] // 8
    pointers = b.address(storage.base, element, positions)
    active = integer(1, "i1", lanes) if mask is None else mask
    none = Value("zeroinitializer", element, lanes)
    name = f"llvm.masked.gather.{mangled(element, lanes)}.{mangled('ptr', lanes)}"
    return b.call(name, element, lanes, [pointers, f"i32 {align}", active, none])


# --------------------------------------------------------------------- writes


def _store_scalar(
    frame: Frame, storage: Storage, where: Value, value: Value, mask: Value | None
) -> None:
    b, align = frame.builder, BITS[value.element] // 8
    if mask is None:
        pointer = b.address(storage.base, value.element, where)
        b.store(value, pointer, align=align, facts=storage.facts)
        return
    with b.when(mask, "store"):
        pointer = b.address(storage.base, value.element, where)
        b.store(value, pointer, align=align, facts=storage.facts)


def _store_shared(
    frame: Frame, storage: Storage, where: Value, value: Value, mask: Value | None
) -> None:
    """All active lanes write one element, and therefore one value (rule L54)."""
    b = frame.builder
    if mask is None:
        first = value if value.lanes == 1 else b.extract(value, integer(0))
        _store_scalar(frame, storage, where, first, None)
        return
    with b.when(any_lane(b, mask), "store"):
        if value.lanes > 1:
            word = b.make(f"i{mask.lanes}", 1, f"bitcast {mask.typed} to i{mask.lanes}")
            lane = b.call(
                f"llvm.cttz.i{mask.lanes}", word.element, 1, [word, "i1 true"]
            )
            value = b.extract(value, lane)
        _store_scalar(frame, storage, where, value, None)


def _store_contiguous(
    frame: Frame, storage: Storage, where: Value, value: Value, mask: Value | None
) -> None:
    b, align = frame.builder, BITS[value.element] // 8
    pointer = b.address(storage.base, value.element, where)
    if mask is None and storage.streamed:
        facts = f"{storage.facts}, !nontemporal {b.module.shared_metadata('!{i32 1}')}"
        b.store(value, pointer, align=value.lanes * align, facts=facts)
        return
    if mask is None:
        b.store(value, pointer, align=align, facts=storage.facts)
        return
    if value.element.startswith("i"):
        mask = _opaque(frame, mask)
    name = f"llvm.masked.store.{mangled(value.element, value.lanes)}.p0"
    b.call(name, "void", 1, [value, pointer, f"i32 {align}", mask])


def _opaque(frame: Frame, mask: Value) -> Value:
    """The mask, hidden from constant folding by an empty piece of assembly.

    LLVM 22 writes too many bytes for a truncated vector stored under a constant mask with
    a single lane (x86 with AVX-512: the store takes the width before truncation).
    """
    b, word = frame.builder, f"i{mask.lanes}"
    bits = b.make(word, 1, f"bitcast {mask.typed} to {word}")
    whole = b.convert("zext", bits, "i64") if mask.lanes < 64 else bits
    hidden = b.make("i64", 1, f'call i64 asm "", "=r,0"({whole.typed})')
    kept = (
        b.make(word, 1, f"trunc i64 {hidden.text} to {word}")
        if mask.lanes < 64
        else hidden
    )
    return b.make("i1", mask.lanes, f"bitcast {kept.typed} to {mask.type}")


def _scatter(
    frame: Frame, storage: Storage, positions: Value, value: Value, mask: Value | None
) -> None:
    b, align = frame.builder, BITS[value.element] // 8
    pointers = b.address(storage.base, value.element, positions)
    active = integer(1, "i1", value.lanes) if mask is None else mask
    kinds = f"{mangled(value.element, value.lanes)}.{mangled('ptr', value.lanes)}"
    b.call(
        f"llvm.masked.scatter.{kinds}",
        "void",
        1,
        [value, pointers, f"i32 {align}", active],
    )
