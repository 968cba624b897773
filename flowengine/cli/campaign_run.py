"""Runs a campaign: calls one row after the other at its rate, and looks what has become of them."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from flowengine.cli.campaign_rows import CampaignRow
from flowengine.cli.campaign_state import CampaignState, RowState
from flowengine.cli.placement_client import PlacementClientError, ServerUnreachableError
from flowengine.orchestration.placement_state import FINAL_OUTCOMES
from flowengine.server.placements import PlacementView
from flowengine.states.place_plan import CALLEE_ZONE

STATUS_POLL_SECONDS = 1.0
MAX_CAMPAIGN_PAUSE_SECONDS = 30.0  # the clock may be set, and the machine may sleep
UNKNOWN_PLACEMENTS = (
    "the server does not know {count} calls that were sent before: it is another one, or they were "
    "over a week ago, and it would call these people again. Name the server of before; or to have "
    'them called again, remove their lines with "sent" from the file of the campaign'
)
CHANGED_IDS = (
    "the server gives {count} calls that were sent before another id: they are of another "
    "application, and it would call these people again. Go on with the --application of before"
)
SERVER_PAUSE_SECONDS = 5.0  # until a server that does not answer is asked again


class PlacesCalls(Protocol):
    """The server of a campaign. Both raise PlacementClientError."""

    def place(
        self, options: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], **how: bool
    ) -> list[PlacementView]:
        """Place calls; one answer for each."""
        ...

    def load(self, ids: Sequence[str]) -> list[PlacementView]:
        """What has become of placements."""
        ...


class CampaignPace(NamedTuple):
    """How fast: calls a second, calls at once, tries of a row, and seconds between two of them."""

    rate: float
    at_once: int
    tries: int
    pause: int


class CampaignRun:
    """Goes on until all rows are over. Each call has a key of its own, so that one that is sent
    again, after the command or the server was killed, is placed once.
    """

    def __init__(
        self,
        rows: Sequence[CampaignRow],
        state: CampaignState,
        server: PlacesCalls,
        options: Mapping[str, Any],
        pace: CampaignPace,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        is_forbidden: Callable[[str], bool] = lambda _address: False,
    ) -> None:
        self._rows = {row.to: row for row in rows}
        self._state = state
        self._server = server
        self._options = {**options, "tries": 1}
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._is_forbidden = is_forbidden
        self._running: dict[str, str] = {}
        self._due = [
            (known.due, number, row.to)
            for number, row in enumerate(rows)
            if not (known := state.get(row.to)).is_over
        ]
        self._number = len(rows)
        self._next_start = 0.0
        self._next_poll = 0.0
        heapq.heapify(self._due)
        self._is_server_away = False
        self._is_checked = False
        self.on_over: Callable[[RowState], None] = lambda _row: None
        self.on_server_away: Callable[[PlacementClientError], None] = lambda _error: None

    @property
    def running(self) -> int:
        """How many calls are under way."""
        return len(self._running)

    def run(self) -> None:
        """Run to the end. Raises PlacementClientError where the server refuses, and what
        `is_forbidden` does.
        """
        while self._due or self._running:
            try:
                self._check_sent()
                self._look()
                self._start_calls()
            except ServerUnreachableError as error:
                if not self._is_server_away:
                    self.on_server_away(error)
                self._is_server_away = True
                self._sleep(SERVER_PAUSE_SECONDS)
                continue
            self._is_server_away = False
            self._sleep(self._compute_pause())

    def _check_sent(self) -> None:
        """Refuse to go on where the server does not know a call that was sent: it would place it
        again. Raises PlacementClientError.
        """
        if self._is_checked:
            return
        rows = [row for to in self._rows if (row := self._state.get(to)).state == "sent"]
        if rows:
            self._check_known(rows)
        self._is_checked = True

    def _check_known(self, rows: Sequence[RowState]) -> None:
        ids = self._compute_ids(rows)
        renamed = sum(bool(row.id) and row.id != id_ for row, id_ in zip(rows, ids, strict=True))
        if renamed:
            raise PlacementClientError(CHANGED_IDS.format(count=renamed))
        views = zip(rows, self._server.load(ids), strict=True)
        # a request without an answer may not have reached the server that began
        unknown = sum(
            bool(view.error) and (bool(row.id) or not self._state.is_same_server)
            for row, view in views
        )
        if unknown:
            raise PlacementClientError(UNKNOWN_PLACEMENTS.format(count=unknown))

    def _compute_ids(self, rows: Sequence[RowState]) -> list[str]:
        """What the server would call the calls of these rows, which are under way."""
        wanted = [self._build_call(row.to, row.tries) for row in rows]
        return [view.id for view in self._server.place(self._options, wanted, check=True)]

    def _start_calls(self) -> None:
        while self._due and len(self._running) < self._pace.at_once:
            now = self._clock()
            # the clock may have been set back
            self._next_start = min(self._next_start, now + 1 / self._pace.rate)
            if self._due[0][0] > now or self._next_start > now:
                return
            _, _, to = heapq.heappop(self._due)
            try:
                is_started = self._call(to)
            except BaseException:  # the row is called when the campaign goes on
                self._push(to, now)
                raise
            if is_started:
                self._next_start = max(self._next_start, now) + 1 / self._pace.rate

    def _call(self, to: str) -> bool:
        """Call one row; whether a call has begun. Outside the hours the row waits for them."""
        known = self._state.get(to)
        if known.state != "sent" and self._is_forbidden(to):
            self.on_over(known)  # it stays open in the state: the list may be mended
            return False
        number = known.tries if known.state == "sent" else known.tries + 1
        wanted = self._build_call(to, number)
        if known.state != "sent":
            self._state.note(replace(known, state="sent", tries=number, id=""))
        (view,) = self._server.place(self._options, [wanted], open_only=True)
        if view.never_opens:
            self._end(RowState(to, "gave_up", reason="there is no time within the hours"))
            return False
        if view.opens:
            self._state.note(replace(known, state="again", tries=number - 1, due=view.opens))
            # by the clock of this machine, that of the server may be behind
            self._put_off(to, max(view.opens, self._clock() + STATUS_POLL_SECONDS))
            return False
        if view.error:
            self._end(RowState(to, "failed", number, reason=f"{view.field}: {view.error}"))
            return False
        if known.id != view.id:
            self._state.note(replace(known, state="sent", tries=number, id=view.id))
        self._running[view.id] = to
        return True

    def _put_off(self, to: str, opens: float) -> None:
        """Wait for the hours; where they are the same for all rows, with all of them."""
        self._push(to, opens)
        if self._options.get("zone") != CALLEE_ZONE:
            self._due = [(max(due, opens), number, one) for due, number, one in self._due]
            heapq.heapify(self._due)

    def _push(self, to: str, due: float) -> None:
        self._number += 1
        heapq.heappush(self._due, (due, self._number, to))

    def _look(self) -> None:
        """Note what is over."""
        now = self._clock()
        self._next_poll = min(self._next_poll, now + STATUS_POLL_SECONDS)
        if not self._running or now < self._next_poll:
            return
        self._next_poll = now + STATUS_POLL_SECONDS
        for view in self._server.load(list(self._running)):
            if view.phase == "over" or view.error:
                self._note_end(self._running.pop(view.id), view)

    def _note_end(self, to: str, view: PlacementView) -> None:
        tries, outcome = self._state.get(to).tries, view.outcome or "failed"
        if outcome in FINAL_OUTCOMES or tries >= self._pace.tries or view.error:
            self._end(RowState(to, outcome, tries, 0.0, view.reason or view.error, view.call))
            return
        due = (view.due or self._clock()) + self._pace.pause
        self._state.note(RowState(to, "again", tries, due, outcome))
        self._push(to, due)

    def _end(self, row: RowState) -> None:
        self._state.note(row)
        self.on_over(row)

    def _build_call(self, to: str, number: int) -> dict[str, Any]:
        key = f"campaign {self._state.head.campaign} {to} {number}"
        return {"to": to, "with": self._rows[to].data, "key": key}

    def _compute_pause(self) -> float:
        """Until there may be something to do."""
        now, moments = self._clock(), [self._next_poll] if self._running else []
        if self._due and len(self._running) < self._pace.at_once:
            moments.append(max(self._due[0][0], self._next_start))
        return min(max(0.0, min(moments, default=now) - now), MAX_CAMPAIGN_PAUSE_SECONDS)
