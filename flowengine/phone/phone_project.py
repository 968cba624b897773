"""A project whose flows are called from a page: compiled, with what is known of other systems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec

from flowengine.compile import Program, Release
from flowengine.scenarios.call_setup import (
    KIND_BY_ORIGIN,
    CallerKind,
    build_call_setup,
    find_route_fault,
    is_placed_by_flows,
)
from flowengine.scenarios.doubles import LookupDoubles, ServiceDouble, list_service_addresses
from flowengine.scenarios.generate import find_subflows, read_tables
from flowengine.scenarios.scenario_given import Given
from flowengine.scenarios.scenario_project import TEST_SECRET, ScenarioProject
from flowengine.scenarios.scenario_run import to_service_double
from flowengine.scenarios.trial_inputs import TrialInputs

PlacementKind = Literal["tts", "custom", "flow"]


class PhoneTarget(msgspec.Struct, frozen=True, omit_defaults=True):
    """A flow that can be called: what is dialled for it, or, with `placed`, that your system calls.
    `inputs` are what a placed call hands to it; `title` says what the flow is for.
    """

    flow: str
    to: str
    kind: CallerKind = "phone"
    placed: str = ""
    inputs: tuple[str, ...] = ()
    title: str = ""


@dataclass
class PhoneProject:
    """A project without mistakes, compiled with test values in place of its secrets."""

    release: Release
    project: ScenarioProject

    @cached_property
    def targets(self) -> tuple[PhoneTarget, ...]:
        """The flows that can be called, in the order of the routes."""
        found = {
            name: target
            for name in list_flows_by_route(self.release)
            if (target := build_phone_target(self.release, name))
        }
        return tuple(found.values())

    @cached_property
    def inputs(self) -> TrialInputs:
        """What may be pressed and answered where."""
        return TrialInputs.from_release(
            self.release, read_tables(self.project), self.project.variables
        )

    @cached_property
    def doubles_by_flow(self) -> Mapping[str, tuple[ServiceDouble, ...]]:
        """What the scenarios of each flow have other systems answer."""
        found: dict[str, list[ServiceDouble]] = {}
        for case in self.project.load_cases()[0]:
            doubles = map(to_service_double, case.given.lookups or ())
            found.setdefault(case.flow, []).extend(doubles)
        return {flow: tuple(doubles) for flow, doubles in found.items()}

    @cached_property
    def hidden(self) -> Mapping[str, str]:
        """The values that nobody should see, with what to show instead."""
        names = self.project.variables
        return {TEST_SECRET: f"<{names[0] if len(names) == 1 else 'secret'}>"} if names else {}

    def create_request_reader(self) -> LookupDoubles:
        """What reads the requests of flows."""
        return LookupDoubles((), list_service_addresses(self.release))


def list_flows_by_route(release: Release) -> Iterator[str]:
    """The flows that routes lead to, then those that nothing leads to and no flow uses."""
    subflows = find_subflows(release)
    routed = dict.fromkeys(route.flow for route in release.routes)
    yield from routed
    yield from (name for name in release.programs if name not in routed and name not in subflows)


def build_phone_target(release: Release, flow: str) -> PhoneTarget | None:
    """How a flow is called; None where no call comes to it."""
    program = release.programs[flow]
    title = program.document.data.get("title", "")
    if placed := find_placement_kind(release, program):
        names = tuple(variable.name for variable in program.signature.inputs)
        to = build_call_setup(release, flow, Given(placed=placed)).to
        return PhoneTarget(flow, to, "phone", placed, names, title)
    if find_route_fault(release, flow, Given(), Given()):
        return None
    setup = build_call_setup(release, flow, Given())
    return PhoneTarget(flow, setup.to, setup.kind, title=title)


def find_placement_kind(release: Release, program: Program) -> PlacementKind | None:
    """The kind of callout that a flow is for where nobody dials it; None where somebody does."""
    origins = {route.origin for route in release.routes if route.flow == program.flow}
    dialled = bool(origins & {"", *KIND_BY_ORIGIN}) or (not release.routes and program.start)
    if dialled:
        return None
    if is_placed_by_flows(release, program.flow):
        return "flow"
    if program.answered:
        return "tts"
    return "custom" if "server" in origins or program.signature.inputs else None
