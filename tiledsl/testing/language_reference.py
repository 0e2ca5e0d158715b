"""The reference of the language's names, from their docstrings.

``python -m tiledsl.testing.language_reference docs/language.md`` writes it into the guide,
between its marks.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from tiledsl import language
from tiledsl.language.names import HARDWARE, UNAVAILABLE

BEGIN: Final = (
    "<!-- from the docstrings, by python -m tiledsl.testing.language_reference -->"
)
END: Final = "<!-- end of what the docstrings say -->"


def reference() -> str:
    """A section for each module of the language, a row for each name."""
    return "\n".join([BEGIN, "## Every name", "", *_sections(), *_unavailable(), END])


def written_into(text: str) -> str:
    """A page with its reference replaced, or put at its end."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before.rstrip()}\n\n{reference()}{after.rstrip()}\n"


def _sections() -> Iterator[str]:
    for title, names in names_by_title():
        yield f"### {title}"
        yield ""
        yield "| name | meaning |"
        yield "|---|---|"
        yield from map(_row, names)
        yield ""
    yield f"Element types: {', '.join(f'`T.{name}`' for name in element_types())}."
    yield ""


def element_types() -> list[str]:
    """The names of the language that are element types."""
    names = vars(language).items()
    return sorted(
        name
        for name, value in names
        if isinstance(value, str) and not name.startswith("_")
    )


def names_by_title() -> list[tuple[str, list[str]]]:
    """The names of each module of the language, after what the module is about."""
    modules: dict[str, list[str]] = {}
    for name in sorted(vars(language), key=str.lower):
        value = vars(language)[name]
        if not name.startswith("_") and not isinstance(value, ModuleType | str):
            modules.setdefault(_module(value), []).append(name)
    return sorted((_title(module), names) for module, names in modules.items())


def _module(value: object) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return str(getattr(named, "__module__", ""))


def _title(module: str) -> str:
    """The first sentence of a module's docstring."""
    return _first_sentence(inspect.getdoc(sys.modules.get(module)) or module)


def _row(name: str) -> str:
    value = vars(language)[name]
    documented = inspect.getdoc(value) or ""
    meaning = _first_sentence(documented).replace("|", "\\|")
    return f"| `T.{name}{_signature(value)}` | {meaning} |"


def _first_sentence(text: str) -> str:
    """Of the first paragraph, in the guide's way of quoting code."""
    paragraph = " ".join(text.partition("\n\n")[0].split()).replace("``", "`")
    end = paragraph.find(". ")
    return (paragraph if end < 0 else paragraph[:end]).rstrip(".:")


def _signature(value: object) -> str:
    """Names of the arguments and their defaults; types are in ``help``."""
    if inspect.isclass(value) or not callable(value):
        return ""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return ""
    plain = [
        part.replace(annotation=part.empty)
        for part in parameters
        if part.name != "self"
    ]
    return str(inspect.Signature(plain)).replace("|", "\\|")


def _unavailable() -> Iterator[str]:
    """Names that exist to be refused by name."""
    hardware = sorted(HARDWARE)
    to_come = sorted(UNAVAILABLE - HARDWARE)
    for title, names in (
        ("Hardware of one device", hardware),
        ("Not available", to_come),
    ):
        if names:
            yield f"{title}, refused where it is used: "
            yield ", ".join(f"`T.{name}`" for name in names) + "."
            yield ""


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written_into(page.read_text(encoding="utf-8")), encoding="utf-8")
