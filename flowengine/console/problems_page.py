"""The problems of the flows, as they are in the folder now."""

import msgspec
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flowengine.console.console_context import ConsoleContext
from flowengine.console.console_project import ViewedProject
from flowengine.console.page_rendering import render_page
from flowengine.console.running_problems import find_running_problems
from flowengine.problems import CATALOGUE, Problem
from flowengine.problems.catalogue_entry import CatalogueEntry
from flowengine.problems.source_excerpt import Excerpts
from flowengine.releases.release_overview import RejectedOverview


class ShownProblem(msgspec.Struct, frozen=True):
    """A problem with the line that it is about; `carets` stand below what is meant in it."""

    problem: Problem
    title: str
    excerpt: str
    carets: str


def list_shown_problems(project: ViewedProject) -> list[ShownProblem]:
    """The problems, errors first."""
    excerpts = Excerpts(project.sources)
    found = sorted(project.problems, key=lambda problem: problem.severity != "error")
    return [
        ShownProblem(
            problem,
            CATALOGUE[problem.code].title,
            *cut_indentation(*excerpts.format_excerpt(problem.span)),
        )
        for problem in found
    ]


def cut_indentation(line: str, carets: str) -> tuple[str, str]:
    """The line and its carets without the space in front, which a narrow window has no room for.

    >>> cut_indentation("    next: nowhere", "          ^^^^^^^")
    ('next: nowhere', '      ^^^^^^^')
    """
    width = min(len(text) - len(text.lstrip()) for text in (line, carets))
    return line[width:], carets[width:]


def is_shown(rejected: RejectedOverview, shown: list[ShownProblem]) -> bool:
    """Whether the files as they are now have all that is said of a rejected change."""
    known = {(one.problem.code, one.problem.message) for one in shown}
    return {(one.code, one.message) for one in rejected.problems} <= known


def build_problem_routes(context: ConsoleContext) -> list[BaseRoute]:
    async def show_problems(request: Request) -> Response:
        project = await context.project.load()
        shown = await run_sync(list_shown_problems, project)
        running = await find_running_problems(context)
        rejected = [one for one in running.rejected if not is_shown(one, shown)]
        return render_page(
            request, "problems.html", shown=shown, running=running, rejected=rejected
        )

    async def explain_code(request: Request) -> Response:
        code = request.path_params["code"]
        entry: CatalogueEntry | None = CATALOGUE.get(code)
        if entry is None:
            return render_page(
                request,
                "message.html",
                status=404,
                title="No such code",
                text=f"{code} is no code.",
            )
        return render_page(request, "problem_code.html", entry=entry)

    return [
        Route("/problems", show_problems),
        Route("/problems/{code}", explain_code),
    ]
