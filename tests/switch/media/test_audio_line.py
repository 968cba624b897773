"""One end of a line: one thing is heard at a time, keys go to whoever listens."""

import pytest

from flowengine.switch.clock import VirtualClock
from flowengine.switch.media.audio_line import AudioLine
from flowengine.switch.media.sounds import build_music
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings

ONE = Sound("speech", "one", 1.0)
TWO = Sound("speech", "two", 2.0)


class Bench:
    """A line, what is heard on it, and what comes from it."""

    def __init__(self):
        self.clock = VirtualClock()
        self.heard = []
        self.line = AudioLine(self.clock, SwitchSettings(), lambda sound: self.note(sound.text))

    def note(self, what):
        self.heard.append((self.clock.seconds, what))

    def handle_key(self, key):
        self.note(key)
        return key != "9"

    def handle_speech(self, text):
        self.note(text)
        return True


@pytest.fixture
def bench():
    return Bench()


def test_sounds_follow_each_other_without_a_pause(bench):
    bench.line.play((TWO, ONE), lambda: bench.note("over"))
    assert bench.line.playing
    bench.clock.run()
    assert bench.heard == [(0, "two"), (2, "one"), (3, "over")]
    assert not bench.line.playing


def test_new_sounds_replace_those_that_play_without_their_end(bench):
    bench.line.play((TWO,), lambda: bench.note("never"))
    bench.clock.advance(1)
    bench.line.play((ONE,), lambda: bench.note("over"))
    bench.clock.run()
    assert bench.heard == [(0, "two"), (1, "one"), (2, "over")]


def test_after_silence_things_go_on_but_not_before_play_has_returned(bench):
    bench.line.play((), lambda: bench.note("over"))
    assert bench.heard == []
    bench.clock.run()
    assert bench.heard == [(0, "over")]


def test_loop_goes_on_until_stopped(bench):
    bench.line.loop((ONE, TWO))
    bench.clock.advance(6.5)
    bench.line.stop()
    bench.clock.run()
    assert [at for at, _ in bench.heard] == [0, 1, 3, 4, 6]


@pytest.mark.parametrize("endless", [build_music("music1"), ()], ids=["music", "silence"])
def test_endless_sound_begins_once_and_costs_no_time(bench, endless):
    bench.line.loop(endless)
    assert bench.line.playing == bool(endless)
    assert bench.clock.get_next_delay() is None
    assert len(bench.heard) == len(endless)


def test_park_expiry_lets_the_current_prompt_play_to_its_end(bench):
    bench.line.loop((ONE, TWO))
    bench.clock.advance(3.5)
    bench.line.finish_round(lambda: bench.note("over"))
    bench.clock.run()
    assert bench.heard[2:] == [(3, "one"), (4, "two"), (6, "over")]


@pytest.mark.parametrize("endless", [build_music("music1"), ()], ids=["music", "silence"])
def test_park_expiry_without_a_prompt_is_at_once(bench, endless):
    bench.line.loop(endless)
    bench.line.finish_round(lambda: bench.note("over"))
    bench.clock.run()
    assert bench.heard[-1] == (0, "over")


def test_keys_without_a_listener_are_lost(bench):
    assert not bench.line.press("1")
    assert not bench.line.speak("hello")
    bench.line.listener = bench
    assert bench.line.press("12")
    assert not bench.line.press("91"), "one of them did not count"
    assert bench.line.speak("hello")
    assert [what for _, what in bench.heard] == ["1", "2", "9", "1", "hello"]


def test_keys_of_others_are_heard_over_what_is_playing(bench):
    bench.line.play((ONE,), lambda: bench.note("over"))
    bench.line.play_tones("5")
    bench.clock.run()
    assert bench.heard == [(0, "one"), (0, "5"), (1, "over")]
