"""A project folder on disk, with a flow and the scenarios of a test."""

from pathlib import Path

FLOW = """\
flow: line
start: main
error: sorry
on: {ended: report}
vars:
  name: {type: text, max: 40}
states:
  main:
    menu:
      prompt: For your name press 1. For an agent press 0.
      options: {1: find, 0: agent}
      attempts: 2
      no_input: Sorry?
      no_match: Wrong.
      otherwise: agent
  find:
    fetch: {service: crm, get: "/names/${call.from}", into: {name: body.name}}
    next: greet
  greet:
    say: Hello ${vars.name}.
    next: agent
  agent:
    connect: {phone: "+14045009000", answered: whisper}
  whisper:
    say: One moment.
    continue:
  report:
    fetch: {service: crm, post: /calls, body: {name: "${vars.name}", seconds: "${event.duration}"}, failed: over}
    next: over
  over:
    done:
  sorry:
    say: Something is wrong.
    hangup:
"""
PROJECT = """\
project: test
services:
  crm: {url: "https://crm.example.com/v1", headers: {Authorization: "Bearer ${secrets.crm}"}}
secrets: {crm: CRM_TOKEN}
"""
REPORT = "{service: crm, post: /calls, body: {name: '*', seconds: '*'}}"


def write(folder: Path, scenarios: str, name: str = "line", flow: str = FLOW) -> Path:
    """The folder `flows` with a project of one flow; the scenarios are those below `scenarios:`."""
    flows = folder / "flows"
    (flows / "scenarios").mkdir(parents=True, exist_ok=True)
    (flows / "line.yaml").write_text(flow)
    (flows / "project.yaml").write_text(PROJECT)
    (flows / "scenarios" / f"{name}.yaml").write_text(scenarios)
    return flows


def one(body: str, lookups: str = f"[{REPORT}]") -> str:
    """A file with one scenario; `body` is indented by four."""
    return f"flow: line\ngiven: {{lookups: {lookups}}}\nscenarios:\n  it works:\n{body}"
