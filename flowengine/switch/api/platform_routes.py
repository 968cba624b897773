"""Every route of the platform, under both of its prefixes."""

from collections.abc import Callable, Mapping
from typing import Final

from flowengine.switch.api import (
    calling_routes,
    configuration_routes,
    recording_routes,
    reporting_routes,
)
from flowengine.switch.api.api_request import ApiReply, ApiRequest
from flowengine.switch.api.api_routing import ApiRoute, find_route
from flowengine.switch.api.switch_context import SwitchContext

PlatformHandler = Callable[[SwitchContext, ApiRequest], ApiReply]

PLATFORM_ROUTES: Final[tuple[ApiRoute[PlatformHandler], ...]] = (
    ApiRoute("POST", "callouts", calling_routes.place_callout),
    ApiRoute("GET", "calls/id/{call}", calling_routes.get_call),
    ApiRoute("PATCH", "calls/id/{call}", calling_routes.patch_call),
    ApiRoute("PATCH", "calls/id/{call}/leg/{leg}", calling_routes.patch_leg),
    ApiRoute("GET", "conferences/id/{conference}", calling_routes.get_conference),
    ApiRoute("DELETE", "conferences/id/{conference}", calling_routes.end_conference),
    ApiRoute("PATCH", "conferences/id/{conference}/{call}", calling_routes.manage_participant),
    ApiRoute("DELETE", "conferences/id/{conference}/{call}", calling_routes.kick_participant),
    ApiRoute("GET", "configuration/numbers", configuration_routes.list_numbers),
    ApiRoute("POST", "configuration/numbers", configuration_routes.assign_numbers),
    ApiRoute("DELETE", "configuration/numbers", configuration_routes.unassign_number),
    ApiRoute(
        "GET",
        "configuration/callbacks/applications/{application}",
        configuration_routes.get_callbacks,
    ),
    ApiRoute(
        "POST",
        "configuration/callbacks/applications/{application}",
        configuration_routes.set_callbacks,
    ),
    ApiRoute("GET", "calling/query/number/{number}", configuration_routes.query_number),
    ApiRoute("GET", "recording", recording_routes.list_recordings),
    ApiRoute("DELETE", "recording", recording_routes.reject_missing_key),
    ApiRoute("GET", "recording/{key}", recording_routes.get_recording),
    ApiRoute("DELETE", "recording/{key}", recording_routes.delete_recording),
    ApiRoute("POST", "callreport/callId/{call}", calling_routes.report_call),
)
REPORTING_ROUTES: Final[tuple[ApiRoute[PlatformHandler], ...]] = (
    ApiRoute("GET", "users/{type}/{endpoint}/calls", reporting_routes.count_user_calls),
    ApiRoute("GET", "users/{type}/{endpoint}/calls/{domain}", reporting_routes.count_user_calls),
    ApiRoute("GET", "counters/{id}", reporting_routes.get_counter),
    ApiRoute("GET", "services/{id}", reporting_routes.get_service_status),
)
PATH_PREFIXES: Final = (("calling", "v1"), ("v1",))


def find_handler(
    method: str, segments: tuple[str, ...]
) -> tuple[PlatformHandler, Mapping[str, str]] | None:
    """The handler and the parameters of the path."""
    for prefix in PATH_PREFIXES:
        if segments[: len(prefix)] == prefix and (
            found := find_route(PLATFORM_ROUTES, method, segments[len(prefix) :])
        ):
            return found
    return find_route(REPORTING_ROUTES, method, segments[1:]) if segments[:1] == ("v1",) else None


def needs_signature(segments: tuple[str, ...]) -> bool:
    """The reporting API takes no other credentials."""
    return segments[1:2] in {("users",), ("counters",), ("services",)}
