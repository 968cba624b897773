"""The application of a console: its pages behind one gate."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.console.access import (
    ConsoleGate,
    SignedSessions,
    accepts_html,
    get_admission,
    is_open_request,
)
from flowengine.console.call_follower import CallFollower
from flowengine.console.call_pages import build_call_routes
from flowengine.console.change_pages import build_change_routes
from flowengine.console.console_context import ConsoleContext
from flowengine.console.console_project import ConsoleProject, ViewedProject
from flowengine.console.console_settings import ConsoleSettings, ConsoleTokens
from flowengine.console.event_stream import EventStream
from flowengine.console.flow_pages import build_flow_routes
from flowengine.console.line_pages import build_line_routes
from flowengine.console.live_page import build_live_routes
from flowengine.console.page_rendering import CONSOLE_FOLDER, render_page
from flowengine.console.phone_page import build_phone_routes
from flowengine.console.problems_page import build_problem_routes
from flowengine.console.release_pages import build_release_routes
from flowengine.console.security_headers import SecurityHeaders
from flowengine.console.sign_in_page import build_sign_in_routes

EVENTS_PATH = "/events"
COMPILE_PATIENCE_SECONDS = 1.0  # then a page says why it is not there yet
BuildRoutes = Callable[[ConsoleContext], list[BaseRoute]]
# One line for each part of the console.
CONSOLE_PARTS: tuple[BuildRoutes, ...] = (
    build_call_routes,
    build_live_routes,
    build_release_routes,
    build_line_routes,
    build_phone_routes,
    build_problem_routes,
    build_flow_routes,
    build_change_routes,
)  # fmt: skip


class ConsoleApplication(Starlette):
    """Pages of errors have the headers, too: Starlette answers those outside of all middleware."""

    def build_middleware_stack(self) -> ASGIApp:
        """Build the stack, with the headers outermost."""
        return SecurityHeaders(super().build_middleware_stack())


class ProjectMiddleware:
    """Has requests wait until the flows are compiled; a page that takes long says so, and comes again
    by itself. Signing in, its files, and events need none.
    """

    def __init__(self, app: ASGIApp, project: ConsoleProject) -> None:
        self._app, self._project = app, project
        self._loading: set[asyncio.Task[ViewedProject]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        is_page = scope["type"] == "http" and scope["path"] != EVENTS_PATH
        if is_page and not is_open_request(scope) and not self._project.latest.number:
            request = Request(scope, receive)
            if not await self._load_in_time(accepts_html(request.headers)):
                answer = render_page(request, "compiling.html", status=503)
                answer.headers["Retry-After"] = "2"
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _load_in_time(self, is_seen: bool) -> bool:
        """Wait for the project; where somebody looks at a page meanwhile, not for long."""
        task = asyncio.create_task(self._project.load())
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)
        await asyncio.wait({task}, timeout=COMPILE_PATIENCE_SECONDS if is_seen else None)
        if task.done():
            await task  # what has failed is logged, and the page says that something is broken
        return task.done()


def create_console_app(
    settings: ConsoleSettings, tokens: ConsoleTokens, sessions: SignedSessions | None = None
) -> Starlette:
    """The application, which begins to read the flows when it starts, and follows their changes.
    Without sessions that another process has begun, nobody has signed in.
    """
    stream = EventStream()
    calls = CallFollower(settings.server.journal_location, stream)
    context = ConsoleContext(settings, ConsoleProject(settings), stream, calls)
    sessions = sessions or SignedSessions(secrets.token_bytes(32))
    app = ConsoleApplication(
        routes=[
            *build_sign_in_routes(tokens, sessions),
            *(route for build in CONSOLE_PARTS for route in build(context)),
            Route(EVENTS_PATH, stream_events),
            Route("/favicon.ico", send_icon),
            Mount("/static", StaticFiles(directory=CONSOLE_FOLDER / "static")),
        ],
        middleware=[
            Middleware(ConsoleGate, tokens=tokens, sessions=sessions),
            Middleware(ProjectMiddleware, project=context.project),
        ],
        exception_handlers={HTTPException: show_http_error, 500: show_internal_error},
        lifespan=follow_project,
    )
    app.state.context = context
    return app


@asynccontextmanager
async def follow_project(app: Starlette) -> AsyncIterator[None]:
    context: ConsoleContext = app.state.context

    def announce(project: ViewedProject) -> None:
        context.stream.publish("project", describe_project(project))

    context.project.on_change.append(announce)
    following = [
        asyncio.create_task(context.project.follow_changes()),
        asyncio.create_task(context.calls.follow()),
    ]
    try:
        yield
    finally:
        context.stream.close()
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        context.calls.close()
        context.project.close()


def describe_project(project: ViewedProject) -> dict[str, object]:
    """What pages are told of a change of the flows."""
    return {
        "number": project.number,
        "errors": project.count_severity("error"),
        "warnings": project.count_severity("warning"),
        "failure": project.failure,
        "release": project.release.id if project.release else "",
    }


async def stream_events(request: Request) -> Response:
    """The events; to a question for the headers alone no stream, which would never end."""
    if request.method == "HEAD":
        return Response(media_type="text/event-stream")
    context: ConsoleContext = request.app.state.context
    return StreamingResponse(
        context.stream.read_events(get_admission(request)), media_type="text/event-stream"
    )


async def send_icon(_request: Request) -> Response:
    return FileResponse(CONSOLE_FOLDER / "static" / "icon.svg", media_type="image/svg+xml")


async def show_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    if not accepts_html(request.headers):
        return JSONResponse({"error": detail}, status)
    title, text = detail, "The console cannot answer this."
    if status == 404:
        title = "Nothing is here"
        is_told = detail != HTTPStatus.NOT_FOUND.phrase
        text = detail if is_told else "This page does not exist, or does no more."
    return render_page(request, "message.html", status=status, title=title, text=text)


async def show_internal_error(request: Request, _error: Exception) -> Response:
    """Starlette raises the error again, and so the server logs it."""
    title, text = "Something is broken", "The log of the console says what. Calls are not affected."
    if not accepts_html(request.headers):
        return JSONResponse({"error": title}, 500)
    return render_page(request, "message.html", status=500, title=title, text=text)
