"""Callers of every kind, and the headers that they bring, as scenarios and `call` give them."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main

FLOW = """\
flow: line
start: who
states:
  who:
    choose:
      - {when: call.withheld, next: withheld}
      - {when: 'call.redirected_from != ""', next: forwarded}
      - {when: '"X-TIER" in event.headers', next: tier}
      - {when: 'call.from.startsWith("+46")', next: swede}
      - {when: 'call.sip != ""', next: sip}
      - {when: 'call.user != ""', next: app}
      - {when: 'call.from == ""', next: unknown}
      - next: number
  withheld: {say: "Withheld ${call.from}.", hangup: }
  forwarded: {say: "From ${call.redirected_from}.", hangup: }
  tier: {say: 'Tier ${event.headers["x-Tier"]}.', hangup: }
  swede: {say: "Sweden ${call.from}.", hangup: }
  sip: {say: "SIP ${call.sip} ${call.origin}.", hangup: }
  app: {say: "App ${call.user} ${call.origin}.", hangup: }
  unknown: {say: Unknown., hangup: }
  number: {say: "Number ${call.from}.", hangup: }
"""
CASES = [
    ("caller: private", ["--from", "private"], "Withheld ."),
    ("caller: unknown", ["--from", "unknown"], "Unknown."),
    ('caller: "+46708168731"', ["--from", "+46708168731"], "Sweden +46708168731."),
    ('caller: "71234"', ["--from", "71234"], "Number 71234."),
    ("caller: alice@pbx.example.com", ["--sip", "alice@pbx.example.com"],
     "SIP alice@pbx.example.com sip."),
    ("{origin: mxp, caller: alice}", ["--app", "alice"], "App alice mxp."),
    ("{origin: sip, headers: {x-tier: gold}}", ["--sip", "a@b.c", "--header", "x-tier=gold"],
     "Tier gold."),
    ('redirected_from: "+46812345678"', ["--redirected-from", "+46812345678"],
     "From +46812345678."),
]  # fmt: skip


def project(folder: Path, scenarios: str = "") -> str:
    (folder / "scenarios").mkdir()
    (folder / "line.yaml").write_text(FLOW)
    (folder / "project.yaml").write_text("project: callers\n")
    if scenarios:
        (folder / "scenarios" / "line.yaml").write_text(scenarios)
    return str(folder)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(("given", "options", "heard"), CASES, ids=[case[0] for case in CASES])
def test_caller_of_each_kind_reaches_the_flow(
    tmp_path: Path, given: str, options: list[str], heard: str
) -> None:
    own = given if given.startswith("{") else f"{{{given}}}"
    text = (
        f"flow: line\nscenarios:\n  it:\n    given: {own}\n    when: [{{hears only: '{heard}'}}]\n"
    )
    folder = project(tmp_path, text)
    tested = run("test", folder)
    assert tested.exit_code == 0, tested.output
    called = run("call", folder, "--keys", "hang up", *options)
    assert heard in called.output, called.output


@pytest.mark.parametrize("header", ["X A=1", "=1", "X-Tier\n=1", "X-Tier=a\nb", "X-Tier"])
def test_call_with_a_header_that_cannot_be_sent_is_refused(tmp_path: Path, header: str) -> None:
    called = run("call", project(tmp_path), "--sip", "a@b.c", "--header", header)
    assert called.exit_code == 2
    assert "--header" in called.output


def test_scenario_with_a_header_that_cannot_be_sent_is_an_error(tmp_path: Path) -> None:
    text = 'flow: line\nscenarios:\n  it:\n    given: {headers: {"X A": "1"}}\n    when: [ended]\n'
    tested = run("test", project(tmp_path, text))
    assert tested.exit_code == 2
    assert "FE224" in tested.output
