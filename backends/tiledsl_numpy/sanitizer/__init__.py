"""Checked mode: the interpreter, with a second memory that knows what may be done.

Statements are executed by the interpreter itself.  Before (and for tile operations after)
each one, this package looks at what it is about to do: ``expressions`` evaluates its
operands for faults, ``element_accesses`` and ``region_accesses`` compare its accesses with
``shadow``, and everything found ends in ``findings``.
"""
