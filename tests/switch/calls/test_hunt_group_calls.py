"""What a backend does that rings several phones for one caller: the platform's side of it, as far
as its descriptions tell, and the settings where they do not.
"""

import json

import pytest

from flowengine.switch.api_error import ApiError
from flowengine.switch.switch_events import Remark
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour
from tests.switch.calls.scripted_switch import (
    AGENT,
    CONNECT,
    HANGUP,
    LINE,
    MENU,
    PARK,
    USER,
    CallbackSent,
    LegRinging,
    Switch,
    say,
)

ROOM = {"action": {"name": "connectConf", "conferenceId": "ring-1", "moh": "music1"}}
CALLOUT = {
    "destination": {"type": "number", "endpoint": AGENT},
    "cli": LINE,
    "custom": "leg 1 of ring-1",
    "ice": "",
}
BY_HAND = {AGENT: Behaviour("by hand")}


def patch(call, svaml):
    call.patch(json.dumps(svaml).encode())


def list_events_of(switch, call):
    return [event["event"] for event in switch.asked if event["callid"] == call.id]


def connect_agent(switch):
    """A caller who waits in a room, and an agent who has pressed the key."""
    call = switch.dial()
    switch.clock.advance(5)
    leg = switch.callout("customCallout", CALLOUT)
    switch.clock.advance(5)
    leg.callee.answer()
    switch.clock.advance(2)
    leg.callee.press("1")
    switch.clock.advance(1)
    return call, leg


def create_hunt_switch(**changed):
    answers = {"ice": [ROOM, CONNECT], "ace": MENU, "pie": ROOM}
    return Switch(answers, parties=BY_HAND, settings=SwitchSettings(**changed))


def test_leg_with_blank_ice_is_asked_about_before_it_rings_and_joins_the_caller_by_pie():
    switch = create_hunt_switch()
    call, leg = connect_agent(switch)
    kinds = [
        type(item)
        for item in switch.happened
        if item.call == leg.id and isinstance(item, CallbackSent | LegRinging)
    ]
    assert kinds == [CallbackSent, LegRinging, CallbackSent, CallbackSent]
    assert list_events_of(switch, leg) == ["ice", "ace", "pie"]
    ice = next(event for event in switch.asked if event["callid"] == leg.id)
    assert (ice["custom"], ice["to"], ice["originationType"]) == (
        "leg 1 of ring-1",
        {"type": "number", "endpoint": AGENT},
        "SERVER",
    )
    assert leg.callee.say("Hello?")
    assert switch.heard()[-2:] == ["music1", "Hello?"]
    leg.callee.hang_up()
    switch.clock.advance(1)
    assert list_events_of(switch, leg)[-1] == "dice"
    assert call.ended is None
    assert switch.heard()[-1] == "music1"


def test_leg_that_its_ice_refuses_never_rings():
    switch = Switch({"ice": HANGUP}, parties=BY_HAND)
    switch.callout("customCallout", CALLOUT)
    switch.clock.run()
    assert switch.events() == ["ice", "dice"]
    assert switch.of(LegRinging) == []


def test_caller_is_parked_out_of_a_room_and_goes_on_with_what_ice_could_say():
    switch = create_hunt_switch()
    call, leg = connect_agent(switch)
    patch(call, {"action": {"name": "park"}})
    assert not leg.callee.say("Are you there?")
    patch(call, say("How satisfied were you?", MENU))
    switch.clock.advance(5)
    assert switch.heard()[-2:] == ["How satisfied were you?", "Press 1."]
    assert [item.about for item in switch.of(Remark)] == ["patch"]


def test_park_from_a_room_is_refused_by_setting():
    switch = create_hunt_switch(patch_park_from_room=False)
    call, _ = connect_agent(switch)
    with pytest.raises(ApiError, match="in a conference") as refusal:
        patch(call, PARK)
    assert refusal.value.code == 40003
    with pytest.raises(ApiError, match="in a conference"):
        call.patch_leg("both", json.dumps(PARK).encode())
    patch(call, HANGUP)
    assert switch.ending() == ("ANSWERED", "MANAGERHANGUP")


@pytest.mark.parametrize(("obeyed", "rings_on"), [(True, False), (False, True)])
def test_ringing_leg_is_hung_up_or_rings_on_by_setting(obeyed, rings_on):
    switch = Switch(
        {"ice": CONNECT},
        parties=BY_HAND,
        settings=SwitchSettings(patch_ringing_callout=obeyed),
    )
    leg = switch.callout("customCallout", CALLOUT)
    switch.clock.advance(5)
    if obeyed:
        patch(leg, HANGUP)
    else:
        with pytest.raises(ApiError, match="nobody has answered"):
            patch(leg, HANGUP)
    assert (leg.callee.state == "ringing") is rings_on


def test_call_from_an_app_is_managed_by_setting_alone():
    app = {"kind": "app", "caller": "bert", "to": "anna"}
    for obeyed in (False, True):
        settings = SwitchSettings(patch_app_calls=obeyed)
        switch = Switch({"ice": USER}, settings=settings)
        call = switch.dial(**app)
        switch.clock.advance(10)
        if obeyed:
            patch(call, HANGUP)
        else:
            with pytest.raises(ApiError, match="PSTN or SIP"):
                patch(call, HANGUP)
        assert (call.ended is not None) is obeyed


def test_callouts_beyond_the_limit_of_a_second_are_refused():
    switch = Switch({"ice": HANGUP}, settings=SwitchSettings(callouts_per_second=2))
    for _ in range(2):
        switch.callout("customCallout", CALLOUT)
    with pytest.raises(ApiError) as refusal:
        switch.callout("customCallout", CALLOUT)
    assert (refusal.value.code, refusal.value.status) == (42901, 429)
    switch.clock.advance(1)
    switch.callout("customCallout", CALLOUT)


def test_patch_without_action_is_told():
    switch = Switch({"ice": MENU})
    call = switch.dial()
    switch.clock.advance(1)
    call.patch(b'{"instructions": [{"name": "say", "text": "One moment.", "locale": "en-US"}]}')
    [remark] = switch.of(Remark)
    assert [finding.where for finding in remark.tolerated] == ["action"]
