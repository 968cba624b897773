"""Locales that the platform is not known to speak."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from flowengine.model import AuthoredProject
from flowengine.problems import (
    Problem,
    Span,
    format_count,
    join_with_and,
    quote_value,
    suggest_name,
)
from flowengine.source import Document, KeyPath
from flowengine.states import STATE_KINDS
from flowengine.svaml import LOCALES

KNOWN_LOCALES = frozenset(locale.lower() for locale in LOCALES)
DATA_KEYS = frozenset[str]().union(*(kind.data_keys for kind in STATE_KINDS.values()))
LOCALISED_KEYS = frozenset({"text", "ssml", "audio"})
MAX_NAMED_LINES = 4


def check(document: Document) -> Iterator[Problem]:
    """The problems of a flow."""
    yield from report_unknown_locales(
        document, iterate_locales(document.data, ("locale", "defaults", "states"))
    )


def check_common(authored: AuthoredProject) -> Iterator[Problem]:
    """The problems of the definitions that flows share."""
    if authored.project_document:
        yield from report_unknown_locales(
            authored.project_document,
            iterate_locales(authored.project_document.data, ("locale", "defaults")),
        )
        yield from report_unknown_locales(
            authored.project_document,
            iterate_locale_keys(authored.project_document.data.get("apology"), ("apology",)),
        )
    for (part, _name), (document, path) in authored.locations.items():
        if part == "messages":
            yield from report_unknown_locales(
                document, iterate_locale_keys(document.get_value(path), path)
            )


def report_unknown_locales(
    document: Document, found: Iterator[tuple[str, KeyPath]]
) -> Iterator[Problem]:
    """A problem for each unknown locale, at its first place in the file: the others need no cure of
    their own, and no comment that accepts them.
    """
    places: dict[str, list[Span]] = {}
    for locale, path in found:
        if locale.lower() not in KNOWN_LOCALES:
            is_value = path[-1] == "locale"
            span = document.find_span(path) if is_value else document.find_key_span(path)
            places.setdefault(locale, []).append(span)
    for locale, spans in places.items():
        first, *others = sorted(spans)
        yield Problem(
            "FE904",
            first,
            f"{locale} is no locale that the platform is known to speak{describe_lines(others)}",
            suggest_locale(locale) or "see the platform's page on voice locales",
            elsewhere=tuple(others),
        )


def describe_lines(spans: Sequence[Span]) -> str:
    lines = list(dict.fromkeys(span.line for span in spans))
    if not lines:
        return ""
    if len(lines) > MAX_NAMED_LINES:
        return f"; it also stands in {format_count(len(spans), 'other place')}"
    word = "line" if len(lines) == 1 else "lines"
    return f"; it also stands in {word} {join_with_and(map(str, lines))}"


def suggest_locale(locale: str) -> str:
    """The cure for an unknown locale: its language in the country that the language is named after,
    else as it is spoken in another one, else a locale that is written alike.
    """
    language = re.split("[-_]", locale.lower())[0]
    same = [one for one in LOCALES if one.lower().partition("-")[0] == language]
    home = [one for one in same if one.lower() == f"{language}-{language}"]
    if home or len(same) == 1:
        return f"did you mean {quote_value((home or same)[0])}?"
    return suggest_name(locale, same) or suggest_name(locale, LOCALES)


def iterate_locales(data: Any, parts: tuple[str, ...]) -> Iterator[tuple[str, KeyPath]]:
    """Every locale with its path, in these parts of a file."""
    if isinstance(locale := data.get("locale"), str):
        yield locale, ("locale",)
    for part in parts[1:]:
        for name, value in (data.get(part) or {}).items():
            yield from iterate_nested_locales(value, (part, name))


def iterate_nested_locales(data: Any, path: KeyPath) -> Iterator[tuple[str, KeyPath]]:
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from iterate_nested_locales(item, (*path, index))
    elif isinstance(data, dict):
        for key, value in data.items():
            # one that a call chooses is checked in the call
            if key == "locale" and isinstance(value, str) and "${" not in value:
                yield value, (*path, key)
            # keys of data, such as headers, are the author's own names
            elif isinstance(value, (dict, list)) and key not in DATA_KEYS:
                yield from (
                    iterate_locale_keys(value, (*path, key))
                    if key in LOCALISED_KEYS
                    else iterate_nested_locales(value, (*path, key))
                )


def iterate_locale_keys(texts: Any, path: KeyPath) -> Iterator[tuple[str, KeyPath]]:
    if isinstance(texts, dict):
        yield from ((locale, (*path, locale)) for locale in texts)
