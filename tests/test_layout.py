"""The shape of the repository: source roots, imports, names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tiledsl", "backends", "kernels")
SOURCES = sorted(path for root in PACKAGES for path in (ROOT / root).rglob("*.py"))
BACKENDS = ("tiledsl_numpy", "tiledsl_llvm", "tiledsl_triton")


@pytest.mark.parametrize("root", ["backends", "kernels"])
def test_source_roots_are_not_packages(root: str) -> None:
    # ``kernels`` is somebody else's package on PyPI
    assert not (ROOT / root / "__init__.py").exists()


def test_importing_tiledsl_imports_no_heavy_package() -> None:
    program = (
        "import sys, tiledsl; heavy = {'torch', 'triton', 'llvmlite', 'hypothesis', 'rich'};"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("package", [*BACKENDS, "tiledsl_kernels"])
def test_importing_a_backend_imports_no_compiler(package: str) -> None:
    program = (
        f"import sys, {package}; print(sorted({{'torch', 'triton', 'llvmlite'}}"
        " & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_names_say_something() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "stuff"}
    offenders = [path for path in SOURCES if path.stem in vague]
    assert not offenders


def test_no_bare_assert_guards_the_user() -> None:
    """An assert is not an error message; in our code it may not stand in for one."""
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert) and not _in_kernel_file(path)
    ]
    assert not offenders


def _in_kernel_file(path: Path) -> bool:
    # in a kernel, ``assert`` is a construct of the language
    folders = (ROOT / "kernels", ROOT / "tiledsl/testing/programs")
    return any(path.is_relative_to(folder) for folder in folders)


def test_files_stay_readable() -> None:
    whole_grammar = ROOT / "tiledsl/ir/nodes.py"  # one file on purpose
    long = {
        str(path.relative_to(ROOT)): lines
        for path in SOURCES
        if (lines := path.read_text().count("\n")) > 350 and path != whole_grammar
    }
    assert not long


def test_no_machine_paths_in_the_project() -> None:
    pattern = re.compile(r"/(work|root|home)/\w+")
    texts = [*SOURCES, *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    offenders = [path for path in texts if pattern.search(path.read_text())]
    assert not offenders
