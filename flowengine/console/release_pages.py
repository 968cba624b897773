"""The page of releases: what is live and who made it so, the canary with its verdict, drafts, and the
commands that change it.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

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
from flowengine.journal.journal_error import JournalError
from flowengine.releases.archive_database import ArchiveError
from flowengine.releases.canary_verdict import CanaryVerdict, judge_canary
from flowengine.releases.ledger import Change, CommandRefusedError
from flowengine.releases.publisher import list_rollback_targets
from flowengine.releases.release_commands import (
    EMPTY_SPEC,
    Actor,
    InvalidFlowsError,
    ReleaseCommands,
    ReleaseSpec,
    format_percent,
)
from flowengine.releases.release_overview import (
    CanaryComparison,
    Overview,
    build_overview,
    compare_canary,
    find_canary,
)
from flowengine.server.admin import (
    ADMIN_VERBS,
    AdminRequest,
    AdminVerb,
    CanaryRequest,
    DraftRequest,
    NamedRequest,
)
from flowengine.sources.flow_source import FlowOrigin
from flowengine.storage.sessions import StoreError

log = logging.getLogger(__name__)
TRIED_PERIODS = {"day": 86_400, "week": 7 * 86_400}


class TrialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The flows on which to try the calls of some time; it takes seconds, so no link may ask."""

    on: str = WORKING_VERSION
    period: str = ""


SHOWN_REQUESTS: dict[type[AdminRequest], Any] = {
    kind: msgspec.defstruct(
        f"Shown{kind.__name__}", [("shown", str, "")], bases=(kind,), kw_only=True
    )
    for kind in (NamedRequest, CanaryRequest, DraftRequest)
}
"""Requests that may name the flows as they are now: `shown` is their id as the page showed it"""
ROLE_NAMES = {"current": "live"}  # of two words for one thing, the page has the one of its heading


class CanarySide(NamedTuple):
    """One column of the comparison."""

    name: str
    release: str
    figures: CanaryFigures


class ReleasesView(NamedTuple):
    """All that the page shows. `live_since` is the change that made the current release so, and
    `previous` the release that was so before, "" for none; `lost` is why the figures of the canary
    cannot be told.
    """

    overview: Overview
    live_since: tuple[float, str] | None
    previous: str
    comparison: CanaryComparison | None
    verdict: CanaryVerdict | None
    lost: str = ""

    def list_sides(self) -> Iterator[CanarySide]:
        if self.comparison is not None:
            for name in ("current", "candidate"):
                release = getattr(self.comparison, name)
                yield CanarySide(
                    ROLE_NAMES.get(name, name), release, self.comparison.figures[release]
                )


def build_release_routes(context: ConsoleContext) -> list[BaseRoute]:
    pages = _ReleasePages(context)
    return [
        Route("/releases", pages.show_releases),
        Route("/releases/trial", pages.try_calls, methods=["POST"]),
        Route("/releases/{verb}", pages.run_command, methods=["POST"]),
    ]


def find_previous_release(overview: Overview, changes: Iterable[Change]) -> str:
    """The kept release that was live before the one that is; "" where there is none."""
    kept = {one.id for one in overview.releases} - {overview.current}
    earlier = list_rollback_targets(changes)[:-1]
    return next((name for name in reversed(earlier) if name in kept), "")


def name_role(role: str) -> str:
    """What a release is for new calls.

    >>> name_role("current, draft spring")
    'live, draft spring'
    """
    return ", ".join(ROLE_NAMES.get(name, name) for name in role.split(", "))


def describe_change(change: Change) -> str:
    """A change as what its actor did."""
    sentences = {
        "publish": f"published {change.release}",
        "rollback": f"rolled back to {change.release}",
        "canary": f"let {format_percent(change.share)} of new calls begin on {change.release}",
        "promote": f"promoted {change.release}",
        "withdraw": f"withdrew {change.release}".strip(),
        "draft": f"made {change.release} the draft {change.name}",
        "undraft": f"ended the draft {change.name}",
    }
    return sentences[change.what]


def write_percent(share: str) -> str:
    """A share as commands have it: the page asks for percent.

    >>> write_percent(" 20 "), write_percent("2.5 %")
    ('20%', '2.5%')
    """
    return f"{share.strip().removesuffix('%').rstrip()}%"


class _ReleasePages:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._trials = CallTrials(context)

    async def show_releases(self, request: Request) -> Response:
        project = await self._context.project.load()
        view, failure, unknown = None, "", ""
        if self._context.has_releases():
            needed, unknown = await self._find_needed_releases()
            try:
                view = await run_sync(self._load_view, needed)
            except ArchiveError as error:
                failure = str(error)
        return render_page(
            request,
            "releases.html",
            view=view,
            failure=failure,
            unknown=unknown,
            draft_id=project.release.id if project.is_valid and project.release else "",
            now_version=WORKING_VERSION,
            format_percent=format_percent,
            describe_change=describe_change,
            name_role=name_role,
            machine=self._context.calls.machine,
        )

    async def _find_needed_releases(self) -> tuple[set[str], str]:
        """The releases that calls under way need, and why that is unknown."""
        try:
            async with open_sessions(self._context.settings) as store:
                return await store.find_needed_releases(), ""
        except (StoreError, OSError) as error:
            return set(), str(error)

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
        previous = find_previous_release(overview, changes)
        if canary is None:
            return ReleasesView(overview, since, previous, None, None)
        try:
            with self._context.open_canary_counter() as count:
                comparison = compare_canary(canary, count)
        except JournalError as error:
            return ReleasesView(overview, since, previous, None, None, str(error))
        figures = comparison.figures
        verdict = judge_canary(figures[canary.current], figures[canary.candidate])
        return ReleasesView(overview, since, previous, comparison, verdict)

    async def run_command(self, request: Request) -> Response:
        """Change what is live, recorded with who has asked for it and why."""
        verb = ADMIN_VERBS.get(request.path_params["verb"])
        if verb is None:
            raise HTTPException(404, f"there is no command {request.path_params['verb']}")
        try:
            asked = await read_change(request, SHOWN_REQUESTS.get(verb.takes, verb.takes))
            project = await self._load_asked_project(asked)
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
            log.error("the live release could not be changed: %s", error)  # noqa: TRY400
            return JSONResponse({"error": f"nothing has changed: {error}"}, 503)
        log.info("%s: %s", actor.name, done)
        self._context.stream.publish("releases", {"at": time.time()})
        return JSONResponse({"message": done})

    async def _load_asked_project(self, asked: AdminRequest) -> ViewedProject:
        """The flows, read anew where it is they that go live."""
        if getattr(asked, "what", "") == WORKING_VERSION:
            return await self._context.project.refresh()
        return await self._context.project.load()

    def _run_command(
        self, verb: AdminVerb, asked: AdminRequest, project: ViewedProject, actor: Actor
    ) -> str:
        if not self._context.has_releases():
            raise CommandRefusedError("no server has kept releases here")
        with self._context.open_release_commands() as commands:
            spec = self._find_spec(commands, asked, project)
            if isinstance(asked, CanaryRequest):
                asked = msgspec.structs.replace(asked, share=write_percent(asked.share))
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
            shown, found = getattr(asked, "shown", ""), project.compiled.release.id
            if shown != found:
                raise CommandRefusedError(
                    f"the flows have changed since this page showed them: they are {found} now; "
                    "look at the change again"
                )
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
        try:
            asked = await read_change(request, TrialRequest)
        except RequestRefusedError as refused:
            return JSONResponse({"error": str(refused)}, refused.status)
        on, seconds = asked.on, TRIED_PERIODS.get(asked.period, TRIED_PERIODS["day"])
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
