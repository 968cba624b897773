"""Locales that the platform is not known to speak."""

from collections.abc import Iterator
from typing import Any

from flowengine.model import Authored
from flowengine.problems import Problem, suggest
from flowengine.source import Document, Path
from flowengine.svaml import LOCALES

KNOWN = frozenset(locale.lower() for locale in LOCALES)
DATA = frozenset({"set", "with", "into", "outcomes", "headers", "body", "hear", "on"})
LOCALISED = frozenset({"text", "ssml", "audio"})


def check(document: Document) -> Iterator[Problem]:
    """Those of a flow."""
    yield from strangers(document, places(document.data, ("locale", "defaults", "states")))


def check_common(authored: Authored) -> Iterator[Problem]:
    """Those of what flows share."""
    if authored.project_document:
        yield from strangers(
            authored.project_document,
            places(authored.project_document.data, ("locale", "defaults")),
        )
        yield from strangers(
            authored.project_document,
            keys(authored.project_document.data.get("apology"), ("apology",)),
        )
    for (part, _name), (document, path) in authored.places.items():
        if part == "messages":
            yield from strangers(document, keys(document.at(path), path))


def strangers(document: Document, found: Iterator[tuple[str, Path]]) -> Iterator[Problem]:
    for locale, path in found:
        if locale.lower() not in KNOWN:
            hint = suggest(locale, LOCALES) or "see the platform's page on voice locales"
            span = document.span(path) if path[-1] == "locale" else document.key_span(path)
            yield Problem(
                "FE904", span, f"{locale} is no locale that the platform is known to speak", hint
            )


def places(data: Any, parts: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Every locale with its path, in these parts of a file."""
    if isinstance(locale := data.get("locale"), str):
        yield locale, ("locale",)
    for part in parts[1:]:
        for name, value in (data.get(part) or {}).items():
            yield from inside(value, (part, name))


def inside(data: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from inside(item, (*path, index))
    elif isinstance(data, dict):
        for key, value in data.items():
            if key == "locale" and isinstance(value, str) and "${" not in value:
                yield value, (*path, key)
            elif isinstance(value, (dict, list)) and key not in DATA:
                yield from (
                    keys(value, (*path, key)) if key in LOCALISED else inside(value, (*path, key))
                )


def keys(texts: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(texts, dict):
        yield from ((locale, (*path, locale)) for locale in texts)
