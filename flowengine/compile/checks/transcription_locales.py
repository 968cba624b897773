"""Locales in which the platform is not known to write speech down: they are other ones than those
that it speaks.
"""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import CallFacts
from flowengine.problems import Problem, suggest
from flowengine.svaml import TRANSCRIBED


def check(known: CallFacts) -> Iterator[Problem]:
    for state in known.program.states.values():
        wanted = (
            state.preamble.record.transcribe if state.preamble and state.preamble.record else ""
        )
        if not wanted:
            continue
        spoken = known.spoken(state) if state.name in known.at else []
        for locale in [wanted] if isinstance(wanted, str) else spoken:
            if locale not in TRANSCRIBED:
                path = (*state.path, "record", "transcribe")
                yield Problem(
                    "FE904",
                    known.program.document.span(path),
                    f"{locale} is no locale in which the platform is known to write speech down",
                    suggest(locale, TRANSCRIBED) or f"write one of {', '.join(TRANSCRIBED)}",
                )
