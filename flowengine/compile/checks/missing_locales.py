"""Prompts and messages without a text for a locale in which they may be spoken."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.call_facts import CallFacts, find_chosen_locales
from flowengine.compile.checks.prompt_sizes import list_spoken_parts
from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem, Span
from flowengine.source import Document, KeyPath
from flowengine.states.prompt import PromptPart


class UsedText(NamedTuple):
    """A text, and the locales in which a state may speak it. Of the locales that it is given in,
    the first stands in for those that it is not.
    """

    state: str
    path: KeyPath
    message: str
    text_locales: tuple[str, ...]
    spoken_locales: frozenset[str]


def check(
    facts: Mapping[str, CallFacts], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    """One problem for each text, message and default, however often it is spoken."""
    used: dict[Span, list[tuple[UsedText, str]]] = {}
    for name, each in facts.items():
        for text in memory.get_or_compute(("texts", name), each, partial(collect_texts, each)):
            place = find_text_span(text, each.program.document, authored)
            used.setdefault(place, []).append((text, each.program.locale))
    for place, texts in used.items():
        if missing := find_all_missing(texts, authored.project.locale):
            first = texts[0][0]
            what = f"message {first.message}" if first.message else "this text"
            yield build_missing_problem(place, what, first.text_locales, missing, facts)
    yield from find_apology_problem(facts, authored, memory)


def collect_texts(facts: CallFacts) -> list[UsedText]:
    """The texts whose locale matters: those with words, and those of several locales."""
    found = []
    # most flows speak one language: then only texts per locale can lack one
    one_language = len(set(map(get_language, facts.locales))) < 2
    for state, part in list_spoken_parts(facts.program):
        if state.name not in facts.facts_by_state or (one_language and len(part.texts) == 1):
            continue
        given = tuple(locale for locale in part.texts if locale)
        here = frozenset({part.locale} if part.locale else facts.list_spoken_locales(state))
        text = UsedText(state.name, part.path, part.message, given, here)
        if (given or has_words(part)) and (part.message or find_missing(given, here, "")):
            found.append(text)
    return found


def has_words(part: PromptPart) -> bool:
    """Whether a text of no locale has words of a language in it."""
    pieces = part.texts[""].parts if part.kind == "text" else ()
    return any(isinstance(piece, str) and any(map(str.isalpha, piece)) for piece in pieces)


def find_all_missing(texts: Sequence[tuple[UsedText, str]], project: str) -> frozenset[str]:
    first, flow = texts[0]
    if not first.text_locales:
        spoken = frozenset[str]().union(*(text.spoken_locales for text, _ in texts))
        return find_missing((), spoken, project if first.message else flow)
    return frozenset[str]().union(
        *(find_missing(text.text_locales, text.spoken_locales, "") for text, _ in texts)
    )


def find_missing(given: Sequence[str], spoken: frozenset[str], own: str) -> frozenset[str]:
    """The locales that would be spoken in another language. A text of no locale is one of a single
    language: that of its flow, where it may be spoken in several.
    """
    languages = {get_language(locale) for locale in spoken}
    if not given and len(languages) < 2:
        return frozenset()
    # en-GB may stand in for en-US: another region is understood, another language is not
    stand_in = get_language(given[0] if given else own)
    return frozenset(
        locale for locale in spoken if locale not in given and get_language(locale) != stand_in
    )


def get_language(locale: str) -> str:
    return locale.partition("-")[0].lower()


def find_text_span(text: UsedText, document: Document, authored: AuthoredProject) -> Span:
    """Where an author wrote a text: in its state, among the messages, or under defaults:."""
    if text.message:
        shared, path = authored.locations["messages", text.message]
        return shared.find_span(path)
    # a prompt that the state itself does not have comes from the defaults
    if text.path[:4] in document.values or text.path[:3] == text.path:
        return document.find_span(text.path)
    path = ("defaults", *text.path[3:])
    if path[:2] in document.values or authored.project_document is None:
        return document.find_span(path)
    return authored.project_document.find_span(path)


def find_apology_problem(
    facts: Mapping[str, CallFacts], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    """The problem of the apology, where the author wrote one."""
    document, words = authored.project_document, authored.project.apology
    if document is None or "apology" not in document.data:
        return
    given: tuple[str, ...] = ()
    if isinstance(words, dict):
        first = authored.project.locale
        given = tuple(sorted(words, key=lambda locale: locale != first))
    spoken = authored.outside.spoken_locales.union(
        *(
            memory.get_or_compute(("spoken locales", name), each, partial(collect_locales, each))
            for name, each in facts.items()
        )
    )
    if missing := find_missing(given, spoken, authored.project.locale):
        yield build_missing_problem(
            document.find_span(("apology",)), "the apology", given, missing, facts
        )


def collect_locales(facts: CallFacts) -> frozenset[str]:
    """The locales in which a call may be in any state of a flow."""
    return frozenset(
        locale
        for state in facts.program.states.values()
        if state.name in facts.facts_by_state
        for locale in facts.list_spoken_locales(state)
    )


def build_missing_problem(
    place: Span,
    what: str,
    given: Sequence[str],
    missing: frozenset[str],
    facts: Mapping[str, CallFacts],
) -> Problem:
    locales = sorted(missing)
    where = "; ".join(f"{locale} {explain_locale_source(locale, facts)}" for locale in locales)
    example = ", ".join(f"{locale}: …" for locale in (*given, *locales))
    return Problem(
        "FE932",
        place,
        f"{what} has no words for {', '.join(locales)}: {where}",
        f"write a text per locale: {{{example}}}",
    )


def explain_locale_source(locale: str, facts: Mapping[str, CallFacts]) -> str:
    """Where a call gets a locale."""
    for name, each in facts.items():
        for state in each.program.states.values():
            template = state.preamble.locale if state.preamble else None
            if template and locale in find_chosen_locales(template, each.program):
                return f"is chosen in {state.name} of {name}"
    flow = next((name for name, each in facts.items() if each.program.locale == locale), "")
    return f"is the locale of {flow}" if flow else "is chosen by this prompt"
