"""The command line: what it prints, as text and JSON, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tiledsl.commands import demo, selection
from tiledsl.commands import verify as verification
from tiledsl.commands.group import commands
from tiledsl.diagnostics import ArgumentError, Error, KernelError
from tiledsl.runtime.cache import open_cache
from tiledsl.testing import DemoRow, KernelEntry, Report, discover_kernels

Run = Callable[..., Result]
ENTRY = discover_kernels()[0]


@pytest.fixture(autouse=True)
def _settings_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TILEDSL_BACKEND", raising=False)
    monkeypatch.delenv("TILEDSL_DISABLE_CACHE", raising=False)
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def run() -> Run:
    def invoke(*words: str) -> Result:
        result = CliRunner().invoke(commands, words)
        if result.exception is not None and not isinstance(
            result.exception, SystemExit
        ):
            raise result.exception
        return result

    return invoke


def shell(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in a process of its own."""
    import os

    return subprocess.run(
        [sys.executable, "-m", "tiledsl.cli", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


# -------------------------------------------------------------------- listing


def test_list(run: Run) -> None:
    text = run("list").output
    rows = json.loads(run("list", "--json").output)
    assert {row["name"] for row in rows} >= {"gemm", "softmax", "flash_fwd"}
    for row in rows:
        assert row["name"] in text
        assert set(row["workloads"].values()) <= {"small", "model"}


def test_backends(run: Run) -> None:
    rows = json.loads(run("backends", "--json").output)
    assert sum(row["default"] and row["device"] == "cpu" for row in rows) == 1
    assert all(row["runnable"] or row["reason"] for row in rows)
    text = run("backends").output
    assert all(row["backend"] in text and row["target"] in text for row in rows)


def test_a_broken_library_of_kernels(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise ImportError("no such thing")

    monkeypatch.setattr(selection, "discover_kernels", broken)
    with pytest.raises(Error, match=r"E4005.*ImportError: no such thing"):
        run("list")


# ------------------------------------------------------------------- show


def test_show(run: Run) -> None:
    text = run("show", "gemm", "--stage", "trace").output
    assert text.startswith("tiledsl.ir")
    found = json.loads(run("show", "gemm", "--stage", "final", "--json").output)
    assert found["kernel"] == "gemm"
    assert found["text"].startswith("tiledsl.ir")
    assert "final" in found["stages"]
    other = run("show", "gemm", "--stage", "trace", "--workload", "float32").output
    assert "float32" in other != text
    assert "proved in bounds" in run("show", "gemm", "--explain").output


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("show", "gemmm"), "E4003", "kernel 'gemmm'"),
        (("show", "gemm", "--workload", "x"), "E4003", "workload of kernel 'gemm'"),
        (("show", "gemm", "--stage", "x"), "E2006", "expected one of trace"),
        (("show", "gemm", "--backend", "x"), "E2002", "backend 'x'"),
        (("show", "gemm", "--target", "x:y"), "E2004", "'x:y'"),
        (("demo", "x"), "E4003", "kernel 'x'"),
        (("check", "x"), "E4003", "kernel 'x'"),
        (("check", "--run", "no-such-file.py"), "E4003", "file 'no-such-file.py'"),
        (("verify", "--all", "--backends", "x,y"), "E2002", "backend 'x'"),
        (("verify", "--all", "--backends", ","), "E2002", "backend ''"),
    ],
)
def test_names_that_do_not_exist(
    run: Run, words: Sequence[str], code: str, text: str
) -> None:
    with pytest.raises(ArgumentError, match=text) as caught:
        run(*words)
    assert caught.value.code == code


# ----------------------------------------------------------- verify and demo


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets ``verify`` find the given statuses."""

    def find(*statuses: Any) -> None:
        def verify_kernel(entry: KernelEntry, **options: Any) -> tuple[Report, ...]:
            (backend,) = options["backends"]
            report = Report(entry.name, "odd", backend, "bounds", "ok", "", 0.25)
            return tuple(replace(report, status=s, detail="why") for s in statuses)

        monkeypatch.setattr(verification, "verify_kernel", verify_kernel)

    return find


@pytest.mark.parametrize(
    ("statuses", "code", "cell"),
    [
        (("ok",), 0, "ok"),
        (("ok", "unsupported"), 0, "unsupported"),
        (("wrong", "ok"), 1, "wrong"),
        (("ok", "failed", "wrong"), 1, "failed"),
        (("inconclusive",), 1, "inconclusive"),
    ],
)
def test_verify_shows_the_worst_and_exits_with_it(
    run: Run, reports: Callable[..., None], statuses: Any, code: int, cell: str
) -> None:
    reports(*statuses)
    result = run("verify", ENTRY.name, "--backends", "numpy")
    assert result.exit_code == code
    row = result.output.splitlines()[1].split()
    assert row == [ENTRY.name, "numpy", cell, "0.25"]
    as_json = run("verify", ENTRY.name, "--backends", "numpy", "--json")
    assert as_json.exit_code == code
    assert [report["status"] for report in json.loads(as_json.output)] == list(statuses)


def test_verify_really_verifies(run: Run) -> None:
    result = run("verify", "rmsnorm", "--backends", "numpy", "--json")
    found = json.loads(result.output)
    assert result.exit_code == 0
    assert {report["oracle"] for report in found} >= {"bounds", "poison"}
    assert 0 < max(report["worst_share"] for report in found) <= 1


@pytest.mark.parametrize("words", [("verify",), ("verify", "gemm", "--all")])
def test_verify_wants_to_know_what(run: Run, words: Sequence[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "--all" in result.output


@pytest.mark.parametrize(
    ("status", "code"), [("ok", 0), ("unsupported", 0), ("wrong", 1), ("failed", 1)]
)
def test_demo(
    run: Run, monkeypatch: pytest.MonkeyPatch, status: Any, code: int
) -> None:
    def rows(**options: Any) -> Iterator[DemoRow]:
        for entry in options["kernels"]:
            for name in options["backends"]:
                yield DemoRow(
                    entry.name,
                    "odd",
                    name,
                    status,
                    "why",
                    0.5,
                    12.5,
                    1.25,
                    7.0,
                    float("nan"),
                )

    monkeypatch.setattr(demo, "demo_rows", rows)
    result = run("demo", ENTRY.name, "--backends", "numpy")
    assert result.exit_code == code
    cells = [
        ENTRY.name,
        "odd",
        "numpy",
        "host",
        status,
        "0.5",
        "1.25",
        "7",
        "nan",
        "12.5",
    ]
    assert result.output.splitlines()[1].split() == cells
    assert f"{ENTRY.name} on numpy: why" in result.output
    (row,) = json.loads(run("demo", ENTRY.name, "--backends", "numpy", "--json").output)
    assert row["gflops"] == 7
    assert row["gbytes"] is None


# ------------------------------------------------------------ cache and doctor


def test_cache(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("cache", "info", "--json").output)["entries"] == 0
    cache = open_cache()
    assert cache is not None
    for key in "abc":
        cache.save(key, bytes(1000))
    facts = json.loads(run("cache", "info", "--json").output)
    assert facts["entries"] == 3
    assert facts["bytes"] > 3000
    assert facts["directory"] == str(tmp_path / "cache" / "objects")
    assert "entries    3" in run("cache", "info").output
    assert run("cache", "verify").output == "3 intact, 0 damaged and removed\n"
    victim = cache.entries()[0].path
    victim.write_bytes(b"rubbish")
    result = run("cache", "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {"intact": 2, "damaged": [str(victim)]}
    assert json.loads(run("cache", "clear", "--json").output) == {"removed": 2}
    assert run("cache", "clear").output == "0 removed\n"


def test_doctor_finds_a_healthy_installation(run: Run) -> None:
    result = run("doctor", "--json")
    findings = {finding["subject"]: finding for finding in json.loads(result.output)}
    assert findings["numpy"]["detail"] == np.__version__
    assert findings["backend numpy host"]["detail"] == "ran a kernel"
    assert findings["calls"]["ok"]
    assert result.exit_code == int(any(finding["bad"] for finding in findings.values()))


def test_doctor_reports_a_bad_setting(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILEDSL_THREADS", "abc")
    result = run("doctor")
    assert result.exit_code == 1
    assert "an integer from 1 to 1024" in result.output


# ----------------------------------------------------------------- as a process


def test_errors_go_to_stderr_with_their_exit_codes() -> None:
    wrong = shell("show", "nothing")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("E4003 kernel 'nothing'")
    assert "Traceback" not in wrong.stderr
    assert shell("--no-such-option").returncode == 2
    assert shell("--version").stdout.startswith("tiledsl, version")
    bad = shell("cache", "info", TILEDSL_CACHE_MEGABYTES="lots")
    assert bad.returncode == 2
    assert "TILEDSL_CACHE_MEGABYTES" in bad.stderr


def test_errors_of_kernels_exit_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tiledsl.commands import group

    def fail(**named: object) -> None:
        raise KernelError("E4005", "broken")

    monkeypatch.setattr(group, "commands", fail)
    with pytest.raises(SystemExit) as caught:
        group.run()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "E4005 broken\n"


@pytest.mark.parametrize("package", ["click", "rich"])
def test_missing_packages_are_named(package: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from tiledsl.cli import main\nsys.argv = ['tiledsl', 'list']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"'{package}'" in done.stderr
    assert "pip install 'tiledsl[cli]'" in done.stderr


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tiledsl", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("Usage: tiledsl ")
