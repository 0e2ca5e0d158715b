"""``with`` while tracing: launches of blocks, and hints with a body (rules L12, L13)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

from tiledsl.diagnostics import KernelError, brief
from tiledsl.frontend.activation import Activation
from tiledsl.frontend.builder import Builder
from tiledsl.frontend.snapshots import element_at_host, reads_memory
from tiledsl.frontend.specs import KernelSpec
from tiledsl.frontend.threads.axis import used_axis
from tiledsl.frontend.threads.splitting import lowered, without_barriers
from tiledsl.frontend.values import wrap
from tiledsl.ir.dtypes import INDEX
from tiledsl.ir.nodes import Const, Launch
from tiledsl.ir.spans import Span


@runtime_checkable
class Context(Protocol):
    """A form of the language that is used as ``with form:``."""

    def enter(self, builder: Builder) -> object: ...

    def exit(self) -> None: ...


class Launches(Activation):
    """``with T.Kernel(...)`` and other contexts."""

    def enter(
        self, k: int, context: object, names: tuple[str, ...]
    ) -> AbstractContextManager[object]:
        self.here(k)
        if isinstance(context, KernelSpec):
            return self._launch(context, names, self.builder.span)
        if isinstance(context, Context):
            return self._context(context)
        raise KernelError(
            "E0123",
            "this cannot be used with `with` in a kernel",
            span=self.builder.span,
            expected="T.Kernel(...), T.tile_hint(...) or T.attr(...)",
            got=brief(context),
        )

    @contextmanager
    def _context(self, context: Context) -> Iterator[object]:
        yield context.enter(self.builder)
        context.exit()

    @contextmanager
    def _launch(
        self, spec: KernelSpec, names: tuple[str, ...], span: Span
    ) -> Iterator[object]:
        self._check_place(span)
        if any(map(reads_memory, spec.grid)):
            raise element_at_host()
        named = (*names, "bx", "by", "bz")[: max(len(spec.grid), 1)]
        zero = Const(0, INDEX, span=span)
        with (
            self.names.region("launch", span),
            self.builder.block(
                "launch", threads=spec.threads, grid=spec.grid
            ) as collected,
        ):
            indices = tuple(
                self.builder.declare_index(name, zero, extent)
                for name, extent in zip(named, spec.grid, strict=False)
            )
            values = tuple(wrap(var) for var in indices)
            yield values[0] if len(values) == 1 else values
        body = collected.statements
        axis = used_axis(collected.facts)
        if axis is not None:
            body = lowered(self.builder, axis, body)
        elif "barriers" in collected.facts:
            body = without_barriers(body)
        self.builder.emit(Launch(indices, spec.grid, spec.threads, body, span=span))

    def _check_place(self, span: Span) -> None:
        if self.builder.inside("launch"):
            raise KernelError(
                "E0608",
                "a T.Kernel cannot stand inside another one",
                span=span,
                hint="write them one after the other: they run in that order",
            )
        if not self.builder.at_host_level:
            raise KernelError(
                "E0608",
                "a T.Kernel cannot stand inside a loop of the kernel",
                span=span,
                hint="put the loop inside the T.Kernel, or give it static bounds",
            )
