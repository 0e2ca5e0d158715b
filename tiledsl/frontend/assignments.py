"""Binding names and storing elements while tracing (rules L18 and L20)."""

from __future__ import annotations

from collections.abc import Sequence

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend import python_operations as python
from tiledsl.frontend.activation import Activation
from tiledsl.frontend.buffers import BufferRef, RegionRef, VarRef, store_element
from tiledsl.frontend.parameters import scalar_dtype
from tiledsl.frontend.snapshots import evaluated
from tiledsl.frontend.values import Value, converted, is_symbolic
from tiledsl.ir.spans import Span


class Assignments(Activation):
    """``=``, ``op=`` and annotations."""

    def assign(self, k: int, name: str, old: object, value: object) -> object:
        """``name = value``; the result is the new content of the Python name."""
        self.here(k)
        span = self.builder.span
        if isinstance(old, VarRef) and self.names.holds(name) and _is_scalar(value):
            self.names.read(name, span, static=False)
            old.write(value)
            return old
        return self._bound(name, span, value)

    def _bound(self, name: str, span: Span, value: object) -> object:
        self.names.bind(name, span)
        if isinstance(value, BufferRef | VarRef):
            value.take_name(name)
        return evaluated(value, name)

    def bind(self, k: int, name: str, old: object, value: object) -> object:
        """A loop or block index, or an item of an unrolled loop, gets its name."""
        span = self.here(k)
        self.names.bind(name, span, loop_variable=self.state.loops[-1:] == ["traced"])
        return value

    def assign_typed(
        self, k: int, name: str, old: object, annotation: object, value: object
    ) -> object:
        """``name: dtype = value``: a snapshot converted to the dtype (rule L18f)."""
        dtype = None if isinstance(annotation, type) else scalar_dtype(annotation)
        if dtype is None or not _is_scalar(value):
            return self.assign(k, name, old, value)
        self.here(k)
        return self.assign(k, name, old, converted(value, dtype, implicit=True))

    def declare(self, k: int, name: str, old: object, annotation: object) -> object:
        """``name: annotation`` on its own; means something for parameters only."""
        self.here(k)
        self.names.bind(name, self.builder.span)
        return self.state.declare(name, old, annotation)

    def once(self, k: int, value: object) -> object:
        """The right side of several targets, evaluated before the first store (L20)."""
        self.here(k)
        if isinstance(value, tuple):
            return tuple(evaluated(part, "value") for part in value)
        if isinstance(value, list):
            return [evaluated(part, "value") for part in value]
        return evaluated(value, "value")

    def unpack(self, k: int, value: object, count: int) -> Sequence[object]:
        """The ``count`` parts of a static sequence."""
        span = self.here(k)
        if is_symbolic(value) and count == 1:
            return (value,)  # as in `with T.Kernel(n) as (bx,)`
        if is_symbolic(value) or isinstance(value, BufferRef | RegionRef):
            raise KernelError(
                "E0130",
                "one value of the kernel cannot be taken apart into several",
                span=span,
                expected=f"{count} values",
                got=brief(value),
            )
        try:
            parts = python.parts(value)
        except TypeError:  # reported below
            parts = ()
        if len(parts) != count:
            raise KernelError(
                "E0130",
                "the number of targets and of values differ",
                span=span,
                expected=f"{count} values",
                got=str(len(parts)) if parts else brief(value),
            )
        return parts

    # ------------------------------------------------------------------- stores

    def store(self, k: int, value: object, owner: object, index: object) -> None:
        """``owner[index] = value``"""
        self.here(k)
        if isinstance(owner, BufferRef):
            store_element(owner, index, value)
        elif isinstance(owner, Value | VarRef):
            raise _no_elements(self.builder.span, owner)
        else:
            python.set_element(owner, index, value)

    def set_attribute(self, k: int, value: object, owner: object, name: str) -> None:
        """``owner.name = value``"""
        self.here(k)
        self._refuse_attributes(owner, name)
        old = getattr(owner, name, None)
        if isinstance(old, VarRef) and _is_scalar(value):
            old.write(value)
        else:
            if isinstance(value, BufferRef | VarRef):
                value.take_name(name)
            python.set_attribute(owner, name, evaluated(value, name))

    def update(self, k: int, name: str, old: object, op: str, value: object) -> object:
        """``name op= value``"""
        self.here(k)
        span = self.builder.span
        current = self.read(k, name, old)
        if isinstance(current, BufferRef | RegionRef):
            raise KernelError(
                "E0131",
                f"{name} {op}= ... would change a whole buffer",
                span=span,
                hint=f"loop over its elements: {name}[i, j] {op}= ... in T.Parallel",
            )
        result = python.operate(op, current, value)
        if isinstance(current, VarRef):
            current.write(result, update=(op, value))
            return current
        return self._bound(name, span, result)

    def update_element(
        self, k: int, owner: object, index: object, op: str, value: object
    ) -> None:
        """``owner[index] op= value``: load, operation, store."""
        self.here(k)
        if isinstance(owner, Value | VarRef):
            raise _no_elements(self.builder.span, owner)
        result = python.operate(op, python.element(owner, index), value)
        if isinstance(owner, BufferRef):
            store_element(owner, index, result, update=(op, value))
        else:
            python.set_element(owner, index, result)

    def update_attribute(
        self, k: int, owner: object, name: str, op: str, value: object
    ) -> None:
        """``owner.name op= value``"""
        self.here(k)
        self._refuse_attributes(owner, name)
        old = python.attribute(owner, name)
        result = python.operate(op, old, value)
        if isinstance(old, VarRef):
            old.write(result, update=(op, value))
        else:
            python.set_attribute(owner, name, evaluated(result, name))

    def _refuse_attributes(self, owner: object, name: str) -> None:
        if isinstance(owner, BufferRef | RegionRef | VarRef | Value):
            raise KernelError(
                "E0132",
                f"the attribute {name} of {brief(owner)} cannot be assigned",
                span=self.builder.span,
                hint="assign to a name of its own",
            )


def _is_scalar(value: object) -> bool:
    return is_symbolic(value) or isinstance(value, int | float | bool)


def _no_elements(span: Span, owner: object) -> KernelError:
    return KernelError(
        "E0133",
        "a scalar has no elements to assign",
        span=span,
        expected="a buffer",
        got=brief(owner),
    )
