"""Cases 85 to 100: data, the machine, and what stands around a call."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tiledsl
import tiledsl.language as T
from tiledsl.diagnostics import Error, InternalError, TileWarning

Refused = Callable[..., Error]
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "llvm"])


@tiledsl.jit
def gather(X, ids, dtype="int32"):
    X: T.Tensor((8,), "float32")
    ids: T.Tensor((6,), dtype)
    Y = T.empty((6,), "float32")
    with T.Kernel(1):
        for i in T.Parallel(6):
            Y[i] = X[ids[i]]
    return Y


@BACKENDS
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_case_85_86_gather_indices(backend: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    ids = np.array([0, 7, -1, 8, limits.min, limits.max], dtype)
    x = np.arange(1, 9, dtype=np.float32)
    assert gather(x, ids, dtype, backend=backend).tolist() == [1, 8, 0, 0, 0, 0]


@BACKENDS
def test_case_87_integer_division_is_total(backend: str) -> None:
    @tiledsl.jit
    def divided(X, Y):
        X: T.Tensor((4,), "int32")
        Y: T.Tensor((4,), "int32")
        Q, R = T.empty((4,), "int32"), T.empty((4,), "int32")
        with T.Kernel(1):
            for i in T.Parallel(4):
                Q[i] = X[i] // Y[i]
                R[i] = X[i] % Y[i]
        return Q, R

    least = -(1 << 31)
    x = np.array([5, -7, least, 0], np.int32)
    y = np.array([0, 2, -1, 0], np.int32)
    q, r = divided(x, y, backend=backend)
    assert q.tolist() == [0, -4, least, 0]
    assert r.tolist() == [5, 1, 0, 0]


@BACKENDS
def test_case_88_floats_to_integers(backend: str) -> None:
    @tiledsl.jit
    def truncated(X):
        X: T.Tensor((6,), "float32")
        Y = T.empty((6,), "int8")
        with T.Kernel(6) as bx:
            Y[bx] = T.cast(X[bx], "int8")
        return Y

    x = np.array([np.nan, np.inf, -np.inf, 1e30, -2.9, 127.9], np.float32)
    assert truncated(x, backend=backend).tolist() == [0, 127, -128, 127, -2, 127]


@BACKENDS
def test_case_89_90_nan_and_infinite_rows(backend: str) -> None:
    @tiledsl.jit
    def softmax(X):
        X: T.Tensor((3, 4), "float32")
        Y, most = T.empty((3, 4), "float32"), T.empty((3,), "float32")
        with T.Kernel(1):
            x = T.alloc_shared((3, 4), "float32")
            m = T.alloc_fragment((3,), "float32")
            total = T.alloc_fragment((3,), "float32")
            T.copy(X, x)
            T.reduce_max(x, m, dim=1)
            for i, j in T.Parallel(3, 4):
                x[i, j] = T.exp(x[i, j] - m[i])
            T.reduce_sum(x, total, dim=1)
            for i, j in T.Parallel(3, 4):
                Y[i, j] = x[i, j] / total[i]
            T.copy(m, most)
        return Y, most

    x = np.zeros((3, 4), np.float32)
    x[0] = -np.inf
    x[1, 2] = np.nan
    y, most = softmax(x, backend=backend)
    assert np.isnan(y[0]).all() and np.isnan(y[1]).all()
    assert np.array_equal(y[2], np.full(4, 0.25, np.float32))
    assert most.tolist() == [-np.inf, 0, 0]


@BACKENDS
def test_case_91_subnormals(backend: str) -> None:
    @tiledsl.jit
    def halved(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float32")
        with T.Kernel(4) as bx:
            Y[bx] = X[bx] * 0.5
        return Y

    x = np.array([1.2e-38, -1e-40, 3e-45, 1e-38], np.float32)
    assert np.array_equal(halved(x, backend=backend), x * np.float32(0.5))


@BACKENDS
def test_case_92_float8_overflow(backend: str) -> None:
    @tiledsl.jit
    def narrowed(X):
        X: T.Tensor((4,), "float32")
        Y = T.empty((4,), "float8_e4m3fn")
        Z = T.empty((4,), "float8_e5m2")
        with T.Kernel(4) as bx:
            Y[bx] = X[bx]
            Z[bx] = T.cast(X[bx], "float8_e5m2", sat=False)
        return Y, Z

    x = np.array([1e6, -np.inf, np.nan, 500], np.float32)
    y, z = narrowed(x, backend=backend)
    assert np.array_equal(
        y.astype(np.float32), [448, -448, np.nan, 448], equal_nan=True
    )
    assert np.array_equal(
        z.astype(np.float32), [np.inf, -np.inf, np.nan, 512], equal_nan=True
    )


# ------------------------------------------------------------ around a call


@tiledsl.jit
def doubled(X):
    N = T.dynamic("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(T.ceildiv(N, 1024)) as bx:
        for i in T.Parallel(1024):
            Y[bx * 1024 + i] = X[bx * 1024 + i] * 2
    return Y


@BACKENDS
def test_case_93_an_interrupt(backend: str) -> None:
    # a process that was started in the background ignores the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    x = np.ones(1 << 18, np.float32)
    doubled(x, backend=backend)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        while True:
            doubled(x, backend=backend)
    timer.join()
    signal.signal(signal.SIGINT, before)
    assert (doubled(x, backend=backend) == 2).all()


class FailingBackend:
    """The interpreter, with a failure of its own when building or launching."""

    name = "failing"

    def __init__(self, when: str) -> None:
        from tiledsl_numpy import NumpyBackend

        self._inner, self._when = NumpyBackend(), when

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def build(self, *args: object) -> object:
        if self._when == "build":
            raise ZeroDivisionError("a bug of the backend")
        return self

    @property
    def stages(self) -> dict[str, Callable[[], str]]:
        return {}

    def launch(self, _: object) -> None:
        raise ZeroDivisionError("a bug of the backend")


@pytest.mark.parametrize(("number", "when"), [(95, "launch"), (100, "build")])
def test_case_95_100_a_failing_backend(
    refused: Refused, number: int, when: str
) -> None:
    x = np.ones(4, np.float32)
    backend = FailingBackend(when)
    with pytest.raises(InternalError) as caught:
        doubled(x, backend=backend)
    assert "a bug of the backend" in str(caught.value)
    saved = str(caught.value).partition("saved in ")[2].split()[0]
    assert "doubled" in Path(saved).read_text()
    os.unlink(saved)
    assert (doubled(x) == 2).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_case_96_fork_with_a_live_pool() -> None:
    program = """
import os, sys
import numpy as np
from tiledsl_kernels.norm.softmax import softmax
x = np.ones((64, 64), np.float32)
expected = softmax(x)
child = os.fork()
if child == 0:
    os._exit(7 if (softmax(x) == expected).all() else 1)
softmax(x)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], timeout=60, capture_output=True, text=True
    )
    assert done.returncode == 7, done.stderr


@pytest.mark.parametrize("kind", ["a file", "no place", "others may write"])
def test_case_97_a_cache_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "cache"
    if kind == "a file":
        place.write_text("in the way")
    elif kind == "no place":
        place = Path("/proc/no/such/place")
    else:
        place.mkdir()
        place.chmod(0o777)
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(place))
    monkeypatch.delenv("TILEDSL_DISABLE_CACHE", raising=False)
    x = np.ones(5, np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TileWarning)
        assert (_fresh()(x, backend="llvm") == 2).all()
    assert len([w for w in caught if "W400" in str(w.message)]) <= 1


def _fresh() -> Callable[..., np.ndarray]:
    """A kernel that is compiled anew in this process."""

    @tiledsl.jit
    def fresh(X):
        X: T.Tensor((5,), "float32")
        Y = T.empty((5,), "float32")
        with T.Kernel(5) as bx:
            Y[bx] = X[bx] + X[bx]
        return Y

    return fresh


@pytest.mark.parametrize("damage", ["truncated", "bits", "empty", "replaced"])
def test_case_98_a_damaged_entry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str
) -> None:
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TILEDSL_DISABLE_CACHE", raising=False)
    x = np.ones(5, np.float32)
    _fresh()(x, backend="llvm")
    entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert entries
    for entry in entries:
        data = bytearray(entry.read_bytes())
        data[len(data) // 2] ^= 0x10
        changed = {
            "truncated": data[: len(data) // 2],
            "bits": data,
            "empty": b"",
            "replaced": b"\x7fELF" + bytes(1000),
        }[damage]
        entry.write_bytes(bytes(changed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TileWarning)
        assert (_fresh()(x, backend="llvm") == 2).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TILEDSL_THREADS", "abc"),
        ("TILEDSL_THREADS", "0"),
        ("TILEDSL_THREADS", "1000000000"),
        ("TILEDSL_THREADS", "\u0663\u00b2"),
        ("TILEDSL_CACHE_MEGABYTES", "-1"),
        ("TILEDSL_DISABLE_CACHE", "perhaps"),
        ("TILEDSL_BACKEND", "../../x"),
        ("TILEDSL_CPU", "x;y"),
    ],
)
def test_case_99_settings(
    monkeypatch: pytest.MonkeyPatch, refused: Refused, name: str, value: str
) -> None:
    from tiledsl import settings

    monkeypatch.setenv(name, value)
    refused(99, settings.validate, name, "expected")
