"""What a backend computes, measured: conversions, operations and math functions.

Every combination of a construct with its dtypes is judged, or refused with a code: the
conformance table.  References are exact integers, exact rationals and wider floats;
no backend is compared with another.
"""

from tiledsl.testing.accuracy.cells import Cell
from tiledsl.testing.accuracy.functions import Measurement, measure_functions
from tiledsl.testing.accuracy.judgment import Finding, Subject, subjects
from tiledsl.testing.accuracy.tables import conformance_table, functions_table

__all__ = [
    "Cell",
    "Finding",
    "Measurement",
    "Subject",
    "conformance_table",
    "functions_table",
    "measure_functions",
    "subjects",
]
