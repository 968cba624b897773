"""Loads the data of locales with the flows: it takes 30 ms, for which no caller should wait."""

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from flowengine.compile.checks.unknown_locales import iterate_locales
from flowengine.cooperative import iterate_with_pauses
from flowengine.expr import preload_locale
from flowengine.model import AuthoredProject, CompileCache
from flowengine.source import Document

_LOCALE_FUNCTIONS: Final = re.compile(
    r"\b(?:money|date_words|time_words|list_words)\s*\(|\.next_open\b|\bqueue\.wait\b"
)
# one of these is in each text that it finds; a plain search takes a tenth of the time
_LOCALE_WORDS: Final = ("money", "_words", ".next_open", "queue.wait")


def preload_locales(authored: AuthoredProject, memory: CompileCache) -> None:
    """Load the data of every locale that the project names, if it says money, dates, times or lists."""
    if any(
        memory.get_or_compute(
            ("speaks by locale", document.file), document, partial(_speaks_by_locale, document.text)
        )
        for document in iterate_with_pauses(_list_documents(authored))
    ):
        for locale in sorted(_collect_locales(authored, memory)):
            preload_locale(locale)


def list_spoken_locales(
    flows: Iterable[Document], contents: Iterable[bytes], locale: str
) -> tuple[str, ...]:
    """The locales whose data is loaded for these flows of a project of this locale."""
    if not any(
        _speaks_by_locale(content.decode(errors="replace"))
        for content in iterate_with_pauses(contents)
    ):
        return ()
    return tuple(sorted({locale}.union(*map(_find_named_locales, flows))))


def _speaks_by_locale(text: str) -> bool:
    return (
        any(word in text for word in _LOCALE_WORDS) and _LOCALE_FUNCTIONS.search(text) is not None
    )


def _list_documents(authored: AuthoredProject) -> list[Document]:
    flows = [document for _flow, document in authored.flows.values()]
    shared = {document.file: document for document, _path in authored.locations.values()}
    return [*flows, *shared.values()]


def _collect_locales(authored: AuthoredProject, memory: CompileCache) -> set[str]:
    found = {authored.project.locale}
    for _flow, document in authored.flows.values():
        find = partial(_find_named_locales, document)
        found |= memory.get_or_compute(("named locales", document.file), document, find)
    return found


def _find_named_locales(flow: Document) -> frozenset[str]:
    parts = ("locale", "defaults", "states")
    return frozenset(locale for locale, _path in iterate_locales(flow.data, parts))
