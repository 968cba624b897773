"""Section 1.1 of the platform notes, cell by cell: what is legal where, and what is not."""

import json
from pathlib import Path

import pytest

from flowengine.switch.reading import read_answer
from flowengine.switch.switch_settings import SwitchSettings
from tests.switch.reading.reading_cases import ACTIONS, INSTRUCTIONS, action, answer, instruction

CONTEXTS = json.loads((Path(__file__).parents[2] / "svaml" / "matrix.json").read_text())["contexts"]
ICE, ACE, PIE, PATCH = (CONTEXTS[name] for name in ("ice", "ace", "pie", "patch"))
LEGAL = {
    **{
        name: (set(CONTEXTS[name]["actions"]), set(CONTEXTS[name]["instructions"]))
        for name in ("ice", "ace", "pie", "patch", "patch_leg")
    },
    "dice": ({"hangup"}, {"reportCallStatus"}),
    "unpark": ({*ICE["actions"], *PATCH["actions"]}, set(ICE["instructions"])),
    "custom_ice": ({"connectPstn", "connectStream"}, set(ICE["instructions"])),
    "custom_ace": (set(ACE["actions"]), set(ACE["instructions"])),
    "custom_pie": ({"hangup", "continue", "connectConf", "runMenu"}, set(ACE["instructions"])),
}
PATCHES = {"patch", "patch_leg"}
DISPUTED = {
    ("ace", "connectPstn"),
    ("ace", "park"),
    ("custom_ace", "connectPstn"),
    ("custom_ace", "park"),
    ("pie", "connectMxp"),
    ("pie", "connectStream"),
    ("custom_pie", "connectMxp"),
    ("custom_pie", "connectStream"),
    ("patch", "runMenu"),
    ("custom_ice", "connectSip"),
    ("custom_ice", "connectMxp"),
    ("custom_ice", "hangup"),
    ("custom_pie", "connectPstn"),
    ("custom_pie", "connectSip"),
    ("custom_pie", "sendDtmf"),
}


def verdict(context, name, where, body):
    reading = read_answer(body, context, SwitchSettings())
    assert [finding.where for finding in reading.illegal + reading.tolerated] in ([], [where])
    assert all(
        name in finding.message and finding.cure for finding in reading.illegal + reading.tolerated
    )
    return "illegal" if reading.illegal else "tolerated" if reading.tolerated else "legal"


def expected(context, name, legal):
    return "legal" if name in legal else "tolerated" if (context, name) in DISPUTED else "illegal"


@pytest.mark.parametrize("context", LEGAL)
@pytest.mark.parametrize("name", ACTIONS)
def test_action_is_legal_in_its_contexts_only(context, name):
    assert verdict(context, name, "action", answer(then=action(name))) == expected(
        context, name, LEGAL[context][0]
    )


@pytest.mark.parametrize("context", LEGAL)
@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instruction_is_legal_in_its_contexts_only(context, name):
    then = action("continue") if context in PATCHES else None
    body = answer(instruction(name), then=then) if then else answer(instruction(name))
    assert verdict(context, name, "instructions[0]", body) == expected(
        context, name, LEGAL[context][1]
    )


@pytest.mark.parametrize("context", sorted(PATCHES))
def test_patch_without_action_is_tolerated_with_a_word(context):
    reading = read_answer(answer(instruction("say")), context, SwitchSettings())
    assert [finding.where for finding in reading.tolerated] == ["action"]
    assert reading.illegal == ()


@pytest.mark.parametrize(
    ("setting", "app_origin", "legal"),
    [
        ("apps", True, True),
        ("apps", False, False),
        ("always", False, True),
        ("always", True, True),
        ("never", True, False),
    ],
)
def test_continue_in_ice_is_a_setting(setting, app_origin, legal):
    reading = read_answer(
        answer(then=action("continue")),
        "ice",
        SwitchSettings(continue_in_ice=setting),
        app_origin=app_origin,
    )
    assert (reading.illegal == ()) is legal


def test_continue_of_an_app_stays_illegal_in_a_custom_callout():
    assert read_answer(
        answer(then=action("continue")), "custom_ice", SwitchSettings(), app_origin=True
    ).illegal


def test_recording_is_ignored_with_connect_mxp():
    body = answer(instruction("startRecording"), then=action("connectMxp"))
    reading = read_answer(body, "ice", SwitchSettings())
    assert [finding.where for finding in reading.tolerated] == ["instructions[0]"]
    assert reading.illegal == ()


def test_index_of_a_misplaced_instruction_counts_the_unreadable_ones():
    reading = read_answer(
        answer({"name": "talk"}, instruction("answer"), then=action("hangup")),
        "ace",
        SwitchSettings(),
    )
    assert [finding.where for finding in reading.illegal] == [
        "instructions[0].name",
        "instructions[1]",
    ]
