"""Each limit of sections 1.2, 1.3 and 2.8 from both sides; and what is no answer at all."""

import pytest
from switch_reading_cases import BROKEN, LIMITS, action, answer, instruction

from flowengine.switch.reading import Reading, cookie_findings, read
from flowengine.switch.settings import Settings


@pytest.mark.parametrize("row", LIMITS)
def test_limit(row):
    body, where = LIMITS[row]
    reading = read(body, "ice", Settings())
    assert [finding.where for finding in reading.illegal] == ([where] if where else [])
    assert where or reading.tolerated == ()


@pytest.mark.parametrize("row", BROKEN)
def test_what_is_no_answer(row):
    body, where = BROKEN[row]
    reading = read(body, "ice", Settings())
    assert reading.illegal[0].where == where
    assert reading.action is None


def test_all_mistakes_of_an_action_are_told_at_once():
    reading = read(BROKEN["two mistakes"][0], "ice", Settings())
    assert [finding.where for finding in reading.illegal] == ["action.maxDuration", "action.introPrompt"]


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}", b'{"instructions": []}'])
def test_an_answer_that_says_nothing_is_for_the_settings_to_judge(body):
    assert read(body, "ice", Settings()) == Reading()


def test_sums_of_the_older_sdk_are_tolerated():
    long = read(answer(*[instruction("say", text="a" * 501)] * 2), "ice", Settings())
    many = read(answer(*[instruction("playFiles", ids=["a.mp3"] * 13)] * 5), "ice", Settings())
    assert [finding.message for finding in long.tolerated + many.tolerated] == [
        "1002 spoken characters in one answer",
        "65 parts of prompts in one answer",
    ]
    assert long.illegal == many.illegal == ()


def test_cookies_add_up_over_a_call():
    before = {"a": "v" * 600}
    assert cookie_findings(before, {"b": "v" * 422}) == ()
    assert cookie_findings(before, {"a": "v" * 1000}) == ()
    assert cookie_findings(before, {"b": "v" * 1024}) == (), "which is for read to say, and not twice"
    (finding,) = cookie_findings(before, {"b": "v" * 423})
    assert "1025 bytes" in finding.message


def test_strict_makes_illegal_what_is_tolerated():
    body = answer(then={"name": "Hangup"})
    assert read(body, "ice", Settings()).tolerated == read(body, "ice", Settings(strict=True)).illegal != ()
    assert read(body, "ice", Settings(strict=True)).tolerated == ()
    assert read(answer(then=action("hangup")), "ice", Settings(strict=True)).illegal == ()


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
    reading = read(body, "dice", Settings())
    (report,) = reading.instructions
    assert (report.value, report.details) == (read_value, details.strip()[:64])
    assert [finding.where for finding in reading.tolerated] == ["instructions[0].name"] * (name != "reportCallStatus") + tolerated
    assert reading.illegal == ()
