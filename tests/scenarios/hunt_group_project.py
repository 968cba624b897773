"""A flow that rings two agents, and scenarios of it."""

from collections.abc import Mapping
from pathlib import Path

from flowengine.scenarios.result import ScenarioResult
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario

ANNA, BO = "+14045009001", "+14045009002"
RING_FLOW = """\
flow: line
start: sales
states:
  sales:
    ring:
      who: ["+14045009001", "+14045009002"]
      order: in turn
      each: 20s
      accept: {prompt: A call for sales. Press 1 to take it., taken: The call is taken.}
      wait: {say: We are looking for somebody., music: music1}
      caller_id: "+14045550100"
      nobody: sorry
      busy: engaged
      no_answer: asleep
      after: survey
  survey:
    menu: {prompt: How satisfied were you?, options: {1: bye, 5: bye}, otherwise: bye}
  engaged: {say: All are busy., hangup: }
  asleep: {say: Nobody answers., hangup: }
  sorry: {say: Nobody takes your call., hangup: }
  bye: {say: Thank you., hangup: }
"""
PARTIES = f"""\
parties:
  anna: {{is: "{ANNA}"}}
  bo: {{is: "{BO}"}}
"""


def write_project(
    folder: Path, scenarios: Mapping[str, str], flow: str = RING_FLOW, parties: str = PARTIES
) -> Path:
    """The folder of a project whose scenarios have these bodies."""
    (folder / "scenarios").mkdir(parents=True, exist_ok=True)
    (folder / "line.yaml").write_text(flow)
    listed = "".join(f"  {name}: {body}\n" for name, body in scenarios.items())
    text = f"flow: line\n{parties}scenarios:\n{listed}"
    (folder / "scenarios" / "line.yaml").write_text(text)
    return folder


def run_all(folder: Path) -> list[ScenarioResult]:
    """The results of all scenarios of a project without errors."""
    project = ScenarioProject.from_folder(folder)
    cases, problems = project.load_cases()
    assert [problem for problem in problems if problem.severity == "error"] == []
    return [run_scenario(case, project) for case in cases]


def list_failures(folder: Path, body: str, flow: str = RING_FLOW) -> list[tuple[str, str, str]]:
    """What does not hold in one scenario."""
    [result] = run_all(write_project(folder, {"it": body}, flow))
    return [(item.message, item.expected, item.found) for item in result.failures]
