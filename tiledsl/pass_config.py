"""Keys of ``pass_configs``: accepted, so that programs keep them; one has an effect."""

from __future__ import annotations


class _Keys(type):
    def __getattr__(cls, name: str) -> str:
        family, _, key = name.partition("_")
        if name.startswith("__") or not key or not name.isupper():
            raise AttributeError(f"PassConfigKey has no key {name!r}")
        return f"{family.lower()}.{key.lower()}"


class PassConfigKey(metaclass=_Keys):
    """Every ``TL_...`` and ``TIR_...`` key, as the string that it stands for.

    Only ``TL_ENABLE_FAST_MATH`` changes a kernel (language rule L107).

    >>> PassConfigKey.TL_ENABLE_FAST_MATH
    'tl.enable_fast_math'
    """
