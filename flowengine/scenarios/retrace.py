"""A scenario that takes the way of a recorded call, without what its caller has said or pressed: each
input and each answer of another system is a sample that leads the same way.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flowengine.journal.journal_row import NON_EXIT_PATTERN
from flowengine.journal.passage_counts import STAYS_PREFIX
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.explore import Explorer, Trial
from flowengine.scenarios.generate import (
    GENERATED_HEADER,
    keep_passing,
    name_scenarios,
    read_tables,
    to_yaml,
)
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import list_trace
from flowengine.scenarios.trial_inputs import TrialInputs
from flowengine.scenarios.trial_plan import TrialPlan

RETRACED_HEADER = (
    "# The way of a call that a server recorded, with samples in place of what its caller pressed and\n"
    "# said, and of what other systems answered. Read it before you keep it.\n"
)
MAX_RETRACED_PLANS = 400  # some milliseconds each
PassedExits = Sequence[tuple[str, str, str]]
"""The exits that a call took, in order: flow, state and exit"""


class RetracedCall(NamedTuple):
    """A file with a scenario, which passes, and how many of the exits of the call it takes; "" where
    not even its beginning can be taken.
    """

    text: str
    taken: int
    wanted: int


def retrace_call(project: ScenarioProject, flow: str, way: PassedExits) -> RetracedCall:
    """Write a scenario for a call that came to this flow. The project compiles."""
    release = project.compile().release
    if release is None or flow not in release.programs:
        return RetracedCall("", 0, len(way))
    inputs = TrialInputs.from_release(release, read_tables(project), project.variables)
    explorer = Explorer(flow, project, inputs, set())
    best, taken = follow_way(explorer, way)
    if best is None:
        return RetracedCall("", 0, len(way))
    scenarios = name_scenarios([best], inputs.hidden)
    kept = keep_passing(project, flow, scenarios, to_yaml(flow, scenarios))
    body = to_yaml(flow, kept).removeprefix(GENERATED_HEADER) if kept else ""
    return RetracedCall(body and RETRACED_HEADER + body, taken, len(way))


def follow_way(explorer: Explorer, way: PassedExits) -> tuple[Trial | None, int]:
    """The trial that takes most of these exits, one after the other, and how many they are."""
    best, taken, left = None, 0, MAX_RETRACED_PLANS
    plans = [TrialPlan(given) for given in explorer.inputs.list_given_variants(explorer.flow)]
    while plans and left > 0:
        found, most = best, taken if best else -1
        for plan in plans[:left]:
            trial = explorer.run_plan(plan)
            if trial is None:
                continue
            score = count_taken(trial, way)
            if score > most or (score == most and found and is_shorter(trial, found)):
                found, most = trial, score
            if most == len(way):
                break
        left -= len(plans)
        if found is best or found is None:
            break
        best, taken = found, most
        plans = [] if taken == len(way) else [*explorer.derive_plans(best)]
    return best, taken


def is_shorter(one: Trial, other: Trial) -> bool:
    """Whether a trial has fewer moves: what leads no further is left out."""
    return len(one.plan.moves) < len(other.plan.moves)


def count_taken(trial: Trial, way: PassedExits) -> int:
    """How many exits of the way a trial takes before it goes another way."""
    exits = (pass_ for entry in list_trace(trial.talk) if (pass_ := read_exit(entry)))
    taken = 0
    for found, wanted in zip(exits, way, strict=False):
        if found != wanted:
            break
        taken += 1
    return taken


def read_exit(entry: TraceEntry) -> tuple[str, str, str] | None:
    """The exit that a line of a trace tells of, if it does, or that the state has asked again."""
    is_repetition = entry.what.startswith(STAYS_PREFIX)
    if not entry.state or NON_EXIT_PATTERN.match(entry.what):
        return None
    if entry.is_note and not is_repetition:
        return None
    return entry.flow, entry.state, entry.what
