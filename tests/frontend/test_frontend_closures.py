"""What kernels capture, by content: language rule L25."""

from __future__ import annotations

import enum
import importlib.util
import math
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import tiledsl.language as T
from tiledsl.diagnostics import KernelError
from tiledsl.frontend.closures import fingerprint, frozen

WIDTH = 4


class Mode(enum.Enum):
    FAST = 1
    SLOW = 2


@dataclass
class Config:
    size: int
    names: list[str]


Pair = namedtuple("Pair", "a b")


def capturing(value):
    def function():
        return value

    return function


EQUAL = [
    (1, 1),
    ("x", "x"),
    (None, None),
    (1.5, 1.5),
    ([1, [2]], [1, [2]]),
    ({"a": 1}, {"a": 1}),
    ({1, 2}, {2, 1}),
    ((1, "a"), (1, "a")),
    (Mode.FAST, Mode.FAST),
    (Config(1, ["a"]), Config(1, ["a"])),
    (Pair(1, 2), Pair(1, 2)),
    (T.float16, T.float16),
    (math, math),
    (np.float32, np.float32),
    (T.dynamic("n"), T.dynamic("n")),
    (np.int64(3), np.int64(3)),
    (float("nan"), float("nan")),
]
DIFFERENT = [
    (1, 2),
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    ("1", 1),
    ([1], (1,)),
    ([1, 2], [2, 1]),
    ({"a": 1}, {"a": 2}),
    (Mode.FAST, Mode.SLOW),
    (Config(1, ["a"]), Config(1, ["b"])),
    (T.float16, T.bfloat16),
    (T.dynamic("n"), T.dynamic("m")),
    (math, np),
    (math.sin, math.cos),
    (len, max),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_content_has_equal_fingerprints(a, b):
    assert fingerprint(capturing(a)) == fingerprint(capturing(b))
    assert hash(fingerprint(capturing(a))) == hash(fingerprint(capturing(b)))


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_content_differs(a, b):
    assert fingerprint(capturing(a)) != fingerprint(capturing(b))


def test_a_changed_list_changes_the_fingerprint():
    values = [1, 2]
    function = capturing(values)
    before = fingerprint(function)
    values.append(3)
    assert fingerprint(function) != before


def test_a_changed_global_changes_the_fingerprint(monkeypatch):
    def function():
        return WIDTH

    before = fingerprint(function)
    monkeypatch.setitem(globals(), "WIDTH", 5)
    assert fingerprint(function) != before


def test_globals_of_inner_functions_count(monkeypatch):
    def function():
        def inner():
            return [WIDTH for _ in range(2)]

        return inner

    before = fingerprint(function)
    monkeypatch.setitem(globals(), "WIDTH", 6)
    assert fingerprint(function) != before


def test_captured_functions_count_with_their_captures():
    def make(n):
        def helper(x):
            return x + n

        def function():
            return helper(1)

        return function

    assert fingerprint(make(1)) == fingerprint(make(1))
    assert fingerprint(make(1)) != fingerprint(make(2))


def test_macros_count_with_their_captures():
    def make(n):
        @T.macro
        def helper(x):
            return x + n

        return capturing(helper)

    assert fingerprint(make(1)) != fingerprint(make(2))


def test_defaults_count():
    def make(n):
        def function(x=n):
            return x

        return function

    assert fingerprint(make(1)) != fingerprint(make(2))


def test_attributes_of_a_users_module_count(tmp_path):
    path = tmp_path / "settings_of_test.py"
    path.write_text("SIZE = 3\nOTHER = 1\n")
    spec = importlib.util.spec_from_file_location("settings_of_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {"module": module}
    exec("def function():\n    return module.SIZE\n", names)
    before = fingerprint(names["function"])
    module.OTHER = 2
    assert fingerprint(names["function"]) == before
    module.SIZE = 4
    assert fingerprint(names["function"]) != before


def test_recursive_values_end():
    loop: list[object] = []
    loop.append(loop)

    def function():
        return function, loop

    assert fingerprint(function) == fingerprint(function)


@pytest.mark.parametrize(
    "value",
    [np.zeros(3), object(), iter([1]), open(__file__)],  # noqa: SIM115
    ids=["array", "object", "iterator", "file"],
)
def test_arrays_and_other_objects_are_named(value):
    with pytest.raises(KernelError, match="E0408") as caught:
        fingerprint(capturing(value))
    assert "function.value" in caught.value.message


def test_static_arguments_are_frozen_by_content():
    assert frozen("n", [1, 2]) == frozen("n", [1, 2])
    with pytest.raises(KernelError, match="E0408"):
        frozen("n", np.zeros(2))
