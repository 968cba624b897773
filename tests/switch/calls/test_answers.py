"""What answers, and silence, come to: the policies of section 7, cookies, recordings, detection,
ids.
"""

import json

import pytest

from flowengine.switch.api_error import ApiError
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Act, Behaviour
from tests.switch.calls.scripted_switch import (
    AGENT,
    CONNECT,
    CONTINUE,
    HANGUP,
    LINE,
    MENU,
    ROOM,
    AnswerReceived,
    CallbackSent,
    LegJoined,
    LegRinging,
    Switch,
    hangs_up,
    presses,
    say,
)  # fmt: skip

ERROR = "We are sorry, your call cannot be completed."
TO_ACE = {"ice": CONNECT}
TO_PIE = {"ice": MENU}
CALLBACKERROR, MANAGED, ILLEGAL = (
    ("FAILED", "CALLBACKERROR"),
    ("ANSWERED", "MANAGERHANGUP"),
    ("FAILED", "GENERALERROR"),
)
LEFT = ("ANSWERED", "CALLERHANGUP")

SILENCE = {
    "ICE silence: error prompt, end": ({"ice": None}, {}, CALLBACKERROR, True),
    "ICE fails": ({"ice": 503}, {}, CALLBACKERROR, True),
    "ICE improper": ({"ice": b"<html>"}, {}, CALLBACKERROR, True),
    "ACE silence: connected": ({**TO_ACE, "ace": None}, {}, LEFT, False),
    "ACE silence: hangup": (
        {**TO_ACE, "ace": None},
        {"ace_unanswered": "hangup"},
        CALLBACKERROR,
        False,
    ),
    "PIE silence: as ICE": ({**TO_PIE, "pie": None}, {}, CALLBACKERROR, True),
    "PIE silence: continue": ({**TO_PIE, "pie": None}, {"pie_unanswered": "continue"}, LEFT, False),
    "ICE empty: error": ({"ice": b""}, {}, ILLEGAL, False),
    "ICE without an action: error": ({"ice": {"instructions": []}}, {}, ILLEGAL, False),
    "ICE empty: hangup": (
        {"ice": b""},
        {"empty_ice": "hangup"},
        ("FAILED", "MANAGERHANGUP"),
        False,
    ),
    "ACE empty: continue": ({**TO_ACE, "ace": b""}, {}, LEFT, False),
    "ACE empty: hangup": ({**TO_ACE, "ace": {}}, {"empty_ace": "hangup"}, MANAGED, False),
    "PIE empty: hangup": ({**TO_PIE, "pie": b""}, {}, MANAGED, False),
    "PIE empty: continue": ({**TO_PIE, "pie": {}}, {"empty_pie": "continue"}, LEFT, False),
}


@pytest.mark.parametrize("row", SILENCE)
def test_silence_of_the_backend_ends_the_call_as_set(row):
    answers, settings, ending, apology = SILENCE[row]
    switch = Switch(answers, settings=SwitchSettings(**settings))
    switch.call(behaviour=presses("1", then_hangs_up=60) if "pie" in answers else hangs_up(60))
    assert switch.ending() == ending
    assert (ERROR in switch.heard()) == apology
    assert ("callingerror" in switch.events()) == (ending == ILLEGAL)


def test_continue_in_ice_is_for_apps_unless_told_otherwise():
    for kind, to, policy, ending in (
        ("app", AGENT, "apps", LEFT), ("app", AGENT, "never", ILLEGAL),
        ("phone", LINE, "apps", ILLEGAL), ("phone", LINE, "always", ILLEGAL),
    ):  # fmt: skip
        switch = Switch(
            {"ice": CONTINUE, "ace": CONTINUE}, settings=SwitchSettings(continue_in_ice=policy)
        )
        switch.call(
            "bert" if kind == "app" else "+12015555555", to, kind=kind, behaviour=hangs_up(30)
        )
        assert switch.ending() == ending, (kind, policy)


def test_answer_is_shown_to_observers_with_what_is_wrong_in_it():
    switch = Switch({"ice": {"action": {"name": "dance"}}})
    switch.call()
    assert (
        [item.event for item in switch.of(CallbackSent)]
        == [item.event for item in switch.of(AnswerReceived)]
        == ["ice", "notify", "dice"]
    )
    assert switch.of(AnswerReceived)[0].illegal


def test_cookies_come_back_in_the_events_after_them():
    set_cookie = {"instructions": [{"name": "setCookie", "key": "a", "value": "1"}], **CONNECT}
    more = {"instructions": [{"name": "setCookie", "key": "b", "value": "2"}], **CONTINUE}
    switch = Switch({"ice": set_cookie, "ace": more})
    switch.call(behaviour=hangs_up(20))
    one, two = {"key": "a", "value": "1"}, {"key": "b", "value": "2"}
    assert [event.get("cookies") for event in switch.asked] == [None, [one], [one, two]]
    silent = Switch({"ice": set_cookie, "ace": more}, settings=SwitchSettings(cookies=False))
    silent.call(behaviour=hangs_up(20))
    assert not any("cookies" in event for event in silent.asked)


def test_cookies_of_a_call_are_limited_together():
    big = {"instructions": [{"name": "setCookie", "key": "a", "value": "x" * 600}], **CONNECT}
    switch = Switch(
        {
            "ice": big,
            "ace": {
                "instructions": [{"name": "setCookie", "key": "b", "value": "x" * 600}],
                **CONTINUE,
            },
        }
    )
    switch.call(behaviour=hangs_up(20))
    assert switch.events() == ["ice", "ace", "callingerror", "dice"]


def test_x_cookies_and_call_headers_go_with_a_sip_call():
    sip = {
        "name": "connectSip",
        "destination": {"type": "sip", "endpoint": "a@b.com"},
        "callHeaders": [{"key": "k", "value": "v"}],
    }
    switch = Switch(
        {
            "ice": {
                "instructions": [{"name": "setCookie", "key": "X-Id", "value": "7"}],
                "action": sip,
            }
        }
    )
    call = switch.dial()
    switch.clock.advance(1)
    assert [(header.key, header.value) for header in call.callee.headers] == [
        ("X-Id", "7"),
        ("k", "v"),
    ]


@pytest.mark.parametrize(("kind", "caller", "cli", "shown"), [
    ("phone", "+12015555555", "", "+12015555555"),
    ("phone", "+12015555555", "private", "private"),
    ("phone", "+12015555555", LINE, LINE),
    ("sip", "+12015555555", "", "private"),
    ("sip", LINE, "", LINE),
])  # fmt: skip
def test_cli_of_an_outgoing_leg(kind, caller, cli, shown):
    switch = Switch({"ice": {"action": {**CONNECT["action"], "cli": cli}}})
    switch.dial(caller, kind=kind)
    switch.clock.advance(1)
    assert switch.of(LegRinging)[0].cli == shown


def recording(**options):
    return {
        "name": "startRecording",
        "options": {"destinationUrl": "s3://bucket", "credentials": "a:b:c", **options},
    }


def test_recording_is_finished_available_and_transcribed_also_after_the_call():
    start = recording(transcriptionOptions={"enabled": True, "locale": "en-US"})
    switch = Switch({"ice": {"instructions": [start], **CONNECT}, "ace": CONTINUE})
    switch.call(behaviour=hangs_up(20))
    assert switch.events() == [
        "ice",
        "ace",
        "recording_finished",
        "dice",
        "recording_available",
        "transcription_available",
    ]


def test_connect_mxp_records_nothing():
    user = {"name": "connectMxp", "destination": {"type": "username", "endpoint": "anna"}}
    switch = Switch({"ice": {"instructions": [recording()], "action": user}})
    switch.call(behaviour=hangs_up(20))
    assert switch.events() == ["ice", "dice"]


def test_record_with_connect_conf_records_the_conference_until_all_have_left():
    options = {"destinationUrl": "s3://bucket", "credentials": "a:b:c"}
    switch = Switch(
        {"ice": {"action": {**ROOM["action"], "record": True, "recordingOptions": options}}}
    )
    switch.dial(behaviour=hangs_up(10))
    switch.dial("+12016666666", behaviour=hangs_up(20))
    switch.clock.run()
    assert switch.events() == [
        "ice",
        "ice",
        "dice",
        "recording_finished",
        "dice",
        "recording_available",
    ]


def test_amd_comes_with_ace_or_after_it():
    machine = {AGENT: Behaviour(who="machine", after=1.0)}
    sync = {"ice": {"action": {**CONNECT["action"], "amd": {"enabled": True}}}, "ace": CONTINUE}
    switch = Switch(sync, parties=machine)
    switch.call(behaviour=hangs_up(30))
    assert switch.event("ace")["amd"]["status"] == "machine"
    later = {
        "ice": {"action": {**CONNECT["action"], "amd": {"enabled": True, "async": True}}},
        "ace": CONTINUE,
    }
    switch = Switch(later, parties=machine)
    switch.call(behaviour=hangs_up(30))
    assert switch.events() == ["ice", "ace", "amd", "amd_beep", "dice"]
    assert switch.event("ace")["amd"]["status"] == "inprogress"


def test_keys_detected_in_a_conference_are_told_and_the_answer_is_of_no_effect():
    room = {
        "action": {**ROOM["action"], "conferenceDtmfOptions": {"mode": "detect", "maxDigits": 2}}
    }
    switch = Switch({"ice": room, "pie": HANGUP})
    call = switch.dial()
    switch.clock.advance(1)
    assert call.caller.press("42")
    switch.clock.advance(1)
    assert call.ended is None
    result = switch.event("pie")["menuResult"]
    assert (result["menuId"], result["type"], result["value"]) == ("room", "sequence", "42")
    assert switch.event("pie")["conferenceId"] == "room"


def test_dice_may_be_answered_with_a_report():
    report = {"instructions": [{"name": "reportCallStatus", "value": "success", "details": "sold"}]}
    switch = Switch({"ice": HANGUP, "dice": report})
    assert switch.call().status_report == ("success", "sold")


def test_answer_after_the_end_of_the_call_has_no_effect():
    switch = Switch({"ice": CONNECT}, settings=SwitchSettings(callback_seconds=4.0))
    switch.call(behaviour=hangs_up(1.0))
    assert switch.of(LegRinging) == []
    assert switch.ending() == ("NOANSWER", "CANCEL")
    assert [item.event for item in switch.of(AnswerReceived)] == ["ice", "dice"]


@pytest.mark.parametrize(("body", "code"), [
    (b'{"action": {"name": "runMenu", "menus": []}}', 40003),
    (b"[]", 40003),
    (json.dumps(CONNECT).encode(), 40003),
])  # fmt: skip
def test_patch_takes_only_what_manages_a_call(body, code):
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    call = switch.dial()
    switch.clock.advance(10)
    with pytest.raises(ApiError) as refused:
        call.patch(body)
    assert refused.value.code == code
    assert ": :" not in refused.value.message
    call.hang_up()
    with pytest.raises(ApiError) as gone:
        call.patch(json.dumps(HANGUP).encode())
    assert gone.value.code == 40400


def test_words_to_a_caller_in_a_menu_are_followed_by_the_menu():
    switch = Switch({"ice": MENU, "pie": HANGUP})
    call = switch.dial()
    switch.clock.advance(0.1)
    call.patch(json.dumps(say("By the way.", CONTINUE)).encode())
    switch.clock.advance(3)
    assert switch.heard() == ["Press 1.", "By the way.", "Press 1."]
    assert call.caller.press("1")
    switch.clock.run()
    assert switch.event("pie")["menuResult"]["value"] == "one"


def test_words_during_a_menu_do_not_use_up_its_time():
    switch = Switch({"ice": MENU, "pie": HANGUP})
    call = switch.dial()
    switch.clock.advance(4)  # the prompt is over
    call.patch(json.dumps(say("x" * 150, CONTINUE)).encode())
    assert not call.caller.press("1")
    switch.clock.advance(9.5)
    assert (
        call.patch(
            json.dumps(
                {"instructions": [{"name": "setCookie", "key": "a", "value": "1"}], **CONTINUE}
            ).encode()
        )
        is None
    )
    switch.clock.advance(5)
    assert call.caller.press("1")
    switch.clock.run()
    assert switch.heard() == ["Press 1.", "x" * 150]
    assert switch.event("pie")["menuResult"]["value"] == "one"
    assert switch.event("pie")["cookies"] == [{"key": "a", "value": "1"}]


def test_words_to_one_conference_member_come_with_the_rest_of_the_patch():
    switch = Switch({"ice": {"action": {**ROOM["action"], "moh": "music1"}}})
    call = switch.dial()
    switch.clock.advance(4)
    cookie = {"name": "setCookie", "key": "a", "value": "1"}
    call.patch(
        json.dumps(
            {"instructions": [*say("One.", {})["instructions"], cookie], **CONTINUE}
        ).encode()
    )
    call.patch(json.dumps(say("Two.", CONTINUE)).encode())
    switch.clock.advance(4)
    assert switch.heard() == ["music1", "One.", "Two.", "music1"]
    assert call.cookies == {"a": "1"}


def test_words_during_other_words_come_after_them_and_before_the_rest():
    switch = Switch(
        {
            "ice": {
                "instructions": [
                    *say("One.", {})["instructions"],
                    *say("Two.", {})["instructions"],
                ],
                **HANGUP,
            }
        }
    )
    call = switch.dial()
    switch.clock.advance(0.1)
    call.patch(json.dumps(say("Between.", CONTINUE)).encode())
    switch.clock.run()
    assert switch.heard() == ["One.", "Between.", "Two."]


def test_words_during_ringing_are_followed_by_ringing():
    switch = Switch({"ice": CONNECT}, parties={AGENT: Behaviour("by hand")})
    call = switch.dial()
    switch.clock.advance(1)
    call.patch(json.dumps(say("Soon.", CONTINUE)).encode())
    switch.clock.advance(2)
    assert switch.heard() == ["ringing", "Soon.", "ringing"]


def test_words_during_ringing_are_not_cut_short_by_the_answer():
    switch = Switch(
        {"ice": {"action": {**CONNECT["action"], "suppressCallbacks": True}}},
        parties={AGENT: Behaviour("by hand")},
    )
    call = switch.dial()
    switch.clock.advance(1)
    call.patch(json.dumps(say("x" * 30, CONTINUE)).encode())
    call.callee.answer()
    call.patch(json.dumps(say("Then.", CONTINUE)).encode())
    switch.clock.advance(3)
    assert switch.heard() == ["ringing", "x" * 30, "Then."]


def test_words_while_keys_are_sent_do_not_hold_up_ace():
    switch = Switch({"ice": {"action": {**CONNECT["action"], "dtmf": "1wwwwww"}}, "ace": CONTINUE})
    call = switch.dial()
    switch.clock.advance(4)
    call.patch_leg("callee", json.dumps(say("Hello.", CONTINUE)).encode())
    switch.clock.advance(10)
    assert switch.heard("callee") == ["1wwwwww", "Hello."]
    assert switch.events() == ["ice", "ace"]


def test_words_during_the_error_prompt_do_not_keep_the_call_up():
    switch = Switch({"ice": 503})
    call = switch.dial()
    switch.clock.advance(1)
    call.patch(json.dumps(say("Goodbye.", CONTINUE)).encode())
    switch.clock.run()
    assert switch.heard() == [ERROR, "Goodbye."]
    assert switch.ending() == CALLBACKERROR


def test_words_during_a_tts_callout_come_after_its_text():
    switch = Switch({})
    call = switch.callout(
        "ttsCallout",
        {"destination": NUMBER, "cli": LINE, "text": "Text.", "prompts": "#tts[Prompt.];a.mp3"},
    )
    switch.clock.advance(3.1)
    call.patch(json.dumps(say("Between.", CONTINUE)).encode())
    switch.clock.run()
    assert switch.heard("callee") == ["Text.", "Between.", "Prompt.", "a.mp3"]
    assert call.ended.reason == "MANAGERHANGUP"


def test_callout_that_still_rings_can_be_managed():
    request = {"destination": NUMBER, "cli": LINE, "text": "Text.", "enableDice": True}
    switch = Switch({})
    call = switch.callout("ttsCallout", request)
    for _ in range(2):  # before it rings, and while it does
        call.patch(json.dumps(say("Nobody hears this.", CONTINUE)).encode())
        call.patch_leg("callee", json.dumps(say("Nor this.", CONTINUE)).encode())
        with pytest.raises(ApiError) as refused:
            call.patch(b'{"action": {"name": "park"}}')
        assert refused.value.code == 40003
        switch.clock.advance(1)
    call.patch(json.dumps(HANGUP).encode())
    switch.clock.run()
    assert switch.heard("callee") == []
    assert (switch.event("dice")["result"], switch.event("dice")["reason"]) == (
        "FAILED",
        "MANAGERHANGUP",
    )


def test_callee_who_leaves_a_parked_caller_is_not_connected_again():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    call = switch.dial()
    switch.clock.advance(10)
    call.patch(b'{"action": {"name": "park"}}')
    call.callee.hang_up()
    assert call.ended is None
    call.patch(b'{"action": {"name": "continue"}}')
    assert switch.ending() == ("ANSWERED", "CALLEEHANGUP")


def test_callee_who_leaves_while_ace_asks_the_caller_ends_the_call():
    switch = Switch({"ice": CONNECT, "ace": MENU}, parties={AGENT: hangs_up(0.2)})
    switch.call()
    assert switch.events() == ["ice", "ace", "dice"]
    assert switch.ending() == ("ANSWERED", "CALLEEHANGUP")


def test_patch_parks_a_bridged_caller_and_brings_it_back():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    call = switch.dial()
    switch.clock.advance(10)
    call.patch(
        b'{"action": {"name": "park", "holdPrompt": "#tts[Please hold.]", "locale": "en-US"}}'
    )
    switch.clock.advance(5)
    assert not call.caller.say("Hello?")
    call.patch(b'{"action": {"name": "continue"}}')
    assert [item.kind for item in switch.of(LegJoined)] == ["phone", "park", "phone"]
    assert call.caller.say("Hello?")


NUMBER = {"type": "number", "endpoint": AGENT}
REFUSED = {
    "no method": ({}, 40001),
    "no details": ({"method": "ttsCallout"}, 40002),
    "no destination": ({"method": "ttsCallout", "ttsCallout": {"text": "Hi."}}, 40002),
    "no plus": (
        {
            "method": "ttsCallout",
            "ttsCallout": {
                "text": "Hi.",
                "destination": {"type": "number", "endpoint": "46700000000"},
            },
        },
        40005,
    ),
    "nothing to say": ({"method": "ttsCallout", "ttsCallout": {"destination": NUMBER}}, 40002),
    "too long": (
        {"method": "ttsCallout", "ttsCallout": {"destination": NUMBER, "text": "x" * 601}},
        40001,
    ),
    "no conference": (
        {"method": "conferenceCallout", "conferenceCallout": {"destination": NUMBER}},
        40002,
    ),
    "long conference id": (
        {
            "method": "conferenceCallout",
            "conferenceCallout": {"destination": NUMBER, "conferenceId": "x" * 129},
        },
        40001,
    ),
    "custom too long": (
        {
            "method": "ttsCallout",
            "ttsCallout": {"destination": NUMBER, "text": "Hi.", "custom": "x" * 1025},
        },
        40001,
    ),
    "custom callout to nobody": ({"method": "customCallout", "customCallout": {}}, 40002),
    "other keys": (
        {"method": "customCallout", "customCallout": {"destination": NUMBER, "dtmf": "*"}},
        40001,
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_callout_refused(row):
    body, code = REFUSED[row]
    with pytest.raises(ApiError) as refused:
        Switch({}).exchange.callout("app", body)
    assert refused.value.code == code


def test_callout_without_credit_is_refused():
    body = {
        "method": "ttsCallout",
        "ttsCallout": {"destination": NUMBER, "text": "Hi.", "cli": LINE},
    }
    with pytest.raises(ApiError) as refused:
        Switch({}, credit=0.0).exchange.callout("app", body)
    assert refused.value.code == 40200


def test_number_that_nobody_has_is_not_reached():
    with pytest.raises(ApiError):
        Switch({}).dial(to="+12010000000")


def test_seed_gives_the_same_ids():
    assert Switch({"ice": HANGUP}).call().id == Switch({"ice": HANGUP}).call().id


def test_party_acts_when_it_hears_what_it_waits_for():
    acts = (Act("say", "Good morning.", 1.0, "who is"), Act("hang up", "", 2.0, "bye"))
    heard = [*say("Who is there?", {})["instructions"], *say("Bye.", {})["instructions"]]
    switch = Switch({"ice": {"instructions": heard, **CONNECT}})
    switch.call(behaviour=Behaviour(acts=acts))
    assert switch.ending() == ("NOANSWER", "CANCEL")
