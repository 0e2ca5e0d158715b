"""Every operation of ``T`` with operands of the wrong kind: an error at the user's line."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tiledsl.language as T
from tiledsl.diagnostics import CATALOGUE, Error, InternalError, TileWarning
from tiledsl.frontend.prim_func import PrimFunc
from tiledsl.ir.verifier import verify

OPERANDS = st.sampled_from(
    ["A", "B", "tile", "half", "acc", "line", "var", "bx", "n", "s", "ids[0]", "-1",
     "0", "4", "2.5", "True", "None", "'x'", "'float32'", "[1, 2]", "(4, 8)", "()",
     "{}", "set()", "T.float32", "T.int8", "len", "(lambda x: x)", "float('nan')",
     "(1 << 70)", "10 ** 5000", "A.shape", "tile[0, :]", "A[bx * 4, 0]", "A[0:4, :]",
     "acc[0, 0]", "A[bx, 0] > 0", "slice(0, 4)", "...", "T.Parallel(4)", "other",
     "T.Kernel(2)", "again", "T", "T.copy", "np.float32(3)", "np.zeros(3)", "b'x'",
     "1j", "range(3)", "T.view", "T.GemmWarpPolicy.Square", "{tile: 0}", "'sum'"]
)  # fmt: skip
NAMES = [
    name
    for name in dir(T)
    if not name.startswith("_")
    and name != "GemmWarpPolicy"  # an Enum: Python's own functional form
    and callable(getattr(T, name))
]
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "**", "<<", "&", "@", "<", "==", "in", "is", "and"]
)


@st.composite
def calls(draw: st.DrawFn) -> str:
    """A call of an operation, mostly with as many arguments as it takes."""
    name = draw(st.sampled_from(NAMES))
    try:
        parameters = list(inspect.signature(getattr(T, name)).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    arguments: list[str] = []
    for parameter in parameters:
        value = draw(OPERANDS)
        if parameter.kind is parameter.KEYWORD_ONLY:
            if draw(st.booleans()):
                arguments.append(f"{parameter.name}={value}")
        elif parameter.kind is not parameter.VAR_KEYWORD:
            arguments.append(value)
    return f"T.{name}({', '.join(arguments)})"


@st.composite
def statements(draw: st.DrawFn) -> str:
    a, b, c = draw(OPERANDS), draw(OPERANDS), draw(OPERANDS)
    op = draw(OPERATORS)
    update = op if op not in ("<", "==", "in", "is", "and") else "+"
    return draw(
        st.sampled_from(
            [
                f"x = {a} {op} {b}",
                f"var = {a} {op} {b}",
                f"Y[0, 0] = {a}",
                f"x = {a}[{b}, {c}]",
                f"x = {a}[{b}:{c}]",
                f"({a})[{b}] = {c}",
                f"({a})[{b}] {update}= {c}",
                f"var {update}= {a}",
                f"x, y = {a}",
                f"x: {a} = {b}",
                f"if {a} {op} {b}:\n    var = 1",
                f"while {a}:\n    var = 1",
                f"for i in {a}:\n    var = i",
                f"for i in range({a}, {b}, {c}):\n    var = i",
                f"for i, j in T.Parallel({a}, {b}):\n    Y[i, j] = {c}",
                f"with {a} as w:\n    var = 1",
                f"x = {a} if {b} else {c}",
                f"x = {a} < {b} < {c}",
                f"x = max({a}, {b})",
                f"x = {a}({b}, {c})",
                f"x = ({a}).shape",
                f"assert {a}, {b}",
            ]
        )
    )


def judged(kernel: PrimFunc, text: str) -> None:
    """Traces; what comes out is verified IR, or an error that a user can read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TileWarning)
            warnings.simplefilter("ignore", SyntaxWarning)
            verify(kernel.function)
    except InternalError as error:
        pytest.fail(f"{text}\n{error}")
    except Error as error:
        assert error.code in CATALOGUE
        assert error.span is not None and error.span.line > 0, str(error)
        assert error.span.file.startswith("<bad input"), str(error)
        message = str(error)
        for ours in ("object at 0x", "BufferRef", "RegionRef", "VarRef", "__stage"):
            assert ours not in message, message
    except AssertionError:
        assert text.startswith("assert ")


HOSTILE = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@HOSTILE
@given(call=calls(), where=st.sampled_from(["{}", "for i in T.Parallel(4):\n    {}"]))
def test_any_operands_of_an_operation(
    program: Callable[..., PrimFunc], call: str, where: str
) -> None:
    judged(program(where.format(call)), call)


@HOSTILE
@given(statement=statements())
def test_any_operands_of_a_statement(
    program: Callable[..., PrimFunc], statement: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            kernel = program(statement)
        except SyntaxError:
            return  # Python itself does not take it
    judged(kernel, statement)


@HOSTILE
@given(call=calls())
def test_any_operands_on_the_host(program: Callable[..., PrimFunc], call: str) -> None:
    judged(program(call, host=True), call)
