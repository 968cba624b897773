"""The page of what happens now: callers in each state, and how many have left where in some time."""

import time
from collections.abc import Mapping

import msgspec
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from flowengine.compile import Program
from flowengine.console.console_context import ConsoleContext
from flowengine.console.page_rendering import render_page
from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_search import CallQuery
from flowengine.journal.journal_error import JournalError
from flowengine.journal.passage_counts import StatePassages

PERIODS = {"1h": 3600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
PERIOD_NAMES = {"1h": "the last hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
DEFAULT_PERIOD = "24h"


class StateDropOff(msgspec.Struct, frozen=True):
    """A state with what callers did in it; `lost_percent` is the share in percent of those who came and
    hung up here, where they were asked something.
    """

    state: str
    entered: int
    exits: list[tuple[str, int]]
    again: int
    hung_up: int
    ended: int
    is_question: bool
    words: Mapping[str, str]
    """What the picture calls exits, by their names"""

    @property
    def lost_percent(self) -> float:
        return 100 * self.hung_up / self.entered if self.entered and self.is_question else 0.0


def build_live_routes(context: ConsoleContext) -> list[BaseRoute]:
    async def show_live(request: Request) -> Response:
        project = await context.project.load()
        flow, period = read_choice(request)
        index, counts, failure = None, None, ""
        try:
            index = await context.calls.load_index()
            counts = await run_sync(context.calls.count_now) if index else None
        except JournalError as error:
            failure = str(error)
        programs = project.release.programs if project.release else {}
        flows = sorted({*programs, *(index.list_flows() if index else ())} - {""})
        flow = flow or choose_flow(flows, counts) or await run_sync(find_latest_flow, index, flows)
        rows = []
        if index is not None and flow:
            rows = await run_sync(list_drop_offs, index, flow, period, programs.get(flow))
        return render_page(
            request,
            "live.html",
            counts=counts,
            failure=failure,
            flows=flows,
            flow=flow,
            has_picture=flow in programs,
            period=period,
            periods=PERIOD_NAMES,
            rows=rows,
            machine=context.calls.machine,
        )

    return [Route("/live", show_live)]


def read_choice(request: Request) -> tuple[str, str]:
    """The flow and the period that a request asks for."""
    period = request.query_params.get("period", "")
    return request.query_params.get("flow", ""), period if period in PERIODS else DEFAULT_PERIOD


def choose_flow(flows: list[str], counts: dict[str, object] | None) -> str:
    """The flow that most calls are in now; "" while there is none."""
    places = counts["places"] if counts else []
    assert isinstance(places, list)  # noqa: S101  # as it is counted
    busiest = max(places, key=lambda place: place[2], default=None)
    return str(busiest[0]) if busiest and busiest[0] in flows else ""


def find_latest_flow(index: CallIndex | None, flows: list[str]) -> str:
    """The flow of the latest call; of no call, the first flow."""
    calls = index.find_calls(CallQuery(limit=1)).calls if index else []
    return next((call.flow for call in calls if call.flow in flows), next(iter(flows), ""))


def list_drop_offs(
    index: CallIndex, flow: str, period: str, program: Program | None
) -> list[StateDropOff]:
    """The states of a flow with what callers did in them, in the order of the file."""
    now = time.time()
    found = index.count_passages(flow, now - PERIODS[period], now)
    states = [*program.states] if program else []
    order = {state: number for number, state in enumerate(states)}
    return [
        build_drop_off(state, found[state], program)
        for state in sorted(found, key=lambda state: (order.get(state, len(order)), state))
    ]


def build_drop_off(state: str, passages: StatePassages, program: Program | None) -> StateDropOff:
    compiled = program.states.get(state) if program else None
    return StateDropOff(
        state,
        passages.entered,
        sorted(passages.exits.items(), key=lambda exit_: -exit_[1]),
        passages.again,
        passages.hung_up,
        passages.ended,
        compiled.verb.is_question if compiled else True,
        {name: target.label for name, target in compiled.exits.items() if target.label}
        if compiled
        else {},
    )
