"""Options of ``tiledsl.jit`` and ``tiledsl.compile``, and the kernel they make (L107)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal, TypedDict

from tiledsl.backend import Backend, BuildOptions
from tiledsl.diagnostics import ArgumentError, KernelError, brief
from tiledsl.ir.nodes import Buffer, Function
from tiledsl.passes.tiling.schedule import scheduled
from tiledsl.runtime.backends import TargetRequest
from tiledsl.runtime.expectations import expect, expect_checked
from tiledsl.runtime.kernel import JITKernel

OutIdx = int | Sequence[int] | None
# accepted, because programs pass them, and without effect here
_IGNORED: Final = frozenset(
    {"target_host", "execution_backend", "verbose", "debug_root_path", "compile_flags"}
)


class JitKeywords(TypedDict, total=False):
    """The keyword options as users give them."""

    out_idx: OutIdx
    target: TargetRequest
    target_host: object
    execution_backend: object
    verbose: bool
    pass_configs: Mapping[object, object] | None
    debug_root_path: object
    compile_flags: object
    backend: str | Backend | None
    schedule: Mapping[str, object] | None
    tunables: Mapping[str, object] | None
    fast_math: bool
    deterministic: bool
    exact_fusion: bool
    asserts: bool
    checked: bool | str


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """The options with an effect."""

    out_idx: tuple[int, ...] | None = None
    target: TargetRequest = None
    backend: str | Backend | None = None
    fast_math: bool = False
    deterministic: bool = False
    exact_fusion: bool = False
    asserts: bool = False
    checked: bool | str = False
    schedule: Mapping[str, object] = field(default_factory=dict)
    tunables: Mapping[str, object] = field(default_factory=dict)

    @staticmethod
    def of(keywords: JitKeywords) -> CompileOptions:
        """Checks the options as given.  Raises ArgumentError for unknown ones."""
        given: dict[str, object] = dict(keywords)
        for name in ("schedule", "tunables"):
            option = given.get(name)
            given[name] = by_name(name, {} if option is None else option)
        configs = given.pop("pass_configs", None)
        known = {field.name for field in fields(CompileOptions)}
        for name in [name for name in given if name not in known]:
            if name not in _IGNORED:
                raise ArgumentError(
                    "E0615",
                    f"the option {name}",
                    expected=f"one of {', '.join(sorted(known | _IGNORED))}",
                )
            del given[name]
        for name in ("fast_math", "deterministic", "exact_fusion", "asserts"):
            flag = given[name] = _set(given.get(name))
            expect(isinstance(flag, bool), f"the option {name}", "a bool", flag)
        given["checked"] = _set(given.get("checked"))
        expect_checked(given["checked"])
        given["out_idx"] = _positions(given.get("out_idx"))
        given["fast_math"] = given["fast_math"] or _fast_math(configs)
        return CompileOptions(**given)  # type: ignore[arg-type]  # names checked above

    def kernel(
        self,
        function: Function,
        kind: Literal["lazy", "eager"],
        config: Mapping[str, object] | None = None,
    ) -> JITKernel:
        """The callable kernel of a traced function."""
        if self.out_idx is not None:
            function = with_outputs(function, self.out_idx)
        if self.schedule:
            function = scheduled(function, self.schedule)
        if self.fast_math:
            function = replace(function, fast_math=True)
        return JITKernel(
            function,
            name=function.name,
            backend=self.backend,
            target=self.target,
            options=BuildOptions(
                fast_math=self.fast_math,
                deterministic=self.deterministic,
                asserts=self.asserts,
            ),
            kind=kind,
            checked=self.checked,
            config=config,
        )


def by_name(option: str, value: object) -> Mapping[str, object]:
    """An option that is a dict by name.  Raises ArgumentError E1014."""
    named = isinstance(value, Mapping) and all(isinstance(key, str) for key in value)
    expect(named, f"the option {option}", "a dict by name", value)
    return value if isinstance(value, Mapping) else {}


def with_outputs(function: Function, out_idx: tuple[int, ...]) -> Function:
    """The function whose calls allocate and return these parameters (rule L97)."""
    count = len(function.params)
    outputs = tuple(
        position + count if position < 0 else position for position in out_idx
    )
    for given, position in zip(out_idx, outputs, strict=True):
        tensor = 0 <= position < count and isinstance(function.params[position], Buffer)
        if not tensor or outputs.count(position) > 1:
            raise KernelError(
                "E0616",
                f"out_idx of {function.name}",
                span=function.span,
                expected=f"positions of tensors among its {count} parameters, each once",
                got=str(given),
            )
    return replace(function, outputs=outputs)


def _set(option: object) -> object:
    """None means the default of a switch."""
    return False if option is None else option


def _positions(out_idx: object) -> tuple[int, ...] | None:
    if out_idx is None:
        return None
    entries = out_idx if isinstance(out_idx, list | tuple) else (out_idx,)
    if not all(
        isinstance(part, int) and not isinstance(part, bool) for part in entries
    ):
        raise ArgumentError(
            "E0616",
            "the option out_idx",
            expected="a position or a list of positions",
            got=brief(out_idx),
        )
    return tuple(entries)


def _fast_math(configs: object) -> bool:
    if configs is None:
        return False
    if not isinstance(configs, Mapping):
        raise ArgumentError(
            "E0615",
            "the option pass_configs",
            expected="a dict",
            got=brief(configs),
        )
    return any(
        str(getattr(key, "value", key)).lower().endswith("enable_fast_math")
        and bool(value)
        for key, value in configs.items()
    )


def configurations(
    name: str, given: object
) -> list[Mapping[str, object] | tuple[object, ...]]:
    """Sets of static values for one kernel each: by name, or by position."""
    found: list[Mapping[str, object] | tuple[object, ...]] = []
    for config in given if isinstance(given, list | tuple | Iterator) else (None,):
        if isinstance(config, tuple | list):
            found.append(tuple(config))
        elif isinstance(config, Mapping) and all(isinstance(k, str) for k in config):
            found.append(config)
        else:
            raise ArgumentError(
                "E0617",
                f"the configurations of {name}",
                expected="a list of dicts by name or of tuples",
                got=brief(given),
            )
    return found
