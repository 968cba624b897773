"""Whatever backends answer and whoever is on the line does: a call ends once, and nothing of it is
left over.
"""

import json
from random import Random

import pytest

from flowengine.switch.api_error import ApiError
from flowengine.switch.calls import SwitchCall
from flowengine.switch.switch_events import CallEnded
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour
from tests.switch.calls.scripted_switch import (
    AGENT,
    CONNECT,
    CONTINUE,
    HANGUP,
    LINE,
    MENU,
    PARK,
    ROOM,
    SIP,
    STREAM,
    USER,
    LegLeft,
    LegPickedUp,
    Switch,
    say,
)  # fmt: skip

RECORD = {
    "name": "startRecording",
    "options": {"destinationUrl": "s3://bucket", "credentials": "a:b:c"},
}
WRONG = [None, 500, b"", {}, {"action": {"name": "dance"}}]
LEGAL = {
    "ace": [
        CONTINUE,
        CONTINUE,
        HANGUP,
        MENU,
        ROOM,
        say("Hello.", MENU),
        {"instructions": [RECORD], **CONTINUE},
    ]
}
LEGAL["ice"] = [
    CONNECT, MENU, PARK, ROOM, SIP, STREAM, USER, say("Hello.", MENU),
    {"instructions": [RECORD], **MENU}, {"instructions": [RECORD], **CONNECT}, {"instructions": [{"name": "answer"}], **SIP},
    {"action": {**CONNECT["action"], "amd": {"enabled": True, "async": True}}}, {"action": {**CONNECT["action"], "maxDuration": 5}},
]  # fmt: skip
LEGAL["pie"] = [MENU, CONTINUE, CONNECT, ROOM, SIP, say("Hello.", MENU)]
DOES = ["answer", "answer", "answer", "busy", "no answer", "decline", "congestion", "by hand"]


def begin(switch: Switch, random: Random) -> SwitchCall:
    kind = random.choice(
        ["phone", "app to app", "app to phone", "sip", "tts", "conference", "custom"]
    )
    if kind in {"phone", "sip"}:
        return switch.dial(kind=kind)
    if kind.startswith("app"):
        return switch.dial("bert", "anna" if kind == "app to app" else AGENT, kind="app")
    enabled = {f"enable{name}": random.random() < 0.7 for name in ("Ace", "Pie", "Dice")}
    to = {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE, **enabled}
    return switch.callout(f"{kind}Callout", {**to, "text": "Hello.", "conferenceId": "room"})


def act(call: SwitchCall, random: Random) -> None:
    leg = random.choice([call.caller, call.callee])
    what = random.choice(
        ["press", "say", "answer", "reject", "hang up", "patch", "leg", *["wait"] * 9]
    )
    try:
        if what == "patch":
            call.patch(
                json.dumps(
                    random.choice([CONNECT, CONTINUE, HANGUP, PARK, say("Well.", CONTINUE), ROOM])
                ).encode()
            )
        elif what == "leg":
            call.patch_leg(
                random.choice(["caller", "callee", "both"]), json.dumps(say("Well.", {})).encode()
            )
    except ApiError:
        pass
    if leg is None or what in {"patch", "leg", "wait"}:
        return
    {
        "press": lambda: leg.press("1"), "say": lambda: leg.say("Hm."), "answer": leg.answer, "reject": leg.reject, "hang up": leg.hang_up,
    }[what]()  # fmt: skip


@pytest.mark.parametrize("seed", range(400))
def test_call_with_any_answers_ends_once_and_leaves_nothing_behind(seed):
    random = Random(seed)
    answers = {
        event: [random.choice(WRONG if random.random() < 0.05 else LEGAL[event]) for _ in range(60)]
        for event in LEGAL
    }
    party = Behaviour(
        random.choice(DOES),
        after=random.choice([0.0, 1.0]),
        who=random.choice(["human", "machine"]),
    )
    settings = SwitchSettings(callback_seconds=random.choice([0.0, 0.7]))
    switch = Switch(answers, parties=dict.fromkeys(("+", "a", "d", "w"), party), settings=settings)
    call = begin(switch, random)
    for _ in range(30):
        switch.clock.advance(random.choice([0.0, 0.1, 1.0, 4.0]))
        act(call, random)
    call.hang_up()
    assert call.ended is not None
    switch.clock.advance(120)
    assert switch.clock.get_next_delay() is None, "something is still due"
    assert len(switch.of(CallEnded)) == 1
    assert switch.events().count("dice") <= 1
    assert len(switch.of(LegLeft)) <= len(switch.of(LegPickedUp)) + 1
    assert switch.exchange.rooms.find_room("room") is None
    assert not any(leg.line.playing for leg in (call.caller, call.callee) if leg)
