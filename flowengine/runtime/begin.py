"""Where a callback finds its call: a new call at its entry, a known one in its state, an event at
the entry made for it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from flowengine.compile import Program, Release
from flowengine.expr import EvalError
from flowengine.limits import MAX_FACT_BYTES
from flowengine.runtime.call import Call
from flowengine.sinch import Ace, Dice, Event, Ice, Notify, Pie
from flowengine.sinch.caller import dialled_address, forwarding_number, read_caller
from flowengine.states import Variable
from flowengine.states.assign import held
from flowengine.svaml import Action, Hangup

QUESTIONS = ("menu", "collect")


class Start(msgspec.Struct, frozen=True):
    """How a step begins.

    `entry` is a state to enter; without one the call's own state is resumed, unless `answer`
    settles everything at once. `aside` says that the walk must leave the call where it is; `silent`
    that nothing is to be answered; `lost` why it must fail.
    """

    call: Call
    entry: str = ""
    answer: Action | None = None
    settled: bool = False
    aside: bool = False
    silent: bool = False
    lost: str = ""


class Handed(msgspec.Struct, frozen=True):
    """What a placed call hands in by its `custom` text."""

    flow: str = ""
    data: dict[str, Any] = {}


_NOTHING_HANDED = Handed()


def begin(
    release: Release, call: Call | None, event: Event, gone: str | None = None
) -> Start | None:
    """The start of a step, or None where no flow has anything to say. `gone` is the flow of a known
    call whose place is lost.
    """
    if type(event) is Ice:
        return incoming(release, event, call.steps if call else 0)
    if call is None:
        return unseen(release, event) if gone is None else misplaced(release, event, gone)
    if call.ended and event.is_awaited:
        return Start(call, answer=Hangup(), settled=True)
    if type(event) is Ace:
        return answered(release, call)
    if type(event) is Pie:
        return pressed(release, call, event)
    return happened(release, call, event)


def incoming(release: Release, event: Ice, steps: int) -> Start | None:
    """A call that rings. Only a call that the platform placed for us may hand in its flow and data:
    others could claim anything.
    """
    handed = handed_in(event.custom) if event.origination_type == "SERVER" else _NOTHING_HANDED
    flow = handed.flow or release.route(
        event.to.endpoint, event.to.type, event.origin, event.application_key
    )
    program = release.programs.get(flow)
    if program is None or not program.start:
        return None
    values = facts_of(event)
    if handed.data:
        values |= inputs(program, handed.data)
    return Start(
        Call(release.id, flow, program.start, program.locale, values, steps=steps),
        entry=program.start,
    )


def facts_of(event: Ice) -> dict[str, Any]:
    """What only the first callback tells of a call."""
    origin = event.origin
    caller = read_caller(event.cli, event.user, origin)
    return {
        "call.from": caller.number,
        "call.to": cut(dialled_address(event)),
        "call.user": cut(caller.user),
        "call.sip": cut(caller.sip),
        "call.withheld": caller.withheld,
        "call.redirected_from": forwarding_number(event) if event.rdnis else "",
        "call.origin": cut(origin),
    }


def cut(text: str) -> str:
    """No longer than what the check of the cookie counts on."""
    return (
        text
        if len(text) * 4 <= MAX_FACT_BYTES
        else text.encode(errors="replace")[:MAX_FACT_BYTES].decode(errors="ignore")
    )


def misplaced(release: Release, event: Event, flow: str) -> Start | None:
    """A call that began elsewhere, on a release that is gone: only its own flow may still hear how
    it went on.
    """
    if type(event) is Pie:
        return None if in_conference(event) else lost(release, event)
    program = release.programs.get(flow)
    if program is None or type(event) is Ace:
        return None
    return happened(
        release, Call(release.id, flow, program.answered or program.start, program.locale), event
    )


def unseen(release: Release, event: Event) -> Start | None:
    """A first callback that is no incoming call: a placed call, or a call whose state is lost."""
    if type(event) is Pie and not in_conference(event):
        return lost(release, event)
    handed = handed_in(event.custom)
    flow = handed.flow or placed(release, event)
    program = release.programs.get(flow)
    if program is None:
        return None
    call = Call(
        release.id,
        flow,
        program.answered or program.start,
        program.locale,
        inputs(program, handed.data),
    )
    if type(event) is Ace:
        return Start(call, entry=program.answered) if program.answered else None
    if type(event) is Pie:
        return Start(
            call, entry=program.pressed, settled=not program.pressed, aside=True, silent=True
        )
    return happened(release, call, event)


def placed(release: Release, event: Event) -> str:
    """The flow of placed calls, where a call can be nothing else: what lost its state may have come
    from outside.
    """
    others = any(route.origin != "server" for route in release.routes)
    return "" if others else release.route("", "", "server", event.application_key)


def in_conference(event: Pie) -> bool:
    """Whether these keys come from a conference, which the platform then names as the menu: ours
    are `main` and `flow.state`.
    """
    if event.conference_id:
        return event.menu_id == event.conference_id
    return (
        event.type == "sequence" and event.menu_id not in ("", "main") and "." not in event.menu_id
    )


def handed_in(custom: str) -> Handed:
    if not custom.startswith("{"):
        return _NOTHING_HANDED
    try:
        return msgspec.json.decode(custom, type=Handed)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _NOTHING_HANDED


def inputs(program: Program, data: Mapping[str, Any]) -> dict[str, Any]:
    """The handed-in values that the flow declares as inputs and can hold; the others keep their
    defaults.
    """
    found = (
        (variable, data[variable.name])
        for variable in program.signature.inputs
        if variable.name in data
    )
    return {
        f"vars.{variable.name}": value
        for variable, given in found
        if (value := fitting(given, variable)) is not None
    }


def fitting(value: Any, variable: Variable) -> Any:
    try:
        return held(value, variable)
    except EvalError:
        return None


def lost(release: Release, event: Pie) -> Start | None:
    """The menu's id still names flow and state, so that the error exit of that very state can
    answer.
    """
    flow, _, state = event.menu_id.partition(".")
    program = release.programs.get(flow)
    state = state.split(".")[0]
    if program is None or state not in program.states:
        return None
    return Start(
        Call(release.id, flow, state, program.locale), lost="the state of this call is lost"
    )


def answered(release: Release, call: Call) -> Start:
    program = release.programs[call.flow]
    if program.states[call.state].kind == "connect" or not program.answered:
        return Start(call)
    return Start(call, entry=program.answered)


def pressed(release: Release, call: Call, event: Pie) -> Start:
    """A key in a question, or in a conference: the platform reports those with the conference as
    menu and wants no answer.
    """
    if release.programs[call.flow].states[call.state].kind in QUESTIONS or event.type == "hangup":
        return Start(call)
    entry = release.programs[call.root().flow].pressed
    if event.type != "sequence":
        return Start(call)
    return Start(call.root(), entry=entry, settled=not entry, aside=True, silent=True)


def happened(release: Release, call: Call, event: Event) -> Start:
    """The end of a call or a notice: the first flow's entry for it runs aside, and nothing is
    answered.
    """
    if type(event) is Notify and event.type in ("amd", "amd_beep"):
        return Start(
            call,
            aside=True,
            silent=True,
            settled=release.programs[call.flow].states[call.state].kind != "connect",
        )
    program = release.programs[call.root().flow]
    entry = program.ended if type(event) is Dice else notified(program, event)
    return Start(call.root(), entry=entry, settled=not entry, aside=True, silent=True)


def notified(program: Program, event: Event) -> str:
    kind = event.type if type(event) is Notify else ""
    return program.notified.get(kind) or program.notified.get("any", "")
