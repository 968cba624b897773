"""The facts of a call from its beginning, and the routes of its callbacks."""

from typing import Any, Literal

import msgspec

from flowengine.svaml import CallHeader
from flowengine.switch.switch_events import Finding

EventName = Literal["ice", "ace", "pie", "dice"]
DialledTarget = Literal["did", "number", "username", "sip", "conference"]


class CallbackRoute(msgspec.Struct, frozen=True):
    """Where an event goes: to the application's URLs, to a URL of its own, or nowhere, as its
    answer is inline in the callout.
    """

    send: bool = True
    url: str = ""
    inline: bytes | None = None


TO_APPLICATION = CallbackRoute()
NOT_SENT = CallbackRoute(send=False)


class EventRoutes(msgspec.Struct, frozen=True):
    """The routes of all events of a call."""

    ice: CallbackRoute = TO_APPLICATION
    ace: CallbackRoute = TO_APPLICATION
    pie: CallbackRoute = TO_APPLICATION
    dice: CallbackRoute = TO_APPLICATION


ALL_TO_APPLICATION = EventRoutes()


class CallOrigin(msgspec.Struct, frozen=True):
    """Who calls or is called, and how callbacks tell it."""

    kind: Literal["phone", "app", "sip", "tts", "conference", "custom"]
    cli: str = ""
    user: str = ""
    to_type: str = ""
    to: str = ""
    domain: str = "pstn"
    origination_type: str = "PSTN"
    rdnis: str = ""
    custom: str = ""
    call_headers: tuple[CallHeader, ...] = ()
    events: EventRoutes = ALL_TO_APPLICATION
    extra_headers: dict[str, str] = msgspec.field(default_factory=dict)
    """`X-CB-` headers of the request that placed the call"""
    request: dict[str, Any] = msgspec.field(default_factory=dict)
    """What a callout asks for, its names in lower case"""
    findings: tuple[Finding, ...] = ()
    """What the platform does not refuse in the callout, though it is of no effect or may do harm"""

    @property
    def is_callout(self) -> bool:
        """Whether the platform placed the call for the backend, so that there is no caller."""
        return self.kind in {"tts", "conference", "custom"}
