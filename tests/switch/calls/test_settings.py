"""Section 7 of the platform notes: what no source decides is a setting, and each makes a difference
to a call.
"""

import json

import pytest
from msgspec.structs import fields

from flowengine.switch.api_error import ApiError
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
    USER,
    CallbackSent,
    LegPickedUp,
    Switch,
    hangs_up,
    presses,
    say,
)

NOBODY = {AGENT: Behaviour("by hand")}
INLINE = json.dumps({"action": {**CONNECT["action"], "cli": LINE}})
RECORDED = {
    "instructions": [
        {
            "name": "startRecording",
            "options": {
                "destinationUrl": "s3://b",
                "credentials": "a:b:c",
                "transcriptionOptions": {"enabled": True},
            },
        }
    ],
    **CONNECT,
}
DETECTED = {"action": {**CONNECT["action"], "amd": {"enabled": True}}}
FILE = {"instructions": [{"name": "playFiles", "ids": ["a.mp3"]}], **HANGUP}
PRESSED = {"behaviour": presses("1", then_hangs_up=60)}
COOKIE = {"instructions": [{"name": "setCookie", "key": "a", "value": "1"}], **HANGUP}


def play(answers, settings, *, parties=None, behaviour=None, callout=None, **how):
    switch = Switch(answers, settings=settings, parties=parties)
    if callout:
        switch.callout("customCallout", callout)
    else:
        switch.dial(behaviour=behaviour or hangs_up(60), **how)
    switch.clock.run()
    return switch


def menu(**changed):
    return {"action": {**MENU["action"], "menus": [{**MENU["action"]["menus"][0], **changed}]}}


def result(switch):
    return switch.event("pie")["menuResult"]["type"]


def reason(switch):
    return switch.ending()[1]


def days_kept(switch):
    [kept] = switch.exchange.recordings.find_between(
        switch.of(CallbackSent)[0].at, switch.clock.now()
    )
    return (kept.expires - kept.created).days


def seconds(switch):
    return switch.clock.seconds


# the setting, another value than the default, the call, and what is seen of it with the default and
# with the other value
def patched_while_ringing(switch):
    request = {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE, "text": "Hello."}
    call = switch.callout("ttsCallout", request)
    switch.clock.advance(1)
    try:
        call.patch(json.dumps(CONTINUE).encode())
    except ApiError:
        return False
    return True


def parked_from_a_room(switch):
    """Whether a caller who waits in a room may be parked."""
    call = switch.dial()
    switch.clock.advance(1)
    try:
        call.patch(json.dumps(PARK).encode())
    except ApiError:
        return False
    return True


def patched_app_call(switch):
    call = switch.dial(**APP)
    switch.clock.advance(10)
    try:
        call.patch(json.dumps(CONTINUE).encode())
    except ApiError:
        return False
    return True


def callouts_at_once(switch):
    """How many of five callouts are placed within the same moment."""
    request = {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE, "text": "Hello."}
    placed = 0
    for _ in range(5):
        try:
            switch.callout("ttsCallout", request)
        except ApiError:
            continue
        placed += 1
    return placed


APP = {"kind": "app", "caller": "bert", "to": "anna"}
DIFFERENCES = {
    "callback_timeout": (1.0, {"ice": None}, {}, lambda switch: switch.happened[1].at.second, (5, 1)),
    "ace_unanswered": ("hangup", {"ice": CONNECT, "ace": None}, {}, reason, ("CALLERHANGUP", "CALLBACKERROR")),
    "pie_unanswered": ("continue", {"ice": MENU, "pie": None}, PRESSED, reason, ("CALLBACKERROR", "CALLERHANGUP")),
    "empty_ice": ("hangup", {"ice": b""}, {}, Switch.events, (["ice", "callingerror", "dice"], ["ice", "dice"])),
    "empty_ace": ("hangup", {"ice": CONNECT, "ace": b""}, {}, reason, ("CALLERHANGUP", "MANAGERHANGUP")),
    "empty_pie": ("continue", {"ice": MENU, "pie": b""}, PRESSED, reason, ("MANAGERHANGUP", "CALLERHANGUP")),
    "continue_in_ice": ("never", {"ice": CONTINUE}, APP, lambda s: s.ending()[0], ("ANSWERED", "FAILED")),
    "cookies": (False, {"ice": COOKIE}, {}, lambda s: "cookies" in s.event("dice"), (True, False)),
    "pie_for_apps": ("send", {"ice": MENU, "pie": HANGUP}, {**APP, "behaviour": presses("1", then_hangs_up=60)}, Switch.events,
                     (["ice", "dice"], ["ice", "pie", "dice"])),
    "patch_ringing_callout": (False, {}, {}, patched_while_ringing, (True, False)),
    "patch_app_calls": (True, {"ice": USER}, {}, patched_app_call, (False, True)),
    "patch_park_from_room": (False, {"ice": ROOM}, {}, parked_from_a_room, (True, False)),
    "callouts_per_second": (3, {}, {}, callouts_at_once, (5, 3)),
    "app_conference_domain": ("conference", {"ice": ROOM}, {**APP, "to": "room", "target": "conference"},
                              lambda s: s.event("ice")["domain"], ("mxp", "conference")),
    "dice_for_apps": (False, {"ice": USER}, APP, Switch.events, (["ice", "dice"], ["ice"])),
    "custom_callout_events": (False, {"ace": HANGUP}, {"callout": {"ice": INLINE, "maxDuration": 9}}, Switch.events, (["ace", "dice"], [])),
    "auto_answer": (False, {"ice": MENU, "pie": HANGUP}, {}, lambda s: len(s.of(LegPickedUp)), (1, 0)),
    "send_dtmf_to": ("caller", {"ice": {"instructions": [{"name": "sendDtmf", "value": "42"}], **CONNECT}}, {},
                     lambda s: ["42" in s.heard(role) for role in ("caller", "callee")], ([False, True], [True, False])),
    "ace_prompts_to": ("callee", {"ice": CONNECT, "ace": say("A call.", CONTINUE)}, {},
                       lambda s: ["A call." in s.heard(role) for role in ("caller", "callee")], ([True, False], [False, True])),
    "repeats": (1, {"ice": menu(repeats=None, options=[]), "pie": HANGUP}, {}, lambda s: len(s.heard()), (4, 2)),
    "wrong_key_interrupts": (False, {"ice": menu(mainPrompt="a.mp3"), "pie": HANGUP}, {"behaviour": presses("9")}, result,
                             ("invalidinput", "timeout")),
    "options_with_digits": (False, {"ice": menu(maxDigits=1), "pie": HANGUP}, PRESSED, result, ("return", "sequence")),
    "park_seconds": (10.0, {"ice": {"action": {"name": "park"}}}, {"behaviour": Behaviour()}, seconds, (600.0, 10.0)),
    "park_reason": ("MANAGERHANGUP", {"ice": PARK}, {"behaviour": Behaviour()}, reason, ("TIMEOUT", "MANAGERHANGUP")),
    "cancel_reason": ("CALLERHANGUP", {"ice": CONNECT}, {"parties": NOBODY, "behaviour": hangs_up(5)}, reason,
                      ("CANCEL", "CALLERHANGUP")),
    "ring_seconds": (7.0, {"ice": CONNECT}, {"parties": NOBODY, "behaviour": Behaviour()}, seconds, (45.0, 7.0)),
    "call_id_name": ("callId", {"ice": HANGUP}, {}, lambda s: "callId" in s.event("ice"), (False, True)),
    "strict": (True, {"ice": {"action": {"name": "Hangup"}}}, {}, reason, ("MANAGERHANGUP", "GENERALERROR")),
    "characters_per_second": (1.0, {"ice": say("x" * 30, HANGUP)}, {}, seconds, (2.0, 30.0)),
    "file_seconds": (7.0, {"ice": FILE}, {}, seconds, (5.0, 7.0)),
    "tone_seconds": (1.0, {"ice": {"action": {**CONNECT["action"], "dtmf": "12345"}}, "ace": HANGUP}, {}, seconds, (4.0, 8.0)),
    "upload_seconds": (5.0, {"ice": RECORDED}, {"behaviour": hangs_up(1)}, lambda s: s.of(CallbackSent)[-2].at.second, (3, 6)),
    "transcription_seconds": (90.0, {"ice": RECORDED}, {"behaviour": hangs_up(1)}, seconds, (61.0, 91.0)),
    "recording_days": (1.0, {"ice": RECORDED}, {"behaviour": hangs_up(1)}, days_kept, (30, 1)),
    "amd_seconds": (4.0, {"ice": DETECTED, "ace": HANGUP}, {}, seconds, (6.0, 7.0)),
    "callback_seconds": (2.0, {"ice": HANGUP}, {}, seconds, (0.0, 4.0)),
}  # fmt: skip
ELSEWHERE = {"bypass_after", "bypass_probe", "timestamp_window"}
"""Shown by tests of deliveries and of the gate"""


@pytest.mark.parametrize("setting", DIFFERENCES)
def test_setting_makes_its_difference(setting):
    other, answers, how, seen, expected = DIFFERENCES[setting]
    told = tuple(
        seen(play(answers, settings, **how))
        for settings in (SwitchSettings(), SwitchSettings(**{setting: other}))
    )
    assert told == expected


def test_settings_all_have_a_test():
    assert set(DIFFERENCES) | ELSEWHERE == {item.name for item in fields(SwitchSettings)}
