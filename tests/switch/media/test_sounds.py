"""What prompts sound like: the prompt grammar of the platform notes, section 1.3."""

import pytest

from flowengine.svaml import PlayFiles, Say
from flowengine.switch.media.sounds import (
    build_music,
    build_prompt_sounds,
    build_sounds,
    build_tones,
)
from flowengine.switch.switch_events import Sound
from flowengine.switch.switch_settings import SwitchSettings

SETTINGS = SwitchSettings(characters_per_second=10, file_seconds=4, tone_seconds=0.25)
SPOKEN = Sound("speech", "Good day to you all.", 2.0, "en-US")


@pytest.mark.parametrize(
    ("prompt", "heard"),
    [
        pytest.param(
            "#tts[Good day to you all.]", [SPOKEN], id="tts is spoken at the speed of the settings"
        ),
        pytest.param(
            "#href[https://x.org/a.mp3]",
            [Sound("file", "https://x.org/a.mp3", 4)],
            id="href is an address",
        ),
        pytest.param(
            "https://x.org/a.mp3", [Sound("file", "https://x.org/a.mp3", 4)], id="so is a bare URL"
        ),
        pytest.param(
            "welcome.wav",
            [Sound("file", "welcome.wav", 4)],
            id="anything else is a file sent before",
        ),
        pytest.param(
            "#tts[Good day to you all.];welcome.wav; #TTS[Good day to you all.] ;",
            [SPOKEN, Sound("file", "welcome.wav", 4), SPOKEN],
            id="parts are separated by semicolons, in any case of letters",
        ),
        pytest.param(
            "#ssml[<speak>Good <emphasis>day</emphasis>\n to you and me</speak>]",
            [Sound("speech", "Good day to you and me", 2.2, "en-US")],
            id="SSML is heard without its tags",
        ),
        pytest.param(
            "#ssml[<speak>One<break time=\"1.5s\"/>two<break time='250ms' /></speak>]",
            [Sound("speech", "One two", 0.7 + 1.75, "en-US")],
            id="pauses in SSML take their time",
        ),
        pytest.param(
            '#ssml[<speak><break time="1500ms"/></speak>]',
            [Sound("pause", "", 1.5)],
            id="SSML without words is a pause",
        ),
        pytest.param("#tts[]", [Sound("speech", "", 0.0, "en-US")], id="nothing takes no time"),
        pytest.param(
            "#tts[left open",
            [Sound("speech", "left open", 0.9, "en-US")],
            id="a part left open is still heard",
        ),
        pytest.param("", [], id="no prompt is silence"),
    ],
)
def test_prompt_grammar(prompt, heard):
    told = build_prompt_sounds(prompt, "", SETTINGS)
    assert [(s.kind, s.text, pytest.approx(s.seconds), s.locale) for s in told] == [
        (s.kind, s.text, s.seconds, s.locale) for s in heard
    ]


@pytest.mark.parametrize(
    ("instruction", "heard"),
    [
        (
            Say("Good day to you all.", "sv-SE"),
            [Sound("speech", "Good day to you all.", 2.0, "sv-SE")],
        ),
        (Say("Good day to you all."), [SPOKEN]),
        (Say("[pause]; go on"), [Sound("speech", "[pause]; go on", 1.4, "en-US")]),
        (PlayFiles(("#ssml[You &amp; me]",), "sv-SE"), [Sound("speech", "You & me", 0.8, "sv-SE")]),
        (
            PlayFiles(("#tts[Hi]", "a;b.wav")),
            [Sound("speech", "Hi", 0.2, "en-US"), Sound("file", "a;b.wav", 4)],
        ),
    ],
    ids=[
        "say",
        "say speaks en-US where no locale is given",
        "say has no notation",
        "SSML has references",
        "playFiles has its parts in a list",
    ],
)
def test_instruction_becomes_its_sounds(instruction, heard):
    assert list(build_sounds(instruction, SETTINGS)) == heard


def test_send_dtmf_w_is_half_a_second():
    assert build_tones("1w2#", SETTINGS) == Sound("tones", "1w2#", 0.5 + 3 * 0.25)


def test_moh_absent_is_silence():
    assert build_music("") == ()
    assert build_music("music2") == (Sound("music", "music2", 0.0),)
