"""The Python examples of the README and the docs run, each file from top to bottom."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page: Path) -> None:
    text = page.read_text()
    names: dict[str, object] = {"__name__": page.stem}
    for number, block in enumerate(BLOCK.finditer(text)):
        # kernels are read from their source, so it must be somewhere
        file = f"<{page.name} example {number}>"
        source = block.group(1)
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), names)


def test_relative_links_and_named_files_exist() -> None:
    missing = [
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(
            r"`((?:docs|tests|tiledsl|backends|kernels)/[\w./-]+)`", page.read_text()
        )
        if not (ROOT / name).exists()
    ]
    assert not missing
