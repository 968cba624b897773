"""How many calls are tried to generate scenarios."""

from unittest.mock import patch

from flowengine.scenarios import explore
from flowengine.scenarios.explore import Explorer, Trial
from flowengine.scenarios.generate import GeneratedScenarios, generate_scenarios
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.trial_plan import TrialPlan

FLOWS = 5
FLOW = """\
flow: line{own}
start: ask
vars: {{n: {{type: integer}}}}
states:
  ask:
    menu:
      prompt: Line {own}.
      options: {{1: over, 2: more, 3: last}}
      otherwise: last
  more: {{choose: [{{when: vars.n > 90, next: never}}, {{next: ask}}]}}
  never: {{say: Never., next: last}}
  over: {{next_flow: line{next}}}
  last: {{say: Goodbye., hangup: }}
"""


def generate(flows: int) -> tuple[list[GeneratedScenarios], int]:
    files = {
        f"line{own}.yaml": FLOW.format(own=own, next=(own + 1) % flows).encode()
        for own in range(flows)
    }
    routes = ", ".join(f"{{flow: line{own}, to: '+1404555010{own}'}}" for own in range(flows))
    files["project.yaml"] = f"project: acme\nroutes: [{routes}]\n".encode()
    made, run_plan = 0, Explorer.run_plan

    def count(explorer: Explorer, plan: TrialPlan) -> Trial | None:
        nonlocal made
        made += 1
        return run_plan(explorer, plan)

    with patch.object(Explorer, "run_plan", count):
        found = list(generate_scenarios(ScenarioProject.from_files(files, {}), ()))
    return found, made


def test_generation_of_flows_that_go_over_to_each_other_tries_each_by_itself() -> None:
    with patch.object(explore, "MAX_RUNS_BEYOND", 5):
        found, made = generate(FLOWS)
    _, alone = generate(1)
    assert [one.flow for one in found] == [f"line{own}" for own in range(FLOWS)]
    assert all("Goodbye." in one.text for one in found)
    assert all(one.was_cut for one in found)
    assert made < FLOWS * (alone + 40)


def test_generation_tries_fewer_calls_where_each_takes_more_work() -> None:
    _, usual = generate(1)
    with patch.object(explore, "MAX_CLOCK_STEPS", 100):
        (found,), made = generate(1)
    assert found.was_cut
    assert 0 < made < usual
