"""The pages of flows: the list, a flow as picture and as text, a state."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import msgspec
from anyio.to_thread import run_sync
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flowengine.compile import CompileResult, Program, ProjectCompiler
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
from flowengine.console.scenario_runs import ScenarioRuns, split_files
from flowengine.console.shared_work import SharedWork
from flowengine.console.shown_secrets import ShownSecrets
from flowengine.console.state_details import StateLink, describe_state, list_exits
from flowengine.diagram import FlowGraph, build_graph
from flowengine.explanation.flow_explanation import FlowExplanation
from flowengine.problems import Problem

ORIGIN_WORDS = {
    "pstn": "calls from telephones",
    "mxp": "calls from apps",
    "sip": "calls by SIP",
    "server": "calls that your system places",
}
KIND_WORDS = {
    "did": "to numbers of yours",
    "number": "to telephone numbers",
    "username": "to users of apps",
    "sip": "to SIP addresses",
    "conference": "to conferences",
}


class FlowRow(msgspec.Struct, frozen=True):
    """A flow in the list. `users` are the flows that use it, `placers` those that place calls into it.
    `is_outdated` says that its file has errors now, and what is shown is the
    last version without.
    """

    name: str
    title: str
    states: int
    routes: tuple[str, ...]
    users: tuple[str, ...]
    placers: tuple[str, ...]
    problems: int
    is_outdated: bool


class StateText(msgspec.Struct, frozen=True):
    """A state in the text twin of the picture."""

    name: str
    kind: str
    label: str
    exits: tuple[StateLink, ...]


def build_flow_routes(context: ConsoleContext) -> list[BaseRoute]:
    pages = _FlowPages(context)
    return [
        Route("/picture.css", pages.send_picture_styles, methods=["GET"]),
        Route("/flows", pages.show_flows, methods=["GET"]),
        Route("/flows/{flow}", pages.show_flow, methods=["GET"]),
        Route("/flows/{flow}/picture.svg", pages.send_picture, methods=["GET"]),
        Route("/flows/{flow}/coverage", pages.send_coverage, methods=["GET"]),
        Route("/flows/{flow}/states/{state}", pages.show_state, methods=["GET"]),
        Route("/flows/{flow}/states/{state}/scenarios", pages.show_scenarios, methods=["GET"]),
    ]


class _FlowPages:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._scenarios = ScenarioRuns()
        self._explained = SharedWork[FlowExplanation | None]()
        self._compiler = ProjectCompiler()

    async def send_picture_styles(self, _request: Request) -> Response:
        return Response(get_picture_styles(), media_type="text/css")

    async def show_flows(self, request: Request) -> Response:
        project = await self._context.project.load()
        words = request.query_params.get("q", "")
        rows = [row for row in list_flow_rows(project) if has_words(row, words)]
        broken = list_broken_files(project)
        return render_page(request, "flows.html", rows=rows, words=words, broken=broken)

    async def show_flow(self, request: Request) -> Response:
        project = await self._context.project.load()
        flow = request.path_params["flow"]
        program = find_version(project, flow).programs[flow]
        state = request.query_params.get("state", "")
        graph, picture = await run_sync(draw_with_graph, program)
        return render_page(
            request,
            "flow.html",
            graph=graph,
            picture=picture,
            states=list(list_state_texts(program, graph)),
            entries=program.list_entries(),
            problems=list_file_problems(project, program.document.file),
            is_outdated=flow not in get_error_free_programs(project),
            state=state if state in program.states else "",
        )

    async def send_picture(self, request: Request) -> Response:
        project = await self._context.project.load()
        flow = request.path_params["flow"]
        program = find_version(project, flow).programs[flow]
        around = request.query_params.get("around", "")
        if around in program.states:
            distance = parse_distance(request.query_params.get("distance", ""))
            picture = await run_sync(render_neighbourhood, program, around, distance)
        else:
            picture = await run_sync(render_picture, program)
        return Response(picture, media_type="image/svg+xml")

    async def show_state(self, request: Request) -> Response:
        project = await self._context.project.load()
        flow, state = find_state(project, request)
        compiled = find_version(project, flow)
        explanation = await self._explained.load(project.number, partial(self._explain, project))
        details = await run_sync(describe_state, compiled, explanation, flow, state)
        return render_page(request, "state.html", details=details)

    async def show_scenarios(self, request: Request) -> Response:
        project = await self._context.project.load()
        flow, state = find_state(project, request)
        found = await self._scenarios.describe(project, flow, state)
        return render_page(request, "state_scenarios.html", flow=flow, state=state, found=found)

    async def send_coverage(self, request: Request) -> Response:
        """What the scenarios take of a flow, for the picture."""
        project = await self._context.project.load()
        flow = request.path_params["flow"]
        find_version(project, flow)
        return JSONResponse(await self._scenarios.describe_flow(project, flow))

    def _explain(self, project: ViewedProject) -> FlowExplanation | None:
        """What is known of all flows together, with names in place of secrets."""
        if not (project.compiled and project.compiled.release):
            return None
        files = split_files(project.files)[0]
        release = self._compiler.compile(files, ShownSecrets()).release
        return FlowExplanation.from_release(release, files) if release else None


def find_version(project: ViewedProject, flow: str) -> CompileResult:
    """The flows as they are; where the file of this one has errors, as they were before. Raises
    HTTPException.
    """
    if project.compiled and flow in get_error_free_programs(project):
        return project.compiled
    if project.release and flow in project.release.programs:
        return CompileResult(project.release, (), {}, project.release.programs)
    if flow in get_programs(project.compiled):
        reason = f"The file of {flow} has errors, and no version without is known yet."
        raise HTTPException(409, f"{reason} Problems lists them.")
    raise HTTPException(404, "The project has no such flow. It may have another name now.")


def find_state(project: ViewedProject, request: Request) -> tuple[str, str]:
    """The flow and the state that a request is about. Raises HTTPException."""
    flow, state = request.path_params["flow"], request.path_params["state"]
    if state not in find_version(project, flow).programs[flow].states:
        raise HTTPException(404, f"{flow} has no such state. It may have another name now.")
    return flow, state


def draw_with_graph(program: Program) -> tuple[FlowGraph, Markup]:
    return build_graph(program), render_picture(program)


def get_programs(compiled: CompileResult | None) -> dict[str, Program]:
    return dict(compiled.programs) if compiled else {}


def get_error_free_programs(project: ViewedProject) -> dict[str, Program]:
    """The flows as they are now but those with errors in their files: of these, states are missing."""
    errors = {one.span.file for one in project.problems if one.severity == "error"}
    return {
        name: program
        for name, program in get_programs(project.compiled).items()
        if program.document.file not in errors
    }


def list_flow_rows(project: ViewedProject) -> Iterator[FlowRow]:
    """All flows by name, those with errors as they were before."""
    now = get_error_free_programs(project)
    before = project.release
    programs = {**(before.programs if before else {}), **now}
    problems = Counter(problem.span.file for problem in project.problems)
    routes: dict[str, list[str]] = {}
    for route in before.routes if before else ():
        routes.setdefault(route.flow, []).append(format_route(route))
    verbs = [
        (name, state.verb)
        for name, program in sorted(programs.items())
        for state in program.states.values()
    ]
    for name, program in sorted(programs.items()):
        placers = tuple(dict.fromkeys(other for other, verb in verbs if verb.placed_flow == name))
        if program.answered and not placers:
            routes.setdefault(name, [ORIGIN_WORDS["server"]])
        yield FlowRow(
            name,
            program.document.data.get("title", ""),
            len(program.states),
            tuple(routes.get(name, ())),
            tuple(dict.fromkeys(other for other, verb in verbs if verb.entered_flow == name)),
            placers,
            problems[program.document.file],
            name not in now,
        )


def list_broken_files(project: ViewedProject) -> list[str]:
    """Files with errors of which no flow can be shown, not even as it was before."""
    programs = [*get_error_free_programs(project).values()]
    programs += project.release.programs.values() if project.release else ()
    shown = {program.document.file for program in programs}
    files = (one.span.file for one in project.problems if one.severity == "error")
    return [file for file in dict.fromkeys(files) if file in project.files and file not in shown]


def format_route(route: CompiledRoute) -> str:
    """The address that a route takes, as people write it."""
    if not route.has_number:
        words = [ORIGIN_WORDS.get(route.origin, ""), KIND_WORDS.get(route.kind, "")]
        words.append(f"by application {route.application}" if route.application else "")
        return " ".join(filter(None, words)) or "all other calls"
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
    # more digits are far away, and Python refuses to read thousands of them
    return min(MAX_DISTANCE, max(1, int(text[:9]))) if text.isdecimal() else 1
