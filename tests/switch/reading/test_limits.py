"""Each limit of sections 1.2, 1.3 and 2.8 from both sides; and what is no answer at all."""

import pytest

from flowengine.switch.reading import SvamlReading, check_call_cookies, read_answer
from flowengine.switch.switch_settings import SwitchSettings
from tests.switch.reading.reading_cases import BROKEN, LIMITS, action, answer, instruction


@pytest.mark.parametrize("row", LIMITS)
def test_limit_is_kept_from_both_sides(row):
    body, where = LIMITS[row]
    reading = read_answer(body, "ice", SwitchSettings())
    assert [finding.where for finding in reading.illegal] == ([where] if where else [])
    assert where or reading.tolerated == ()


@pytest.mark.parametrize("row", BROKEN)
def test_body_that_is_no_answer_is_illegal(row):
    body, where = BROKEN[row]
    reading = read_answer(body, "ice", SwitchSettings())
    assert reading.illegal[0].where == where
    assert reading.action is None


LOCALES = """
    arb az-AZ ca-ES cmn-CN cs-CZ cy-GB da-DK de-AT de-DE el-GR en-AU en-GB en-GB-WLS en-IN en-NZ en-US en-ZA es-ES es-MX es-US et-EE
    fi-FI fil-PH fr-CA fr-FR hi-IN hr-HR hu-HU id-ID is-IS it-IT ja-JP ka-GE ko-KR lt-LT lv-LV ms-MY mt-MT nb-NO nl-NL pl-PL pt-BR
    pt-PT ro-RO ru-RU sk-SK sl-SI sv-SE th-TH tr-TR uk-UA uz-UZ vi-VN zh-HK en-GB/male Joanna
"""
INDICATIONS = """
    at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us tw ve za
"""


def test_locales_and_tone_countries_are_accepted():
    for locale in LOCALES.split():
        assert (
            read_answer(
                answer(instruction("say", locale=locale)), "pie", SwitchSettings()
            ).tolerated
            == ()
        ), locale
    for country in INDICATIONS.split():
        reading = read_answer(
            answer(then=action("connectPstn", indications=country)), "ice", SwitchSettings()
        )
        assert reading.illegal == reading.tolerated == (), country


@pytest.mark.parametrize("moh", ["ring", "music1", "music2", "music3"])
@pytest.mark.parametrize("name", ["connectConf", "connectSip"])
def test_music_names_are_accepted(name, moh):
    reading = read_answer(answer(then=action(name, moh=moh)), "ice", SwitchSettings())
    assert reading.illegal == reading.tolerated == ()


def test_action_with_several_mistakes_reports_all_at_once():
    reading = read_answer(BROKEN["two mistakes"][0], "ice", SwitchSettings())
    assert [finding.where for finding in reading.illegal] == [
        "action.maxDuration",
        "action.introPrompt",
    ]


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}", b'{"instructions": []}'])
def test_empty_answer_is_left_to_the_settings(body):
    assert read_answer(body, "ice", SwitchSettings()) == SvamlReading()


DISPUTED = {
    "playFiles spoken without locale": (
        answer({"name": "playFiles", "ids": ["#ssml[<speak>a</speak>]"]}, then=action("hangup")),
        "instructions[0]",
    ),
    "connectConf id of 65": (
        answer(then=action("connectConf", conferenceId="r" * 65)),
        "action.conferenceId",
    ),
    "connectConf id of 128": (
        answer(then=action("connectConf", conferenceId="r" * 128)),
        "action.conferenceId",
    ),
    "transcript in the locale of a voice": (
        answer(
            instruction(
                "startRecording",
                options={
                    "destinationUrl": "s3://b",
                    "transcriptionOptions": {"enabled": True, "locale": "nb-NO"},
                },
            ),
            then=action("hangup"),
        ),
        "instructions[0].options.transcriptionOptions.locale",
    ),
    "stream of 11025 samples": (
        answer(then=action("connectStream", streamingOptions={"version": 1, "sampleRate": 11025})),
        "action.streamingOptions.sampleRate",
    ),
}


@pytest.mark.parametrize("row", DISPUTED)
def test_disputed_answer_is_tolerated_with_a_word_and_illegal_when_strict(row):
    body, where = DISPUTED[row]
    reading = read_answer(body, "ice", SwitchSettings())
    assert [finding.where for finding in reading.tolerated] == [where]
    assert reading.illegal == ()
    assert reading.tolerated[0].cure
    assert read_answer(body, "ice", SwitchSettings(strict=True)).illegal == reading.tolerated


TRANSCRIBED = """
    af-ZA ar-AE ar-SA zh-CN zh-TW da-DK nl-NL en-AU en-GB en-IN en-IE en-NZ en-AB en-ZA en-US en-WL fr-FR fr-CA fa-IR gd_GB de-DE
    de-CH he-IL hi-IN id-ID ga-IE it-IT ja-JP ko-KR ms-MY pt-PT pt-BR ru-RU es-ES es-US sv-SE ta-IN te-IN th-TH tr-TR vi-VN
"""


def test_transcription_locales_and_stream_sample_rates_are_accepted():
    for locale in TRANSCRIBED.split():
        options = {"transcriptionOptions": {"enabled": True, "locale": locale}}
        recording = instruction("startRecording", options={"destinationUrl": "s3://b", **options})
        assert (
            read_answer(answer(recording, then=action("hangup")), "ice", SwitchSettings()).tolerated
            == ()
        )
    for rate in (8000, 16000, 24000, 44100, 48000, 96000):
        stream = action("connectStream", streamingOptions={"version": 1, "sampleRate": rate})
        assert read_answer(answer(then=stream), "ice", SwitchSettings()).tolerated == ()


def test_sums_of_the_older_sdk_are_tolerated():
    long = read_answer(answer(*[instruction("say", text="a" * 501)] * 2), "ice", SwitchSettings())
    many = read_answer(
        answer(*[instruction("playFiles", ids=["a.mp3"] * 13)] * 5), "ice", SwitchSettings()
    )
    assert [finding.message for finding in long.tolerated + many.tolerated] == [
        "1002 spoken characters in one answer",
        "65 parts of prompts in one answer",
    ]
    assert long.illegal == many.illegal == ()


def test_cookies_add_up_over_a_call():
    before = {"a": "v" * 600}
    assert check_call_cookies(before, {"b": "v" * 422}) == ()
    assert check_call_cookies(before, {"a": "v" * 1000}) == ()
    assert check_call_cookies(before, {"b": "v" * 1024}) == (), (
        "which is for read to say, and not twice"
    )
    (finding,) = check_call_cookies(before, {"b": "v" * 423})
    assert "1025 bytes" in finding.message


def test_strict_makes_illegal_what_is_tolerated():
    body = answer(then={"name": "Hangup"})
    assert (
        read_answer(body, "ice", SwitchSettings()).tolerated
        == read_answer(body, "ice", SwitchSettings(strict=True)).illegal
        != ()
    )
    assert read_answer(body, "ice", SwitchSettings(strict=True)).tolerated == ()
    assert (
        read_answer(answer(then=action("hangup")), "ice", SwitchSettings(strict=True)).illegal == ()
    )


@pytest.mark.parametrize("name", ["reportCallStatus", "ReportCallStatus"])
@pytest.mark.parametrize(
    ("value", "details", "read_value", "tolerated"),
    [
        ("Success", "", "success", []),
        ("FAILURE", "fine", "failure", []),
        ("maybe", "", "maybe", ["instructions[0].value"]),
        ("success", " " + "d" * 65, "success", ["instructions[0].details"]),
        ("success", "d" * 64, "success", []),
    ],
)
def test_report_call_status(name, value, details, read_value, tolerated):
    body = answer({"name": name, "value": value, "details": details})
    reading = read_answer(body, "dice", SwitchSettings())
    (report,) = reading.instructions
    assert (report.value, report.details) == (read_value, details.strip()[:64])
    assert [finding.where for finding in reading.tolerated] == ["instructions[0].name"] * (
        name != "reportCallStatus"
    ) + tolerated
    assert reading.illegal == ()
