"""Scenarios with several parties: who is rung, what they do and hear, and where the caller goes."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from tests.scenarios.hunt_group_project import (
    PARTIES,
    RING_FLOW,
    list_failures,
    run_all,
    write_project,
)

GOLDEN = Path(__file__).parent / "golden"
ALL_AT_ONCE = RING_FLOW.replace("in turn", "all at once")
SECOND_AGENT = """
    parties: {anna: {does: rings out}, bo: {does: answers}}
    when:
      - {hears: We are looking for somebody.}
      - {anna: is rung}
      - {after: 20s, bo: is rung}
      - {bo: hears a call for sales}
      - {bo: presses 1}
      - {connected to: bo}
      - {says: Good morning}
      - {bo: hears only Good morning}
      - {bo: says Hello}
      - {hears: Hello}
      - {bo: hangs up}
      - {hears only: How satisfied were you?}
      - {press: 5}
    then: {hears: Thank you., connected to: bo, ended by: flow}"""
PASSING = {
    "the second agent takes it": SECOND_AGENT,
    "all are busy": """
    parties: {anna: {does: busy}, bo: {does: busy}}
    then: {hears: All are busy., does not hear: Nobody, state: engaged}""",
    "nobody answers": """
    parties: {anna: {does: rings out}, bo: {does: rings out}}
    then: {hears: Nobody answers.}""",
    "one declines and one is busy": """
    parties: {anna: {does: declines}, bo: {does: busy}}
    then: {hears: Nobody takes your call.}""",
    "everything by hand": """
    when:
      - {anna: is rung}
      - {bo: is not rung}
      - {anna: declines}
      - {after: 0s, bo: is rung}
      - {bo: answers}
      - {bo: {hears: A call for sales}}
      - {bo: stays silent}
      - {hears: Nobody takes your call.}""",
    "one lets it ring and one accepts": """
    when:
      - {anna: rings out}
      - {bo: accepts}
      - {connected to: "+14045009002"}
      - hangs up
    then: {ended by: caller}""",
    "the caller hangs up while it rings": """
    when:
      - {anna: is rung}
      - {waits: 5s}
      - hangs up
      - {bo: is not rung}
    then: {ended by: caller}""",
}


def test_scenario_takes_back_what_its_file_says_that_a_party_does(tmp_path: Path) -> None:
    parties = PARTIES.replace('"}', '", does: busy}').replace("does: busy", "does: waits", 1)
    scenarios = {
        "by hand": """
    parties: {bo: {does: waits}}
    when:
      - {anna: declines}
      - {bo: answers}
      - {bo: presses 1}
      - {connected to: bo}
      - hangs up""",
        "as in the file": """
    when:
      - {anna: declines}
    then: {hears: Nobody takes your call.}""",
    }
    results = run_all(write_project(tmp_path, scenarios, parties=parties))
    assert {result.name: result.failures for result in results if result.failures} == {}


def test_scenarios_with_parties_pass(tmp_path: Path) -> None:
    results = run_all(write_project(tmp_path, PASSING))
    assert {result.name: result.failures for result in results if result.failures} == {}


def test_member_who_takes_the_call_frees_all_others(tmp_path: Path) -> None:
    body = """
    when:
      - {anna: is rung}
      - {after: 0s, bo: is rung}
      - {anna: answers}
      - {bo: accepts}
      - {connected to: bo}
      - {anna: is free}
      - hangs up
      - {bo: is free}"""
    assert list_failures(tmp_path, body, ALL_AT_ONCE) == []


MISSED = {
    "not rung": ("[{bo: is rung}]", ("bo is not rung", "", "anna rings")),
    "rung": ("[{anna: is not rung}]", ("anna is rung", "", "")),
    "rung once": ("[{anna: is rung}, {anna: is rung}]", ("anna is not rung", "", "anna rings")),
    "rung at another time": (
        "[{anna: is rung}, {anna: rings out}, {waits: 1s}, {after: 5s, bo: is rung}]",
        ("bo is rung at another time", "5s", "0s"),
    ),
    "not free": ("[{anna: is free}]", ("anna is not free", "", "their phone rings")),
    "does not ring": (
        "[{bo: answers}]",
        ("this cannot be done here: the phone of bo does not ring", "", ""),
    ),
    "in no call": ("[{bo: presses 1}]", ("this cannot be done here: bo is in no call", "", "")),
    "wrong words": (
        "[{anna: answers}, {anna: hears Good evening}]",
        ("anna did not hear this", "Good evening", "A call for sales. Press 1 to take it."),
    ),
    "connected to nobody": (
        "[{connected to: anna}]",
        ("the call was not connected to this", "+14045009001", "nobody"),
    ),
}


@pytest.mark.parametrize("name", MISSED)
def test_step_of_a_party_that_does_not_hold_fails(tmp_path: Path, name: str) -> None:
    steps, expected = MISSED[name]
    assert list_failures(tmp_path, f"{{when: {steps}}}")[0] == expected


def test_failure_shows_what_all_parties_did(tmp_path: Path) -> None:
    body = SECOND_AGENT.replace("after: 20s", "after: 10s")
    flows = write_project(tmp_path, {"the second agent takes it": body})
    shown = CliRunner().invoke(main, ["test", str(flows)]).output.replace(str(flows), "flows")
    shown = shown[: shown.rindex("\n1 scenario")] + "\n"
    golden = GOLDEN / "parties.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_generated_scenarios_take_every_exit_of_a_ring(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(RING_FLOW)
    done = CliRunner().invoke(main, ["test", str(tmp_path), "--generate", "--fail-under", "100"])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "scenarios" / "line.yaml").read_text()
    for title in (
        "engaged, after all being busy in sales:",
        "asleep, after no answer in sales:",
        "sorry, after nobody taking the call in sales:",
    ):
        assert title in text
    assert "agent1: hangs up" in text


def test_flow_that_rings_again_and_again_goes_on_until_the_caller_hangs_up(tmp_path: Path) -> None:
    body = """
    parties: {anna: {does: busy}, bo: {does: busy}}
    when:
      - {anna: is rung}
      - {bo: is rung}
      - {anna: is rung}
      - hangs up
    then: {ended by: caller}"""
    again = RING_FLOW.replace("busy: engaged", "busy: sales  # accept FE942: the caller leaves")
    again = re.sub(r"  engaged: .*\n", "", again)
    assert list_failures(tmp_path, body, again) == []


def test_ring_without_parties_goes_on_by_itself(tmp_path: Path) -> None:
    [result] = run_all(
        write_project(tmp_path, {"it": "{then: {hears: Nobody answers.}}"}, parties="")
    )
    assert result.failures == ()
    assert "rings +14045009002" in [line.what for line in result.transcript]
