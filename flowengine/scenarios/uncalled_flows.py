"""Flows that no call of a generated scenario comes to, and why."""

from collections.abc import Collection

from flowengine.compile import Program, Release
from flowengine.scenarios.call_setup import find_route_fault
from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.trial_inputs import TrialInputs


def find_uncalled_flows(inputs: TrialInputs) -> dict[str, str]:
    """The reason, in words, for each flow that no call begins in and no other flow leads to."""
    release = inputs.release
    called = {name for name in release.programs if inputs.list_given_variants(name)}
    waiting = [*called]
    while waiting:
        entered = list_entered_flows(release.programs[waiting.pop()]) - called
        called |= entered
        waiting += entered
    uncalled = [name for name in release.programs if name not in called]
    return {name: explain_uncalled_flow(release, name, uncalled) for name in uncalled}


def list_entered_flows(program: Program) -> set[str]:
    """The flows that this one uses or goes over to."""
    return {state.verb.entered_flow for state in program.linking_states}


def explain_uncalled_flow(release: Release, flow: str, uncalled: Collection[str]) -> str:
    users = [
        name
        for name in uncalled
        if name != flow and flow in list_entered_flows(release.programs[name])
    ]
    if users:
        return f"calls enter it only from {' and '.join(users)}, and no call comes there"
    program = release.programs[flow]
    if program.signature.outcomes:
        return "no other flow uses it as a subflow"
    if not any(route.flow == flow for route in release.routes):
        return f"no route leads to it; if calls come to it, write one: {{to: …, flow: {flow}}}"
    return find_route_fault(release, flow, Given(), Given()) or "no call begins in it"
