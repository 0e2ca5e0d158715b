"""The arrays that candidates run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from tiledsl.diagnostics import ArgumentError, brief
from tiledsl.ir.nodes import Var
from tiledsl.runtime.arrays import is_array
from tiledsl.runtime.kernel import JITKernel
from tiledsl.runtime.supply import TensorSupplyType

_GIVEN: ContextVar[tuple[object, ...] | None] = ContextVar(
    "tiledsl_autotune_inputs", default=None
)


@contextmanager
def set_autotune_inputs(*inputs: object) -> Iterator[None]:
    """Inside, kernels are tuned on these arguments, given one by one or as one list."""
    several = len(inputs) == 1 and isinstance(inputs[0], list | tuple)
    given = tuple(inputs[0]) if several else inputs  # type: ignore[arg-type]  # see above
    token = _GIVEN.set(given)
    try:
        yield
    finally:
        _GIVEN.reset(token)


def get_autotune_inputs() -> tuple[object, ...] | None:
    """The arguments of the enclosing ``set_autotune_inputs``, if any."""
    return _GIVEN.get()


def inputs_for(
    kernel: JITKernel,
    supply_prog: Callable[..., object] | None,
    supply_type: TensorSupplyType,
    call: Mapping[str, object] | None = None,
) -> list[object]:
    """Arguments: those set, of the call, of ``supply_prog(inputs)``, or generated."""
    given = _GIVEN.get()
    if given is not None:
        return list(given)
    outputs = set(kernel.out_idx)
    inputs = [part for at, part in enumerate(kernel.params) if at not in outputs]
    if call is not None:
        return [call[part.name] for part in inputs]
    if supply_prog is None:
        _refuse_scalars(kernel)
        return kernel.get_profiler(supply_type).inputs()
    supplied = supply_prog(inputs)
    if not isinstance(supplied, list | tuple):
        raise ArgumentError(
            "E0706",
            "the result of supply_prog",
            expected="a list of arguments",
            got=brief(supplied),
        )
    return list(supplied)


def _refuse_scalars(kernel: JITKernel) -> None:
    """A scalar may decide how much there is to do: nobody can make one up."""
    for part in kernel.params:
        if isinstance(part, Var):
            raise ArgumentError(
                "E0706",
                f"tuning {kernel.name}: the scalar {part.name}",
                expected="a value",
                got="none: auto-generated scalar inputs have no meaning",
                hint="call it inside `with set_autotune_inputs(...)`, or give supply_prog",
            )


def copied(args: list[object]) -> list[object]:
    """The arguments with arrays of their own, so that a run changes none of them."""
    return [_copy(value) if is_array(value) else value for value in args]


def _copy(value: object) -> object:
    for name in ("clone", "copy"):  # torch, NumPy
        method = getattr(value, name, None)
        if callable(method):
            result: object = method()
            return result
    return value
