"""Reads an answer from its bytes."""

from collections.abc import Mapping
from functools import lru_cache

from flowengine.svaml import AnyAction, AnyInstruction
from flowengine.switch.reading.action_rules import check_action
from flowengine.switch.reading.context_rules import check_context
from flowengine.switch.reading.exact_reader import read_exact
from flowengine.switch.reading.finding_notes import Notes
from flowengine.switch.reading.instruction_rules import check_cookies, check_instructions
from flowengine.switch.reading.lenient_reader import read_lenient
from flowengine.switch.reading.svaml_reading import AnswerContext, SvamlReading
from flowengine.switch.reading.total_rules import check_totals
from flowengine.switch.switch_events import Finding
from flowengine.switch.switch_settings import SwitchSettings


def read_answer(
    body: bytes, context: AnswerContext, settings: SwitchSettings, *, app_origin: bool = False
) -> SvamlReading:
    """What an answer says, and what the platform makes of how it says it. `app_origin`: the call
    was placed by an app.

    No body, or no action, is for the settings `empty_*` to judge. Cookies are counted for this
    answer alone (`check_call_cookies`).
    """
    if not body.strip():
        return SvamlReading()
    return _read_exactly(body, context, settings, app_origin=app_origin) or _read_leniently(
        body, context, settings, app_origin=app_origin
    )


def check_call_cookies(before: Mapping[str, str], new: Mapping[str, str]) -> tuple[Finding, ...]:
    """Whether what a call keeps already, and what an answer adds to it, are too much together;
    `read_answer` says what is so alone.
    """
    # what an answer breaks by itself is reported by `read_answer`
    alone, together = Notes(), Notes()
    check_cookies(new, alone)
    check_cookies({**before, **new}, together)
    return () if alone else tuple(together.illegal)


def _read_exactly(
    body: bytes, context: AnswerContext, settings: SwitchSettings, *, app_origin: bool
) -> SvamlReading | None:
    """The short way: an answer in the usual spelling in which nothing is found; None for all others"""
    answer = read_exact(body)
    if answer is None:
        return None
    notes = Notes()
    said = [(f"instructions[{place}]", item) for place, item in enumerate(answer.instructions)]
    _check_answer(said, answer.action, context, settings, notes, app_origin=app_origin)
    # any finding needs the lenient reader, which knows the places
    return None if notes else SvamlReading(answer.instructions, answer.action)


@lru_cache(maxsize=256)  # a mistake is answered again with each call
def _read_leniently(
    body: bytes, context: AnswerContext, settings: SwitchSettings, *, app_origin: bool
) -> SvamlReading:
    notes = Notes()
    said = read_lenient(body, notes)
    _check_answer(said.instructions, said.action, context, settings, notes, app_origin=app_origin)
    illegal = notes.illegal + notes.tolerated if settings.strict else notes.illegal
    tolerated = () if settings.strict else tuple(notes.tolerated)
    return SvamlReading(
        tuple(item for _, item in said.instructions),
        said.action,
        tuple(illegal),
        tolerated,
        said.conference,
    )


def _check_answer(
    instructions: list[tuple[str, AnyInstruction]],
    action: AnyAction | None,
    context: AnswerContext,
    settings: SwitchSettings,
    notes: Notes,
    *,
    app_origin: bool,
) -> None:
    check_context(instructions, action, context, settings, notes, app_origin=app_origin)
    check_instructions(instructions, notes)
    if action is not None:
        check_action(action, notes)
    check_totals(instructions, action, notes)
