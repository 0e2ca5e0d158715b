"""What ``T.print`` writes: one form for all backends."""

from __future__ import annotations

import sys

import numpy as np

from tiledsl.diagnostics.check_report import Sample


def print_value(message: str, where: Sample, value: np.ndarray | None) -> None:
    """Writes a line such as ``block (0,), i = 3: sum 1.5`` to Python's standard output.

    A tile begins on a line of its own if it takes several.  None: the message alone.
    """
    if value is None:
        sys.stdout.write(f"{where.describe(None)}: {message}\n")
        return
    text = str(value) if value.ndim == 0 else np.array2string(value, separator=", ")
    between = "\n" if "\n" in text else " "
    place = where.describe(None)
    sys.stdout.write(f"{place}: {message}{between if message else ''}{text}\n")
