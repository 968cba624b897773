"""Scenarios of a project on disk: what passes, what fails, and in which words."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.scenarios.scenario_loader import load_scenarios
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario
from tests.scenarios.scenario_project import FLOW, REPORT, one, write

GOLDEN = Path(__file__).parent / "golden"
NAME = '{service: crm, get: "/names/+14045550199", answer: {name: Ann}}'
WHOLE = f"""\
    given:
      lookups: [{NAME}, {{service: crm, post: /calls, body: {{name: Ann, seconds: 64}}}}]
    when:
      - hears: for your name press 1
      - does not hear: Hello
      - asked: main
      - press: 1
      - hears: [Hello, "/A[n]{{2}}/"]
      - connected to: "+14045009000"
      - callee: answers
      - hears: One moment.
      - waits: 60s
      - hangs up
      - ended
    then:
      hears: Hello Ann.
      does not hear: Sorry
      connected to: "+14045009000"
      state: whisper
      vars: {{name: Ann}}
      requests: ["crm: GET /names/*", "crm: POST /calls"]
      recording: false
      result: ANSWERED
      reason: CALLERHANGUP
      ended by: caller
"""


def invoked(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["test", str(folder / "flows"), *options])


def failures(folder: Path, body: str, lookups: str = f"[{REPORT}]") -> list[tuple[str, str, str]]:
    project = ScenarioProject.from_folder(write(folder, one(body, lookups)))
    cases, problems = project.load_cases()
    assert problems == []
    return [
        (item.message, item.expected, item.found)
        for case in cases
        for item in run_scenario(case, project).failures
    ]


def test_given_of_a_scenario_replaces_the_given_of_its_file(tmp_path: Path) -> None:
    text = "flow: line\ngiven: {headers: {X-A: a}, data: {a: 1}, lookups: [%s]}\nscenarios:\n  same: {}\n  none: %s\n"
    write(tmp_path, text % (REPORT, "{given: {headers: {}, data: {}, lookups: []}}"))
    same, none = (
        case.given for case in ScenarioProject.from_folder(tmp_path / "flows").load_cases()[0]
    )
    assert (same.headers, same.data, len(same.lookups or ())) == ({"X-A": "a"}, {"a": 1}, 1)
    assert (none.headers, none.data, none.lookups) == ({}, {}, [])


def test_scenario_of_a_whole_conversation_passes(tmp_path: Path) -> None:
    assert failures(tmp_path, WHOLE) == []


HEARD = "For your name press 1. For an agent press 0."
BROKEN = {
    "hears": ("when: [{hears: Good morning}]", ("the caller did not hear this", ("Good "
                                                                                "morning"), HEARD)),
    "in order": ("when: [{hears: agent}, {hears: your name}]", (("the caller did not hear "
                                                                "this"), "your name", "press 0.")),
    "after a deed": ("when: [{press: 5}, {hears: Press 1 twice}]", (("the caller did not hear "
                                                                    "this"), ("Press 1 "
                                                                            "twice"), ("Wrong. "
                                                                                     f"{HEARD}"))),
    "does not hear": ('when: [{does not hear: "/press [01]/"}]', (("the caller should not have "
                                                                  "heard this"), ("not /press "
                                                                                "[01]/"), HEARD)),
    "asked": ("when: [{asked: agent}]", ("another state asks", "agent", "main")),
    "nobody asks": ("when: [{press: 0}, {asked: main}]", (("nobody is waiting for keys or words "
                                                          "here"), "main", "ringing")),
    "connected": ("when: [{press: 0}, {connected to: +1404}]", (("the call was not connected to "
                                                                "this"), "+1404", "+14045009000")),
    "connected to nobody": ("when: [{connected to: +14045009999}]", (("the call was not connected "
                                                                     "to "
                                                                     "this"), "+14045009999", "nobody")),
    "lost keys": ("when: [{press: 0}, {press: 1}]", ("nobody listens to these keys here", "", "")),
    "nobody is called": ("when: [{callee: answers}]", (("this cannot be done here: nobody is being "
                                                       "called"), "", "")),
    "over": ("when: [hangs up, {press: 1}]", (("this cannot be done here: the call is "
                                              "over"), "", "")),
    "goes on": ("when: [ended]", ("the call goes on", "", "")),
    "no notice": ("when: [{notified: recording_available}]", (("this notice never "
                                                              "came"), "recording_available", "none")),
    "in the end": ("then: {hears: Good morning}", ("the caller never heard this", ("Good "
                                                                                  "morning"), HEARD)),
    "vars": ("then: {vars: {name: Ann}}", ("name has another value", '"Ann"', '""')),
    "result": ("when: [{press: 0}, {callee: busy}]\n    then: {result: FAILED}", (("the call ended "
                                                                                  "with another "
                                                                                  "result"), "FAILED", "BUSY")),
    "ended by": ("then: {ended by: flow}", ("the call was not ended by the flow", "flow", ("caller "
                                                                                          "(CALLERHANGUP)"))),
    "recording": ("then: {recording: true}", ("the call was not recorded", "", "")),
    "requests": ("then: {requests: []}", ("other lookups were made", "none", "crm: POST /calls")),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_expectation_that_fails_is_reported(tmp_path: Path, name: str) -> None:
    body, expected = BROKEN[name]
    assert expected in failures(tmp_path, f"    {body}\n")


def test_unexpected_lookup_fails_the_scenario_and_comes_first(tmp_path: Path) -> None:
    (first, *rest) = failures(
        tmp_path,
        "    when: [{press: 1}, {hears: Hello Ann.}]\n",
        f"[{REPORT}, {NAME.replace('GET', 'get').replace('99', '98')}]",
    )
    assert "it expects /names/+14045550198" in first[0]
    assert first[2] == "crm: GET /names/+14045550199"
    assert rest[0][0] == "the caller did not hear this"


def test_unused_lookup_fails_the_scenario(tmp_path: Path) -> None:
    assert failures(tmp_path, "    then: {}\n", f"[{REPORT}, {NAME}]") == [
        ("this lookup was never made", "crm: GET /names/+14045550199", "")
    ]


def test_apology_that_is_not_expected_fails_the_scenario(tmp_path: Path) -> None:
    broken = FLOW.replace("error: sorry\n", "").replace(
        "  sorry:\n    say: Something is wrong.\n    hangup:\n", ""
    )
    for expected, number in (("", 1), ("    then: {apology: true}\n", 0)):
        lookups = f"[{{service: crm, get: /names/*, fails: timeout}}, {REPORT}]"
        project = ScenarioProject.from_folder(
            write(tmp_path, one(f"    when: [{{press: 1}}]\n{expected}", lookups), flow=broken)
        )
        (case,) = project.load_cases()[0]
        assert [item.message for item in run_scenario(case, project).failures] == [
            "the caller heard the apology of last resort"
        ] * number


@pytest.mark.parametrize(
    ("environment", "heard"), [("{}", "Hello Ann."), ("{CRM_TOKEN: ''}", "Something is wrong.")]
)
def test_secrets_have_test_values_unless_the_scenario_takes_them_away(
    tmp_path: Path, environment: str, heard: str
) -> None:
    lookups = f"[{REPORT}, {NAME}]" if environment == "{}" else "[]"
    body = f"    given: {{environment: {environment}, lookups: {lookups}}}\n    when: [{{press: 1}}, {{hears: {heard}}}]\n"
    assert failures(tmp_path, body) == []


def test_call_may_live_in_its_cookie_alone(tmp_path: Path) -> None:
    body = "    given: {cookies: true}\n    when: [stays silent, {hears: Sorry?}, stays silent, {connected to: +14045009000}]\n"
    assert failures(tmp_path, body) == []


def test_failure_is_shown_with_its_lines_and_the_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, one("    when:\n      - press: 0\n      - connected to: +14045009999\n"))
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(main, ["test"])
    assert found.exit_code == 1
    shown = found.output.replace(found.output.rsplit("(", 1)[1], "0.0 s)\n")
    golden = GOLDEN / "failure.txt"
    if os.environ.get("GOLDEN"):
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_junit_names_what_failed(tmp_path: Path) -> None:
    write(tmp_path, one("    then: {hears: Press}\n  it fails:\n    then: {hears: Goodbye}\n"))
    assert invoked(tmp_path, "--junit", str(tmp_path / "report.xml")).exit_code == 1
    (suite,) = ET.parse(tmp_path / "report.xml").getroot()
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("line", "2", "1")
    good, bad = suite
    assert (good.get("name"), len(good), bad.get("name")) == ("it works", 0, "it fails")
    assert (bad[0].text or "").splitlines()[0].endswith(".yaml:6:3")
    assert bad[0].get("message") == "the caller never heard this"
    assert "expected: Goodbye" in (bad[0].text or "")


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ([], 0, "1 scenario: 1 passed, 0 failed"),
        (["-k", "line WORKS"], 0, "1 passed"),
        (["-k", "nothing like it"], 5, "no scenario to run: none is called like nothing like it"),
        (["--coverage"], 0, "line.yaml:11:17: main: key 1"),
        (["--fail-under", "20"], 0, "1 passed"),
        (["--fail-under", "90"], 1, "less than 90%"),
        (["--jobs", "2"], 0, "1 passed"),
    ],
)
def test_options_and_exit_codes(tmp_path: Path, options: list[str], code: int, told: str) -> None:
    write(tmp_path, one("    when: [{press: 0}]\n"))
    found = invoked(tmp_path, *options)
    assert (found.exit_code, told in found.output) == (code, True), found.output


def test_json_has_results_and_coverage(tmp_path: Path) -> None:
    write(tmp_path, one("    when: [{press: 0}]\n"))
    found = json.loads(invoked(tmp_path, "--json").stdout)
    assert [(item["name"], item["passed"]) for item in found["scenarios"]] == [("it works", True)]
    (flow,) = found["coverage"]["flows"]
    assert flow["states"] == {"covered": 4, "total": 7}
    assert {
        "state": "find",
        "exit": "next",
        "place": f"{(tmp_path / 'flows').as_posix()}/line.yaml:18:5",
    } in flow["missing"]
    assert flow["spare"] == ["sorry"]


@pytest.mark.parametrize(
    "broken",
    ["flow: line\nscenarios: {a: {when: [{pres: 1}]}}\n", "flow: lime\nscenarios: {a: {}}\n"],
)
def test_mistakes_in_scenarios_end_the_run(tmp_path: Path, broken: str) -> None:
    write(tmp_path, broken)
    found = invoked(tmp_path)
    assert found.exit_code == 2
    assert "flows/scenarios/line.yaml:" in found.output
    assert "did you mean" in found.output


def test_scenarios_are_no_part_of_the_project_that_is_served(tmp_path: Path) -> None:
    flows = write(tmp_path, one("    then: {}\n"))
    project = ScenarioProject.from_folder(flows)
    assert sorted(project.files) == ["line.yaml", "project.yaml"]
    assert list(project.scenarios) == ["scenarios/line.yaml"]
    assert load_scenarios(project.scenarios, project.compile())[1] == []
