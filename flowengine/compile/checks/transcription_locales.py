"""Locales in which the platform is not known to transcribe; they differ from those that it speaks."""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import CallFacts
from flowengine.compile.program import CompiledState
from flowengine.problems import Problem, suggest_name
from flowengine.svaml import TRANSCRIPTION_LOCALES


def check(facts: CallFacts) -> Iterator[Problem]:
    for state in facts.program.states.values():
        for recording, key in (
            (state.preamble and state.preamble.record, "record"),
            (state.verb.recording, state.kind),
        ):
            if recording and recording.transcribe:
                yield from find_unknown_locales(facts, state, recording.transcribe, key)


def find_unknown_locales(
    facts: CallFacts, state: CompiledState, wanted: str | bool, key: str
) -> Iterator[Problem]:
    # `transcribe: true` means the locale of the call
    spoken = facts.list_spoken_locales(state) if state.name in facts.facts_by_state else []
    for locale in [wanted] if isinstance(wanted, str) else spoken:
        if locale not in TRANSCRIPTION_LOCALES:
            yield Problem(
                "FE904",
                facts.program.document.find_span((*state.path, key, "transcribe")),
                f"{locale} is no locale in which the platform is known to write speech down",
                suggest_name(locale, TRANSCRIPTION_LOCALES)
                or f"write one of {', '.join(TRANSCRIPTION_LOCALES)}",
            )
