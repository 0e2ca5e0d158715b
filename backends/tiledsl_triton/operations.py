"""Scalar operations as Triton text, total and rounded as ``ir.ops`` says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiledsl_triton.values import Value, triton_type

_INFIX: Final[dict[str, str]] = {
    "add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip

# functions of libdevice with the name and the meaning of the operation
_LIBDEVICE: Final[frozenset[str]] = frozenset(
    [
        "exp",
        "exp2",
        "log",
        "log2",
        "log10",
        "log1p",
        "rsqrt",
        "sin",
        "cos",
        "tan",
        "tanh",
        "erf",
        "asin",
        "acos",
        "atan",
        "atan2",
        "sinh",
        "cosh",
        "asinh",
        "acosh",
        "atanh",
        "hypot",
        "pow",
        "fmod",
        "copysign",
        "nextafter",
    ]
)
_FAST: Final[dict[str, str]] = {
    "exp": "tl.exp", "exp2": "tl.exp2", "log": "tl.log", "log2": "tl.log2",
    "sin": "tl.sin", "cos": "tl.cos", "rsqrt": "tl.rsqrt",
}  # fmt: skip


class Operations:
    """Renders operations; remembers in ``helpers`` the prelude functions it used."""

    def __init__(self, *, fast_math: bool) -> None:
        self._fast = fast_math
        self.helpers: set[str] = set()

    def call(self, helper: str, *arguments: str) -> str:
        """A call of a prelude function."""
        self.helpers.add(helper)
        return f"{helper}({', '.join(arguments)})"

    def render(self, op: str, args: tuple[Value, ...]) -> str:
        """The text of an operation on values of one dtype."""
        if op in _INFIX:
            return self._infix(op, *args)
        method: Callable[..., str] | None = getattr(self, f"_{op}", None)
        if method is not None:
            return method(*args)
        texts = ", ".join(arg.typed for arg in args)
        if self._fast and op in _FAST and args[0].dtype == "float32":
            return f"{_FAST[op]}({texts})"
        if op in _LIBDEVICE:
            return f"libdevice.{op}({texts})"
        raise KeyError(op)

    def _infix(self, op: str, a: Value, b: Value) -> str:
        if op in ("sub", "add") and b.literal == 0 and b.dtype.is_integer:
            return a.typed
        return f"{_left(a, b)} {_INFIX[op]} {b.atom}"

    def _div(self, a: Value, b: Value) -> str:
        if a.dtype == "float64" or self._fast:
            return f"{_left(a, b)} / {b.atom}"
        return f"tl.div_rn({a.typed}, {b.typed})"

    def _fma(self, a: Value, b: Value, c: Value) -> str:
        return f"tl.fma({a.typed}, {b.typed}, {c.typed})"

    def _neg(self, a: Value) -> str:
        # Triton's minus is 0 - a, which loses the sign of zero
        return (
            f"{a.typed if a.literal is not None else a.atom} * -1.0"
            if (a.dtype.is_float)
            else f"0 - {Value(a.typed, a.dtype).atom}"
        )

    def _abs(self, a: Value) -> str:
        return f"tl.abs({a.typed})"

    def _min(self, a: Value, b: Value) -> str:
        return f"tl.minimum({_operands(a, b)})"

    def _max(self, a: Value, b: Value) -> str:
        return f"tl.maximum({_operands(a, b)})"

    def _min_nan(self, a: Value, b: Value) -> str:
        return f"tl.minimum({a.typed}, {b.typed}, propagate_nan=tl.PropagateNan.ALL)"

    def _max_nan(self, a: Value, b: Value) -> str:
        return f"tl.maximum({a.typed}, {b.typed}, propagate_nan=tl.PropagateNan.ALL)"

    # ---- integers

    def _floordiv(self, a: Value, b: Value) -> str:
        power = _power_of_two(b)
        if power is not None:
            return f"{Value(a.typed, a.dtype).atom} >> {power}"
        if not a.dtype.is_signed:
            return self.call("divide_unsigned", a.typed, b.typed)
        return self.call("floor_divide", a.typed, b.typed)

    def _floormod(self, a: Value, b: Value) -> str:
        left, right = Value(a.typed, a.dtype).atom, Value(b.typed, b.dtype).atom
        power = _power_of_two(b)
        if power is not None:
            return f"{left} & {(1 << power) - 1}"
        return f"{left} - {self._floordiv(a, b)} * {right}"

    def _truncdiv(self, a: Value, b: Value) -> str:
        if not a.dtype.is_signed:
            return self.call("divide_unsigned", a.typed, b.typed)
        return self.call("truncate_divide", a.typed, b.typed)

    def _truncmod(self, a: Value, b: Value) -> str:
        quotient = self._truncdiv(a, b)
        return f"{Value(a.typed, a.dtype).atom} - {quotient} * {Value(b.typed, b.dtype).atom}"

    def _ceildiv(self, a: Value, b: Value) -> str:
        power = _power_of_two(b)
        if power is not None:
            left = Value(a.typed, a.dtype).atom
            rest = (
                f"tl.cast({left} & {(1 << power) - 1} != 0, tl.{triton_type(a.dtype)})"
            )
            return f"({left} >> {power}) + {rest}"
        quotient = self._floordiv(a, b)
        return self.call("round_up", quotient, a.typed, b.typed)

    def _not(self, a: Value) -> str:
        operand = Value(a.typed, a.dtype).atom
        if a.dtype.kind == "uint":
            return f"{operand} ^ {a.dtype.maximum}"
        return f"~{operand}"

    def _shl(self, a: Value, b: Value) -> str:
        bits = a.dtype.bits
        if isinstance(b.literal, int) and 0 <= b.literal < bits:
            return f"{Value(a.typed, a.dtype).atom} << {b.literal}"
        return self.call("shift_left", a.typed, b.typed, str(bits))

    def _shr(self, a: Value, b: Value) -> str:
        bits = a.dtype.bits
        if isinstance(b.literal, int) and 0 <= b.literal < bits:
            return f"{Value(a.typed, a.dtype).atom} >> {b.literal}"
        helper = "shift_right" if a.dtype.is_signed else "shift_right_unsigned"
        return self.call(helper, a.typed, b.typed, str(bits))

    def _unsigned(self, a: Value) -> str:
        narrow = f"tl.cast({a.typed}, tl.uint{a.dtype.bits}, bitcast=True)"
        return f"tl.cast({narrow}, tl.uint64)"

    def _popcount(self, a: Value) -> str:
        ones = self.call("count_ones", self._unsigned(a))
        return f"tl.cast({ones}, tl.{triton_type(a.dtype)})"

    def _clz(self, a: Value) -> str:
        zeros = self.call("leading_zeros", self._unsigned(a), str(a.dtype.bits))
        return f"tl.cast({zeros}, tl.{triton_type(a.dtype)})"

    # ---- floats

    def _isnan(self, a: Value) -> str:
        return f"{Value(a.typed, a.dtype).atom} != {Value(a.typed, a.dtype).atom}"

    def _isinf(self, a: Value) -> str:
        return f'tl.abs({a.typed}) == float("inf")'

    def _isfinite(self, a: Value) -> str:
        return f'tl.abs({a.typed}) < float("inf")'

    def _floor(self, a: Value) -> str:
        return f"tl.floor({a.typed})"

    def _ceil(self, a: Value) -> str:
        return f"tl.ceil({a.typed})"

    def _trunc(self, a: Value) -> str:
        return self.call("truncate", a.typed)

    def _round(self, a: Value) -> str:
        return f"libdevice.nearbyint({a.typed})"

    def _round_away(self, a: Value) -> str:
        return self.call("round_away", a.typed)

    def _sqrt(self, a: Value) -> str:
        function = "tl.sqrt" if a.dtype == "float64" or self._fast else "tl.sqrt_rn"
        return f"{function}({a.typed})"

    def _ldexp(self, a: Value, b: Value) -> str:
        ends = [f"tl.full((), {end}, tl.int32)" for end in (-(1 << 31), (1 << 31) - 1)]
        exponent = self.call(
            "to_integer", b.typed, "-2147483648.0", "2147483648.0", *ends
        )
        return f"libdevice.ldexp({a.typed}, {exponent})"

    def _exp10(self, a: Value) -> str:
        # in float64, because the error of x * log2(10) would be magnified
        if a.dtype == "float64":
            return f"libdevice.pow(tl.full((), 10.0, tl.float64), {a.typed})"
        wide = f"tl.cast({a.typed}, tl.float64) * 3.321928094887362"
        return f"tl.cast(libdevice.exp2({wide}), tl.float32)"

    def _sigmoid(self, a: Value) -> str:
        exponential = self.render("exp", (Value(self._neg(a), a.dtype),))
        total = Value(f"1.0 + {exponential}", a.dtype)
        return self._div(Value("1.0", a.dtype, literal=1.0), total)


def _power_of_two(value: Value) -> int | None:
    """n, if the value is the constant 2^n."""
    number = value.literal
    if not isinstance(number, int) or number <= 0 or number & (number - 1):
        return None
    return number.bit_length() - 1


def _operands(a: Value, b: Value) -> str:
    """Two operands of one type; a constant needs no type if Triton infers the same."""
    plain = a.dtype == "float32" or (
        a.dtype in ("int32", "int64", "index")
        and all(abs(int(v.literal or 0)) < 1 << 31 for v in (a, b))
    )
    if plain and (a.literal is None) != (b.literal is None):
        return f"{a.text}, {b.text}"
    return f"{a.typed}, {b.typed}"


def _left(a: Value, b: Value) -> str:
    """The left operand; of two literals one must carry its Triton type."""
    return a.typed if a.literal is not None and b.literal is not None else a.atom
