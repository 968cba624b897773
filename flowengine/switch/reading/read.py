"""From the bytes of an answer to what they say."""

from collections.abc import Mapping
from functools import lru_cache

from flowengine.svaml import AnyAction, AnyInstruction
from flowengine.switch.happenings import Finding
from flowengine.switch.reading.actions import check_action
from flowengine.switch.reading.exact import exact
from flowengine.switch.reading.instructions import check_cookies, check_instructions
from flowengine.switch.reading.legal import check_places
from flowengine.switch.reading.lenient import lenient
from flowengine.switch.reading.notes import Notes
from flowengine.switch.reading.reading import Context, Reading
from flowengine.switch.reading.sums import check_sums
from flowengine.switch.settings import Settings


def read(body: bytes, context: Context, settings: Settings, *, app_origin: bool = False) -> Reading:
    """What an answer says, and what the platform makes of how it says it. `app_origin`: the call
    was placed by an app.

    No body, or no action, is for the settings `empty_*` to judge. Cookies are counted for this
    answer alone (`cookie_findings`).
    """
    if not body.strip():
        return Reading()
    return _usual(body, context, settings, app_origin=app_origin) or _unusual(
        body, context, settings, app_origin=app_origin
    )


def cookie_findings(before: Mapping[str, str], new: Mapping[str, str]) -> tuple[Finding, ...]:
    """Whether what a call keeps already, and what an answer adds to it, are too much together;
    `read` says what is so alone.
    """
    alone, together = Notes(), Notes()
    check_cookies(new, alone)
    check_cookies({**before, **new}, together)
    return () if alone else tuple(together.illegal)


def _usual(
    body: bytes, context: Context, settings: Settings, *, app_origin: bool
) -> Reading | None:
    """The short way: an answer in the usual spelling in which nothing is found; None for all others"""
    answer = exact(body)
    if answer is None:
        return None
    notes = Notes()
    said = [(f"instructions[{place}]", item) for place, item in enumerate(answer.instructions)]
    _judge(said, answer.action, context, settings, notes, app_origin=app_origin)
    return None if notes else Reading(answer.instructions, answer.action)


@lru_cache(maxsize=256)  # a mistake is answered again with each call
def _unusual(body: bytes, context: Context, settings: Settings, *, app_origin: bool) -> Reading:
    notes = Notes()
    said = lenient(body, notes)
    _judge(said.instructions, said.action, context, settings, notes, app_origin=app_origin)
    illegal = notes.illegal + notes.tolerated if settings.strict else notes.illegal
    tolerated = () if settings.strict else tuple(notes.tolerated)
    return Reading(
        tuple(item for _, item in said.instructions),
        said.action,
        tuple(illegal),
        tolerated,
        said.conference,
    )


def _judge(
    said: list[tuple[str, AnyInstruction]],
    action: AnyAction | None,
    context: Context,
    settings: Settings,
    notes: Notes,
    *,
    app_origin: bool,
) -> None:
    check_places(said, action, context, settings, notes, app_origin=app_origin)
    check_instructions(said, notes)
    if action is not None:
        check_action(action, notes)
    check_sums(said, action, notes)
