"""What a program uses and where it goes wrong, from its text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiledsl.runtime.backends import backend_names
from tiledsl.static_check import Report, check_program

GOOD = """
import tiledsl
from tiledsl import language as L
import tiledsl.language as T

@tiledsl.jit
def double(X):
    n = T.const("n")
    X: T.Tensor((n,), "float32")
    Y = T.empty((n,), "float32")
    with T.Kernel(1):
        for i in L.Parallel(n):
            Y[i] = T.exp(X[i]) + T.exp(0.0)
    return Y
raise SystemExit("this does not run")
"""


def report(folder: Path, text: str, *, compat: bool = False) -> Report:
    file = folder / "program.py"
    file.write_text(text)
    return check_program(file, compat=compat)


def test_uses_of_a_good_program(tmp_path: Path) -> None:
    found = report(tmp_path, GOOD)
    assert found.ok and found.kernels == ("double",)
    assert {use.name: (use.line, use.count) for use in found.uses} == {
        "T.Kernel": (11, 1),
        "T.Parallel": (12, 1),
        "T.Tensor": (9, 1),
        "T.const": (8, 1),
        "T.empty": (10, 1),
        "T.exp": (13, 2),
    }
    assert found.backends == backend_names()


@pytest.mark.parametrize(
    ("line", "code", "column", "words"),
    [
        ("    T.tma_copy(X, Y)", "E2001", 5, "instead: T.copy"),
        ("    T.reduce_summ(X, Y)", "E0322", 5, "did you mean T.reduce_sum?"),
        ("    T.copy(X)", "E0140", 5, "T.copy(): missing"),
        ("    T.fill(X, valu=1)", "E0140", 5, "T.fill()"),
        ("    try:\n        pass\n    finally:\n        pass", "E0110", 5, "try"),
        ("    if (k := 1):\n        pass", "E0121", 9, ":="),
    ],
)
@pytest.mark.parametrize("decorator", ["T.macro", "T.prim_func", "tiledsl.jit(x=1)"])
def test_mistakes_and_their_places(
    tmp_path: Path, decorator: str, line: str, code: str, column: int, words: str
) -> None:
    head = f"import tiledsl, tiledsl.language as T\n@{decorator}\ndef f(X, Y):\n"
    found = report(tmp_path, f"{head}{line}\n")
    assert [(f.code, f.line, f.column) for f in found.findings] == [(code, 4, column)]
    assert words in str(found.findings[0])
    hardware = code in ("E2001", "E0322")
    assert found.backends == () if hardware else found.kernels == ("f",)


def test_functions_around_kernels_are_python(tmp_path: Path) -> None:
    text = (
        "import tiledsl, tiledsl.language as T\n"
        "@tiledsl.jit\ndef outer(n):\n    import math\n"
        "    @T.prim_func\n    def inner():\n        import os\n    return inner\n"
    )
    found = report(tmp_path, text)
    assert [(f.code, f.line) for f in found.findings] == [("E0119", 7)]


def test_programs_of_tilelang(tmp_path: Path) -> None:
    text = "import tilelang.language as T\nT.clamp(x, min_val=0, max_val=1)\n"
    assert report(tmp_path, text, compat=True).ok
    assert [f.code for f in report(tmp_path, text).findings] == ["E0140"]


def test_what_python_cannot_read(tmp_path: Path) -> None:
    (finding,) = report(tmp_path, "x = 1\ny = = 2\n").findings
    assert (finding.line, finding.column) == (2, 5)
    assert report(tmp_path, "x = '\0'\n").findings
    assert report(tmp_path, "print(1)\n").ok and not report(tmp_path, "").uses


def test_the_command(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(GOOD)
    bad.write_text("import tiledsl.language as T\nT.nothing()\n")
    run = [sys.executable, "-m", "tiledsl.cli", "check"]
    done = subprocess.run(
        [*run, str(good), str(bad), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    first, second = json.loads(done.stdout)
    assert first["ok"] and first["kernels"] == ["double"]
    (finding,) = second["findings"]
    assert (finding["code"], finding["line"], finding["column"]) == ("E0322", 2, 1)
    done = subprocess.run(
        [*run, str(good)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "double" not in done.stderr
    assert "T.exp" in done.stdout and "numpy" in done.stdout
    done = subprocess.run(
        [*run, "none.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "E4003" in done.stderr


def test_the_kernels_of_the_library_are_clean() -> None:
    root = Path(__file__).resolve().parents[2] / "kernels" / "tiledsl_kernels"
    files = sorted(root.rglob("*.py"))
    assert len(files) > 20
    assert [str(f) for file in files for f in check_program(file).findings] == []
