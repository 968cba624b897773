"""Every route of the platform, under both of its prefixes."""

from collections.abc import Callable, Mapping
from typing import Final

from flowengine.switch.api import calling, configuration, recordings, reporting
from flowengine.switch.api.asked import Answer, Asked
from flowengine.switch.api.desk import Desk
from flowengine.switch.api.routing import Route, first

Handler = Callable[[Desk, Asked], Answer]

ROUTES: Final[tuple[Route[Handler], ...]] = (
    Route("POST", "callouts", calling.callout),
    Route("GET", "calls/id/{call}", calling.call),
    Route("PATCH", "calls/id/{call}", calling.patch_call),
    Route("PATCH", "calls/id/{call}/leg/{leg}", calling.patch_leg),
    Route("GET", "conferences/id/{conference}", calling.conference),
    Route("DELETE", "conferences/id/{conference}", calling.end_conference),
    Route("PATCH", "conferences/id/{conference}/{call}", calling.manage),
    Route("DELETE", "conferences/id/{conference}/{call}", calling.kick),
    Route("GET", "configuration/numbers", configuration.numbers),
    Route("POST", "configuration/numbers", configuration.assign),
    Route("DELETE", "configuration/numbers", configuration.unassign),
    Route("GET", "configuration/callbacks/applications/{application}", configuration.callbacks),
    Route(
        "POST", "configuration/callbacks/applications/{application}", configuration.set_callbacks
    ),
    Route("GET", "calling/query/number/{number}", configuration.query),
    Route("GET", "recording", recordings.recordings),
    Route("DELETE", "recording", recordings.keyless),
    Route("GET", "recording/{key}", recordings.recording),
    Route("DELETE", "recording/{key}", recordings.delete),
    Route("POST", "callreport/callId/{call}", calling.report),
)
REPORTING: Final[tuple[Route[Handler], ...]] = (
    Route("GET", "users/{type}/{endpoint}/calls", reporting.user_calls),
    Route("GET", "users/{type}/{endpoint}/calls/{domain}", reporting.user_calls),
    Route("GET", "counters/{id}", reporting.counter),
    Route("GET", "services/{id}", reporting.service),
)
PREFIXES: Final = (("calling", "v1"), ("v1",))


def find(method: str, segments: tuple[str, ...]) -> tuple[Handler, Mapping[str, str]] | None:
    """Who answers, and what the path names."""
    for prefix in PREFIXES:
        if segments[: len(prefix)] == prefix and (
            found := first(ROUTES, method, segments[len(prefix) :])
        ):
            return found
    return first(REPORTING, method, segments[1:]) if segments[:1] == ("v1",) else None


def signed_only(segments: tuple[str, ...]) -> bool:
    """The reporting API takes no other credentials."""
    return segments[1:2] in {("users",), ("counters",), ("services",)}
