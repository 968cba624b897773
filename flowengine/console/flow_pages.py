"""The pages of flows: the list, a flow as picture and as text, a state."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flowengine.compile import CompileResult, Program
from flowengine.compile.routing import CompiledRoute
from flowengine.console.console_context import ConsoleContext
from flowengine.console.console_project import ViewedProject
from flowengine.console.flow_picture import (
    MAX_DISTANCE,
    get_picture_styles,
    render_neighbourhood,
    render_picture,
)
from flowengine.console.page_rendering import render_page
from flowengine.console.scenario_runs import ScenarioRuns, StateScenarios, split_files
from flowengine.console.state_details import Way, describe_state, list_exits
from flowengine.diagram import FlowGraph, build_graph
from flowengine.explanation.flow_explanation import FlowExplanation
from flowengine.problems import Problem


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow in the list. `is_outdated` says that its file has errors now, and what is shown is the
    last version without.
    """

    name: str
    title: str
    states: int
    routes: tuple[str, ...]
    problems: int
    is_outdated: bool


@dataclass(frozen=True, slots=True)
class StateText:
    """A state in the text twin of the picture."""

    name: str
    kind: str
    label: str
    exits: tuple[Way, ...]


def build_flow_routes(context: ConsoleContext) -> list[BaseRoute]:
    pages = _FlowPages(context)
    return [
        Route("/picture.css", pages.send_picture_styles, methods=["GET"]),
        Route("/flows", pages.show_flows, methods=["GET"]),
        Route("/flows/{flow}", pages.show_flow, methods=["GET"]),
        Route("/flows/{flow}/picture.svg", pages.send_picture, methods=["GET"]),
        Route("/flows/{flow}/states/{state}", pages.show_state, methods=["GET"]),
        Route("/flows/{flow}/states/{state}/scenarios", pages.show_scenarios, methods=["GET"]),
    ]


class _FlowPages:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._scenarios = ScenarioRuns()
        self._explained: tuple[int, FlowExplanation | None] = (-1, None)

    async def send_picture_styles(self, _request: Request) -> Response:
        return Response(get_picture_styles(), media_type="text/css")

    async def show_flows(self, request: Request) -> Response:
        project = self._context.project.latest
        words = request.query_params.get("q", "")
        rows = [row for row in list_flow_rows(project) if has_words(row, words)]
        return render_page(request, "flows.html", rows=rows, words=words)

    async def show_flow(self, request: Request) -> Response:
        compiled = self._find_version(request.path_params["flow"])
        program = compiled.programs[request.path_params["flow"]]
        state = request.query_params.get("state", "")
        graph, picture = await anyio.to_thread.run_sync(draw_with_graph, program)
        return render_page(
            request,
            "flow.html",
            graph=graph,
            picture=picture,
            states=list(list_state_texts(program, graph)),
            entries=program.list_entries(),
            problems=list_file_problems(self._context.project.latest, program.document.file),
            is_outdated=program.flow not in get_programs(self._context.project.latest.compiled),
            state=state if state in program.states else "",
        )

    async def send_picture(self, request: Request) -> Response:
        program = self._find_version(request.path_params["flow"]).programs[
            request.path_params["flow"]
        ]
        around = request.query_params.get("around", "")
        if around in program.states:
            distance = parse_distance(request.query_params.get("distance", ""))
            picture = await anyio.to_thread.run_sync(
                render_neighbourhood, program, around, distance
            )
        else:
            picture = await anyio.to_thread.run_sync(render_picture, program)
        return Response(picture, media_type="image/svg+xml")

    async def show_state(self, request: Request) -> Response:
        flow, state = self._get_state(request)
        compiled = self._find_version(flow)
        explanation = await anyio.to_thread.run_sync(self._explain)
        details = await anyio.to_thread.run_sync(describe_state, compiled, explanation, flow, state)
        return render_page(request, "state.html", details=details)

    async def show_scenarios(self, request: Request) -> Response:
        flow, state = self._get_state(request)
        found = await anyio.to_thread.run_sync(self._run_scenarios, flow, state)
        return render_page(
            request,
            "state_scenarios.html",
            flow=flow,
            state=state,
            found=found,
        )

    def _find_version(self, flow: str) -> CompileResult:
        """The flows as they are; where this one has errors, as they were before."""
        project = self._context.project.latest
        if flow in get_programs(project.compiled):
            assert project.compiled  # noqa: S101  # it has programs
            return project.compiled
        if project.release and flow in project.release.programs:
            release = project.release
            return CompileResult(release, (), {}, release.programs)
        raise HTTPException(404)

    def _get_state(self, request: Request) -> tuple[str, str]:
        flow, state = request.path_params["flow"], request.path_params["state"]
        if state not in self._find_version(flow).programs[flow].states:
            raise HTTPException(404)
        return flow, state

    def _explain(self) -> FlowExplanation | None:
        """What is known of all flows together, worked out once for each change."""
        project = self._context.project.latest
        number, explanation = self._explained
        if number != project.number:
            release = project.compiled.release if project.compiled else None
            files = split_files(project.files)[0]
            explanation = FlowExplanation.from_release(release, files) if release else None
            self._explained = (project.number, explanation)
        return explanation

    def _run_scenarios(self, flow: str, state: str) -> StateScenarios:
        return self._scenarios.describe(self._context.project.latest.files, flow, state)


def draw_with_graph(program: Program) -> tuple[FlowGraph, str]:
    return build_graph(program), render_picture(program)


def get_programs(compiled: CompileResult | None) -> dict[str, Program]:
    return dict(compiled.programs) if compiled else {}


def list_flow_rows(project: ViewedProject) -> Iterator[FlowRow]:
    """All flows by name, those with errors as they were before."""
    now = get_programs(project.compiled)
    before = project.release
    programs = {**(before.programs if before else {}), **now}
    problems = Counter(problem.span.file for problem in project.problems)
    routes: dict[str, list[str]] = {}
    for route in before.routes if before else ():
        routes.setdefault(route.flow, []).append(format_route(route))
    for name, program in sorted(programs.items()):
        yield FlowRow(
            name,
            program.document.data.get("title", ""),
            len(program.states),
            tuple(routes.get(name, ())),
            problems[program.document.file],
            name not in now,
        )


def format_route(route: CompiledRoute) -> str:
    """The address that a route takes, as people write it."""
    if not route.has_number:
        return route.origin or route.kind or "all other calls"
    address = f"{route.prefix}{'*' if route.has_wildcard else ''}{route.suffix}"
    return f"+{address}" if address[:1].isdigit() else address


def has_words(row: FlowRow, words: str) -> bool:
    text = " ".join([row.name, row.title, *row.routes]).casefold()
    return all(word in text for word in words.casefold().split())


def list_state_texts(program: Program, graph: FlowGraph) -> Iterator[StateText]:
    for node in graph.nodes:
        exits = tuple(list_exits(program.states[node.name]))
        yield StateText(node.name, node.kind, node.label, exits)


def list_file_problems(project: ViewedProject, file: str) -> list[Problem]:
    return [problem for problem in project.problems if problem.span.file == file]


def parse_distance(text: str) -> int:
    return min(MAX_DISTANCE, max(1, int(text))) if text.isdecimal() else 1
