"""The table "DiCE by ending", test numbers, and limits of time and money, row by row."""

import pytest

from flowengine.switch.calls.call_record import build_call_info
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour
from tests.switch.calls.scripted_switch import (
    AGENT,
    CONNECT,
    CONTINUE,
    HANGUP,
    MENU,
    ROOM,
    USER,
    Switch,
    hangs_up,
    presses,
    say,
)

BRIDGED = {"ice": CONNECT, "ace": CONTINUE}


def limited(**limits):
    return {"ice": {"action": {**CONNECT["action"], **limits}}, "ace": CONTINUE}


def callee(does, after=1.0):
    return {AGENT: Behaviour(does, after=after), "anna": Behaviour(does, after=after)}


ENDINGS = {
    "caller hangs up after answer": (BRIDGED, {}, hangs_up(30), ("ANSWERED", "CALLERHANGUP")),
    "callee hangs up after answer": (BRIDGED, {AGENT: hangs_up(30)}, None, ("ANSWERED", "CALLEEHANGUP")),
    "SVAML hangup after answer": ({"ice": MENU, "pie": HANGUP}, {}, presses("1"), ("ANSWERED", "MANAGERHANGUP")),
    "hangup in ICE before answer": ({"ice": say("No.", HANGUP)}, {}, None, ("FAILED", "MANAGERHANGUP")),
    "maxDuration reached": (limited(maxDuration=60), {}, None, ("ANSWERED", "TIMEOUT")),
    "dialTimeout": (limited(dialTimeout=10), callee("by hand"), None, ("NOANSWER", "TIMEOUT")),
    "ring-out": (BRIDGED, callee("no answer"), None, ("NOANSWER", "TIMEOUT")),
    "ring-out of an app": ({"ice": USER}, callee("no answer"), None, ("BUSY", "N/A")),
    "callee busy": (BRIDGED, callee("busy"), None, ("BUSY", "N/A")),
    "caller gives up while ringing": (BRIDGED, callee("by "
                                                      "hand"), hangs_up(5), ("NOANSWER", "CANCEL")),
    "denied": (BRIDGED, callee("decline"), None, ("FAILED", "BLOCKED")),
    "no route": (BRIDGED, callee("congestion"), None, ("FAILED", "CONGESTION")),
    "unknown app user": (
        {"ice": {"action": {"name": "connectMxp", "destination": {"type": "username", "endpoint": "nobody"}}}}, {}, None,
        ("FAILED", "USERNOTFOUND"),
    ),
    "callback failed": ({"ice": 500}, {}, None, ("FAILED", "CALLBACKERROR")),
    "illegal SVAML": ({"ice": {"action": {"name": "dance"}}}, {}, None, ("FAILED", "GENERALERROR")),
}  # fmt: skip


@pytest.mark.parametrize("row", ENDINGS)
def test_dice_has_the_result_and_reason_of_the_ending(row):
    answers, parties, caller, ending = ENDINGS[row]
    switch = Switch(answers, parties=parties)
    call = switch.call(behaviour=caller)
    dice = switch.event("dice")
    assert (dice["result"], dice["reason"]) == ending == switch.ending()
    assert ("duration" in dice) == (ending[0] == "ANSWERED")
    assert switch.events().count("dice") == 1
    assert build_call_info(call)["status"] == "FINAL"


def test_call_without_credit_fails():
    switch = Switch(BRIDGED, credit=0.0)
    switch.call()
    assert switch.ending() == ("FAILED", "NOCREDITPARTNER")


def test_credit_that_is_used_up_ends_the_call_and_is_charged():
    switch = Switch(BRIDGED, credit=0.03)
    call = switch.call()
    assert (call.ended.result, call.ended.reason, call.ended.duration) == (
        "ANSWERED",
        "NOCREDITPARTNER",
        180,
    )
    assert switch.exchange.credit["app"] == pytest.approx(0.0)


def test_patch_hangup_and_kick_are_of_the_manager():
    for answers in (BRIDGED, {"ice": ROOM}):
        switch = Switch(answers)
        call = switch.dial()
        switch.clock.advance(10)
        if answers is BRIDGED:
            call.patch(b'{"action": {"name": "hangup"}}')
        else:
            switch.exchange.rooms.find_room("room").kick(call.id)
        switch.clock.run()
        assert switch.ending() == ("ANSWERED", "MANAGERHANGUP")


def test_answered_on_another_device():
    switch = Switch({"ice": USER}, parties={"anna": Behaviour("by hand")})
    call = switch.dial()
    switch.clock.advance(5)
    assert call.callee.reject("elsewhere")
    assert switch.ending() == ("N/A", "OTHERPEERANSWERED")


def test_illegal_svaml_is_told_by_a_callingerror_and_by_the_call_info():
    switch = Switch({"ice": {"action": {"name": "dance"}}})
    call = switch.call()
    assert switch.events() == ["ice", "callingerror", "dice"]
    error = switch.event("callingerror")
    assert (error["errorCode"], error["errorMsg"]) == (40001, "Illegal SVAML")
    assert build_call_info(call)["reason"] == "INVALIDSVAMLACTION"


@pytest.mark.parametrize("reason", ["CANCEL", "CALLERHANGUP"])
def test_cancel_reason_is_a_setting(reason):
    switch = Switch(
        BRIDGED, parties=callee("by hand"), settings=SwitchSettings(cancel_reason=reason)
    )
    switch.call(behaviour=hangs_up(5))
    assert switch.ending() == ("NOANSWER", reason)


def test_caller_who_hangs_up_in_a_menu_gives_a_pie_then_dice():
    switch = Switch({"ice": MENU, "pie": HANGUP})
    switch.call(behaviour=hangs_up(0.5))
    assert switch.events() == ["ice", "pie", "dice"]
    assert switch.event("pie")["menuResult"]["type"] == "hangup"
    assert switch.ending() == ("ANSWERED", "CALLERHANGUP")


def test_dice_of_apps_is_a_setting():
    switch = Switch({"ice": USER}, settings=SwitchSettings(dice_for_apps=False))
    switch.call("bert", "anna", kind="app", behaviour=hangs_up(20))
    assert switch.events() == ["ice"]


TEST_NUMBERS = {
    "46000000000": (7.5, ("ANSWERED", "CALLEEHANGUP"), 1, 4),
    "46000000002": (7.5, ("ANSWERED", "CALLEEHANGUP"), 2, 7),
    "46000000009": (7.5, ("ANSWERED", "CALLEEHANGUP"), 9, 28),
    "46000000010": (7.5, ("ANSWERED", "CALLEEHANGUP"), 0, 120),
    "46000000020": (7.5, ("ANSWERED", "CALLEEHANGUP"), 10, 31),
    "46000000030": (0.0, ("FAILED", "BLOCKED"), 0, 0),
    "46000000031": (7.5, ("FAILED", "BLOCKED"), 0, 0),
    "46000000040": (45.0, ("NOANSWER", "TIMEOUT"), 0, 0),
    "46000000050": (0.0, ("FAILED", "CONGESTION"), 0, 0),
    "46000000051": (7.5, ("FAILED", "CONGESTION"), 0, 0),
}


@pytest.mark.parametrize("number", TEST_NUMBERS)
def test_test_number(number):
    rings, ending, prompts, lasts = TEST_NUMBERS[number]
    switch = Switch(
        {"ice": {"action": {"name": "connectPstn", "number": f"+{number}"}}, "ace": CONTINUE}
    )
    call = switch.call()
    assert switch.ending() == ending
    assert sum("test number" in text for text in switch.heard()) == prompts
    assert call.ended.duration == lasts
    assert (call.ended.at - call.started_at).total_seconds() == rings + lasts


def test_test_number_20_leaves_at_0():
    switch = Switch(
        {"ice": {"action": {"name": "connectPstn", "number": "+46000000020"}}, "ace": CONTINUE}
    )
    call = switch.dial()
    switch.clock.advance(14)
    call.caller.press("5")
    switch.clock.advance(0)
    assert call.ended is None
    call.caller.press("0")
    switch.clock.advance(0)
    assert call.ended.reason == "CALLEEHANGUP"
