"""Finding the value of every symbolic dim from the arguments of a call (rule L104)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tiledsl.diagnostics import ArgumentError, KernelError
from tiledsl.ir.nodes import Buffer, Expr, Function, Var
from tiledsl.runtime.arrays import ArrayFacts
from tiledsl.runtime.dimensions import linear, spell, symbols


@dataclass(slots=True)
class Solution:
    """Values of dims and integer scalars, and the argument each was read from."""

    values: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def set(self, name: str, value: int, source: str) -> None:
        """Keeps the first value; a second source is compared by the checks."""
        if name not in self.values:
            self.values[name] = value
            self.sources[name] = source

    def explain(self, expression: Expr) -> str:
        """Where the symbols of an expression come from, e.g. ``K = 64 from A.shape[1]``."""
        return ", ".join(
            f"{name} = {self.values[name]} from {self.sources[name]}"
            for name in dict.fromkeys(symbols(expression))
            if name in self.values
        )


@dataclass(frozen=True, slots=True)
class Equation:
    """An entry of a shape or of strides, and what the argument has there."""

    place: str
    expression: Expr
    value: int
    is_stride: bool
    binding: bool  # False for the stride of a dim of extent 0 or 1, which means nothing


def solve(
    function: Function,
    arrays: Iterable[tuple[Buffer, ArrayFacts]],
    scalars: Mapping[str, int],
) -> Solution:
    """All dims of ``function``.  Raises ArgumentError for one without a solution.

    A dim that nothing but arguments that are None could determine is 0: what is not
    there has no elements.
    """
    solution = Solution()
    arrays = tuple(arrays)
    for name, value in scalars.items():
        solution.set(name, value, f"argument {name}")
    equations = [equation for pair in arrays for equation in equations_of(*pair)]
    for wants_stride in (False, True):
        for equation in equations:
            if equation.is_stride == wants_stride and equation.binding:
                _read_bare(equation, solution)
    _solve_linear(equations, solution)
    for equation in equations:
        if not equation.binding:  # if all else fails; no element is found through it
            _read_bare(replace(equation, value=max(equation.value, 0)), solution)
    absent = _absent(function, {buffer.name for buffer, _ in arrays})
    for dim in function.dims:
        if dim.name in solution.values:
            continue
        mentioned = any(dim.name in symbols(part.expression) for part in equations)
        if mentioned or dim.name not in absent:
            raise _without_value(dim, equations)
        solution.set(dim.name, 0, "arguments that are None")
    return solution


def _absent(function: Function, given: set[str]) -> frozenset[str]:
    """The symbols in shapes and strides of inputs without an array."""
    return frozenset(
        name
        for position, node in enumerate(function.params)
        if isinstance(node, Buffer) and position not in function.outputs
        if node.name not in given
        for expression in (*node.shape, *(node.strides or ()))
        for name in symbols(expression)
    )


def equations_of(buffer: Buffer, facts: ArrayFacts) -> Iterator[Equation]:
    """One equation for each entry of the parameter's shape and declared strides."""
    for axis, (expression, extent) in enumerate(
        zip(buffer.shape, facts.shape, strict=True)
    ):
        yield Equation(f"{buffer.name}.shape[{axis}]", expression, extent, False, True)
    for axis, expression in enumerate(buffer.strides or ()):
        binding = facts.shape[axis] > 1
        place = f"{buffer.name}.strides[{axis}]"
        yield Equation(place, expression, facts.strides[axis], True, binding)


def require_determined(function: Function) -> None:
    """Raises KernelError for a dim that no argument of any call could determine."""
    known = {
        node.name: 1_000_003 + place
        for place, node in enumerate(function.params)
        if isinstance(node, Var)
    }
    entries = [
        expression
        for position, node in enumerate(function.params)
        if isinstance(node, Buffer) and position not in function.outputs
        for expression in (*node.shape, *(node.strides or ()))
    ]
    progress = True
    while progress:
        progress = False
        for expression in entries:
            form = linear(expression, known)
            if form is not None and len(form.coefficients) == 1:
                # any value will do to see which symbols can be solved for
                known[next(iter(form.coefficients))] = 2_000_003 + len(known)
                progress = True
    for dim in function.dims:
        if dim.name not in known:
            raise KernelError(
                "E1021",
                f"no argument of {function.name} determines the dim '{dim.name}'",
                span=dim.span,
                expected=f"'{dim.name}' in the shape of an input, alone or in an entry "
                "that is linear in it",
                hint="pass it as a scalar parameter",
            )


def _read_bare(equation: Equation, solution: Solution) -> None:
    if isinstance(equation.expression, Var):
        solution.set(equation.expression.name, equation.value, equation.place)


def _solve_linear(equations: list[Equation], solution: Solution) -> None:
    progress = True
    while progress:
        progress = False
        for equation in equations:
            form = linear(equation.expression, solution.values)
            if form is None or len(form.coefficients) != 1 or not equation.binding:
                continue
            ((name, factor),) = form.coefficients.items()
            value, rest = divmod(equation.value - form.constant, factor)
            if rest or value < 0:
                raise _no_solution(equation, name, solution)
            solution.set(name, value, equation.place)
            progress = True


def _no_solution(equation: Equation, name: str, solution: Solution) -> ArgumentError:
    known = solution.explain(equation.expression)
    return ArgumentError(
        "E1008",
        f"{equation.place} of the arguments",
        expected=f"{spell(equation.expression)} with an integer {name} >= 0"
        + (f" ({known})" if known else ""),
        got=str(equation.value),
    )


def _without_value(dim: Var, equations: list[Equation]) -> ArgumentError:
    places = [
        f"{equation.place} = {spell(equation.expression)} = {equation.value}"
        for equation in equations
        if dim.name in symbols(equation.expression)
    ]
    return ArgumentError(
        "E1017",
        f"the arguments leave the dim '{dim.name}' open",
        expected=f"an argument whose shape determines {dim.name}",
        got=", ".join(places) or "none",
    )
