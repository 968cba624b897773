"""The flows of a cluster: a support line that asks and reports, and the lines that ring members."""

import json
from pathlib import Path

from ring_lines import write_ring_flows

SUPPORT_NUMBER = "+14045001099"
GREETED = "Hello Ann."
UNKNOWN = "Our system does not answer."
REPORT = """
  report:
    fetch: {service: crm, post: /reports, body: {call: "${call.id}"}, failed: reported}
    next: reported
  reported: {done: }
"""
SUPPORT_FLOW = """
flow: support
start: welcome
on: {ended: report}
vars:
  account: {type: digits, max: 8}
  name: {type: text, max: 40}
states:
  welcome: {say: WELCOME, next: main}
  main:
    menu:
      prompt: For your bill press 1.
      options: {1: ask_account}
      otherwise: unknown
  ask_account:
    collect: {prompt: Please enter your account number., into: account, digits: 4, otherwise: unknown}
    next: look_up
  look_up:
    fetch:
      service: crm
      get: /accounts/${vars.account}
      into: {name: body.name}
      failed: unknown
    next: greet
  greet: {say: "Hello ${vars.name}.", hangup: }
  unknown: {say: Our system does not answer., hangup: }
"""


def write_cluster_flows(flows: Path, service_port: int) -> None:
    flows.mkdir()
    write_support_flow(flows, "Thank you.")
    routes = write_ring_flows(flows)
    for route in routes:
        file = flows / f"{route['flow']}.yaml"
        text = file.read_text().replace("start: sales\n", "start: sales\non: {ended: report}\n")
        file.write_text(text.rstrip() + REPORT)
    project = {
        "project": "cluster",
        "routes": [*routes, {"to": SUPPORT_NUMBER, "flow": "support"}],
        "services": {"crm": {"url": f"http://127.0.0.1:{service_port}", "private": True}},
    }
    (flows / "project.yaml").write_text(json.dumps(project))


def write_support_flow(flows: Path, welcome: str) -> None:
    draft = flows / "draft"
    draft.write_text(SUPPORT_FLOW.replace("WELCOME", json.dumps(welcome)).rstrip() + REPORT)
    draft.rename(flows / "support.yaml")
