"""Decides where a step begins: a new call at the entry of its flow, a known call in its state, an
event at the entry for it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.compile import Program, Release
from flowengine.runtime.call_state import Call
from flowengine.runtime.callout_data import (
    NO_CALLOUT_DATA,
    choose_answered_entry,
    parse_callout_data,
    to_input_values,
)
from flowengine.runtime.incoming_facts import read_call_facts, read_custom_text
from flowengine.runtime.step_outcome import Outcome, TraceEntry
from flowengine.sinch import Ace, CallbackEvent, Dice, Ice, Notify, Pie
from flowengine.states import (
    NameBindings,
    OrchestrationResult,
    OwnEvent,
    StepContext,
    StepEvent,
)
from flowengine.svaml import Action, Continue, Hangup

RESUMED_LEVEL = -1  # in place of a level: the state that the call waits in
UNASKED = ("hangup", "error")  # events of the call itself, whichever menu it is in
LaterEvent = Ace | Pie | Dice | Notify


class StepStart(msgspec.Struct, frozen=True):
    """How a step begins. `entry` is the state to enter; without one the step resumes the state of
    the call. Where `is_complete`, no state runs and `answer` is the answer, if any. `keeps_place`
    says that the call stays in its state; `sends_nothing` that the platform ignores the answer;
    `failure` is why the step must fail. `event` replaces the event of the callback; `notes` go to
    the trace. `level` is the flow of the call's stack that handles the event (see
    `Call.to_flow_at`), and `following` are those that it concerns after that.
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
    level: int = 0
    following: tuple[int, ...] = ()


def find_start(
    release: Release, call: Call | None, event: StepEvent, lost_flow: str | None = None
) -> StepStart | None:
    """The start of a step, or None where no flow handles the event. `lost_flow` is the flow of a
    known call whose state is lost.
    """
    if type(event) is Ice:
        return start_incoming_call(release, event, call.steps if call else 0)
    start_known_call = _STARTS_OF_KNOWN_CALLS.get(type(event))
    if start_known_call is None:
        return start_own_event(release, call, event)  # type: ignore[arg-type]
    if call is None:
        return start_without_state(release, event, lost_flow)  # type: ignore[arg-type]
    if call.ended and event.is_awaited:
        return StepStart(call, answer=Hangup(), is_complete=True)
    return start_known_call(release, call, event)


def start_without_state(
    release: Release, event: LaterEvent, lost_flow: str | None
) -> StepStart | None:
    """The start for a callback after the ICE, of a call without a usable state."""
    if lost_flow is None:
        return start_unknown_call(release, event)
    return start_call_without_release(release, event, lost_flow)


def start_incoming_call(release: Release, event: Ice, steps: int) -> StepStart | None:
    """The start of an incoming call. Its `custom` text is read only where the platform placed the
    call for this project: other callers could claim anything.
    """
    notes: list[str] = []
    is_placed = event.origination_type == "SERVER"
    handed = parse_callout_data(event.custom, notes) if is_placed else NO_CALLOUT_DATA
    flow = handed.flow or release.find_flow(
        event.to.endpoint, event.to.type, event.origin, event.application_key
    )
    program = release.programs.get(flow)
    if program is None or not program.start:
        return None
    values = read_call_facts(event, notes)
    if event.custom:
        values |= read_custom_text(program, event, notes)
    if handed.data:
        values |= to_input_values(program, handed.data, notes)
    return StepStart(
        Call(release.id, flow, program.start, program.locale, values, steps=steps),
        entry=program.start,
        notes=notes,
    )


def start_call_without_release(release: Release, event: LaterEvent, flow: str) -> StepStart | None:
    """The start for a call whose release is deleted: only its own flow may handle the end of the
    call and its notices.
    """
    if type(event) is Pie:
        return None if is_from_conference(event) else start_lost_menu(release, event)
    program = release.programs.get(flow)
    if program is None or type(event) is Ace:
        return None
    return start_end_or_notice(
        release, Call(release.id, flow, program.answered or program.start, program.locale), event
    )


def start_unknown_call(release: Release, event: LaterEvent) -> StepStart | None:
    """The start for a first callback that is not an ICE: a placed call, or a call whose state is
    lost.
    """
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
        {
            **({} if handed.to else read_custom_text(program, event, notes)),
            **handed.list_call_facts(),
            **to_input_values(program, handed.data, notes),
        },
    )
    if type(event) is Ace:
        entry = choose_answered_entry(program, event)
        return StepStart(call, entry=entry, notes=notes) if entry else None
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
    """The flow of placed calls, where the project takes no incoming calls; else the call may be one
    whose state is lost.
    """
    others = any(route.origin != "server" for route in release.routes)
    return "" if others else release.find_flow("", "", "server", event.application_key)


def is_from_conference(event: Pie) -> bool:
    """Whether the keys come from a conference: the platform then names the conference as the menu.
    Menus of flows are named `main` or `flow.state`.
    """
    result = event.menu_result
    if event.conference_id:
        return result.menu_id == event.conference_id
    return (
        result.type == "sequence"
        and result.menu_id not in ("", "main")
        and "." not in result.menu_id
    )


def start_lost_menu(release: Release, event: Pie) -> StepStart | None:
    """The start for an answer to a menu of a call whose state is lost: the menu id names the flow
    and the state, so the error exit of that state can answer.
    """
    asked = find_asked_state(release, event)
    if asked is None:
        return None
    flow, state = asked
    call = Call(release.id, flow, state, release.programs[flow].locale)
    return StepStart(call, failure="the state of this call is lost")


def start_answered_call(release: Release, call: Call, _event: Ace) -> StepStart:
    program = release.programs[call.flow]
    if program.states[call.state].verb.joins_callee or not program.answered:
        return StepStart(call)
    return StepStart(call, entry=program.answered)


def start_key_press(release: Release, call: Call, event: Pie) -> StepStart:
    """The start for a key in a question, or in a conference: the platform names the conference as
    the menu then, and wants no answer.
    """
    verb = release.programs[call.flow].states[call.state].verb
    if verb.is_question or event.type == "hangup":
        if event.type not in UNASKED and answers_another_menu(release, call, event):
            note = f"the answer is to another question: {event.menu_id}"
            return StepStart(call, event=to_no_match(event), notes=(note,))
        return StepStart(call)
    if event.type != "sequence":
        return StepStart(call)
    if verb.waits_in_queue or verb.room_keys:
        return StepStart(call, sends_nothing=True)
    return start_beside_call(release, call, event)


def answers_own_menu(call: Call, event: Pie) -> bool:
    """Whether the event answers the menu of the state that the call waits in, or a menu inside it."""
    menu_id, own = event.menu_result.menu_id, f"{call.flow}.{call.state}"
    return menu_id == own or menu_id.startswith(f"{own}.")


def answers_another_menu(release: Release, call: Call, event: Pie) -> bool:
    """Whether the event answers a named menu, and the call waits for another one."""
    if event.menu_result.menu_id == "main" or answers_own_menu(call, event):
        return False
    asked = find_asked_state(release, event)
    is_other = asked is not None and asked != (call.flow, call.state)
    return is_other and not is_from_conference(event)


def find_asked_state(release: Release, event: Pie) -> tuple[str, str] | None:
    """The flow and the state of the menu that the event answers. None for menu `main`, which names
    none, and for a menu that this release does not have.
    """
    menu_id = event.menu_id
    if menu_id == "main":
        return None
    flow, _, place = menu_id.partition(".")
    state = place.partition(".")[0]
    program = release.programs.get(flow)
    return (flow, state) if program is not None and state in program.states else None


def to_no_match(event: Pie) -> Pie:
    """Turn an answer to another question into a no-match: an answer to one question must not choose
    in the next.
    """
    return replace(event, menu_result=replace(event.menu_result, type="invalidinput", value=""))


def start_own_event(release: Release, call: Call | None, event: OwnEvent) -> StepStart | None:
    """The start for an event of flowengine's own."""
    if type(event) is OrchestrationResult:
        return start_after_others(release, call, event)
    return start_announcement(release, call)


def start_after_others(
    release: Release, call: Call | None, event: OrchestrationResult
) -> StepStart | None:
    """The start for the result of calls to others. A call that does not wait for it has gone on by
    itself, and stays in its state.
    """
    if call is None:
        return None
    state = release.programs[call.flow].states[call.state]
    waits = state.verb.is_brought_back or state.verb.uses_parking
    if waits and event.exit in state.exits and not call.ended:
        return StepStart(call)
    return StepStart(call.to_root_flow(), is_complete=True, keeps_place=True, sends_nothing=True)


def start_announcement(release: Release, call: Call | None) -> StepStart | None:
    """The start for an announcement in a queue. A call that waits in none has gone on by itself."""
    if call is None:
        return None
    verb = release.programs[call.flow].states[call.state].verb
    if verb.waits_in_queue and not call.ended:
        return StepStart(call)
    return StepStart(call.to_root_flow(), is_complete=True, keeps_place=True, sends_nothing=True)


def start_end_or_notice(release: Release, call: Call, event: Dice | Notify) -> StepStart:
    """The start for the end of a call or a notice: the platform gets no answer."""
    verb = release.programs[call.flow].states[call.state].verb
    if type(event) is Notify and event.type in ("amd", "amd_beep"):
        return StepStart(
            call,
            keeps_place=True,
            sends_nothing=True,
            is_complete=not verb.joins_callee,
            level=len(call.stack),
        )
    if not verb.is_waiting_for(event, call.values):
        return start_beside_call(release, call, event)
    if type(event) is Notify:
        return StepStart(call, sends_nothing=True)
    return start_beside_call(release, call, event, (RESUMED_LEVEL,))


_STARTS_OF_KNOWN_CALLS: Mapping[type, Callable[[Release, Call, Any], StepStart]] = {
    Ace: start_answered_call,
    Pie: start_key_press,
    Dice: start_end_or_notice,
    Notify: start_end_or_notice,
}


def start_beside_call(
    release: Release, call: Call, event: CallbackEvent, following: tuple[int, ...] = ()
) -> StepStart:
    """The start for an event that the call stays in its state for. It goes to the innermost flow
    that has an entry for it. The end of the call is the end of all its flows, so each of them hears
    of it, the innermost first.
    """
    levels = [
        level
        for level in range(len(call.stack), -1, -1)
        if find_event_entry(release, call, event, level)
    ]
    if type(event) is not Dice:
        levels = levels[:1]
    all_levels = (*levels, *following)
    if all_levels:
        return start_at_level(release, call, event, all_levels[0], all_levels[1:])
    return StepStart(call.to_root_flow(), is_complete=True, keeps_place=True, sends_nothing=True)


def start_at_level(
    release: Release, call: Call, event: StepEvent, level: int, following: tuple[int, ...]
) -> StepStart:
    """The start for an event in one flow of the call, or in the state that the call waits in."""
    if level == RESUMED_LEVEL:
        return StepStart(call, sends_nothing=True)
    return StepStart(
        call.to_flow_at(level),
        entry=find_event_entry(release, call, event, level),
        keeps_place=True,
        sends_nothing=True,
        level=level,
        following=following,
    )


def find_event_entry(release: Release, call: Call, event: StepEvent, level: int) -> str:
    """The state that the flow at this level has for the event, or ""."""
    program = release.programs[call.get_place_at(level)[0]]
    if type(event) is Dice:
        return program.ended
    return program.pressed if type(event) is Pie else find_notice_entry(program, event)


def find_notice_entry(program: Program, event: StepEvent) -> str:
    kind = event.type if type(event) is Notify else ""
    return program.notified.get(kind) or program.notified.get("any", "")


def answer_unrouted(release: Release, event: StepEvent, now: datetime) -> Outcome:
    """The outcome where no flow answers: an incoming call hears the apology, a placed call
    continues as it was placed, other events are only acknowledged.
    """
    if not event.is_awaited or isinstance(event, OwnEvent):
        return Outcome(None, (), None, ())
    if type(event) is Pie and is_from_conference(event):
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
