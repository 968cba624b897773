"""The first page: a phone that calls the flows."""

from pathlib import Path

import anyio.from_thread
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flowengine.compile import Release
from flowengine.console.console_context import ConsoleContext
from flowengine.console.flow_picture import render_picture
from flowengine.console.page_rendering import render_page
from flowengine.console.phone_api import PhoneApi, PhoneRequestError
from flowengine.console.phone_line import NoFlowsError, PhoneLine
from flowengine.phone.call_registry import CallForgottenError, CallRegistry
from flowengine.phone.phone_project import PhoneProject


def build_phone_routes(context: ConsoleContext) -> list[BaseRoute]:
    """The phone, and what it asks for."""
    line, registry = PhoneLine(), CallRegistry()

    def load_line() -> PhoneProject:
        try:
            return line.load(anyio.from_thread.run(context.project.load))
        except NoFlowsError as error:
            raise PhoneRequestError(str(error), 409) from error

    api = PhoneApi(load_line, find_scenario_folder(context), registry)

    async def show_phone(request: Request) -> Response:
        viewed = await context.project.load()
        try:
            targets = (await run_sync(line.load, viewed, limiter=api.limiter)).targets
            reason = ""
        except NoFlowsError as error:
            targets, reason = (), str(error)
        return render_page(
            request,
            "phone.html",
            targets=targets,
            reason=reason,
            wanted=request.query_params.get("flow", ""),
            has_problems=bool(viewed.files and viewed.problems),
            has_files=bool(viewed.files),
            is_older=bool(targets) and not viewed.is_valid,
        )

    async def show_flow(request: Request) -> Response:
        try:
            release = (await run_sync(load_line, limiter=api.limiter)).release
        except PhoneRequestError:
            return Response(status_code=404)
        return await draw(release, request.path_params["flow"])

    async def show_call_flow(request: Request) -> Response:
        try:
            found = registry.find(request.path_params["call"])
        except CallForgottenError:
            return Response(status_code=404)
        return await draw(found.call.line.release, request.path_params["flow"])

    return [
        Route("/", show_phone),
        Route("/phone/pictures/{flow}.svg", show_flow),
        Route("/phone/calls/{call}/pictures/{flow}.svg", show_call_flow),
        *api.list_routes(),
    ]


def find_scenario_folder(context: ConsoleContext) -> Path | None:
    """The folder of the flows; None where they are a branch of a repository."""
    return context.settings.folder


async def draw(release: Release, flow: str) -> Response:
    """The picture of a flow."""
    program = release.programs.get(flow)
    if program is None:
        return Response(status_code=404)
    return Response(await run_sync(render_picture, program), media_type="image/svg+xml")
