"""FE7xx: scenarios. The examples are a project, `# scenarios/….yaml` among its files."""

from typing import Final

from flowengine.problems.catalogue_entry import CatalogueEntry, Severity

_EXAMPLE_FLOW_FILE = """\
flow: line
start: welcome
vars: {account: {type: digits, max: 8, default: "1"}}
states:
  welcome:
    menu: {prompt: Press 1., options: {1: find}, otherwise: goodbye}
  find:
    fetch: {service: crm, get: "/accounts/${vars.account}", failed: goodbye}
    next: goodbye
  goodbye: {say: Goodbye., hangup: }
# project.yaml
project: acme
services: {crm: {url: "https://crm.example.com"}}
"""
_EXAMPLE_HEAD = f"{_EXAMPLE_FLOW_FILE}# scenarios/line.yaml\n"


def _pair(wrong: str, right: str) -> tuple[str, str]:
    return (
        f"{_EXAMPLE_HEAD}flow: line\nscenarios:\n  it works:\n{wrong}",
        f"{_EXAMPLE_HEAD}flow: line\nscenarios:\n  it works:\n{right}",
    )


ENTRIES: Final[tuple[CatalogueEntry, ...]] = (
    CatalogueEntry(
        "FE701",
        "scenarios of no flow",
        Severity.ERROR,
        "A file of scenarios names the flow that its calls come to. The project has no flow of "
        "this name.",
        f"{_EXAMPLE_HEAD}flow: lime\nscenarios:\n  it works: {{then: {{hears: Goodbye.}}}}\n",
        f"{_EXAMPLE_HEAD}flow: line\nscenarios:\n  it works: {{then: {{hears: Press 1.}}}}\n",
    ),
    CatalogueEntry(
        "FE702",
        "a step that is not one thing",
        Severity.ERROR,
        "Each step of a scenario is one thing that somebody does, or one thing that must be so. "
        "Several things are several steps: their "
        "order is what the scenario tells.",
        *_pair(
            "    when: [{hears: Press 1., press: 1}]\n",
            "    when: [{hears: Press 1.}, {press: 1}]\n    given: {lookups: []}\n",
        ),
    ),
    CatalogueEntry(
        "FE703",
        "a state that the flow does not have",
        Severity.ERROR,
        "The scenario expects the call in a state that is not there. A state of another flow, such "
        "as a subflow, is written as flow.state.",
        *_pair("    when: [{asked: welcom}]\n", "    when: [{asked: welcome}]\n"),
    ),
    CatalogueEntry(
        "FE704",
        "a variable that the flow does not have",
        Severity.ERROR,
        "The scenario expects the value of a variable that the flow does not declare.",
        *_pair("    then: {vars: {acount: 1}}\n", "    then: {vars: {account: 1}}\n"),
    ),
    CatalogueEntry(
        "FE705",
        "a lookup that cannot happen",
        Severity.ERROR,
        "A lookup of a scenario stands for one request of a flow: a service of the project, "
        "exactly one of get, post and put, and either "
        "an answer or a failure.",
        *_pair(
            "    given: {lookups: [{service: crn, get: /accounts/1}]}\n",
            "    given: {lookups: [{service: crm, get: /accounts/1}]}\n    when: [press: 1]\n",
        ),
    ),
    CatalogueEntry(
        "FE706",
        "a time that there is not",
        Severity.ERROR,
        "The time at which a scenario begins is a date and a time of day of the calendar, in an "
        "IANA zone.",
        *_pair("    given: {time: 2026-02-30 10:00}\n", "    given: {time: 2026-02-28 10:00}\n"),
    ),
    CatalogueEntry(
        "FE707",
        "a broken pattern",
        Severity.ERROR,
        "Text between slashes is a pattern, a regular expression. This one cannot be read. Text "
        "without slashes is looked for as it is.",
        *_pair("    then: {hears: /Press (1/}\n", "    then: {hears: /Press (1|2)/}\n"),
    ),
    CatalogueEntry(
        "FE708",
        "a call that does not reach the flow",
        Severity.ERROR,
        "The scenarios are those of one flow, but by the routes of the project a call to this "
        "address comes to another flow, or to none. "
        "A flow that only other flows use is tested through these.",
        f"{_EXAMPLE_FLOW_FILE}routes: [{{to: +14045550100, flow: line}}]\n# other.yaml\nflow: other\nstart: "
        "only\nstates: "
        "{only: {hangup: }}\n# scenarios/other.yaml\nflow: other\nscenarios:\n  it hangs up: "
        "{then: {ended by: flow}}\n",
        f"{_EXAMPLE_FLOW_FILE}routes: [{{to: +14045550100, flow: line}}, {{flow: other}}]\n# other.yaml\nflow: "
        "other\nstart: only\nstates: "
        "{only: {hangup: }}\n# scenarios/other.yaml\nflow: other\nscenarios:\n  it hangs up: "
        "{then: {ended by: flow}}\n",
    ),
)
