"""The scenarios of a project as pages show them: which pass a state, and what none has taken yet."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from flowengine.compile import CompileResult, Program, ProjectCompiler
from flowengine.console.console_project import ViewedProject
from flowengine.console.shared_work import SharedWork
from flowengine.scenarios.coverage import CoverageItem, FlowCoverage, compute_flow_coverage
from flowengine.scenarios.result import Failure, ScenarioResult
from flowengine.scenarios.runner import run_scenarios
from flowengine.scenarios.scenario_loader import Case
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.sources.project_folder import SCENARIO_FOLDER

Files = Mapping[str, bytes]
SCENARIO_PREFIX = f"{SCENARIO_FOLDER}/"
MAX_KEPT_RUNS = 4096  # the scenarios of so many flows


def split_files(files: Files) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of the flows, and those of scenarios."""
    scenarios = {name: text for name, text in files.items() if name.startswith(SCENARIO_PREFIX)}
    return {name: text for name, text in files.items() if name not in scenarios}, scenarios


class PassingScenario(msgspec.Struct, frozen=True):
    """A scenario whose call comes by a state."""

    flow: str
    name: str
    place: str
    failure: str
    """What did not come as it should first; "" where it passes"""


class StateScenarios(msgspec.Struct, frozen=True):
    """The scenarios of a state, its exits that none takes, and whether it can be reached at all
    without a failure.
    """

    scenarios: tuple[PassingScenario, ...]
    missing: tuple[str, ...]
    is_for_failures_only: bool


class CompletedScenario(NamedTuple):
    """A scenario that has run, with the states and exits that it took of each flow."""

    scenario: PassingScenario
    taken: Mapping[str, frozenset[CoverageItem]]


class CompletedRun(NamedTuple):
    """The scenarios of one flow, run. `programs` are those that they could come by: with the others
    the result would be the same.
    """

    scenarios: Sequence[CompletedScenario]
    programs: Sequence[Program]


class LoadedCases(msgspec.Struct, frozen=True):
    """The scenarios of a project by their flows, ready to be run; `basis` stands for all files that
    are no flows, and `reach` has for each flow with scenarios the flows that they can come by.
    """

    project: ScenarioProject
    programs: Mapping[str, Program]
    cases: Mapping[str, Sequence[Case]]
    reach: Mapping[str, frozenset[str]]
    basis: bytes


class ScenarioRuns:
    """The results of scenarios, which run when somebody asks for a flow that they can come by, and
    again when a file has changed that they depend on.
    """

    def __init__(self) -> None:
        self._loaded = SharedWork[LoadedCases]()
        self._runs = SharedWork[CompletedRun](MAX_KEPT_RUNS)
        self._compiler = ProjectCompiler()
        self._lock = Lock()  # the compiler is for one thread at a time

    async def describe(self, project: ViewedProject, flow: str, state: str) -> StateScenarios:
        """What scenarios do with a state."""
        completed, coverage = await self._run_for(project, flow)
        passing = tuple(
            one.scenario
            for one in completed
            if CoverageItem(state) in one.taken.get(flow, frozenset())
        )
        if coverage is None:
            return StateScenarios(passing, (), is_for_failures_only=False)
        missing = tuple(item.exit for item in coverage.missing if item.state == state and item.exit)
        return StateScenarios(passing, missing, state in coverage.spare)

    async def describe_flow(self, project: ViewedProject, flow: str) -> dict[str, Any]:
        """What no scenario takes of a flow: states and exits, and the share that is taken. States
        that only failures lead to are not asked for.
        """
        _, coverage = await self._run_for(project, flow)
        if coverage is None:
            return {"percent": 0, "states": [], "exits": [], "spare": []}
        missing = coverage.missing
        return {
            "percent": int(coverage.percent),
            "states": [item.state for item in missing if not item.exit],
            "exits": [[item.state, item.exit] for item in missing if item.exit],
            "spare": list(coverage.spare),
        }

    async def _run_for(
        self, project: ViewedProject, flow: str
    ) -> tuple[list[CompletedScenario], FlowCoverage | None]:
        """The scenarios that can come by a flow, flow by flow: those who ask for another one need
        not wait for all.
        """
        loaded = await self._loaded.load(project.number, partial(self._load_cases, project.files))
        completed: list[CompletedScenario] = []
        for name, reach in loaded.reach.items():
            if flow in reach:
                completed += (await self._load_run(loaded, name)).scenarios
        program = loaded.programs.get(flow)
        if program is None:
            return completed, None
        taken = frozenset[CoverageItem]().union(*(one.taken.get(flow, ()) for one in completed))
        return completed, compute_flow_coverage(program, set(taken))

    async def _load_run(self, loaded: LoadedCases, flow: str) -> CompletedRun:
        # a result holds its programs: while it is kept, nothing else has their identities
        programs = [loaded.programs[name] for name in loaded.reach[flow]]
        files = sorted({case.document.file for case in loaded.cases[flow]})
        texts = [loaded.project.scenarios[name] for name in files]
        key = (flow, loaded.basis, frozenset(map(id, programs)), hash_contents(files, texts))
        return await self._runs.load(key, partial(run_flow_scenarios, loaded, flow, programs))

    def _load_cases(self, files: Files) -> LoadedCases:
        flows, scenarios = split_files(files)
        project = ScenarioProject.from_files(flows, scenarios, compiler=self._compile)
        compiled = project.compile()
        cases: dict[str, list[Case]] = {}
        for case in project.load_cases()[0]:
            cases.setdefault(case.flow, []).append(case)
        documents = {program.document.file for program in compiled.programs.values()}
        others = sorted(flows.keys() - documents)
        basis = hash_contents(others, [flows[name] for name in others])
        reach = find_reach(compiled.programs, cases)
        return LoadedCases(project, compiled.programs, cases, reach, basis)

    def _compile(self, files: Files, environment: Mapping[str, str]) -> CompileResult:
        with self._lock:
            return self._compiler.compile(files, environment)


def find_reach(
    programs: Mapping[str, Program], cases: Mapping[str, Sequence[Case]]
) -> dict[str, frozenset[str]]:
    """For each flow with scenarios the flows that they can come by: those that it uses, goes over to
    or has people called into, and so on. A number that is dialled may lead to any.
    """
    links = {name: list_linked_flows(program) for name, program in programs.items()}
    every = frozenset(programs)
    return {
        flow: every if any(case.given.to for case in own) else find_linked_flows(links, flow)
        for flow, own in cases.items()
    }


def list_linked_flows(program: Program) -> frozenset[str]:
    """The flows that the states of a flow lead to."""
    verbs = [state.verb for state in program.states.values()]
    return frozenset(name for verb in verbs for name in (verb.entered_flow, verb.placed_flow))


def find_linked_flows(links: Mapping[str, frozenset[str]], flow: str) -> frozenset[str]:
    """A flow and all that it can lead to."""
    found, waiting = {flow}, [flow]
    while waiting:
        fresh = (links[waiting.pop()] & links.keys()) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)


def hash_contents(names: Sequence[str], contents: Iterable[bytes]) -> bytes:
    """The same for the same files."""
    found = hashlib.blake2b(digest_size=16)
    for name, content in zip(names, contents, strict=True):
        found.update(b"%d %d " % (len(name), len(content)) + name.encode() + content)
    return found.digest()


def run_flow_scenarios(loaded: LoadedCases, flow: str, programs: Sequence[Program]) -> CompletedRun:
    """Run the scenarios of a flow one after another, which takes its time: call it in a thread."""
    results = run_scenarios(loaded.project, loaded.cases[flow], 1)
    return CompletedRun([complete_scenario(result) for result in results], programs)


def describe_failure(failure: Failure) -> str:
    """A failure in one line."""
    details = {"expected": failure.expected, "found": failure.found}
    told = "; ".join(f"{name}: {text}" for name, text in details.items() if text)
    return f"{failure.message} ({told})" if told else failure.message


def complete_scenario(result: ScenarioResult) -> CompletedScenario:
    """What is kept of a result."""
    taken: dict[str, set[CoverageItem]] = {}
    for entry in result.trace:
        taken.setdefault(entry.flow, set()).update(
            (CoverageItem(entry.state), CoverageItem(entry.state, entry.what))
        )
    failure = describe_failure(result.failures[0]) if result.failures else ""
    shown = PassingScenario(result.flow, result.name, str(result.span), failure)
    return CompletedScenario(shown, {name: frozenset(items) for name, items in taken.items()})
