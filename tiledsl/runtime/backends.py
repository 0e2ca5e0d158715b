"""Finding backends, and choosing one for a call (rule L99)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from tiledsl import settings
from tiledsl.backend import Backend, Target
from tiledsl.diagnostics import ArgumentError, brief

GROUP = "tiledsl.backends"

TargetRequest = str | Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend and the target it shall compile for."""

    backend: Backend
    target: Target


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


@cache
def _load(name: str) -> Backend | str:
    """The backend, or why it cannot be loaded."""
    try:
        backend = _entry_points()[name].load()()
    except Exception as error:  # whatever a plug-in raises is the reason to report
        return f"loading it failed: {type(error).__name__}: {error}"
    if not isinstance(backend, Backend):
        return f"{type(backend).__name__} lacks members of tiledsl.backend.Backend"
    return backend


def backend_names() -> tuple[str, ...]:
    """All installed backends, whether or not they work here."""
    return tuple(sorted(_entry_points()))


def find_backend(name: str) -> Backend:
    """The backend of this name.  Raises ArgumentError with what there is instead."""
    if name not in _entry_points():
        raise ArgumentError(
            "E2002",
            f"backend '{name}'",
            expected=f"one of {', '.join(backend_names()) or 'the installed backends'}",
            got=f"'{name}'",
        )
    found = _load(name)
    if isinstance(found, str):
        raise ArgumentError(
            "E2002", f"backend '{name}' is not available: {found}", hint=_others("")
        )
    return found


def targets_of(name: str) -> tuple[Target, ...] | str:
    """What a backend lists, or why it lists nothing."""
    found = _load(name)
    if isinstance(found, str):
        return found
    try:
        return found.targets()
    except Exception as error:
        return f"asking for its targets failed: {type(error).__name__}: {error}"


def choose(
    device: str, backend: str | Backend | None = None, target: TargetRequest = None
) -> Choice:
    """The backend and target for arguments on ``device``.

    ``backend`` is what the caller asked for, ``target`` the option of that name.  Raises
    ArgumentError with the reason and the alternatives.
    """
    wanted = parse_target(target)
    if backend is None and (wanted is None or wanted in settings.DEFAULT_ORDER):
        backend = settings.BACKEND.value
    if isinstance(backend, str):
        backend = find_backend(backend)
    if backend is not None:
        _require_backend(backend)
        return Choice(backend, _target_for(backend, wanted, device))
    if wanted is not None and wanted not in settings.DEFAULT_ORDER:
        return _listing(wanted)
    return _default(wanted or device, inspection=wanted is not None)


def _require_backend(backend: object) -> None:
    if not isinstance(backend, Backend):
        raise ArgumentError(
            "E2002",
            "option 'backend'",
            expected="the name of a backend, or an object with its five members",
            got=type(backend).__name__,
        )


def parse_target(target: TargetRequest) -> str | None:
    """A ``target=`` option as a kind of device or a target's own name; None for auto."""
    if target is None:
        return None
    if isinstance(target, Mapping):
        kind, architecture = target.get("kind"), target.get("arch")
    elif not isinstance(target, str):
        kind, architecture = None, None
    else:
        words = target.split() or [""]
        kind = words[0]
        flags = dict(word.lstrip("-").partition("=")[::2] for word in words[1:])
        architecture = flags.get("arch") or flags.get("mcpu")
    if not isinstance(kind, str) or not kind:
        raise ArgumentError(
            "E2004",
            "option 'target'",
            expected=f"auto, {', '.join(settings.DEVICE_TARGETS)}, a target of a "
            "backend, or a mapping with 'kind'",
            got=brief(target),
        )
    if kind == "auto":
        return None
    device = settings.DEVICE_TARGETS.get(kind)
    if device is None:
        return kind
    return f"{device}:{architecture}" if architecture and device != "cpu" else device


def usable(backend: Backend, device: str) -> Target | None:
    """The first target of a backend that runs kernels on arrays of ``device``."""
    for target in backend.targets():
        if target.runnable and target.device == device:
            return target
    return None


def _default(device: str, *, inspection: bool) -> Choice:
    """The first backend of the default order that works.

    For ``inspection`` one that can only compile for the device will do.
    """
    order = settings.DEFAULT_ORDER.get(device, ())
    compilers: list[Backend] = []
    for name in order:  # loaded one by one: the first mostly works
        backend = _load(name) if name in _entry_points() else None
        if isinstance(backend, Backend):
            target = usable(backend, device)
            if target is not None:
                return Choice(backend, target)
            compilers.append(backend)
    for backend in compilers if inspection else ():
        for target in backend.targets():
            if target.device == device:
                return Choice(backend, target)
    tried = "; ".join(reason for name in order for reason in _reasons(name, device))
    raise ArgumentError(
        "E2002",
        f"no backend runs kernels on {device} memory here"
        + (f": {tried}" if tried else ""),
        hint=_others(device),
    )


def _target_for(backend: Backend, wanted: str | None, device: str) -> Target:
    targets = backend.targets()
    kind = wanted if wanted in settings.DEFAULT_ORDER else None
    if wanted is not None and kind is None:
        for target in targets:
            if target.name == wanted:
                return target
        family = wanted.partition(":")[0]
        if ":" in wanted and family in {target.device for target in targets}:
            # an architecture that the backend does not list: it can only be compiled for
            return Target(wanted, family, False, "no such device here")
        raise ArgumentError(
            "E2004",
            f"target of backend '{backend.name}'",
            expected=f"one of {', '.join(target.name for target in targets)}",
            got=brief(wanted),
        )
    fitting = [target for target in targets if target.device == (kind or device)]
    for target in fitting:
        if target.runnable:
            return target
    if kind is not None and fitting:
        return fitting[0]
    raise ArgumentError(
        "E2002",
        f"backend '{backend.name}' cannot run kernels on {kind or device} memory here"
        + "".join(f"; {reason}" for reason in _reasons(backend, kind or device)),
        hint=_others(kind or device),
    )


def _listing(target_name: str) -> Choice:
    """The first backend, in alphabetical order, that lists a target of this name."""
    names = backend_names()
    for name in names:
        found = targets_of(name)
        if isinstance(found, str):
            continue
        families = {target.device for target in found if ":" in target.name}
        exact = target_name in [target.name for target in found]
        if exact or target_name.partition(":")[0] in families:
            backend = find_backend(name)
            return Choice(backend, _target_for(backend, target_name, ""))
    raise ArgumentError(
        "E2004",
        "option 'target'",
        expected="a target that an installed backend lists",
        got=brief(target_name),
        hint="see 'tiledsl backends'",
    )


def _reasons(backend: str | Backend, device: str) -> Iterator[str]:
    """Why a backend has no runnable target for a device."""
    name = backend if isinstance(backend, str) else backend.name
    if isinstance(backend, str):
        if name not in _entry_points():
            yield f"{name}: not installed"
            return
        found = targets_of(name)
    else:
        found = backend.targets()
    if isinstance(found, str):
        yield f"{name}: {found}"
        return
    for target in found:
        if target.device == device and not target.runnable:
            remedy = f" ({target.remedy})" if target.remedy else ""
            yield f"{name} {target.name}: {target.reason}{remedy}"


def _others(device: str) -> str | None:
    """A hint that lists what would work."""
    working = [
        f"{name} ({', '.join(dict.fromkeys(kinds))})"
        for name in backend_names()
        if (kinds := [t.device for t in _listed(name) if t.runnable])
    ]
    if not working:
        return None
    text = f"backends that work here, with the memory they take: {', '.join(working)}"
    return text if device != "cpu" else f"{text}; see 'tiledsl backends'"


def _listed(name: str) -> tuple[Target, ...]:
    found = targets_of(name)
    return () if isinstance(found, str) else found
