"""Each trap of section 1: names in any case, names of old, examples at odds with the description.
All read as the usual spelling.
"""

from pathlib import Path

import pytest

from flowengine import svaml
from flowengine.switch.reading import read_answer
from flowengine.switch.switch_settings import SwitchSettings
from tests.switch.reading.reading_cases import (
    ACTIONS,
    BROKEN,
    INSTRUCTIONS,
    LIMITS,
    SPELLED_ACTIONS,
    SPELLED_INSTRUCTIONS,
    action,
    answer,
    instruction,
)

GOLDEN = Path(__file__).parent / "golden" / "reading.txt"


def check(body, usual, where):
    reading = read_answer(body, "ice", SwitchSettings())
    expected = svaml.decode_svaml(usual)
    assert reading.illegal == ()
    assert (reading.instructions, reading.action) == (expected.instructions, expected.action)
    places = [finding.where for finding in reading.tolerated]
    assert (where in places) if where else places == []


@pytest.mark.parametrize("row", SPELLED_ACTIONS)
def test_spelling_of_actions(row):
    given, usual, where = SPELLED_ACTIONS[row]
    check(answer(then=given), answer(then=usual), where)


@pytest.mark.parametrize("row", SPELLED_INSTRUCTIONS)
def test_spelling_of_instructions(row):
    given, usual, where = SPELLED_INSTRUCTIONS[row]
    check(answer(given), answer(usual), where)


def respelled(value, how):
    """All names of properties in another case"""
    if isinstance(value, dict):
        return {how(name): respelled(item, how) for name, item in value.items()}
    return [respelled(item, how) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("how", [str.lower, str.upper, str.capitalize])
@pytest.mark.parametrize("name", [*ACTIONS, *INSTRUCTIONS])
def test_everything_in_any_case(name, how):
    usual = action(name) if name in ACTIONS else instruction(name)
    other = respelled(usual, how) | {how("name"): how(name)}
    context = "dice" if name == "reportCallStatus" else "ice"
    settings = SwitchSettings(continue_in_ice="always")
    told = [
        read_answer(answer(then=it) if name in ACTIONS else answer(it), context, settings)
        for it in (usual, other)
    ]
    assert (told[0].instructions, told[0].action) == (told[1].instructions, told[1].action)
    assert told[1].illegal == ()
    assert bool(told[1].tolerated) is (other != usual)


def test_answer_with_keys_in_another_case_and_unknown_ones_is_tolerated():
    reading = read_answer(
        b'{"Instructions": null, "ACTION": {"name": "hangup"}, "reference": "a"}',
        "ice",
        SwitchSettings(),
    )
    assert reading.action == svaml.Hangup()
    assert [finding.where for finding in reading.tolerated] == [
        "Instructions",
        "ACTION",
        "reference",
    ]


RECORD = {"record": True, "recordingOptions": {"destinationUrl": "s3://bucket"}}


def test_record_of_a_conference_records_the_room():
    reading = read_answer(answer(then=action("connectConf") | RECORD), "ice", SwitchSettings())
    assert reading.conference_recording == svaml.RecordingOptions("s3://bucket")
    assert (reading.instructions, reading.illegal) == ((), ())
    assert [finding.where for finding in reading.tolerated] == ["action.record"]


def test_record_of_any_other_action_records_the_leg():
    reading = read_answer(
        answer(instruction("answer"), then=action("connectPstn") | RECORD), "ice", SwitchSettings()
    )
    assert reading.instructions == (
        svaml.Answer(),
        svaml.StartRecording(svaml.RecordingOptions("s3://bucket")),
    )
    assert reading.conference_recording is None


def test_conference_is_recorded_only_to_where_recordings_are_kept():
    bad = {"record": "true", "recordingOptions": {"destinationUrl": "ftp://a"}}
    reading = read_answer(answer(then=action("connectConf") | bad), "ice", SwitchSettings())
    assert [finding.where for finding in reading.illegal] == [
        "action.recordingOptions.destinationUrl"
    ]


@pytest.mark.parametrize(
    "extra",
    [{"record": False}, {"recordingOptions": {}}, {"record": False, "recordingOptions": {}}],
)
def test_conference_without_record_is_not_recorded(extra):
    reading = read_answer(answer(then=action("connectConf") | extra), "ice", SwitchSettings())
    assert (reading.conference_recording, reading.instructions, reading.illegal) == (None, (), ())


def test_finding_has_a_cure_and_reads_well(golden):
    bodies = {
        **{row: body for row, (body, _) in (LIMITS | BROKEN).items()},
        **{row: answer(then=given) for row, (given, _, _) in SPELLED_ACTIONS.items()},
        **{row: answer(given) for row, (given, _, _) in SPELLED_INSTRUCTIONS.items()},
        "continue": answer(then=action("continue")),
        "reportCallStatus": answer(instruction("reportCallStatus")),
        "recorded conference": answer(then=action("connectConf") | RECORD),
        "recorded call": answer(then=action("connectPstn") | RECORD),
        "options without record": answer(then=action("connectPstn") | {"recordingOptions": {}}),
        "connectMxp recorded": answer(instruction("startRecording"), then=action("connectMxp")),
        "spoken for long": answer(*[instruction("say", text="a" * 501)] * 2),
        "many parts": answer(*[instruction("playFiles", ids=["a.mp3"] * 13)] * 5),
    }
    readings = {row: read_answer(body, "ice", SwitchSettings()) for row, body in bodies.items()}
    readings["ace in a custom callout"] = read_answer(
        answer(then=action("park")), "custom_ace", SwitchSettings()
    )
    readings["pie in a custom callout"] = read_answer(
        answer(then=action("connectPstn")), "custom_pie", SwitchSettings()
    )
    lines = []
    for row, reading in readings.items():
        for kind, findings in (("illegal", reading.illegal), ("tolerated", reading.tolerated)):
            for finding in findings:
                assert finding.message
                assert finding.cure
                lines.append(
                    f"{row}\n  {kind} {finding.where}: {finding.message}\n  -> {finding.cure}"
                )
    golden(GOLDEN, "\n".join(lines) + "\n")
