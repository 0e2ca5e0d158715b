"""Constant extents below zero, which folding uncovers, are written as zero."""

from __future__ import annotations

import pytest

from tiledsl.backend import Capabilities
from tiledsl.ir.parser import parse_function
from tiledsl.ir.printer import print_function
from tiledsl.ir.verifier import problems
from tiledsl.passes.base import Pass
from tiledsl.passes.canonicalize import Canonicalize
from tiledsl.passes.simplify_index import SimplifyIndex

TEXT = """tiledsl.ir 1
func f[m](x: int32[m])
  launch (b: 4) threads 64
    alloc fragment t: int32[4]
    fill t[!0 +: 4] = 0:int32
    copy x[0 +: 4] -> t[0 +: min(b, 0 - 2)] shape (4)
    copy t[0 +: min(0 - 3, 2)] -> x[0 +: 4] shape (min(0 - 3, 2))
"""
ANY = Capabilities(frozenset(), frozenset(), block_bytes=1 << 30)


@pytest.mark.parametrize("step", [Canonicalize(), SimplifyIndex()])
def test_negative_extents_become_zero(step: Pass) -> None:
    function = parse_function(TEXT)
    after = step.run(SimplifyIndex().run(function, ANY), ANY)
    assert problems(after) == []
    assert "t[0 +: 0]" in print_function(after)
