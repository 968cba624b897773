"""The page of a problem code: front matter, an explanation, a wrong and a right example."""

import re
from pathlib import Path
from typing import Final

import msgspec
from msgspec import yaml

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

_FRONT_MATTER: Final = re.compile(r"---\n(.*?\n)---\n", re.DOTALL)
_BODY: Final = re.compile(
    r"\n(?P<explanation>(?!#).+?)\n"
    r"(?:\n## Wrong\n\n```yaml\n(?P<wrong>.+?\n)```\n\n## Right\n\n```yaml\n(?P<right>.+?\n)```\n)?",
    re.DOTALL,
)
_HEADING_OR_FENCE: Final = re.compile(r"^(#|```)", re.MULTILINE)


class CataloguePageError(ValueError):
    """A page is malformed; the message names the file."""


class PageHead(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    severity: Severity
    title: str


def load_page(file: Path) -> CatalogueEntry:
    """Read the page `FE101.md`. Raises CataloguePageError."""
    try:
        return _parse_page(file.stem, file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CataloguePageError(f"{file}: {error}") from error


def _parse_page(code: str, text: str) -> CatalogueEntry:
    front = _FRONT_MATTER.match(text)
    if front is None:
        raise ValueError("a page begins with front matter between two lines of ---")
    head = _parse_head(front[1])
    if head.code != code:
        raise ValueError(f"the front matter has the code {head.code}, the name of the file {code}")
    body = _BODY.fullmatch(text, front.end())
    if body is None or _HEADING_OR_FENCE.search(body["explanation"]):
        raise ValueError(
            "after the front matter come an empty line and an explanation, and then, where there "
            "are examples, ## Wrong and ## Right, each with one block of ```yaml"
        )
    # lines of a paragraph are wrapped in the file, and joined for whatever shows them
    paragraphs = (" ".join(each.split()) for each in body["explanation"].split("\n\n"))
    return CatalogueEntry(
        code,
        head.title,
        head.severity,
        "\n\n".join(paragraphs),
        body["wrong"] or "",
        body["right"] or "",
    )


def _parse_head(text: str) -> PageHead:
    try:
        return yaml.decode(text, type=PageHead)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"the front matter is wrong: {error}") from error
