"""All codes, gathered from `codes/`; every code is explained, with a wrong and a right example."""

from collections.abc import Iterable, Mapping
from textwrap import fill, indent
from types import MappingProxyType
from typing import Final

from flowengine.problems.codes import (
    fe1,
    fe3,
    fe4,
    fe5,
    fe6,
    fe7,
    fe9,
    fe20,
    fe21,
    fe22,
    fe31,
    fe32,
    fe41,
    fe93,
)
from flowengine.problems.entry import Entry
from flowengine.problems.words import suggest


def _gather(entries: Iterable[Entry]) -> Mapping[str, Entry]:
    catalogue: dict[str, Entry] = {}
    for entry in entries:
        assert entry.code not in catalogue, f"{entry.code} is in the catalogue twice"  # noqa: S101  a programmer's mistake
        catalogue[entry.code] = entry
    return MappingProxyType(dict(sorted(catalogue.items())))


CODES: Final = (fe1, fe20, fe21, fe22, fe3, fe31, fe32, fe4, fe41, fe5, fe6, fe7, fe9, fe93)
CATALOGUE: Final[Mapping[str, Entry]] = _gather(entry for codes in CODES for entry in codes.ENTRIES)


def explain_text(code: str) -> str:
    """The catalogue's page on a code, for a terminal. An unknown code is a LookupError that names
    the nearest one.
    """
    entry = CATALOGUE.get(code.upper())
    if entry is None:
        raise LookupError(
            f"there is no problem code {code!r}; {suggest(code.upper(), CATALOGUE)}".rstrip("; ")
        )
    return f"{entry.code} ({entry.severity}): {entry.title}\n\n{_paragraphs(entry.explanation)}{_examples(entry)}"


def _paragraphs(text: str) -> str:
    return (
        "\n\n".join(fill(" ".join(paragraph.split()), 88) for paragraph in text.split("\n\n"))
        + "\n"
    )


def _examples(entry: Entry) -> str:
    shown = (("Wrong", entry.wrong), ("Right", entry.right))
    return "".join(
        f"\n{label}:\n\n{indent(example.rstrip(), '    ')}\n" for label, example in shown if example
    )
