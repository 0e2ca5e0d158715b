"""What a backend is: five members.  In-tree backends get nothing that yours does not.

Register yours under the entry-point group ``tiledsl.backends`` as a class without
constructor arguments, then judge it with ``tiledsl.testing``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from tiledsl.diagnostics.check_report import CheckReport
from tiledsl.ir.dtypes import DType
from tiledsl.ir.nodes import Function

if TYPE_CHECKING:
    import numpy as np

    from tiledsl.passes.base import Pass


@dataclass(frozen=True, slots=True)
class Target:
    """Something a backend can compile for, e.g. ``host`` or ``cuda:sm_90``.

    ``runnable``: kernels can be launched here; otherwise they can only be compiled
    (``reason`` says why, ``remedy`` what to do about it).  ``device`` is the kind of
    memory that launches take: ``cpu``, ``cuda`` or ``hip``.
    """

    name: str
    device: str = "cpu"
    runnable: bool = True
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a target can do; passes ask this, never a backend's name.

    ``gemm``: supported (a, b, c) dtypes.  ``block_bytes``: memory for one block's tiles.
    ``power_of_two_tiles``: tiles are padded to powers of two.  ``scatter``: block-local
    stores at run-time positions.  ``observes``: assertions, prints, breakpoints and waits
    are statements of its own; for other targets they are lowered before the passes.
    """

    dtypes: frozenset[DType]
    gemm: frozenset[tuple[DType, DType, DType]]
    block_bytes: int
    vector_bytes: int = 16
    parallel_units: int = 1
    power_of_two_tiles: bool = False
    scatter: bool = True
    observes: bool = False


# tuples, because every call makes some: a frozen dataclass takes four times as long
class ArrayRef(NamedTuple):
    """An argument's memory, after all checks.

    ``address`` of element 0 in bytes, ``shape`` and ``strides`` in elements of ``dtype``;
    a tensor of a packed dtype comes as its bytes, of ``dtype.packed_storage``.
    ``owner`` keeps the memory alive.  ``host`` is a view of host memory, or makes one, so
    that who only needs the address does not pay for it; on a device it is None.
    """

    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: DType
    device: str
    owner: object
    host: np.ndarray | Callable[[], np.ndarray] | None = None

    @property
    def numpy(self) -> np.ndarray | None:
        """A view of host memory; its dtype is ``dtype.as_numpy()``."""
        return self.host() if callable(self.host) else self.host


class Arguments(NamedTuple):
    """The values of one call; outputs are already allocated.

    ``values``: for each parameter of the function, in order, an array or a number.
    ``dims``: the value of each dim of the function, in order.
    """

    values: tuple[ArrayRef | int | float | bool, ...]
    dims: tuple[int, ...]
    stream: object | None = None


@runtime_checkable
class Executable(Protocol):
    """A compiled function.

    ``stages``: named texts (source, assembly), made when asked for, in the order in which
    they were derived; ``binary``: the machine code, for the cache and for inspection, or
    None.  ``launch`` runs to completion on a CPU, asynchronously on a GPU's stream.
    """

    @property
    def stages(self) -> Mapping[str, Callable[[], str]]: ...

    @property
    def binary(self) -> bytes | None: ...

    def launch(self, arguments: Arguments) -> None: ...


@runtime_checkable
class CheckedExecutable(Executable, Protocol):
    """An executable that can also run in checked mode (rule L114).

    ``check`` runs to completion like ``launch``, with the same results, and says what is
    wrong with the run; with ``strict`` every access out of bounds is an error.
    """

    def check(self, arguments: Arguments, *, strict: bool = False) -> CheckReport: ...


@runtime_checkable
class PreparedExecutable(Executable, Protocol):
    """An executable that can keep what a call needs besides its arguments' content."""

    def prepare(self, arguments: Arguments) -> Callable[[], None]:
        """A function that launches with these arguments, as often as it is called."""


class ObjectCache(Protocol):
    """Keeps compiled code between processes.  A damaged or missing entry is a miss."""

    def load(self, key: str) -> bytes | None: ...

    def save(self, key: str, payload: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Options of one compilation.

    ``deterministic``: atomic sums of floats are added in the same order in every run, or
    refused (language rule L75).

    A backend that keeps its code in ``cache`` (None: caching is off) uses as key a text
    with everything its code depends on: the printed function, these options, its own
    version, the versions of its tools, and the exact device and its features.
    """

    fast_math: bool = False
    deterministic: bool = False
    asserts: bool = False
    extra: tuple[tuple[str, str], ...] = ()
    cache: ObjectCache | None = field(default=None, compare=False)


@runtime_checkable
class Backend(Protocol):
    """The five members."""

    @property
    def name(self) -> str: ...

    def targets(self) -> tuple[Target, ...]:
        """What is here, the default first, and what is not and why."""

    def capabilities(self, target: Target) -> Capabilities: ...

    def pipeline(self, target: Target) -> tuple[Pass, ...]:
        """The passes that prepare a function for ``build``."""

    def build(
        self, function: Function, target: Target, options: BuildOptions
    ) -> Executable:
        """Compiles verified IR.  Raises UnsupportedByTarget at the user's line."""
