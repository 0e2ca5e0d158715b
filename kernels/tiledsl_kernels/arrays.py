"""What host wrappers take and give: NumPy arrays or torch tensors, the same kind for all."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar


class HostArray(Protocol):
    """What wrappers need of an array."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> object: ...

    def reshape(self, *shape: int) -> Self: ...


ArrayT = TypeVar("ArrayT", bound=HostArray)
