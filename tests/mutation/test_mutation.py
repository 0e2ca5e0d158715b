"""Mutants, the list of excused ones, and how a mutant is judged."""

from __future__ import annotations

import ast
import ctypes
import faulthandler

import pytest

from tests.mutation import trial
from tests.mutation.equivalent import REASONS, reason
from tests.mutation.excuses import listed
from tests.mutation.groups import GROUPS, mutants_of
from tests.mutation.mutants import mutants
from tiledsl.analysis import interval
from tiledsl.passes import equations, scalar_rules

SOURCE = '''
LIMIT = 3

def clip(value, low=1):
    """Not changed: 4 < 5."""
    if value < low and not value == 7:
        raise ValueError(f"{value + 1}" "add")
    found.append(value)
    return pow(min(value + 2, LIMIT), 2)
'''


def test_each_part_of_a_function_that_computes_is_changed() -> None:
    found = mutants("m", SOURCE)
    assert {mutant.what for mutant in found} == {
        "condition always false", "And swapped", "Lt for LtE", "not dropped",
        "Eq for NotEq", "constant + 1", "statement dropped", "arguments swapped",
        "Add changed",
    }  # fmt: skip
    assert {mutant.where for mutant in found} == {"clip"}
    assert not [mutant for mutant in found if "4 < 5" in mutant.text]
    # which of its arguments comes first is nothing to a minimum
    swapped = [m.text for m in found if m.what == "arguments swapped"]
    assert [text.partition("(")[0] for text in swapped] == ["pow"]


@pytest.mark.parametrize("mutant", mutants("m", SOURCE), ids=lambda m: m.what)
def test_a_mutant_is_another_program(mutant) -> None:
    changed = mutant.source(SOURCE)
    assert changed != ast.unparse(ast.parse(SOURCE))
    compile(changed, "m", "exec")


def test_every_excuse_is_about_a_mutant_that_exists() -> None:
    parts = {module for group in GROUPS for module in group.modules}
    assert {module for module, _ in REASONS} <= parts
    found = {m.key for module, _ in REASONS for m in mutants_of(module)}
    stale = [
        (module, where, *row)
        for (module, where), rows in REASONS.items()
        for row in rows
        if (module, where, *row) not in found
    ]
    assert not stale


def test_every_listed_excuse_is_about_a_mutant_that_exists() -> None:
    modules = {name.partition(" ")[0] for name in listed()}
    assert modules <= {module for group in GROUPS for module in group.modules}
    assert set(listed()) <= {m.name for module in modules for m in mutants_of(module)}


def test_an_excuse_needs_the_same_text() -> None:
    for mutant in mutants("tiledsl.passes.dead_code", SOURCE):
        assert reason(mutant) is None


def _difference_is_right() -> str | None:
    a, b = interval.interval(1, 2), interval.interval(5, 5)
    return None if interval.sub(a, b) == interval.interval(-4, -3) else "sub"


def test_what_a_judge_sees_is_killed_and_the_rest_survives() -> None:
    alive = trial.living({interval.__name__})[interval.__name__]
    here = [m for m in mutants_of(interval.__name__) if m.where == "neg"]
    outcomes = {
        trial.try_mutant(m, alive, _difference_is_right, 20).outcome for m in here
    }
    assert "killed" in outcomes
    fine = trial.try_mutant(None, alive, _difference_is_right, 20)
    assert (fine.outcome, fine.by) == ("survived", "")
    unrelated = trial.try_mutant(here[0], alive, lambda: None, 20)
    assert unrelated.outcome == "survived"
    assert _difference_is_right() is None  # mutants live in children only


def test_processor_time_ends_a_mutant_that_does_not_end() -> None:
    def endless() -> str | None:
        trial.allow(0)
        while True:
            pass

    assert trial.try_mutant(None, None, endless, 20).outcome == "timeout"


def test_a_crash_is_noticed() -> None:
    def crash() -> str | None:
        faulthandler.disable()
        ctypes.string_at(0)
        return None

    assert trial.try_mutant(None, None, crash, 20).outcome == "crash"


def test_what_was_computed_with_the_code_before_is_forgotten() -> None:
    rule = equations.Rule("twice", "x + x", "x * 2", "i")
    alive = trial.living({equations.__name__})[equations.__name__]

    def sides() -> str | None:
        try:
            return None if rule.sides[0].op == "add" else "side"
        except ValueError:
            return "no side"

    assert sides() is None
    here = [m for m in mutants_of(equations.__name__) if m.where == "_side"]
    found = [trial.try_mutant(m, alive, sides, 20).outcome for m in here]
    assert "killed" in found
    assert sides() is None


def test_tables_are_made_again() -> None:
    name = "tiledsl.passes.scalar_rules"
    alive = trial.living({name})[name]

    def rules() -> str | None:
        turned = before == scalar_rules.SCALAR_RULES
        return None if turned else "another rule"

    before = scalar_rules.SCALAR_RULES
    here = [m for m in mutants_of(name) if "lt for le" in m.what]
    assert here
    assert {trial.try_mutant(m, alive, rules, 20).outcome for m in here} == {"killed"}
