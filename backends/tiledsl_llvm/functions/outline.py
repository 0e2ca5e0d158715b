"""How approximated functions enter a module: once each, as a small function of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tiledsl_llvm.machine import Machine
from tiledsl_llvm.text import Builder
from tiledsl_llvm.values import Value, floating, integer, mangled

Emitter = Callable[..., Value]


def outlined(name: str, emit: Emitter, *, inline: bool = True) -> Emitter:
    """An emitter that calls ``emit``'s code, which the module then holds once per type."""

    def call(b: Builder, machine: Machine, *operands: Value) -> Value:
        operands = b.same_lanes(*operands)
        element, lanes = operands[0].element, operands[0].lanes
        full = f"{name}.{mangled(element, lanes)}"
        if not b.module.defines(full):
            inner = Builder(b.module)
            parameters = [Value(f"%x{k}", element, lanes) for k in range(len(operands))]
            result = emit(inner, machine, *parameters)
            inner.line(f"ret {result.typed}")
            words = ", ".join(parameter.typed for parameter in parameters)
            hint = "alwaysinline" if inline else "noinline"
            header = f"define internal {result.type} @{full}({words}) {hint} nounwind"
            b.module.define(full, inner.finish(header))
        return b.call(full, element, lanes, operands)

    return call


def in_double(emit: Emitter) -> Emitter:
    """float32 operands are computed in double and rounded once."""

    def call(b: Builder, machine: Machine, *operands: Value) -> Value:
        if operands[0].element == "double":
            return emit(b, machine, *operands)
        wide = [b.convert("fpext", operand, "double") for operand in operands]
        return b.convert("fptrunc", emit(b, machine, *wide), "float")

    return call


def by_library(name: str) -> Emitter:
    """The C library's function, lane by lane; float32 operands are computed in double."""

    def emit(b: Builder, machine: Machine, *operands: Value) -> Value:
        operands = b.same_lanes(*operands)
        lanes = operands[0].lanes
        if lanes == 1:
            return b.call(name, "double", 1, operands)
        result = Value("poison", "double", lanes)
        for lane in range(lanes):
            place = integer(lane)
            one = b.call(name, "double", 1, [b.extract(x, place) for x in operands])
            text = f"insertelement {result.typed}, {one.typed}, {place.typed}"
            result = b.make("double", lanes, text)
        return result

    return in_double(emit)


def constant(x: Value, value: float) -> Value:
    """A constant of the operand's type."""
    return floating(value, x.element, x.lanes)


def multiply_add(b: Builder, x: Value, y: Value, z: Value) -> Value:
    """X * y + z, fused where the processor can."""
    return b.intrinsic("fmuladd", *b.same_lanes(x, y, z))


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """c0 + c1 x + c2 x^2 + ... by Horner's rule."""
    result = constant(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = multiply_add(b, result, x, constant(x, coefficient))
    return result


def magnitude(b: Builder, x: Value) -> Value:
    return b.intrinsic("fabs", x)


def with_sign_of(b: Builder, x: Value, sign: Value) -> Value:
    return b.intrinsic("copysign", x, sign)
