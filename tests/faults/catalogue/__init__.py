"""Every planted fault, by the part of the compiler that it is in."""

from tests.faults.catalogue.analysis import ANALYSIS
from tests.faults.catalogue.frontend import FRONTEND
from tests.faults.catalogue.interpreter import INTERPRETER
from tests.faults.catalogue.machine_code import MACHINE_CODE
from tests.faults.catalogue.passes import PASSES
from tests.faults.catalogue.runtime import RUNTIME
from tests.faults.catalogue.triton import TRITON

FAULTS = (
    *FRONTEND,
    *ANALYSIS,
    *PASSES,
    *INTERPRETER,
    *MACHINE_CODE,
    *TRITON,
    *RUNTIME,
)
