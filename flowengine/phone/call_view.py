"""What a page shows of a call: as data, so that it says the same to each reader."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, Literal

import msgspec

from flowengine.phone.browser_call import BrowserCall
from flowengine.phone.call_prompt import find_state, format_prompt, list_key_effects
from flowengine.phone.call_transcript import TranscriptEntry
from flowengine.phone.phone_steps import describe_step
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.scenario_run import get_position
from flowengine.scenarios.then_checks import find_ender
from flowengine.scenarios.trial_inputs import JsonObject
from flowengine.switch.calls import Leg
from flowengine.switch.switch_events import MenuListening

CALLEE = "callee"
OWN_PHONE = "you"  # whom a placed call calls: the person at the page
MAX_SAMPLES = 3  # inputs that the page offers
CallPhase = Literal["asked", "ringing", "joined", "parked", "listening", "lookup", "over"]


class VisitedState(msgspec.Struct, frozen=True):
    """A state that the call has passed, and the exits and events in it."""

    flow: str
    state: str
    exits: tuple[str, ...]


class AwaitedInput(msgspec.Struct, frozen=True):
    """What a menu waits for: keys with what they do, so many digits, or words. `samples` are inputs
    that may be worth a try.
    """

    keys: dict[str, str]
    least: int
    digits: int
    voice: bool
    samples: tuple[str, ...]


class AwaitedLookup(msgspec.Struct, frozen=True):
    """A request of the flow that nobody has answered. `answers` may be worth a try, those of
    scenarios first.
    """

    service: str
    request: str
    flow: str
    state: str
    answers: tuple[JsonObject, ...]


class PartyView(msgspec.Struct, frozen=True):
    """Somebody else in the call: `state` is ringing, up or gone, or "" before anything."""

    name: str
    address: str
    state: str
    is_asked: bool = False


class EndView(msgspec.Struct, frozen=True):
    """How a call ended; `has_succeeded` says that nothing was amiss in it."""

    result: str
    reason: str
    duration: int
    ended_by: str
    has_succeeded: bool


class CallView(msgspec.Struct, frozen=True):
    """A call as it stands. `entries` are those from number `first` on, `steps` what was done in
    words.
    """

    id: str
    flow: str
    phase: CallPhase
    prompt: str
    clock: str
    seconds: float
    zone: str
    given: JsonObject
    first: int
    entries: Sequence[TranscriptEntry]
    steps: tuple[str, ...]
    way: tuple[VisitedState, ...]
    place: tuple[str, str]
    values: dict[str, Any]
    parties: tuple[PartyView, ...]
    awaits: AwaitedInput | None = None
    lookup: AwaitedLookup | None = None
    end: EndView | None = None
    notice: str = ""


def build_call_view(name: str, call: BrowserCall, known: int = 0) -> CallView:
    """The call as it stands, without the entries that the page knows."""
    run, talk = call.run, call.run.call.talk
    has_begun = not run.refusal
    return CallView(
        id=name,
        flow=call.opening.flow,
        phase=find_phase(call),
        prompt=format_prompt(talk) if has_begun and not run.is_over else "",
        clock=talk.clock.now().isoformat(timespec="seconds"),
        seconds=talk.clock.seconds,
        zone=call.line.project.zone,
        given=call.opening.given,
        first=known,
        entries=run.transcript.entries[known:],
        steps=tuple(list_action_words(call)),
        way=tuple(list_visited_states(call)) if has_begun else (),
        place=find_place(call) if has_begun else ("", ""),
        values=list_values(call) if has_begun else {},
        parties=tuple(list_parties(talk)) if has_begun else (),
        awaits=find_awaited_input(call),
        lookup=find_awaited_lookup(call),
        end=find_end(call),
        notice=call.notice,
    )


def find_phase(call: BrowserCall) -> CallPhase:
    """What the call is at."""
    run = call.run
    if run.is_over:
        return "over"
    if run.awaited:
        return "lookup"
    phase = run.call.talk.phase
    if phase in ("asked", "ringing"):
        return "asked" if phase == "asked" else "ringing"
    if run.call.is_parked():
        return "parked"
    return "joined" if phase == "joined" else "listening"


def list_action_words(call: BrowserCall) -> Iterator[str]:
    """What was done, in words."""
    for action in call.actions:
        if action.step is not None:
            is_far, words = describe_step(action.step)
            yield f"{CALLEE} {words}" if is_far else words
        elif not action.is_automatic:
            yield "a lookup is answered"


def list_visited_states(call: BrowserCall) -> Iterator[VisitedState]:
    """The states that the call has passed, in order."""
    known = call.run.call.talk.backend_call
    trace = [entry for step in (known.steps if known else ()) for entry in step.trace]
    trace += call.run.awaited.trace if call.run.awaited else ()
    exits: list[str] = []
    for entry, after in zip_longest(trace, trace[1:]):
        exits.append(entry.what)
        if after is None or not is_same_place(entry, after):
            yield VisitedState(entry.flow, entry.state, tuple(exits))
            exits = []


def is_same_place(entry: TraceEntry, other: TraceEntry) -> bool:
    """Whether two lines of a trace are of the same state."""
    return (entry.flow, entry.state) == (other.flow, other.state)


def find_place(call: BrowserCall) -> tuple[str, str]:
    """Flow and state of the call just now; after its end, where it ended."""
    if call.run.awaited:
        return call.run.awaited.place
    last = next(reversed(tuple(list_visited_states(call))), VisitedState("", "", ()))
    return get_position(call.run.call.talk) if not call.run.is_over else (last.flow, last.state)


def list_values(call: BrowserCall) -> dict[str, Any]:
    """The variables that have got a value; secret ones show none."""
    known = call.run.call.talk.backend_call
    programs = call.line.release.programs.values()
    secret = {name.removeprefix("vars.") for one in programs for name in one.secret_names}
    return {
        name: "(secret)" if name in secret else value
        for name, value in (known.values if known else {}).items()
    }


def list_parties(talk: Conversation) -> Iterator[PartyView]:
    """The others in the call: whom it is connected to, and the members of rings."""
    far = talk.get_far_leg()
    if far is not None and far is not talk.get_near_leg():
        yield build_party_view(CALLEE, far.address, far)
    elif far is not None and far.state == "ringing":
        yield build_party_view(OWN_PHONE, far.address, far)
    for party in talk.parties.list_named():
        yield build_party_view(party.name, party.address, talk.parties.find_leg(party))


def build_party_view(name: str, address: str, leg: Leg | None) -> PartyView:
    if leg is None:
        return PartyView(name, address, "")
    return PartyView(name, address, leg.state, leg.asking)


def find_awaited_input(call: BrowserCall) -> AwaitedInput | None:
    """What a menu waits for, where one does."""
    talk = call.run.call.talk
    if find_phase(call) != "asked":
        return None
    menu = next(item for item in reversed(talk.events) if isinstance(item, MenuListening))
    effects, state = list_key_effects(talk), find_state(talk)
    read_back = state.verb.read_back_choices if state and not menu.digits else {}
    keys = {key: effects.get(key) or read_back.get(key, "") for key in menu.keys}
    return AwaitedInput(
        {**effects, **keys} if menu.digits else keys,
        state.verb.least_digits if state and menu.digits else 0,
        menu.digits,
        menu.voice,
        tuple(list_samples(call)) if menu.digits > 1 else (),
    )


def list_samples(call: BrowserCall) -> Iterator[str]:
    """Digits that may be worth a try."""
    flow, state = get_position(call.run.call.talk)
    program = call.line.release.programs[flow]
    moves = call.line.inputs.list_moves(program, state, 0)
    pressed = [move["press"] for move in moves if isinstance(move, dict) and "press" in move]
    yield from [keys for keys in pressed if len(keys) > 1][:MAX_SAMPLES]


def find_awaited_lookup(call: BrowserCall) -> AwaitedLookup | None:
    """What the flow asks, where it waits for an answer."""
    awaited = call.run.awaited
    if awaited is None:
        return None
    known = [*call.find_double_answers(), *call.line.inputs.list_answers(awaited.place)]
    answers = tuple(answer for at, answer in enumerate(known) if answer not in known[:at])
    request = call.run.transcript.mask(str(awaited.made).removeprefix(f"{awaited.made.service}: "))
    return AwaitedLookup(awaited.made.service, request, *awaited.place, answers)


def find_end(call: BrowserCall) -> EndView | None:
    """How the call ended, where it has."""
    run = call.run
    if run.refusal:
        return EndView("FAILED", run.refusal, 0, "", has_succeeded=False)
    ended = run.call.talk.call.ended if run.is_over else None
    if ended is None:
        return None
    return EndView(
        ended.result,
        ended.reason,
        ended.duration,
        find_ender(run.call.talk),
        run.call.has_succeeded(),
    )
