"""The thread pool: concurrent callers, forks, interrupts, many thread counts."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable

import numpy as np
import pytest

from tiledsl.backend import Arguments, ArrayRef, Executable
from tiledsl.ir.nodes import Function

Compile = Callable[[str], tuple[Function, Executable]]

COUNT = """
    func f[n](X: float32[n, 64], Y: float32[n])
      launch (bx: n) threads 1
        alloc shared t: float32[64]
        copy X[bx, 0 +: 64] -> t[0 +: 64] shape (64)
        reduce sum t[0 +: 64] axis 0 -> Y[bx] clear
"""


def reference(
    function: Function, arrays: list[np.ndarray], dims: tuple[int, ...]
) -> Arguments:
    return Arguments(
        tuple(
            ArrayRef(
                a.ctypes.data,
                a.shape,
                tuple(step // a.itemsize for step in a.strides),
                parameter.dtype,
                "cpu",
                a,
                a,
            )
            for a, parameter in zip(arrays, function.params, strict=True)
        ),
        dims,
    )


@pytest.mark.parametrize("threads", [1, 2, 3, 7, 33])
@pytest.mark.parametrize("blocks", [1, 2, 5, 64, 1000, 20_000])
def test_every_block_runs_once(
    compile_text: Compile, monkeypatch: pytest.MonkeyPatch, threads: int, blocks: int
) -> None:
    monkeypatch.setenv("TILEDSL_THREADS", str(threads))
    function, executable = compile_text(
        """
        func f[n](Y: int32[n])
          launch (bx: n) threads 1
            Y[bx] = Y[bx] + int32(bx)
        """
    )
    y = np.ones(blocks, np.int32)
    executable.launch(reference(function, [y], (blocks,)))
    np.testing.assert_array_equal(y, np.arange(blocks) + 1)


def test_launches_from_several_python_threads(
    compile_text: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILEDSL_THREADS", "3")
    function, executable = compile_text(COUNT)
    wrong: list[str] = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).integers(-9, 9, (200, 64)).astype(np.float32)
        for _ in range(50):
            y = np.zeros(200, np.float32)
            executable.launch(reference(function, [x, y], (200,)))
            if not np.array_equal(y, x.sum(1)):
                wrong.append(f"seed {seed}")

    callers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_compilations_from_several_python_threads(compile_text: Compile) -> None:
    wrong: list[int] = []

    def work(width: int) -> None:
        for extra in range(4):
            size = width + extra
            function, executable = compile_text(
                COUNT.replace("64", str(size)).replace("func f", f"func f{size}")
            )
            x = np.arange(30 * size, dtype=np.float32).reshape(30, size) % 7
            y = np.zeros(30, np.float32)
            executable.launch(reference(function, [x, y], (30,)))
            if not np.array_equal(y, x.sum(1)):
                wrong.append(size)

    callers = [threading.Thread(target=work, args=(10 * k,)) for k in range(1, 6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


PRELUDE = """
import numpy as np, os, signal, sys, threading, time
from tiledsl.analysis.claims import recheck_claims
from tiledsl.backend import Arguments, ArrayRef, BuildOptions
from tiledsl.ir.parser import parse_function
from tiledsl_llvm import LlvmBackend

def compiled(text):
    function = parse_function("tiledsl.ir 1\\n" + text, settle_claims=recheck_claims)
    backend = LlvmBackend()
    return function, backend.build(function, backend.targets()[0], BuildOptions())

def launch(pair, arrays, dims):
    function, executable = pair
    refs = tuple(
        ArrayRef(a.ctypes.data, a.shape, (1,) * a.ndim, p.dtype, "cpu", a, a)
        for a, p in zip(arrays, function.params)
    )
    executable.launch(Arguments(refs, dims))

# about a millisecond a block
slow = compiled('''func f[n](Y: float32[n])
  launch (bx: n) threads 1
    alloc local s: float32[]
    s[] = 1.0
    for serial k in 0 .. 100000 step 1
      s[] = s[] * 1.0000001
    Y[bx] = s[]
''')
"""


def run_script(body: str, **variables: str) -> str:
    import os

    source = PRELUDE + textwrap.dedent(body)
    environment = {**os.environ, "TILEDSL_THREADS": "2", **variables}
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals as in POSIX")
def test_interrupt_returns_soon_and_the_next_launch_works() -> None:
    out = run_script(
        """
        # a process that was started in the background ignores the signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        y = np.zeros(1_000_000, np.float32)
        launch(slow, [y[:4]], (4,))
        def interrupt():
            time.sleep(0.5)
            global sent
            sent = time.perf_counter()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            launch(slow, [y], (1_000_000,))
            print("not interrupted")
        except KeyboardInterrupt:
            print("late" if time.perf_counter() - sent > 1.0 else "interrupted")
        done = np.count_nonzero(y)
        time.sleep(0.05)
        print("quiet" if done == np.count_nonzero(y) else "still running")
        z = np.zeros(100, np.float32)
        launch(slow, [z], (100,))
        print("works" if z.all() else "broken")
        """
    )
    # the promise is 200 ms; the test allows for a loaded machine
    assert out.split() == ["interrupted", "quiet", "works"]


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_forked_child_has_a_pool_of_its_own() -> None:
    out = run_script(
        """
        y = np.zeros(200, np.float32)
        launch(slow, [y], (200,))
        child = os.fork()
        if child == 0:
            z = np.zeros(200, np.float32)
            launch(slow, [z], (200,))
            os._exit(0 if np.array_equal(y, z) else 3)
        _, status = os.waitpid(child, 0)
        z = np.zeros(200, np.float32)
        launch(slow, [z], (200,))
        print(status, np.array_equal(y, z))
        """
    )
    assert out.split() == ["0", "True"]


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_fork_while_another_thread_launches() -> None:
    out = run_script(
        """
        stop = False
        def work():
            y = np.zeros(300, np.float32)
            while not stop:
                launch(slow, [y], (300,))
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.2)
        statuses = []
        for _ in range(5):
            child = os.fork()
            if child == 0:
                z = np.zeros(50, np.float32)
                launch(slow, [z], (50,))
                os._exit(0 if z.all() else 3)
            statuses.append(os.waitpid(child, 0)[1])
        stop = True
        thread.join()
        print(statuses)
        """
    )
    assert out.strip() == "[0, 0, 0, 0, 0]"


def test_subnormals_are_kept_whatever_the_caller_has_set() -> None:
    out = run_script(
        """
        import ctypes
        from tiledsl_llvm.jit import Library, object_code
        from tiledsl_llvm.machine import host_machine
        machine = host_machine()
        if not machine.is_x86:
            print("kept restored")
            sys.exit()
        text = '''
        declare void @llvm.x86.sse.stmxcsr(ptr)
        declare void @llvm.x86.sse.ldmxcsr(ptr)
        define void @set(ptr %word) {
          call void @llvm.x86.sse.ldmxcsr(ptr %word)
          ret void
        }
        define void @get(ptr %word) {
          call void @llvm.x86.sse.stmxcsr(ptr %word)
          ret void
        }
        '''
        code = Library(object_code(text, machine), ("set", "get"))
        word = ctypes.c_uint32(0xFFC0)  # flush to zero, round toward zero
        pair = compiled('''func f(X: float32[64], Y: float32[64])
          launch (bx: 64) threads 1
            Y[bx] = X[bx] * 0.5
        ''')
        x, y = np.full(64, 2.0**-130, np.float32), np.zeros(64, np.float32)
        launch(pair, [x, y], ())
        y[:] = 0
        code.function("set", ctypes.c_void_p)(ctypes.addressof(word))
        launch(pair, [x, y], ())
        code.function("get", ctypes.c_void_p)(ctypes.addressof(word))
        default = ctypes.c_uint32(0x1F80)
        code.function("set", ctypes.c_void_p)(ctypes.addressof(default))
        print("kept" if (y == np.float32(2.0**-131)).all() else "flushed",
              "restored" if word.value & 0xFFC0 == 0xFFC0 else hex(word.value))
        """
    )
    assert out.split() == ["kept", "restored"]


def test_importing_the_package_loads_no_compiler() -> None:
    source = (
        "import sys, tiledsl_llvm; print([m for m in sys.modules if 'llvmlite' in m])"
    )
    out = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
