"""The page of releases: what is live and who made it so, the canary with its verdict, drafts, and the
commands that change it.
"""

import logging
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flowengine.console.access import RequestRefusedError, get_user
from flowengine.console.call_trials import MAX_TRIED_CALLS, CallTrials
from flowengine.console.change_requests import read_change
from flowengine.console.console_context import ConsoleContext
from flowengine.console.console_project import ViewedProject
from flowengine.console.flow_versions import WORKING_VERSION
from flowengine.console.page_rendering import render_page
from flowengine.console.session_access import open_sessions
from flowengine.journal import CanaryFigures
from flowengine.journal.call_search import CallQuery
from flowengine.journal.journal_database import JournalError
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.canary_verdict import CanaryVerdict, judge_canary
from flowengine.releases.ledger import CommandRefusedError
from flowengine.releases.release_commands import (
    EMPTY_SPEC,
    Actor,
    InvalidFlowsError,
    ReleaseCommands,
    ReleaseSpec,
    format_change,
    format_percent,
)
from flowengine.releases.release_overview import (
    CanaryComparison,
    Overview,
    build_journal_counter,
    build_overview,
    compare_canary,
    find_canary,
)
from flowengine.server.admin import (
    ADMIN_VERBS,
    AdminRequest,
    AdminVerb,
    CanaryRequest,
    NamedRequest,
)
from flowengine.sources.flow_source import FlowOrigin
from flowengine.storage.sessions import StoreError

log = logging.getLogger(__name__)
TRIED_PERIODS = {"day": 86_400, "week": 7 * 86_400}


class CanarySide(NamedTuple):
    """One column of the comparison."""

    name: str
    release: str
    figures: CanaryFigures


class ReleasesView(NamedTuple):
    """All that the page shows. `live_since` is the change that made the current release so; `lost` is
    why the figures of the canary cannot be told.
    """

    overview: Overview
    live_since: tuple[float, str] | None
    comparison: CanaryComparison | None
    verdict: CanaryVerdict | None
    lost: str = ""

    def list_sides(self) -> Iterator[CanarySide]:
        if self.comparison is not None:
            for name in ("current", "candidate"):
                release = getattr(self.comparison, name)
                yield CanarySide(name, release, self.comparison.figures[release])


def build_release_routes(context: ConsoleContext) -> list[BaseRoute]:
    pages = _ReleasePages(context)
    return [
        Route("/releases", pages.show_releases),
        Route("/releases/trial", pages.try_calls),
        Route("/releases/{verb}", pages.run_command, methods=["POST"]),
    ]


class _ReleasePages:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._trials = CallTrials(context)

    async def show_releases(self, request: Request) -> Response:
        project = await self._context.project.load()
        view, failure = None, ""
        if self._context.has_releases():
            needed = await self._find_needed_releases()
            try:
                view = await run_sync(self._load_view, needed)
            except ArchiveError as error:
                failure = str(error)
        return render_page(
            request,
            "releases.html",
            view=view,
            failure=failure,
            draft_id=project.release.id if project.is_valid and project.release else "",
            now_version=WORKING_VERSION,
            format_percent=format_percent,
            format_change=format_change,
            machine=self._context.calls.machine,
        )

    async def _find_needed_releases(self) -> set[str]:
        """The releases that calls under way need, as far as the store says."""
        try:
            async with open_sessions(self._context.settings) as store:
                return await store.find_needed_releases()
        except (StoreError, OSError):
            return set()

    def _load_view(self, needed: set[str]) -> ReleasesView:
        with self._context.open_release_commands() as commands:
            overview = build_overview(commands.archive, commands.ledger, needed, time.time())
            changes = commands.ledger.list_changes()
            since = next(
                (
                    (change.at, change.who)
                    for change in reversed(changes)
                    if change.what in ("publish", "rollback", "promote")
                    and change.release == overview.current
                ),
                None,
            )
            canary = find_canary(commands.ledger)
        if canary is None:
            return ReleasesView(overview, since, None, None)
        try:
            comparison = compare_canary(canary, build_journal_counter(self._context.journal_path))
        except JournalError as error:
            return ReleasesView(overview, since, None, None, str(error))
        figures = comparison.figures
        verdict = judge_canary(figures[canary.current], figures[canary.candidate])
        return ReleasesView(overview, since, comparison, verdict)

    async def run_command(self, request: Request) -> Response:
        """Change what is live, recorded with who has asked for it and why."""
        verb = ADMIN_VERBS.get(request.path_params["verb"])
        if verb is None:
            raise HTTPException(404, f"there is no command {request.path_params['verb']}")
        try:
            asked = await read_change(request, verb.takes)
            project = await self._context.project.load()
            actor = Actor(get_user(request).name, asked.note)
            done = await run_sync(self._run_command, verb, asked, project, actor)
        except RequestRefusedError as refused:
            return JSONResponse({"error": str(refused)}, refused.status)
        except InvalidFlowsError as broken:
            found = [f"{one.span}: {one.code} {one.message}" for one in broken.problems]
            return JSONResponse({"error": str(broken), "problems": found}, 422)
        except CommandRefusedError as refused:
            return JSONResponse({"error": str(refused)}, 409)
        except (ArchiveError, OSError) as error:
            log.exception("the live release could not be changed")
            return JSONResponse({"error": f"nothing has changed: {error}"}, 503)
        log.info("%s: %s", actor.name, done)
        self._context.stream.publish("releases", {"at": time.time()})
        return JSONResponse({"message": done})

    def _run_command(
        self, verb: AdminVerb, asked: AdminRequest, project: ViewedProject, actor: Actor
    ) -> str:
        if not self._context.has_releases():
            raise CommandRefusedError("no server has kept releases here")
        with self._context.open_release_commands() as commands:
            spec = self._find_spec(commands, asked, project)
            return verb.do(commands, asked, spec, actor).text

    def _find_spec(
        self, commands: ReleaseCommands, asked: AdminRequest, project: ViewedProject
    ) -> ReleaseSpec:
        """The archived release that a command names, or the flows as they are now."""
        if not isinstance(asked, NamedRequest) or (
            isinstance(asked, CanaryRequest) and not asked.what
        ):
            return EMPTY_SPEC
        if asked.what == WORKING_VERSION:
            if not project.is_valid or project.compiled is None or project.compiled.release is None:
                raise CommandRefusedError("the flows as they are now have errors")
            sources = project.compiled.sources
            files = {name: text for name, text in project.files.items() if name in sources}
            return ReleaseSpec("", files, FlowOrigin(self._context.project.place))
        kept = commands.find_release(asked.what) if asked.what else ""
        if not kept:
            raise CommandRefusedError(f"no kept release begins with {asked.what!r}")
        return ReleaseSpec(kept)

    async def try_calls(self, request: Request) -> Response:
        """Which of the latest calls would go differently on a release, or on the flows as they are
        now.
        """
        on = request.query_params.get("on", WORKING_VERSION)
        seconds = TRIED_PERIODS.get(request.query_params.get("period", ""), TRIED_PERIODS["day"])
        project = await self._context.project.load()
        try:
            index = await self._context.calls.load_index()
        except JournalError as error:
            return JSONResponse({"error": str(error)}, 503)
        if index is None:
            return JSONResponse({"error": "no server has recorded calls here"})
        query = CallQuery(since=time.time() - seconds, limit=MAX_TRIED_CALLS)
        page = await run_sync(index.find_calls, query)
        names = [call.call for call in page.calls]
        target = "" if on == WORKING_VERSION else on
        found = await run_sync(
            self._trials.try_calls, names, target, project, limiter=self._context.slow_work
        )
        return JSONResponse(msgspec.to_builtins({**found, "has_more": page.next is not None}))
