"""Where a callback finds its call: a new call at its entry, a known one in its state, an event at
the entry made for it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.compile import Program, Release
from flowengine.expr import EvalError
from flowengine.limits import MAX_FACT_BYTES, MAX_KEPT_CUSTOM_BYTES
from flowengine.runtime.call_state import Call
from flowengine.runtime.step_outcome import Outcome, TraceEntry
from flowengine.sinch import Ace, CallbackEvent, Dice, Ice, Notify, Pie
from flowengine.sinch.caller_identity import (
    get_dialled_address,
    get_forwarding_number,
    read_caller,
)
from flowengine.states import NameBindings, StepContext
from flowengine.states.variable_values import convert_value
from flowengine.svaml import Action, Continue, Hangup

UNASKED = ("hangup", "error")  # what happens to a call, whichever menu it is in


class StepStart(msgspec.Struct, frozen=True):
    """How a step begins.

    `entry` is a state to enter; without one the call's own state is resumed. Where `is_complete`,
    no state runs: `answer` is the answer, if any. `keeps_place` says that the walk must leave the
    call where it is; `sends_nothing` that the platform takes no answer; `failure` why the walk must
    fail. `event` is taken in place of the one that came; `notes` go to the trace.
    """

    call: Call
    entry: str = ""
    answer: Action | None = None
    is_complete: bool = False
    keeps_place: bool = False
    sends_nothing: bool = False
    failure: str = ""
    event: Pie | None = None
    notes: Sequence[str] = ()


class CalloutData(msgspec.Struct, frozen=True):
    """What a placed call hands in by its `custom` text."""

    flow: str = ""
    data: dict[str, Any] = {}


_NO_CALLOUT_DATA = CalloutData()


def find_start(
    release: Release, call: Call | None, event: CallbackEvent, lost_flow: str | None = None
) -> StepStart | None:
    """The start of a step, or None where no flow has anything to say. `lost_flow` is the flow of a known
    call whose place is lost.
    """
    if type(event) is Ice:
        return start_incoming_call(release, event, call.steps if call else 0)
    if call is None:
        return (
            start_unknown_call(release, event)
            if lost_flow is None
            else start_call_without_release(release, event, lost_flow)
        )
    if call.ended and event.is_awaited:
        return StepStart(call, answer=Hangup(), is_complete=True)
    if type(event) is Ace:
        return start_answered_call(release, call)
    if type(event) is Pie:
        return start_key_press(release, call, event)
    return start_end_or_notice(release, call, event)


def start_incoming_call(release: Release, event: Ice, steps: int) -> StepStart | None:
    """A call that rings. Only a call that the platform placed for us may hand in its flow and data:
    others could claim anything.
    """
    notes: list[str] = []
    is_placed = event.origination_type == "SERVER"
    handed = parse_callout_data(event.custom, notes) if is_placed else _NO_CALLOUT_DATA
    flow = handed.flow or release.find_flow(
        event.to.endpoint, event.to.type, event.origin, event.application_key
    )
    program = release.programs.get(flow)
    if program is None or not program.start:
        return None
    values = read_call_facts(event, notes) | read_custom_text(program, event, notes)
    if handed.data:
        values |= to_input_values(program, handed.data, notes)
    return StepStart(
        Call(release.id, flow, program.start, program.locale, values, steps=steps),
        entry=program.start,
        notes=notes,
    )


def read_call_facts(event: Ice, notes: list[str]) -> dict[str, Any]:
    """What only the first callback tells of a call."""
    origin = event.origin
    caller = read_caller(event.cli, event.user, origin)
    texts = {
        "call.to": get_dialled_address(event),
        "call.user": caller.user,
        "call.sip": caller.sip,
        "call.origin": origin,
    }
    shortened = {name: truncate_fact(text) for name, text in texts.items()}
    if shortened != texts:
        notes += [
            f"cut: {name} is too long" for name, text in texts.items() if shortened[name] != text
        ]
    return {
        "call.from": caller.number,
        **shortened,
        "call.withheld": caller.withheld,
        "call.redirected_from": get_forwarding_number(event) if event.rdnis else "",
    }


def read_custom_text(program: Program, event: CallbackEvent, notes: list[str]) -> dict[str, Any]:
    """The text that was handed in with a call, as not every callback repeats it. Part of it would
    mean nothing, so of a longer one each callback tells by itself.
    """
    if not event.custom:
        return {}
    if len(event.custom.encode(errors="replace")) <= MAX_KEPT_CUSTOM_BYTES:
        return {"call.custom": event.custom}
    if any("call.custom" in names for names in program.live.values()):
        notes.append("left out: call.custom is too long to be kept for later callbacks")
    return {}


def truncate_fact(text: str) -> str:
    """No longer than what the check of the cookie counts on."""
    return (
        text
        if len(text) * 4 <= MAX_FACT_BYTES
        else text.encode(errors="replace")[:MAX_FACT_BYTES].decode(errors="ignore")
    )


def start_call_without_release(
    release: Release, event: CallbackEvent, flow: str
) -> StepStart | None:
    """A call that began elsewhere, on a release that is gone: only its own flow may still hear how
    it went on.
    """
    if type(event) is Pie:
        return None if is_from_conference(event) else start_lost_menu(release, event)
    program = release.programs.get(flow)
    if program is None or type(event) is Ace:
        return None
    return start_end_or_notice(
        release, Call(release.id, flow, program.answered or program.start, program.locale), event
    )


def start_unknown_call(release: Release, event: CallbackEvent) -> StepStart | None:
    """A first callback that is no incoming call: a placed call, or a call whose state is lost."""
    if type(event) is Pie and not is_from_conference(event):
        return start_lost_menu(release, event)
    notes: list[str] = []
    handed = parse_callout_data(event.custom, notes)
    flow = handed.flow or find_callout_flow(release, event)
    program = release.programs.get(flow)
    if program is None:
        return None
    call = Call(
        release.id,
        flow,
        program.answered or program.start,
        program.locale,
        {**read_custom_text(program, event, notes), **to_input_values(program, handed.data, notes)},
    )
    if type(event) is Ace:
        return StepStart(call, entry=program.answered, notes=notes) if program.answered else None
    if type(event) is Pie:
        return StepStart(
            call,
            entry=program.pressed,
            is_complete=not program.pressed,
            keeps_place=True,
            sends_nothing=True,
            notes=notes,
        )
    return replace(start_end_or_notice(release, call, event), notes=notes)


def find_callout_flow(release: Release, event: CallbackEvent) -> str:
    """The flow of placed calls, where a call can be nothing else: what lost its state may have come
    from outside.
    """
    others = any(route.origin != "server" for route in release.routes)
    return "" if others else release.find_flow("", "", "server", event.application_key)


def is_from_conference(event: Pie) -> bool:
    """Whether these keys come from a conference, which the platform then names as the menu: ours
    are `main` and `flow.state`.
    """
    result = event.menu_result
    if event.conference_id:
        return result.menu_id == event.conference_id
    return (
        result.type == "sequence"
        and result.menu_id not in ("", "main")
        and "." not in result.menu_id
    )


def parse_callout_data(custom: str, notes: list[str]) -> CalloutData:
    if not custom.startswith("{"):
        return _NO_CALLOUT_DATA
    try:
        return msgspec.json.decode(custom, type=CalloutData)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        notes.append("left out: the custom text is no JSON with flow: and data:")
        return _NO_CALLOUT_DATA


def to_input_values(program: Program, data: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """The handed-in values that the flow declares as inputs and can hold; the others keep their
    defaults. What is cut or left out is told in the notes, without any part of it.
    """
    if not data:
        return {}
    values = {}
    for variable in program.signature.inputs:
        if variable.name in data:
            try:
                values[f"vars.{variable.name}"] = convert_value(
                    data[variable.name], variable, notes
                )
            except EvalError:
                notes.append(f"left out: {variable.name} cannot hold what was handed in")
    if strange := len(data.keys() - {variable.name for variable in program.signature.inputs}):
        notes.append(f"left out: what is no input of {program.flow} ({strange})")
    return values


def start_lost_menu(release: Release, event: Pie) -> StepStart | None:
    """The menu's id still names flow and state, so that the error exit of that very state can
    answer.
    """
    asked = find_asked_state(release, event)
    if asked is None:
        return None
    flow, state = asked
    call = Call(release.id, flow, state, release.programs[flow].locale)
    return StepStart(call, failure="the state of this call is lost")


def start_answered_call(release: Release, call: Call) -> StepStart:
    program = release.programs[call.flow]
    if program.states[call.state].verb.joins_callee or not program.answered:
        return StepStart(call)
    return StepStart(call, entry=program.answered)


def start_key_press(release: Release, call: Call, event: Pie) -> StepStart:
    """A key in a question, or in a conference: the platform reports those with the conference as
    menu and wants no answer.
    """
    if release.programs[call.flow].states[call.state].verb.is_question or event.type == "hangup":
        if event.type not in UNASKED and answers_another_menu(release, call, event):
            note = f"the answer is to another question: {event.menu_id}"
            return StepStart(call, event=to_no_match(event), notes=(note,))
        return StepStart(call)
    entry = release.programs[call.to_root_flow().flow].pressed
    if event.type != "sequence":
        return StepStart(call)
    return StepStart(
        call.to_root_flow(),
        entry=entry,
        is_complete=not entry,
        keeps_place=True,
        sends_nothing=True,
    )


def answers_own_menu(call: Call, event: Pie) -> bool:
    """Whether the menu that was asked is the very state that the call waits in."""
    return event.menu_result.menu_id == f"{call.flow}.{call.state}"


def answers_another_menu(release: Release, call: Call, event: Pie) -> bool:
    """Whether a menu was asked by name, and the call waits for something else."""
    if answers_own_menu(call, event) or is_from_conference(event):
        return False
    asked = find_asked_state(release, event)
    return asked is not None and asked != (call.flow, call.state)


def find_asked_state(release: Release, event: Pie) -> tuple[str, str] | None:
    """Flow and state of the menu that was asked.

    None for menu `main`, which has no name of its own, and for one that this release does not have.
    """
    flow, _, place = event.menu_id.partition(".")
    state = place.partition(".")[0]
    program = release.programs.get(flow)
    if event.menu_id == "main" or program is None or state not in program.states:
        return None
    return flow, state


def to_no_match(event: Pie) -> Pie:
    """An answer to another question as one that does not fit: what was meant for one question must
    not choose in the next.
    """
    return replace(event, menu_result=replace(event.menu_result, type="invalidinput", value=""))


def start_end_or_notice(release: Release, call: Call, event: CallbackEvent) -> StepStart:
    """The end of a call or a notice: the first flow's entry for it runs aside, and nothing is
    answered.
    """
    if type(event) is Notify and event.type in ("amd", "amd_beep"):
        return StepStart(
            call,
            keeps_place=True,
            sends_nothing=True,
            is_complete=not release.programs[call.flow].states[call.state].verb.joins_callee,
        )
    program = release.programs[call.to_root_flow().flow]
    entry = program.ended if type(event) is Dice else find_notice_entry(program, event)
    return StepStart(
        call.to_root_flow(),
        entry=entry,
        is_complete=not entry,
        keeps_place=True,
        sends_nothing=True,
    )


def find_notice_entry(program: Program, event: CallbackEvent) -> str:
    kind = event.type if type(event) is Notify else ""
    return program.notified.get(kind) or program.notified.get("any", "")


def answer_unrouted(release: Release, event: CallbackEvent, now: datetime) -> Outcome:
    """No flow answers: an incoming call hears the apology, a placed call goes on as it was placed,
    events are only acknowledged.
    """
    if not event.is_awaited or (type(event) is Pie and is_from_conference(event)):
        return Outcome(None, (), None, ())
    if type(event) is Ace:
        return Outcome(None, (), Continue(), ())
    run = StepContext(
        event, NameBindings.from_values({}, release.computed_names, event, now), release.locale, 0
    )
    return Outcome(
        None,
        release.apology.build_instructions(run),
        Hangup(),
        (TraceEntry("", "", "no flow answers"),),
    )
