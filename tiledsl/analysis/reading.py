"""Reading IR text with the claims that hold."""

from __future__ import annotations

from tiledsl.analysis.claims import recheck_claims
from tiledsl.ir.nodes import Function
from tiledsl.ir.parser import parse_function


def read_function(text: str, *, file: str = "<ir>") -> Function:
    """The exact inverse of ``print_function`` for functions with derivable claims.

    A claim of the text that an access is in bounds is kept if it can be derived, and
    dropped otherwise, which changes no result.  Raises KernelError (E30..) for text
    that does not mean a function.
    """
    return parse_function(text, file=file, settle_claims=recheck_claims)
