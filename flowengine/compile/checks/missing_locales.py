"""Prompts and messages without a text for a locale in which they may be spoken."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.call_facts import CallFacts, chosen
from flowengine.compile.checks.prompts import spoken_parts
from flowengine.model import Authored, Memory
from flowengine.problems import Problem, Span
from flowengine.source import Document, Path
from flowengine.states.prompt import Part


class UsedText(NamedTuple):
    """A text, and the locales in which a state may speak it. Of the locales that it is given in,
    the first stands in for those that it is not.
    """

    state: str
    path: Path
    message: str
    given: tuple[str, ...]
    spoken: frozenset[str]


def check(known: Mapping[str, CallFacts], authored: Authored, memory: Memory) -> Iterator[Problem]:
    """One problem for each text, message and default, however often it is spoken."""
    used: dict[Span, list[tuple[UsedText, str]]] = {}
    for name, each in known.items():
        for text in memory.recall(("texts", name), each, partial(texts_of, each)):
            place = place_of_text(text, each.program.document, authored)
            used.setdefault(place, []).append((text, each.program.locale))
    for place, texts in used.items():
        if missing := lacking_of_all(texts, authored.project.locale):
            first = texts[0][0]
            what = f"message {first.message}" if first.message else "this text"
            yield lack_problem(place, what, first.given, missing, known)
    yield from apology_problem(known, authored)


def texts_of(known: CallFacts) -> list[UsedText]:
    """The texts whose locale matters: those with words, and those of several locales."""
    found = []
    one_language = len(set(map(language, known.locales))) < 2
    for state, part in spoken_parts(known.program):
        if state.name not in known.at or (one_language and len(part.texts) == 1):
            continue
        given = tuple(locale for locale in part.texts if locale)
        here = frozenset({part.locale} if part.locale else known.spoken(state))
        text = UsedText(state.name, part.path, part.message, given, here)
        if (given or has_words(part)) and (part.message or lacking(given, here, "")):
            found.append(text)
    return found


def has_words(part: Part) -> bool:
    """Whether a text of no locale has words of a language in it."""
    pieces = part.texts[""].parts if part.kind == "text" else ()
    return any(isinstance(piece, str) and any(map(str.isalpha, piece)) for piece in pieces)


def lacking_of_all(texts: Sequence[tuple[UsedText, str]], project: str) -> frozenset[str]:
    first, flow = texts[0]
    if not first.given:
        spoken = frozenset[str]().union(*(text.spoken for text, _ in texts))
        return lacking((), spoken, project if first.message else flow)
    return frozenset[str]().union(*(lacking(text.given, text.spoken, "") for text, _ in texts))


def lacking(given: Sequence[str], spoken: frozenset[str], own: str) -> frozenset[str]:
    """The locales that would be spoken in another language. A text of no locale is one of a single
    language: that of its flow, where it may be spoken in several.
    """
    languages = {language(locale) for locale in spoken}
    if not given and len(languages) < 2:
        return frozenset()
    stand_in = language(given[0] if given else own)
    return frozenset(
        locale for locale in spoken if locale not in given and language(locale) != stand_in
    )


def language(locale: str) -> str:
    return locale.partition("-")[0].lower()


def place_of_text(text: UsedText, document: Document, authored: Authored) -> Span:
    """Where an author wrote a text: in its state, among the messages, or under defaults:."""
    if text.message:
        shared, path = authored.places["messages", text.message]
        return shared.span(path)
    if text.path[:4] in document.values or text.path[:3] == text.path:
        return document.span(text.path)
    path = ("defaults", *text.path[3:])
    if path[:2] in document.values or authored.project_document is None:
        return document.span(path)
    return authored.project_document.span(path)


def apology_problem(known: Mapping[str, CallFacts], authored: Authored) -> Iterator[Problem]:
    """The words of last resort, where the author wrote some."""
    document, words = authored.project_document, authored.project.apology
    if document is None or ("apology",) not in document.values:
        return
    given: tuple[str, ...] = ()
    if isinstance(words, dict):
        first = authored.project.locale
        given = tuple(sorted(words, key=lambda locale: locale != first))
    spoken = frozenset(
        locale
        for each in known.values()
        for state in each.program.states.values()
        if state.name in each.at
        for locale in each.spoken(state)
    )
    if missing := lacking(given, spoken, authored.project.locale):
        yield lack_problem(document.span(("apology",)), "the apology", given, missing, known)


def lack_problem(
    place: Span,
    what: str,
    given: Sequence[str],
    missing: frozenset[str],
    known: Mapping[str, CallFacts],
) -> Problem:
    locales = sorted(missing)
    where = "; ".join(f"{locale} {source_of(locale, known)}" for locale in locales)
    example = ", ".join(f"{locale}: …" for locale in (*given, *locales))
    return Problem(
        "FE932",
        place,
        f"{what} has no words for {', '.join(locales)}: {where}",
        f"write a text per locale: {{{example}}}",
    )


def source_of(locale: str, known: Mapping[str, CallFacts]) -> str:
    """Where a call gets a locale."""
    for name, each in known.items():
        for state in each.program.states.values():
            template = state.preamble.locale if state.preamble else None
            if template and locale in chosen(template, each.program):
                return f"is chosen in {state.name} of {name}"
    flow = next((name for name, each in known.items() if each.program.locale == locale), "")
    return f"is the locale of {flow}" if flow else "is chosen by this prompt"
