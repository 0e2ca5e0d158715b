"""Whole-tensor statements as launches: grids, sizes, one file for each kind of statement."""
