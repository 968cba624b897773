"""A call that was kept is a scenario that passes, and that notices when the flow changes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from tests.phone.phone_project import CALLS, project

FLOWS = Path(__file__).parents[2] / "flows"
EXAMPLES = {
    "support-line": [
        "--keys",
        '1,12345674,"200 {name: Ann Lee, tier: gold}",answer,say hello,callee say hi,hang up',
    ],
    "order-status": ["--keys", ",1234567890#,1,404,123456#,1,500"],
    "conference-pin": ["--keys", "1001,1234,9999,"],
    "voicemail": ["--keys", "#,,1,500"],
    "waiting-room": ["--keys", "{waiting: 0},,wait 20.5s,unpark +14045550140,answer"],
    "callback": ["--keys", "1,,"],
    "outbound": [
        "--outbound",
        "--data",
        "name=Ms Lee",
        "--data",
        "amount=12.5",
        "--keys",
        "person,1,answer,callee say Hi,callee hang up",
    ],
    "outbound-async": ["--outbound", "--data", "ticket=T-100", "--keys", "machine,wait 15s,,"],
    "reminder": [
        "--outbound",
        "--data",
        "visit=A-17",
        "--data",
        "day=2026-12-24",
        "--data",
        "hour=14:30",
        "--keys",
        'answer,say "yes",,',
    ],
    "conference-callout": ["--outbound", "--keys", "answer,1,hang up"],
    "app-to-app": [
        "--app",
        "alice",
        "--to",
        "bob",
        "--keys",
        "{allowed: true, ringtone: jazz},answer",
    ],
    "sip-in": ["--sip", "desk@pbx.example.com", "--to", "201@pbx.example.com", "--keys", "busy"],
    "hunt-group": [
        "--keys",
        "agent1 decline,agent2 answer,agent2 1,say Hello,agent2 say Hi,agent2 hang up",
    ],
    "support-queue": ["--keys", "agent1 answer,agent1 1,say Hello,agent1 hang up"],
    "survey": ["--keys", "answer,callee hang up,1,2,3,,,"],
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments])


def copied(folder: Path) -> Path:
    """The example flows without their scenarios."""
    for file in [*FLOWS.glob("*.yaml"), *FLOWS.glob("*/*.yaml")]:
        place = folder / file.relative_to(FLOWS)
        if place.parts[-2] != "scenarios":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    return folder


def test_saved_calls_to_sample_flows_are_scenarios_that_pass(tmp_path: Path) -> None:
    flows = copied(tmp_path / "flows")
    for flow, arguments in EXAMPLES.items():
        kept = flows / "scenarios" / f"{flow}.yaml"
        called = run("call", flows, "--flow", flow, *arguments, "--save", kept)
        assert "does not pass" not in called.output, flow
        assert f"wrote {kept}" in called.output
    tested = run("test", flows)
    assert tested.exit_code == 0, tested.output
    assert f"{len(EXAMPLES)} passed" in tested.output


@pytest.mark.parametrize("name", CALLS)
def test_saved_call_is_a_scenario_that_passes(name: str, tmp_path: Path) -> None:
    flows = project(tmp_path)
    kept = flows / "scenarios" / "kept.yaml"
    assert "does not pass" not in run("call", flows, *CALLS[name], "--save", kept).output
    tested = run("test", flows)
    assert tested.exit_code == 0, tested.output + kept.read_text()


def test_saved_scenario_fails_when_the_words_change(tmp_path: Path) -> None:
    flows = project(tmp_path)
    run(
        "call",
        flows,
        "--keys",
        "1,1230,{status: lost}",
        "--save",
        flows / "scenarios" / "kept.yaml",
    )
    line = flows / "line.yaml"
    line.write_text(line.read_text().replace("It is ${", "It was ${"))
    tested = run("test", flows)
    assert tested.exit_code == 1
    assert "It is lost." in tested.output


def test_saved_scenario_reads_as_written(tmp_path: Path) -> None:
    flows = project(tmp_path)
    kept = tmp_path / "kept.yaml"
    run(
        "call", flows, "--keys", "1,1230,{status: lost}", "--at", "2026-12-24 18:00", "--save", kept
    )
    assert kept.read_text().splitlines()[1:] == [
        "flow: line",
        "scenarios:",
        "  presses 1, presses 1230:",
        "    given:",
        "      time: 2026-12-24 18:00",
        "      lookups:",
        "        - service: crm",
        "          get: /orders/1230",
        "          answer:",
        "            status: lost",
        "    when:",
        "      - hears only:",
        "          - Welcome to the shop.",
        "          - For your order press 1. For the shop press 2.",
        "      - asked: welcome",
        "      - press: 1",
        "      - hears only: Enter your order number.",
        "      - asked: ask",
        "      - press: 1230",
        "      - hears only: It is lost.",
        "    then:",
        "      ended by: flow",
        "      result: ANSWERED",
        "      state: tell",
        "      vars:",
        "        order: '1230'",
        "        status: lost",
    ]
