"""The second memory: for each buffer, which elements are defined and who touched them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tiledsl.ir import nodes as ir
from tiledsl_numpy.sanitizer.ownership import Owners


@dataclass(slots=True)
class Shadow:
    """What is known about one memory.

    ``complete``: all elements are defined.  ``blocks`` and ``iterations``: who touched
    which element, made when first needed.  ``flying``: the elements that asynchronous
    copies write, if any are on their way.
    """

    array: np.ndarray
    defined: np.ndarray
    complete: bool = False
    blocks: Owners | None = None
    iterations: Owners | None = None
    flying: np.ndarray | None = None

    def owners_by_block(self) -> Owners:
        if self.blocks is None:
            self.blocks = Owners(self.array.size)
        return self.blocks

    def owners_by_iteration(self) -> Owners:
        if self.iterations is None:
            self.iterations = Owners(self.array.size)
        return self.iterations


@dataclass(slots=True)
class Shadows:
    """The shadow of each buffer's present memory, by the buffer's name."""

    known: dict[str, Shadow] = field(default_factory=dict)

    def of(self, buffer: ir.Buffer, array: np.ndarray) -> Shadow:
        """Another memory under a known name is new, and undefined."""
        shadow = self.known.get(buffer.name)
        if shadow is None or shadow.array is not array:
            shadow = Shadow(array, np.zeros(array.shape, np.bool_))
            self.known[buffer.name] = shadow
        return shadow

    def declare_view(
        self, view: ir.Buffer, array: np.ndarray, memory: np.ndarray
    ) -> None:
        """A view of elements as wide shares what is known of them.

        Elements of other widths are parts of each other: then all of them count as
        defined, and races are seen only between accesses through the same name.
        """
        root = self.known.get(view.root)
        if root is None or root.array is not memory:
            root = Shadow(memory, np.zeros(memory.shape, np.bool_))
            self.known[view.root] = root
        if array.itemsize != memory.itemsize:
            root.defined[...] = root.complete = True
            self.known[view.name] = Shadow(array, np.ones(array.shape, np.bool_), True)
            return
        defined = root.defined.reshape(array.shape)
        owners = root.owners_by_block(), root.owners_by_iteration()
        self.known[view.name] = Shadow(array, defined, root.complete, *owners)

    def declare(self, buffer: ir.Buffer, array: np.ndarray, *, defined: bool) -> None:
        """A parameter: an input is defined, an output is not."""
        content = np.full(array.shape, defined)
        self.known[buffer.name] = Shadow(array, content, defined)
