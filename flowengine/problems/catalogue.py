"""All codes, gathered from `codes/`; every code is explained, with a wrong and a right example."""

from collections.abc import Iterable, Mapping
from textwrap import fill, indent
from types import MappingProxyType
from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry
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
from flowengine.problems.message_format import suggest_name


def _index_entries(entries: Iterable[CatalogueEntry]) -> Mapping[str, CatalogueEntry]:
    catalogue: dict[str, CatalogueEntry] = {}
    for entry in entries:
        assert entry.code not in catalogue, f"{entry.code} is in the catalogue twice"  # noqa: S101  a programmer's mistake
        catalogue[entry.code] = entry
    return MappingProxyType(dict(sorted(catalogue.items())))


CODE_MODULES: Final = (fe1, fe20, fe21, fe22, fe3, fe31, fe32, fe4, fe41, fe5, fe6, fe7, fe9, fe93)
CATALOGUE: Final[Mapping[str, CatalogueEntry]] = _index_entries(
    entry for codes in CODE_MODULES for entry in codes.ENTRIES
)


def format_explanation(code: str) -> str:
    """The catalogue's page on a code, for a terminal. An unknown code is a LookupError that names
    the nearest one.
    """
    entry = CATALOGUE.get(code.upper())
    if entry is None:
        raise LookupError(
            f"there is no problem code {code!r}; {suggest_name(code.upper(), CATALOGUE)}".rstrip(
                "; "
            )
        )
    return f"{entry.code} ({entry.severity}): {entry.title}\n\n{_wrap_paragraphs(entry.explanation)}{_format_examples(entry)}"


def _wrap_paragraphs(text: str) -> str:
    return (
        "\n\n".join(fill(" ".join(paragraph.split()), 88) for paragraph in text.split("\n\n"))
        + "\n"
    )


def _format_examples(entry: CatalogueEntry) -> str:
    shown = (("Wrong", entry.wrong), ("Right", entry.right))
    return "".join(
        f"\n{label}:\n\n{indent(example.rstrip(), '    ')}\n" for label, example in shown if example
    )
