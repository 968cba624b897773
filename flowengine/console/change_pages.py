"""The page of a change: what two versions of a project have in difference, and each flow of it as
picture.
"""

import msgspec
from anyio.to_thread import run_sync
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flowengine.compile import CompileResult
from flowengine.console.console_context import ConsoleContext
from flowengine.console.flow_picture import render_change, render_picture
from flowengine.console.flow_versions import (
    WORKING_CHOICE,
    WORKING_VERSION,
    FlowVersions,
    UnknownVersionError,
    VersionChoice,
)
from flowengine.console.page_rendering import render_page
from flowengine.diff import FlowDifference, ProjectDifference, format_item, format_summary
from flowengine.releases.archive_database import ArchiveError

NO_PICTURE = Markup()


class ComparisonRequest(msgspec.Struct, frozen=True):
    """Which versions to compare; `flow` is the one whose picture is shown, or ""."""

    old: str
    new: str
    flow: str


class Comparison(msgspec.Struct, frozen=True):
    """The result of a comparison; `failure` says why there is none."""

    choices: list[VersionChoice]
    asked: ComparisonRequest
    difference: ProjectDifference = msgspec.field(default_factory=ProjectDifference)
    shown: FlowDifference | None = None
    picture: Markup = NO_PICTURE
    failure: str = ""


def build_change_routes(context: ConsoleContext) -> list[BaseRoute]:
    versions = FlowVersions(context)

    async def show_changes(request: Request) -> Response:
        await context.project.load()
        asked = ComparisonRequest(
            *(request.query_params.get(name, "") for name in ("old", "new", "flow"))
        )
        found = await run_sync(compare_versions, versions, asked, limiter=context.slow_work)
        return render_page(
            request,
            "changes.html",
            title=f"Changes of {asked.flow}" if asked.flow else "Changes",
            found=found,
            summary=format_summary(found.difference),
            format_item=format_item,
        )

    return [Route("/changes", show_changes, methods=["GET"])]


def compare_versions(versions: FlowVersions, request: ComparisonRequest) -> Comparison:
    """Compare: what is live with the files, unless the request says otherwise."""
    choices, asked = [WORKING_CHOICE], request
    try:
        choices = versions.list_choices()
        asked = ComparisonRequest(
            request.old or versions.find_default_old(), request.new or WORKING_VERSION, request.flow
        )
        if not asked.old:
            return Comparison(choices, asked)
        difference, old, new = versions.compare(asked.old, asked.new)
    except (UnknownVersionError, ArchiveError) as error:
        return Comparison(choices, asked, failure=str(error))
    shown = find_flow(difference, asked.flow)
    picture = draw_flow_change(asked.flow, shown, old, new)
    return Comparison(choices, asked, difference, shown, picture)


def find_flow(difference: ProjectDifference, name: str) -> FlowDifference | None:
    """The difference of this flow; where only one flow has changed, of that one."""
    if not name and len(difference.flows) == 1:
        return difference.flows[0]
    return next((flow for flow in difference.flows if name in (flow.flow, flow.was)), None)


def draw_flow_change(
    name: str, shown: FlowDifference | None, old: CompileResult, new: CompileResult
) -> Markup:
    """A picture of the change; of a flow that only one version has, or that is the same in both, its
    picture in this one.
    """
    flow, was = (shown.flow, shown.was or shown.flow) if shown else (name, name)
    if shown and was in old.programs and flow in new.programs:
        return render_change(shown, old, new)
    program = new.programs.get(flow) or old.programs.get(was)
    return render_picture(program) if program else NO_PICTURE
