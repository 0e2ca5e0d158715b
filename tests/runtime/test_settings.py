"""Environment variables: one table, checked values (bad input 99)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tiledsl import settings
from tiledsl.diagnostics import ArgumentError

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_at_most_ten_and_no_others() -> None:
    names = {setting.name for setting in settings.SETTINGS}
    assert len(names) == len(settings.SETTINGS) <= 10
    used = {
        name
        for root in ("tiledsl", "backends", "kernels")
        for path in (ROOT / root).rglob("*.py")
        for name in re.findall(r"TILEDSL_[A-Z_]+", path.read_text())
    }
    assert used <= names


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.name)
def test_unset_and_empty_mean_the_default(
    monkeypatch: pytest.MonkeyPatch, setting: settings.AnySetting
) -> None:
    monkeypatch.delenv(setting.name, raising=False)
    assert setting.value == setting.default
    monkeypatch.setenv(setting.name, "  ")
    assert setting.value == setting.default


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (settings.BACKEND, "mine", "mine"),
        (settings.DISABLE_CACHE, "1", True),
        (settings.DISABLE_CACHE, "False", False),
        (settings.DISABLE_CACHE, "on", True),
        (settings.THREADS, "4", 4),
        (settings.THREADS, "1024", 1024),
        (settings.CACHE_MEGABYTES, "1", 1),
        (settings.CPU, "x86-64-v3", "x86-64-v3"),
        (settings.CACHE_DIR, "/some/where", Path("/some/where")),
    ],
)
def test_good_values(
    monkeypatch: pytest.MonkeyPatch,
    setting: settings.AnySetting,
    text: str,
    value: object,
) -> None:
    monkeypatch.setenv(setting.name, text)
    assert setting.value == value


@pytest.mark.parametrize(
    ("setting", "text", "expected"),
    [
        (settings.THREADS, "abc", "an integer from 1 to 1024"),
        (settings.THREADS, "0", "an integer from 1 to 1024"),
        (settings.THREADS, "-3", "an integer from 1 to 1024"),
        (settings.THREADS, "1000000000", "an integer from 1 to 1024"),
        (settings.THREADS, "9" * 5000, "an integer from 1 to 1024"),
        (settings.THREADS, "2.5", "an integer from 1 to 1024"),
        (settings.CACHE_MEGABYTES, "0", "an integer from 1 to 1048576"),
        (settings.DISABLE_CACHE, "maybe", "0 or 1"),
        (settings.BACKEND, "../../x", "the name of a backend"),
        (settings.CPU, "x86; rm", "the name of a CPU"),
    ],
)
def test_bad_values_name_the_variable_and_its_range(
    monkeypatch: pytest.MonkeyPatch,
    setting: settings.AnySetting,
    text: str,
    expected: str,
) -> None:
    monkeypatch.setenv(setting.name, text)
    with pytest.raises(ArgumentError) as caught:
        settings.validate()
    assert caught.value.code == "E4001"
    assert setting.name in str(caught.value)
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 500


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "calling.md").read_text()
    documented = set(re.findall(r"^\| `(TILEDSL_\w+)` \|", page, re.MULTILINE))
    assert documented == {setting.name for setting in settings.SETTINGS}
