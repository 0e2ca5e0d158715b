"""Which backend runs a call, and what is said when none does (rule L99)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tiledsl import settings
from tiledsl.backend import Target
from tiledsl.diagnostics import ArgumentError
from tiledsl.runtime import backends


class Point:
    """Stands in for an entry point."""

    def __init__(self, load: Callable[[], object]) -> None:
        self._load = load

    def load(self) -> Callable[[], object]:
        return self._load


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Replaces the installed backends."""

    def replace(**points: Callable[[], object]) -> None:
        found: Mapping[str, Point] = {
            name: Point(load) for name, load in points.items()
        }
        monkeypatch.setattr(backends, "_entry_points", lambda: found)
        backends._load.cache_clear()

    yield replace
    backends._load.cache_clear()


@pytest.fixture
def named(recording: Any) -> Callable[..., Callable[[], object]]:
    def make(name: str, *targets: Target) -> Callable[[], object]:
        backend = recording(targets)
        backend.name = name
        return lambda: backend

    return make


HERE = Target("host")
ABSENT = Target("host", "cpu", False, "no compiler", "pip install compiler")
CUDA = Target("cuda:sm_90", "cuda", False, "no GPU")
FIRST, SECOND = settings.DEFAULT_ORDER["cpu"]


def broken() -> object:
    raise ImportError("libsomething.so is missing")


def test_the_first_working_backend_of_the_default_order(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(**{FIRST: named(FIRST, HERE), SECOND: named(SECOND, HERE)})
    assert backends.choose("cpu").backend.name == FIRST
    for unusable in (broken, named(FIRST, ABSENT)):
        install(**{FIRST: unusable, SECOND: named(SECOND, HERE)})
        assert backends.choose("cpu").backend.name == SECOND


def test_an_argument_goes_before_the_environment(
    install: Callable[..., None],
    named: Callable[..., Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(**{name: named(name, HERE) for name in (FIRST, SECOND, "mine")})
    monkeypatch.setenv("TILEDSL_BACKEND", "mine")
    assert backends.choose("cpu").backend.name == "mine"
    assert backends.choose("cpu", SECOND).backend.name == SECOND
    assert backends.choose("cpu", None, "cpu").backend.name == "mine"


def test_when_nothing_works_all_reasons_are_given(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(
        **{FIRST: broken, SECOND: named(SECOND, ABSENT), "mine": named("mine", HERE)}
    )
    with pytest.raises(ArgumentError) as caught:
        backends.choose("cpu")
    text = str(caught.value)
    assert caught.value.code == "E2002"
    assert f"{FIRST}: loading it failed: ImportError: libsomething.so" in text
    assert f"{SECOND} host: no compiler (pip install compiler)" in text
    assert "mine (cpu)" in text


def test_a_backend_that_cannot_use_the_device(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(mine=named("mine", HERE, CUDA))
    with pytest.raises(ArgumentError, match=r"'mine' cannot run.*cuda memory.*no GPU"):
        backends.choose("cuda", "mine")
    with pytest.raises(ArgumentError, match=r"no backend runs kernels on cuda memory"):
        backends.choose("cuda")


@pytest.mark.parametrize("name", ["absent", ""])
def test_an_unknown_backend(
    install: Callable[..., None],
    named: Callable[..., Callable[[], object]],
    name: str,
) -> None:
    install(mine=named("mine", HERE), other=broken)
    with pytest.raises(ArgumentError, match=r"E2002.*one of mine, other"):
        backends.choose("cpu", name)


def test_a_broken_plug_in_is_reported_when_asked_for(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(broken=broken, wrong=lambda: object(), mine=named("mine", HERE))
    with pytest.raises(ArgumentError, match=r"ImportError: libsomething.so is missing"):
        backends.choose("cpu", "broken")
    with pytest.raises(ArgumentError, match=r"object lacks members"):
        backends.choose("cpu", "wrong")


@pytest.mark.parametrize(
    ("target", "parsed"),
    [
        (None, None),
        ("auto", None),
        ("cpu", "cpu"),
        ("c", "cpu"),
        ("llvm", "cpu"),
        ("llvm -mcpu=skylake", "cpu"),
        ("cuda", "cuda"),
        ("cuda -arch=sm_90", "cuda:sm_90"),
        ("cuda:sm_90", "cuda:sm_90"),
        ("rocm -mcpu=gfx942", "hip:gfx942"),
        ({"kind": "cuda"}, "cuda"),
        ({"kind": "cuda", "arch": "sm_80"}, "cuda:sm_80"),
        ("interpreter", "interpreter"),
    ],
)
def test_spellings_of_targets(
    target: str | Mapping[str, object] | None, parsed: str | None
) -> None:
    assert backends.parse_target(target) == parsed


@pytest.mark.parametrize("target", ["", {}, {"kind": 3}])
def test_malformed_targets(target: str | Mapping[str, object]) -> None:
    with pytest.raises(ArgumentError, match=r"E2004 option 'target'"):
        backends.parse_target(target)


def test_targets_by_name(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(
        **{
            FIRST: named(FIRST, HERE),
            settings.DEFAULT_ORDER["cuda"][0]: named("gpus", HERE, CUDA),
        }
    )
    chosen = backends.choose("cpu", None, "cuda:sm_90")
    assert (chosen.backend.name, chosen.target) == ("gpus", CUDA)
    other = backends.choose("cpu", None, "cuda:sm_100")
    assert (other.target.name, other.target.runnable) == ("cuda:sm_100", False)
    with pytest.raises(ArgumentError, match=r"E2004.*'tpu:v5'"):
        backends.choose("cpu", None, "tpu:v5")
    with pytest.raises(ArgumentError, match=r"E2004 target of backend.*host"):
        backends.choose("cpu", FIRST, "cuda:sm_90")
    with pytest.raises(ArgumentError, match=r"E2002"):
        backends.choose("cpu", None, "hip")


def test_a_compile_only_device_kind_is_chosen_for_inspection(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(mine=named("mine", HERE, CUDA))
    assert backends.choose("cpu", "mine", "cuda").target == CUDA


def test_a_device_kind_without_a_backend_is_enough_for_inspection(
    install: Callable[..., None], named: Callable[..., Callable[[], object]]
) -> None:
    install(**{settings.DEFAULT_ORDER["cuda"][0]: named("gpus", HERE, CUDA)})
    assert backends.choose("cpu", None, "cuda").target == CUDA
    with pytest.raises(ArgumentError, match=r"E2002.*no GPU"):
        backends.choose("cuda")


def test_the_installed_backends_are_found() -> None:
    assert set(settings.DEFAULT_ORDER["cpu"]) <= set(backends.backend_names())
