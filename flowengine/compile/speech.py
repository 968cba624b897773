"""What speaking takes is loaded with the flows: the data of a locale is 30 ms that no caller should
wait for.
"""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.compile.checks.locales import places
from flowengine.expr import prepare_locale
from flowengine.model import Authored
from flowengine.pace import paced
from flowengine.source import Document

_FUNCTIONS_OF_LOCALE: Final = re.compile(r"\b(?:money|date_words|time_words)\s*\(|\.next_open\b")


def prepare_speech(authored: Authored) -> None:
    """Load the data of every locale that the project names, if it says money, dates or times."""
    if any(_FUNCTIONS_OF_LOCALE.search(document.text) for document in paced(_documents(authored))):
        for locale in sorted(_locales(authored)):
            prepare_locale(locale)


def _documents(authored: Authored) -> list[Document]:
    flows = [document for _flow, document in authored.flows.values()]
    shared = {document.file: document for document, _path in authored.places.values()}
    return [*flows, *shared.values()]


def _locales(authored: Authored) -> set[str]:
    return {authored.project.locale, *_named(authored)}


def _named(authored: Authored) -> Iterator[str]:
    for _flow, document in authored.flows.values():
        for locale, _path in places(document.data, ("locale", "defaults", "states")):
            yield locale
