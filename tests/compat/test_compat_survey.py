"""The survey puts every program into its class."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiledsl.compat.survey.outcome import Outcome
from tiledsl.compat.survey.portable import hardware_names, hardware_names_of_test
from tiledsl.compat.survey.portable import test_functions as functions_of
from tiledsl.compat.survey.report import listing, summary
from tiledsl.compat.survey.sizes import smaller
from tiledsl.compat.survey.usage import unavailable_names

HEAD = """
import numpy as np
import tilelang, tilelang.language as T

@tilelang.jit
def double(X):
    N = T.const("N")
    X: T.Tensor((N,), "float32")
    Y = T.empty((N,), "float32")
    with T.Kernel(N) as i:
        Y[i] = X[i] * 2
    return Y

x = np.ones(4, np.float32)
"""
PROGRAMS = {
    "right.py": HEAD + "np.testing.assert_allclose(double(x), 2 * x)",
    "ran.py": HEAD + "double(x)",
    "wrong.py": HEAD + "assert (double(x) == 3 * x).all()",
    "unequal.py": HEAD + "print(np.allclose(double(x), 3 * x))",
    "refused.py": HEAD + "tilelang.carver.template.MatmulTemplate()",
    "refused_kernel.py": HEAD + "double.compile(N=2.5)",
    "package.py": HEAD + "import no_such_package",
    "package_caught.py": HEAD
    + "try:\n    from no_such_package import rotate\nexcept ImportError:\n    pass\n"
    + "rotate(double(x))",
    "own.py": HEAD + "raise RuntimeError('no')",
    "killed.py": HEAD + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "definitions.py": HEAD,
    "test_tests.py": HEAD + "def test_it():\n    assert np.allclose(double(x), 2 * x)",
    "test_failing.py": HEAD + "def test_it():\n    double(x)\n    assert False",
    "regression_left_out.py": HEAD,
}
KINDS = {
    "right.py": "right",
    "ran.py": "ran",
    "wrong.py": "wrong",
    "unequal.py": "wrong",
    "refused.py": "refused",
    "refused_kernel.py": "refused",
    "package.py": "package",
    "package_caught.py": "package",
    "own.py": "own",
    "killed.py": "ours",
    "definitions.py": "no kernel",
    "test_tests.py": "right",
    "test_failing.py": "wrong",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    folder = tmp_path_factory.mktemp("checkout")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "tiledsl.compat.survey", str(folder)]
    done = subprocess.run(
        [
            *command,
            "--json",
            "--limit",
            "25",
            "--jobs",
            "4",
            "--logs",
            str(folder / "logs"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_class(outcomes: list[dict[str, object]]) -> None:
    assert {str(o["program"]): str(o["kind"]) for o in outcomes} == KINDS


def test_reasons_and_the_report(outcomes: list[dict[str, object]]) -> None:
    reasons = {o["program"]: o["reason"] for o in outcomes}
    assert reasons["refused.py"] == "tilelang.carver.template.MatmulTemplate"
    assert reasons["package.py"] == "no_such_package"
    text = summary([Outcome(**o) for o in outcomes])  # type: ignore[arg-type]
    assert "| wrong | 3 |" in text and "| package | no_such_package | 2 |" in text


def test_the_list_of_programs() -> None:
    ran = Outcome("examples/a/b.py", "ran")
    refused = Outcome("examples/c.py", "refused", "E0203: a|b")
    assert list(listing([ran, refused], frozenset(("examples/a/b.py",))))[2:] == [
        "| a/b.py | yes | ran |  |",
        "| c.py | no | refused | E0203 |",
    ]


def test_names_in_the_texts(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("T.tma_copy(x)  # T.alloc_tmem\nT.copy(a, b)")
    (tmp_path / "b.py").write_text("T.tma_copy(x); T.alloc_barrier(1)")
    counts = unavailable_names(sorted(tmp_path.glob("*.py")))
    assert counts == {"tma_copy": 2, "alloc_barrier": 1}


def test_sizes() -> None:
    assert smaller("n", 4096) == 512 and smaller("n", 512) == 512
    assert smaller("batch", 16) == 1 and smaller("heads", 16) == 16


def test_the_report_escapes_bars() -> None:
    assert "a/b" in summary([Outcome(Path("x.py").name, "own", "a|b")])


def test_the_limit_of_time(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("import tilelang\nwhile True: pass")
    command = [sys.executable, "-m", "tiledsl.compat.survey", str(tmp_path)]
    done = subprocess.run(
        [*command, "--limit", "2"], capture_output=True, text=True, check=False
    )
    assert "| limit | 2 s | 1 |" in done.stdout


def test_portable_programs_and_functions(tmp_path: Path) -> None:
    (tmp_path / "used.py").write_text("import tilelang.language as L\nL.tma_copy(1, 2)")
    (tmp_path / "a.py").write_text("from used import x\nimport tilelang\ntilelang.jit")
    (tmp_path / "b.py").write_text(
        "import tilelang.language as T, tilelang\nfrom tilelang import tvm\n"
        "def helper(): T.alloc_barrier(1)\n"
        "def test_a(): T.copy(a, b); T.get_thread_binding(); tilelang.cdiv(1, 2)\n"
        "def test_b(): helper()\n"
        "def test_c(): tvm.lower(x)\n"
        "def test_d(): print(kernel.get_kernel_source())\n"
        "from tilelang.jit.adapter.nvrtc import paths\n"
        "from tilelang.language.kernel import _threads\n"
        "def test_e(): paths(); tilelang.env.CACHE_DIR; tilelang.jit; T.float16.bits\n"
        "def test_f(): _threads()\n"
    )
    assert hardware_names(tmp_path / "a.py") == ("T.tma_copy",)
    names = functions_of(tmp_path / "b.py")
    assert names == tuple(f"test_{letter}" for letter in "abcdef")
    found = [hardware_names_of_test(tmp_path / "b.py", name) for name in names]
    assert found == [
        (),
        ("T.alloc_barrier",),
        ("tilelang.tvm.lower",),
        ("get_kernel_source",),
        ("tilelang.jit.adapter",),
        ("tilelang.language.kernel._threads",),
    ]


def test_what_holds_for_a_whole_file_counts(tmp_path: Path) -> None:
    (tmp_path / "marked.py").write_text(
        "import pytest, tilelang\nfrom tilelang.jit.adapter import checks\n"
        "def available(): return checks.here()\n"
        "pytestmark = pytest.mark.skipif(not available())\n"
        "@tilelang.jit\ndef test_kernel(A): pass\n"
        "def test_a(): pass\n"
    )
    (tmp_path / "fixtures.py").write_text(
        "import pytest, tilelang.language as T\n"
        "@pytest.fixture(autouse=True)\ndef always(): T.tma_copy(a, b)\n"
        "@pytest.fixture\ndef asked(): T.alloc_barrier(1)\n"
        "def test_a(): pass\n"
        "def test_b(asked): pass\n"
    )
    assert functions_of(tmp_path / "marked.py") == ("test_a",)
    found = [
        hardware_names_of_test(tmp_path / file, name)
        for file, name in (
            ("marked.py", "test_a"),
            ("fixtures.py", "test_a"),
            ("fixtures.py", "test_b"),
        )
    ]
    assert found == [
        ("tilelang.jit.adapter",),
        ("T.tma_copy",),
        ("T.alloc_barrier", "T.tma_copy"),
    ]


TESTS = (
    HEAD
    + """
import os, pytest, signal
@pytest.mark.parametrize("k", [1, 2])
def test_right(k): assert (double(x) == 2 * x).all()
@pytest.mark.skip
def test_skipped(): pass
def test_wrong(): assert (double(x) == 3 * x).all()
def test_endless():
    while True: pass
def test_killed(): os.kill(os.getpid(), signal.SIGKILL)
def test_last(): double(x)
"""
)


def test_functions_of_a_file_of_tests(tmp_path: Path) -> None:
    """One by one; one that ends the process does not stop those after it."""
    folder = tmp_path / "testing" / "python"
    folder.mkdir(parents=True)
    (folder / "test_it.py").write_text(TESTS)
    (folder / "test_import.py").write_text("import no_such\ndef test_a(): pass\n")
    record = tmp_path / "record.jsonl"
    command = [sys.executable, "-m", "tiledsl.compat.survey", str(tmp_path), "--tests"]
    options = ["--limit", "2", "--record", str(record)]
    for again in range(2):
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert (done.stderr == "") == bool(again)  # all are in the record
    kinds = {
        outcome["program"].rpartition("::")[2]: outcome["kind"]
        for outcome in map(json.loads, record.read_text().splitlines())
    }
    assert kinds == {
        "test_right": "right",
        "test_skipped": "no kernel",
        "test_wrong": "wrong",
        "test_endless": "limit",
        "test_killed": "ours",
        "test_last": "right",
        "test_a": "package",
    }
    assert "| test functions | 7 | 2 | 2 | 40.0 % |" in done.stdout
