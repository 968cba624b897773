"""Placements over HTTP, with the token of the admin: place calls, and ask what has become of them."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from flowengine.compile import Program, Release
from flowengine.limits import MAX_PLACEMENTS_PER_REQUEST
from flowengine.orchestration.placement import CallingHours
from flowengine.orchestration.placement_state import Placement
from flowengine.runtime.calling_hours import ReleaseHours
from flowengine.runtime.placement_requests import (
    PlacementOptions,
    PlacementRequestError,
    WantedCall,
    build_requested_plan,
    check_placement_options,
)
from flowengine.runtime.placements import Placements
from flowengine.runtime.platform_requests import CallOwner
from flowengine.server.access import AccessDeniedError, TokenAuthorizer
from flowengine.server.admin import read_actor, read_request_body
from flowengine.server.callback import send_response
from flowengine.server.credentials import load_credentials
from flowengine.server.server_settings import SettingsError
from flowengine.sinch.address_mask import mask_address
from flowengine.states.place_plan import PlacementPlan
from flowengine.storage.sessions import StoreError

log = logging.getLogger(__name__)


class PlaceRequest(PlacementOptions, frozen=True, kw_only=True):
    """Calls to place. With `check` nothing is placed, and only mistakes are told. With `open_only` a
    call that could not begin now is not placed.
    """

    calls: tuple[WantedCall, ...]
    check: bool = False
    open_only: bool = False


class PlacementView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one call; `error` says what is wrong in the `field` of one that is not
    placed, and `opens` when one could begin that `open_only` has left out, or that it `never_opens`.
    One that was `cancelled_by` somebody while it rang or talked is the last try.
    """

    id: str = ""
    phase: str = ""
    outcome: str = ""
    tries: int = 0
    due: float = 0.0
    reason: str = ""
    call: str = ""
    flow: str = ""
    to: str = ""
    field: str = ""
    error: str = ""
    opens: float = 0.0
    never_opens: bool = False
    cancelled_by: str = ""


class PlacementsReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of each call what has become of it, in the order of the request. `more` are not shown. `now` is
    the time of the server, by which calls are due.
    """

    placements: tuple[PlacementView, ...] = ()
    message: str = ""
    more: int = 0
    now: float = 0.0


class PlacementEndpoint:
    """POST places calls, GET tells what has become of some, DELETE cancels some."""

    def __init__(
        self,
        authorizer: TokenAuthorizer,
        placements: Placements | None,
        get_release: Callable[[], Release],
        environment: Mapping[str, str],
    ) -> None:
        self._authorizer = authorizer
        self._placements = placements
        self._get_release = get_release
        self._environment = environment
        self._hours: CallingHours = ReleaseHours(get_release)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        try:
            status, answer = await self._answer_request(Request(scope, receive))
        except ClientDisconnect:
            return
        await send_response(send, status, msgspec.json.encode(answer))

    async def _answer_request(self, request: Request) -> tuple[int, PlacementsReply]:
        try:
            self._authorizer.authorize_request(request)
            return await self._answer_authorized(request)
        except AccessDeniedError as denied:
            return denied.status, PlacementsReply(message=str(denied))
        except PlacementRequestError as error:
            return 422, PlacementsReply(message=f"{error.field}: {error}")
        except StoreError as error:
            log.error("calls cannot be placed: %s", error)  # noqa: TRY400
            return 503, PlacementsReply(message=f"the session store fails: {error}")

    async def _answer_authorized(self, request: Request) -> tuple[int, PlacementsReply]:
        if self._placements is None:
            message = "the server has no session store, so it places no calls"
            return 409, PlacementsReply(message=message)
        ids = request.query_params.getlist("id")
        if request.method == "DELETE":
            reply = await self.cancel_placements(self._placements, ids, read_actor(request))
        elif request.method != "POST":
            reply = await self.show_placements(self._placements, ids)
        else:
            asked = parse_place_request(await read_request_body(request))
            reply = await self.place_calls(self._placements, asked)
        return 200, msgspec.structs.replace(reply, now=self._placements.clock())

    async def show_placements(self, placements: Placements, ids: list[str]) -> PlacementsReply:
        """Those with these ids; without any, those that are not over."""
        if not ids:
            found, more = await placements.list_open(MAX_PLACEMENTS_PER_REQUEST)
            return PlacementsReply(tuple(map(view_placement, found)), more=more)
        check_number_of_ids(ids)
        views = [view_known(one, await placements.load(one)) for one in ids]
        return PlacementsReply(tuple(views))

    async def cancel_placements(
        self, placements: Placements, ids: list[str], who: str
    ) -> PlacementsReply:
        """Cancel those with these ids, as somebody with this name asks."""
        if not ids:
            raise AccessDeniedError(400, "name the placements to cancel: ?id=place-…")
        check_number_of_ids(ids)
        views = [view_known(one, await placements.cancel(one, who)) for one in ids]
        known = [view.id for view in views if not view.error]
        log.info("%s cancels %s", who, ", ".join(known) or "nothing")
        return PlacementsReply(tuple(views))

    async def place_calls(self, placements: Placements, asked: PlaceRequest) -> PlacementsReply:
        if len(asked.calls) > MAX_PLACEMENTS_PER_REQUEST:
            raise AccessDeniedError(413, f"at most {MAX_PLACEMENTS_PER_REQUEST} calls at once")
        release = self._get_release()
        program = check_placement_options(release, asked, placements.clock())
        application = self._choose_application(release, asked.application)
        views = [
            await self._place_call(placements, program, asked, wanted, application)
            for wanted in asked.calls
        ]
        return PlacementsReply(tuple(views))

    async def _place_call(
        self,
        placements: Placements,
        program: Program,
        asked: PlaceRequest,
        wanted: WantedCall,
        application: str,
    ) -> PlacementView:
        try:
            own_key = f"own {os.urandom(16).hex()}"
            plan = build_requested_plan(program, asked, wanted, application, own_key)
        except PlacementRequestError as error:
            return PlacementView(field=error.field, error=str(error))
        if asked.check:
            return PlacementView(plan.id, flow=plan.flow)
        known = await placements.load(plan.id)
        if known is None and asked.open_only:
            now = placements.clock()
            opening = self._find_opening(plan, now)
            if opening is None:
                return PlacementView(plan.id, never_opens=True)
            if opening > now:
                return PlacementView(plan.id, opens=opening)
        placement = known or await placements.begin(plan, CallOwner(application, ""))
        return view_placement(placement)

    def _find_opening(self, plan: PlacementPlan, now: float) -> float | None:
        """When the call could begin; None where that is never."""
        return self._hours.find_opening(plan, max(self._hours.find_start(plan, now), now))

    def _choose_application(self, release: Release, wanted: str) -> str:
        """Whose calls these are: the application that is named, or the only one."""
        try:
            known = list(load_credentials(release, self._environment))
        except SettingsError as error:
            raise PlacementRequestError("application", str(error)) from error
        if wanted or len(known) == 1:
            if wanted and wanted not in known:
                raise PlacementRequestError(
                    "application", "the server has no credentials of this application"
                )
            return wanted or known[0]
        what = "name one of several" if known else "the server has no credentials of any"
        raise PlacementRequestError("application", what)


def check_number_of_ids(ids: list[str]) -> None:
    if len(ids) > MAX_PLACEMENTS_PER_REQUEST:
        raise AccessDeniedError(413, f"at most {MAX_PLACEMENTS_PER_REQUEST} at once")


def parse_place_request(body: bytes) -> PlaceRequest:
    try:
        return msgspec.json.decode(body or b"{}", type=PlaceRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AccessDeniedError(400, str(error)) from error


def view_known(placement_id: str, placement: Placement | None) -> PlacementView:
    if placement is None:
        return PlacementView(placement_id, error="nobody knows this placement")
    return view_placement(placement)


def view_placement(placement: Placement) -> PlacementView:
    """What people may know of a placement."""
    plan: Any = placement.plan
    return PlacementView(
        placement.id,
        placement.phase,
        placement.outcome,
        placement.tries,
        placement.due if placement.phase == "waits" else placement.ended_at,
        placement.reason,
        placement.call_id,
        plan.flow,
        mask_address(plan.to.address),
        cancelled_by=placement.cancelled_by if placement.is_running else "",
    )
