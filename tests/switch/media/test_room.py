"""Conferences: rows 5 to 8 of the platform notes, section 4, and connectConf of section 1.2."""

import pytest

from flowengine.svaml import ConferenceDtmfOptions, RecordingOptions
from flowengine.switch.clock import VirtualClock
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.recording import LegRecorder, RecordingFiles
from flowengine.switch.media.room import Member, Rooms
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings

SETTINGS = SwitchSettings(tone_seconds=0.2)
GREETING = (Sound("speech", "welcome", 2.0),)


class Bench:
    """A room, and what each of its members hears and does."""

    def __init__(self):
        self.clock = VirtualClock()
        self.rooms = Rooms(self.clock)
        self.room = self.rooms.open_room("daily")
        self.heard, self.kicked, self.detected, self.lines = [], [], [], {}

    def join(self, name, **options):
        line = self.lines[name] = AudioLine(
            self.clock,
            SETTINGS,
            lambda sound: self.heard.append((self.clock.seconds, name, sound.text)),
        )
        member = Member(
            name,
            f"46{name}",
            line,
            self.clock.now(),
            lambda: self.kicked.append(name),
            lambda *what: self.detected.append((self.clock.seconds, *what)),
        )
        self.room.join(member, **options)


@pytest.fixture
def bench():
    return Bench()


def test_moh_plays_only_while_alone(bench):
    bench.join("a", moh="music1")
    assert bench.lines["a"].playing
    bench.join("b", moh="music2")
    bench.join("c")
    assert not any(line.playing for line in bench.lines.values())
    bench.room.leave("a")
    assert not bench.lines["b"].playing
    bench.room.leave("c")
    assert bench.lines["b"].playing
    assert [(name, text) for _, name, text in bench.heard] == [("a", "music1"), ("b", "music2")]


def test_moh_absent_is_silence(bench):
    bench.join("a")
    assert bench.heard == []


def test_greeting_comes_before_the_music_and_is_not_cut_short_by_others(bench):
    bench.join("a", moh="ring", greeting=GREETING)
    bench.clock.advance(1)
    bench.join("b")
    assert bench.lines["a"].playing
    bench.clock.advance(0.5)
    bench.room.leave("b")
    bench.clock.run()
    assert bench.heard == [(0, "a", "welcome"), (2, "a", "ring")]


def test_get_conference_tells_cli_id_duration_muted_onhold(bench):
    bench.join("a")
    bench.clock.advance(61.5)
    bench.join("b")
    bench.room.mute("a")
    bench.room.hold("b")
    assert bench.room.list_participants() == [
        {"cli": "46a", "id": "a", "duration": 61, "muted": True, "onhold": False},
        {"cli": "46b", "id": "b", "duration": 0, "muted": False, "onhold": True},
    ]


@pytest.mark.parametrize(
    ("commands", "hears"),
    [
        ([], {"a": "bc", "b": "ac", "c": "ab"}),
        (["mute"], {"a": "bc", "b": "c", "c": "b"}),
        (["mute", "unmute"], {"a": "bc", "b": "ac", "c": "ab"}),
        (["hold"], {"a": "", "b": "c", "c": "b"}),
        (["hold", "resume"], {"a": "bc", "b": "ac", "c": "ab"}),
        (["mute", "hold", "resume"], {"a": "bc", "b": "c", "c": "b"}),
        (["kick"], {"a": "", "b": "c", "c": "b"}),
        (["leave"], {"a": "", "b": "c", "c": "b"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mute_unmute_onhold_resume_and_kick_decide_who_hears_whom(bench, commands, hears):
    for name in "abc":
        bench.join(name)
    for command in commands:
        assert getattr(bench.room, command)("a")
    assert {name: "".join(bench.room.list_heard_calls(name)) for name in "abc"} == hears
    assert bench.kicked == (["a"] if "kick" in commands else [])


@pytest.mark.parametrize("command", ["mute", "unmute", "hold", "resume", "kick", "leave"])
def test_commands_for_a_call_that_is_not_here_are_not_found(bench, command):
    bench.join("a")
    assert not getattr(bench.room, command)("b")


def test_moh_of_onhold_plays_until_resume_whoever_comes_and_goes(bench):
    bench.join("a", moh="music1")
    bench.join("b")
    bench.room.hold("a", "music3")
    bench.join("c")
    bench.room.leave("c")
    bench.room.leave("b")
    assert [text for _, _, text in bench.heard] == ["music1", "music3"]
    bench.room.resume("a")
    assert bench.heard[-1][2] == "music1", "it is alone now"


def test_prompt_for_one_member_is_heard_by_nobody_else_and_music_goes_on(bench):
    bench.join("a")
    bench.join("b")
    bench.room.hold("a", "music3")
    bench.room.pause_member("a")
    bench.lines["a"].play(GREETING, lambda: bench.room.resume_member("a"))
    bench.clock.advance(1)
    bench.room.hold("a", "music1")
    bench.clock.run()
    assert bench.heard == [(0, "a", "music3"), (0, "a", "welcome"), (2, "a", "music1")]


def test_delete_conference_throws_everybody_out_and_the_room_is_gone(bench):
    bench.join("a")
    bench.join("b")
    bench.room.end()
    assert bench.kicked == ["a", "b"]
    assert bench.rooms.find_room("daily") is None


def test_room_is_created_if_missing_and_gone_with_its_last_member(bench):
    bench.join("a")
    assert bench.rooms.find_room("daily") is bench.room is bench.rooms.open_room("daily")
    bench.room.leave("a")
    assert bench.rooms.find_room("daily") is None
    assert bench.rooms.open_room("daily") is not bench.room


DETECT = ConferenceDtmfOptions("detect")
THREE = ConferenceDtmfOptions("detect", 3, 2000)


@pytest.mark.parametrize(
    ("options", "keys", "detected", "counted"),
    [
        pytest.param(None, [(1, "1")], [], False, id="ignore is the default"),
        pytest.param(
            DETECT,
            [(1, "1"), (2, "#")],
            [(1, "1"), (2, "#")],
            True,
            id="detect tells each key where maxDigits is 1",
        ),
        pytest.param(THREE, [(1, "123")], [(1, "123")], True, id="maxDigits ends collection"),
        pytest.param(
            THREE, [(1, "1#"), (2, "2#")], [(1, "1"), (2, "2")], True, id="# ends collection"
        ),
        pytest.param(
            THREE, [(1, "1"), (2.5, "2")], [(4.5, "12")], True, id="timeoutMills ends collection"
        ),
        pytest.param(
            ConferenceDtmfOptions("detect", max_digits=2),
            [(1, "1")],
            [(4, "1")],
            True,
            id="timeoutMills is three seconds by default",
        ),
    ],
)
def test_conference_dtmf_detect(bench, options, keys, detected, counted):
    bench.join("a", options=options)
    bench.join("b")
    for at, typed in keys:
        bench.clock.advance(at - bench.clock.seconds)
        assert bench.lines["a"].press(typed) is counted
    bench.clock.run()
    assert bench.detected == [(at, "a", typed) for at, typed in detected]
    assert bench.heard == []


def test_conference_dtmf_forward_reaches_those_who_hear_the_sender(bench):
    bench.join("a", options=ConferenceDtmfOptions("forward"))
    bench.join("b")
    bench.join("c")
    bench.room.hold("c")
    assert bench.lines["a"].press("5")
    assert bench.heard == [(0, "b", "5")]


def test_member_who_has_left_hears_and_is_sent_nothing(bench):
    bench.join("a", options=THREE, greeting=GREETING)
    bench.join("b")
    bench.lines["a"].press("12")
    bench.room.leave("a")
    bench.clock.run()
    assert bench.detected == []
    assert not bench.lines["a"].press("3")
    assert not bench.lines["b"].speak("hello"), "words are for the others"
    assert not bench.lines["a"].playing


def test_conference_recording_ends_when_all_leave(bench):
    notices = []
    recorders = [
        LegRecorder(
            bench.clock,
            SETTINGS,
            call,
            "key",
            lambda *what, call=call: notices.append((bench.clock.seconds, call, *what)),
            RecordingFiles(),
        )
        for call in "ab"
    ]
    for name, recorder in zip("ab", recorders, strict=True):
        bench.join(name)
        bench.room.start_recording(recorder, RecordingOptions("s3://bucket/talk.mp3"))
    assert [recorder.is_recording for recorder in recorders] == [True, False]
    bench.room.leave("a")
    bench.clock.advance(5)
    assert notices == []
    bench.room.leave("b")
    bench.clock.run()
    assert notices == [
        (5, "a", "recording_finished", ""),
        (7, "a", "recording_available", "s3://bucket/talk.mp3"),
    ]
