"""Wrong kinds of arguments to the host API: coded errors, never ours from inside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tiledsl
import tiledsl.language as T
from tiledsl.commands.group import commands
from tiledsl.diagnostics import CATALOGUE, Error, InternalError, KernelError
from tiledsl.runtime.kernel import JITKernel


@T.prim_func
def shifted(X: T.Tensor((4,), "float32"), s: T.int32, Y: T.Tensor((4,), "float32")):
    with T.Kernel(4) as bx:
        Y[bx] = X[bx] + s


@tiledsl.jit
def doubled(X, factor=2):
    N = T.const("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(N) as bx:
        Y[bx] = X[bx] * factor
    return Y


KERNEL = tiledsl.compile(shifted, out_idx=-1, backend="numpy")
GOOD = (np.zeros(4, np.float32), 3)


class Mute:
    """Has no text and compares with nothing."""

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")


ANYTHING = st.sampled_from(
    [None, True, 0, -1, 3, 10**30, 1.5, float("nan"), "", "x", "numpy", "final",
     "../x", "cuda", b"x", (), (1,), [0], ["x"], {}, {"kind": "cuda"}, {"kind": 1},
     {1: 2}, set(), object(), int, np.float32, np.zeros(4, np.float32), np.array(3),
     shifted, doubled, len, T, 1j, range(3), Mute(), "float32", np.dtype("f4"),
     "cuda:sm_90", "\0", "x" * 5000, [shifted], [{"q": 1}], [(4,)]],
)  # fmt: skip
OPTIONS = st.sampled_from(
    ["out_idx", "target", "pass_configs", "backend", "schedule", "tunables", "checked",
     "fast_math", "deterministic", "exact_fusion", "asserts", "compile_flags", "other"]
)  # fmt: skip

CALLS: dict[str, Callable[..., object]] = {
    "jit": lambda a, b, name: tiledsl.jit(**{name: a})(b),
    "compile": lambda a, b, name: tiledsl.compile(shifted, **{name: a})(*GOOD),
    "compile out_idx": lambda a, b, name: tiledsl.compile(shifted, a),
    "compile what": lambda a, b, name: tiledsl.compile(a, **{name: b}),
    "par_compile": lambda a, b, name: tiledsl.par_compile(a, **{name: b}),
    "eager": lambda a, b, name: doubled(a, b),
    "eager option": lambda a, b, name: doubled(GOOD[0], backend=a, checked=b),
    "eager compile": lambda a, b, name: doubled.compile(a, N=b),
    "eager par_compile": lambda a, b, name: doubled.par_compile(a),
    "eager source": lambda a, b, name: doubled.get_kernel_source(a, b),
    "call": lambda a, b, name: KERNEL(a, b),
    "call option": lambda a, b, name: KERNEL(*GOOD, backend=a, checked=b),
    "interpret": lambda a, b, name: KERNEL.interpret(a, s=b),
    "check": lambda a, b, name: KERNEL.check(a, b),
    "source": lambda a, b, name: KERNEL.source(a, target=b),
    "source backend": lambda a, b, name: KERNEL.source("final", backend=a),
    "explain": lambda a, b, name: KERNEL.explain(backend=a, target=b),
    "print": lambda a, b, name: KERNEL.print_source_code(a),
    "export": lambda a, b, name: KERNEL.export_sources(_no_text(a)),
    "profiler": lambda a, b, name: KERNEL.get_profiler(a, arrays=b),
    "inputs": lambda a, b, name: KERNEL.get_profiler().inputs(a),
    "quantiles": lambda a, b, name: KERNEL.get_profiler().do_bench(
        warmup=0, n_repeat=1, quantiles=a, return_mode=b
    ),
    "repeat": lambda a, b, name: KERNEL.get_profiler().assert_consistent(_small(a)),
    "reference": lambda a, b, name: KERNEL.get_profiler().assert_allclose(
        _no_function(a), rtol=b
    ),
    "do_bench": lambda a, b, name: tiledsl.profiler.do_bench(_no_function(a), b),
    "as_dtype": lambda a, b, name: tiledsl.as_dtype(a, b),
    "dtype": lambda a, b, name: T.dtype(a),
    "T.prim_func": lambda a, b, name: T.prim_func(len if a is None else a).function,
    "T.meta_class": lambda a, b, name: T.meta_class(a) if a is not int else None,
    "T.Tensor": lambda a, b, name: T.Tensor(a, b),
    "T.StridedTensor": lambda a, b, name: T.StridedTensor(a, b, "int8"),
    "T.dynamic": lambda a, b, name: T.dynamic(a, b),
    "T.const": lambda a, b, name: T.const(a, b),
    "T.Kernel": lambda a, b, name: T.Kernel(a, threads=b),
    "T.Parallel": lambda a, b, name: T.Parallel(a, b),
    "T.infinity": lambda a, b, name: T.infinity(a),
}


def _no_text(a: object) -> object:
    """Paths would be written to."""
    return None if isinstance(a, str) and "\0" not in a else a


def _no_function(a: object) -> object:
    """A function of the user's may raise what it likes."""
    return None if callable(a) else a


def _small(a: object) -> object:
    return 1 if isinstance(a, int) and a > 3 else a


@pytest.mark.parametrize("name", CALLS)
@given(a=ANYTHING, b=ANYTHING, option=OPTIONS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_call_works_or_ends_in_a_coded_error(
    name: str, a: object, b: object, option: str
) -> None:
    try:
        CALLS[name](a, b, option)
    except InternalError:
        raise
    except Error as error:
        assert error.code in CATALOGUE
        text = str(error)
        assert "object at 0x" not in text
    except RuntimeError as error:
        # Python itself asks a jitted object for its text while it draws a signature
        assert str(error) in ("no text", "no comparison")


def test_a_kernel_form_outside_a_kernel_says_what_is_missing() -> None:
    with (
        pytest.raises(KernelError, match=r"E0401.*[\s\S]*@tiledsl.jit"),
        T.Kernel(4),
    ):
        pass
    with pytest.raises(KernelError, match=r"E0401.*[\s\S]*@tiledsl.jit"):
        for _ in T.Parallel(4):
            pass


def test_a_kernel_survives_all_refusals() -> None:
    assert isinstance(KERNEL, JITKernel)
    assert (KERNEL(*GOOD) == 3).all()


WORDS = st.sampled_from(
    ["list", "show", "verify", "demo", "cache", "backends", "info", "--json", "--all",
     "gemmm", "--stage", "--backend", "--target", "--workload", "x", "", "-1", "\0",
     "../..", "--backends", ",", "numpy,", "--bogus", "\u202e", "-", "--"]
)  # fmt: skip


@given(words=st.lists(WORDS, max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_command_line_ends_with_a_code(words: list[str]) -> None:
    heavy = {"verify", "demo"} & set(words)
    if heavy:
        words = [*words, "--bogus"]  # these would run every kernel
    result = CliRunner().invoke(commands, words)
    if isinstance(result.exception, Error):
        assert not isinstance(result.exception, InternalError)
        assert result.exception.code in CATALOGUE
    else:
        assert result.exit_code in (0, 1, 2), result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_an_array_is_no_name_of_a_stage() -> None:
    with pytest.raises(tiledsl.ArgumentError, match="E2006"):
        KERNEL.print_source_code(np.zeros(4, np.float32))  # type: ignore[arg-type]


def test_an_array_is_no_dict_of_options() -> None:
    with pytest.raises(tiledsl.ArgumentError, match="E1014"):
        tiledsl.compile(shifted, schedule=np.zeros(4, np.float32))  # type: ignore[call-overload]


def test_a_number_of_numpy_is_a_static_value_and_a_class_is_no_array() -> None:
    ones = np.ones(4, np.float32)
    np.testing.assert_array_equal(doubled(ones, np.int64(5)), ones * 5)
    with pytest.raises(tiledsl.ArgumentError, match="E1"):
        doubled.get_kernel_source(np.ndarray, True)
