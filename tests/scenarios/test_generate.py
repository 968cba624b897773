"""Scenarios that are written for what no scenario takes: they pass, and together take all that can
be reached.
"""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.scenarios.sample_bodies import to_body
from flowengine.scenarios.trial_inputs import list_nearby_values
from flowengine.states.sample_keys import add_luhn_digit
from tests.scenarios.scenario_project import FLOW, one, write


def test_generated_scenarios_take_everything_and_hold(tmp_path: Path) -> None:
    flows = write(tmp_path, one("    when: [{press: 0}]\n"))
    found = CliRunner().invoke(main, ["test", str(flows), "--generate", "--fail-under", "100"])
    assert found.exit_code == 0, found.output
    text = (flows / "scenarios" / "line-generated.yaml").read_text()
    assert text.startswith("# Written by")
    assert re.findall("^  (\\S.*):$", text, re.MULTILINE) == [
        "main, after a wrong key in main and a failed lookup in report",
        "main, after silence in main",
        "agent, after too many attempts in main",
        "whisper, by key 1 in main",
    ]
    again = CliRunner().invoke(main, ["test", str(flows), "--coverage", "--fail-under", "100"])
    assert again.exit_code == 0, again.output
    assert "100.0%" in again.output


def test_exits_of_a_park_are_generated(tmp_path: Path) -> None:
    files = {
        "project.yaml": """
project: acme
routes: [{to: "+14045550100", flow: line}, {to: "+14045550101", flow: desk}]
""",
        "line.yaml": """
flow: line
start: hold
states:
  hold: {park: {code: "17", limit: 5m, in_use: engaged, too_long: late}}
  engaged: {say: Please call again., hangup: }
  late: {say: Nobody came., hangup: }
""",
        "desk.yaml": """
flow: desk
start: pick
states:
  pick: {pick_up: {code: "17", nobody: bye}}
  bye: {say: Nobody waits., hangup: }
""",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = CliRunner().invoke(main, ["test", str(tmp_path), "--generate", "--fail-under", "100"])
    assert found.exit_code == 0, found.output


def test_complete_coverage_generates_nothing_and_overwrites_nothing(
    tmp_path: Path,
) -> None:
    flows = write(tmp_path, one("    when: [{press: 0}]\n"))
    for _ in range(2):
        CliRunner().invoke(main, ["test", str(flows), "--generate"])
    assert sorted(path.name for path in (flows / "scenarios").iterdir()) == [
        "line-generated.yaml",
        "line.yaml",
    ]


def test_exit_that_cannot_be_reached_stays_missing(tmp_path: Path) -> None:
    hidden = FLOW.replace(
        "say: Hello ${vars.name}.\n    next: agent",
        "choose: [{when: vars.name.size() == 13, next: over2}, {next: agent}]",
    )
    flows = write(
        tmp_path, one("    then: {}\n"), flow=hidden + "  over2: {say: Thirteen., hangup: }\n"
    )
    found = CliRunner().invoke(main, ["test", str(flows), "--generate", "--fail-under", "100"])
    assert found.exit_code == 1
    assert "greet: choice 1" in found.output


def test_values_are_made_from_what_the_author_wrote() -> None:
    assert add_luhn_digit("7992739871") == "79927398713"
    assert list_nearby_values("20") == [20, 21, 19]
    assert list_nearby_values('"gold"') == ["gold"]
    assert to_body(["body.a.b", "size(body.list)", "status"], ["x", 2, 1]) == {
        "a": {"b": "x"},
        "list": ["one", "one"],
    }


@pytest.mark.parametrize("flow", ["other.yaml", "line.yaml"])
def test_single_flow_gets_scenarios_of_its_own(tmp_path: Path, flow: str) -> None:
    flows = write(tmp_path, one("    then: {}\n"))
    (flows / "other.yaml").write_text(
        "flow: other\nstart: only\nstates:\n  only: {say: Hello., hangup: }\n"
    )
    (flows / "project.yaml").write_text(
        (flows / "project.yaml").read_text()
        + 'routes: [{to: "+14045550177", flow: other}, {flow: line}]\n'
    )
    CliRunner().invoke(main, ["test", str(flows / flow), "--generate"])
    written = {"other.yaml": "other.yaml", "line.yaml": "line-generated.yaml"}[flow]
    assert sorted(path.name for path in (flows / "scenarios").iterdir()) == sorted(
        {"line.yaml", written}
    )


SECRETIVE = """\
flow: line
start: ask
vars:
  pin:   {type: digits, max: 4, secret: true}
  known: {type: digits, max: 6, default: "271828", secret: true}
  tier:  {type: text, max: 8, secret: true}
  open:  {type: text, max: 8}
states:
  ask: {collect: {prompt: Pin?, into: pin, digits: 4, otherwise: bye}, next: look}
  look:
    fetch: {service: crm, post: "/pins/${vars.known}", body: {pin: "${vars.known}"}, into: {tier: body.tier, open: body.open}, failed: bye}
    next: compare
  compare:
    choose:
      - {when: vars.pin == "4711", next: right}
      - {when: vars.tier == "platinum", next: right}
      - {when: vars.open == "silver", next: right}
      - {next: bye}
  right: {say: "Your code is ${spell(vars.known)}, ${vars.pin}.", next: bye}
  bye: {say: Goodbye., hangup: }
"""


def test_generated_scenarios_hold_no_value_of_a_secret_variable(tmp_path: Path) -> None:
    flows = write(tmp_path, "", flow=SECRETIVE)
    (flows / "scenarios" / "line.yaml").unlink()
    found = CliRunner().invoke(main, ["test", str(flows), "--generate"])
    text = (flows / "scenarios" / "line.yaml").read_text()
    assert "silver" in text, "what is no secret is tried, and what was heard passes"
    for secret in ("4711", "4712", "platinum", "271828", "2 7 1 8"):
        assert secret not in text, found.output
    data = yaml.safe_load(text)["scenarios"]
    assert {name for one in data.values() for name in one["then"].get("vars", {})} == {"open"}
    lookups = [look for one in data.values() for look in one.get("given", {}).get("lookups", ())]
    assert {look["post"] for look in lookups} == {"/pins/*"}


CALLER_OF_A_SUBFLOW = """\
flow: line
start: first
keys: {"*": back}
states:
  first: {subflow: {flow: ask, outcomes: {done: second}}}
  second: {menu: {prompt: Press 1., options: {1: bye}, attempts: 1, otherwise: bye}}
  bye: {hangup: }
"""
SUBFLOW = """\
flow: ask
start: which
outcomes: [done]
states:
  which: {menu: {prompt: Press 2., options: {2: over}, attempts: 1, otherwise: over}}
  over: {return: done}
"""


def test_calls_that_go_back_into_a_subflow_are_generated(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(CALLER_OF_A_SUBFLOW)
    (tmp_path / "ask.yaml").write_text(SUBFLOW)
    (tmp_path / "project.yaml").write_text("project: test\nroutes: [{flow: line}]\n")
    done = CliRunner().invoke(main, ["test", str(tmp_path), "--generate", "--fail-under", "100"])
    assert done.exit_code == 0, done.output


def test_flows_that_no_call_comes_to_are_named_with_the_reason(tmp_path: Path) -> None:
    hello = "flow: {0}\nstart: hi\nstates:\n  hi: {{say: Hello., {1}}}\n"
    files = {
        "project.yaml": """
project: acme
routes: [{to: "+14045550100", flow: line}, {flow: line}, {to: "+14045550101", flow: hidden}]
""",
        "line.yaml": hello.format("line", "hangup: "),
        "hidden.yaml": hello.format("hidden", "hangup: "),
        "lost.yaml": hello.format("lost", "next_flow: beyond"),
        "beyond.yaml": hello.format("beyond", "hangup: "),
        "spare.yaml": hello.format("spare", "return: ok") + "outcomes: [ok]\n",
        "placed.yaml": hello.format("placed", "hangup: ") + "on: {answered: hi}\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = CliRunner().invoke(main, ["test", str(tmp_path), "--generate"])
    assert found.exit_code == 0, found.output
    assert [line for line in found.stderr.splitlines() if "no scenario is written" in line] == [
        "beyond: no scenario is written, as calls enter it only from lost, and no call comes there",
        "hidden: no scenario is written, as a call to +14045550101 is answered by line",
        (
            "lost: no scenario is written, as no route leads to it; if calls come to it, write one: "
            "{to: …, flow: lost}"
        ),
        "spare: no scenario is written, as no other flow uses it as a subflow",
    ]
    only = CliRunner().invoke(main, ["test", str(tmp_path / "lost.yaml"), "--generate"])
    assert [line.partition(":")[0] for line in only.stderr.splitlines()] == ["lost"]
    assert {path.stem for path in (tmp_path / "scenarios").iterdir()} == {"line", "placed"}
