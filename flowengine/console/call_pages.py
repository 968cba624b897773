"""The pages of calls: the list with its search, and one call as a timeline."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from anyio.to_thread import run_sync
from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flowengine.console.call_stories import ListedStory, group_stories
from flowengine.console.call_timeline import TimelineStep, build_timeline
from flowengine.console.call_trials import CallTrials, Result
from flowengine.console.console_context import ConsoleContext
from flowengine.console.page_rendering import render_page
from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_outcomes import OUTCOMES_BY_WEIGHT
from flowengine.journal.call_search import CallQuery, PageKey
from flowengine.journal.call_story import merge_legs
from flowengine.journal.journal_entries import CallbackEntry
from flowengine.journal.journal_error import JournalError

MAX_QUERY_LENGTH = 200
MAX_ROW_ID = 2**63 - 1  # of SQLite
PAGE_KEY_PATTERN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)~(-?[0-9]{1,20})")
MAX_TIMELINE_STEPS = 200  # some 3 KB of page each
NO_CALL_TEXT = (
    "The journal has no such call: it has been deleted after its time, or another server has it."
)
STEP_PATTERN = re.compile(r"[0-9]{1,9}")
QUERY_FIELDS = ("number", "flow", "state", "release", "outcome", "progress")


class ShownCall(msgspec.Struct, frozen=True):
    """One call: its own callbacks and those of its legs, as a timeline. A page shows those from number
    `first_step` of `step_count`. `machines` have answered it, in the order in which they came.
    """

    id: str
    steps: list[TimelineStep]
    first_step: int
    step_count: int
    first: CallbackEntry
    last: CallbackEntry
    end: CallbackEntry | None
    parent: str
    caller: str
    called: str
    machines: list[str]


def build_call_routes(context: ConsoleContext) -> list[BaseRoute]:
    pages = _CallPages(context)
    return [
        Route("/calls", pages.show_calls),
        Route("/calls/{call:path}/trial", pages.try_call),
        Route("/calls/{call:path}/variables", pages.show_variables),
        Route("/calls/{call:path}/scenario", pages.make_scenario),
        Route("/calls/{call:path}", pages.show_call),
    ]


class _CallPages:
    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._trials = CallTrials(context)

    async def show_calls(self, request: Request) -> Response:
        asked = {
            name: request.query_params.get(name, "") for name in (*QUERY_FIELDS, "since", "until")
        }
        if any(len(text) > MAX_QUERY_LENGTH for text in asked.values()):
            raise HTTPException(400, "The search is too long")
        project = await self._context.project.load()
        failure, index, page, flows = "", None, None, project.list_flows()
        stories: list[ListedStory] = []
        try:
            index = await self._context.calls.load_index()
            if index is not None:
                after = parse_page_key(request.query_params.get("after", ""))
                page = await run_sync(index.find_calls, build_query(asked), after)
                stories = await run_sync(group_stories, index, page.calls)
                flows = sorted({*flows, *index.list_flows()} - {""})
        except JournalError as error:
            failure = str(error)
        return render_page(
            request,
            "calls.html",
            page=page,
            stories=stories,
            asked=asked,
            is_search=any(asked.values()),
            flows=flows,
            states=self._list_states(asked["flow"]),
            outcomes=OUTCOMES_BY_WEIGHT,
            progress=index.get_progress() if index else None,
            machine=self._context.calls.machine,
            failure=failure,
            next_link=build_link(request, page.next) if page and page.next else "",
            first_link=build_link(request, None),
            is_first=not request.query_params.get("after"),
        )

    def _list_states(self, flow: str) -> list[str]:
        release = self._context.project.latest.release
        program = release.programs.get(flow) if release else None
        return sorted(program.states) if program else []

    async def show_call(self, request: Request) -> Response:
        call = request.path_params["call"]
        asked = request.query_params.get("from", "")
        shown = await self._load_call(call, int(asked) if STEP_PATTERN.fullmatch(asked) else 0)
        return render_page(
            request,
            "call.html",
            call=shown,
            is_in_folder=self._context.settings.folder is not None,
            has_flow=shown.first.flow in self._list_programs(),
            machine=self._context.calls.machine,
            page_length=MAX_TIMELINE_STEPS,
        )

    def _list_programs(self) -> Mapping[str, Any]:
        release = self._context.project.latest.release
        return release.programs if release else {}

    async def _load_call(self, call: str, first: int) -> ShownCall:
        try:
            index = await self._context.calls.load_index()
            if index is None:
                raise HTTPException(404, NO_CALL_TEXT)
            return await run_sync(self._read_call, call, index, first)
        except JournalError as error:
            raise HTTPException(503, str(error)) from error

    def _read_call(self, call: str, index: CallIndex, first: int) -> ShownCall:
        with self._context.open_journal() as reader:
            own = reader.list_callbacks(call)
            if not own:
                raise HTTPException(404, NO_CALL_TEXT)

            def find_legs(caller: str, _since: float, _until: float) -> list[CallbackEntry]:
                return [
                    replace(step, call=leg)
                    for leg in index.find_legs(caller)
                    for step in reader.list_callbacks(leg)
                ]

            steps = merge_legs(call, own, find_legs)
        end = next((step for step in reversed(own) if step.event == "dice"), None)
        event = own[0].shown["event"]
        timeline = build_timeline(steps, first, MAX_TIMELINE_STEPS)
        if not timeline:
            raise HTTPException(404)
        return ShownCall(
            call, timeline, first, len(steps), own[0], own[-1], end, own[0].leg.caller if own[0].leg else "",
            event.get("cli", ""), event.get("to", {}).get("endpoint", ""),
            list(dict.fromkeys(step.machine for step in steps)),
        )  # fmt: skip

    async def try_call(self, request: Request) -> Response:
        """How the call would go on the flows as they are now, or on a release."""
        project = await self._context.project.load()
        call, on = request.path_params["call"], request.query_params.get("on", "")
        return await self._try(self._trials.try_call, call, on, project)

    async def show_variables(self, request: Request) -> Response:
        """The variables that each callback changed."""
        return await self._try(self._trials.list_changes, request.path_params["call"])

    async def make_scenario(self, request: Request) -> Response:
        """The call as a scenario, to read and to keep."""
        project = await self._context.project.load()
        call = request.path_params["call"]
        return await self._try(self._trials.make_scenario, call, project)

    async def _try(self, run: Callable[..., Result], *arguments: object) -> Response:
        limiter = self._context.slow_work
        return JSONResponse(await run_sync(partial(run, *arguments), limiter=limiter))


def build_query(asked: Mapping[str, str]) -> CallQuery:
    fields = {name: asked[name].strip() for name in QUERY_FIELDS}
    moments = {name: parse_moment(asked[name]) for name in ("since", "until")}
    return msgspec.convert({**fields, **moments}, CallQuery)


def parse_moment(text: str) -> float:
    """Seconds since 1970; 0 for none. A browser without scripts names no time zone: it shows UTC.

    >>> parse_moment("2026-11-29T10:00"), parse_moment("2026-11-29T11:00+01:00"), parse_moment("noon")
    (1795946400.0, 1795946400.0, 0.0)
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_page_key(text: str) -> PageKey | None:
    found = PAGE_KEY_PATTERN.fullmatch(text)
    if found is None or abs(int(found[2])) > MAX_ROW_ID:
        return None
    return PageKey(float(found[1]), int(found[2]))


def build_link(request: Request, key: PageKey | None) -> str:
    """The address of the page after this call, of the same search; of its first one without a
    call.
    """
    url = request.url.remove_query_params("after")
    if key is not None:
        url = url.include_query_params(after=f"{key.at!r}~{key.id}")
    return f"/calls?{url.query}" if url.query else "/calls"
