"""All codes: each has a page in `codes/`, with an explanation, a wrong and a right example."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import fill, indent
from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry
from flowengine.problems.catalogue_page import load_page
from flowengine.problems.message_format import suggest_name


class Catalogue(Mapping[str, CatalogueEntry]):
    """The codes, in order, each with its entry. Raises CataloguePageError where a page is malformed."""

    def __init__(self, folder: Path) -> None:
        pages = {file.stem: file for file in folder.iterdir() if file.suffix == ".md"}
        self._files = dict(sorted(pages.items()))
        # every command needs the codes, but few need an entry: a page is read when it is asked for
        self._entries: dict[str, CatalogueEntry] = {}

    def __getitem__(self, code: str) -> CatalogueEntry:
        if code not in self._entries:
            self._entries[code] = load_page(self._files[code])
        return self._entries[code]

    def __contains__(self, code: object) -> bool:
        return code in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


CATALOGUE: Final = Catalogue(Path(__file__).parent / "codes")


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
