"""The facts of a call that its first callback tells."""

from typing import Any

from flowengine.compile import Program
from flowengine.limits import MAX_FACT_BYTES, MAX_HOST_BYTES, MAX_KEPT_CUSTOM_BYTES
from flowengine.sinch import CallbackEvent, Ice
from flowengine.sinch.caller_identity import read_caller, strip_address
from flowengine.sinch.number_parser import parse_number
from flowengine.states.ring_plan import HOST_FACT

_FACTS_OF_ANY_LENGTH = ("call.to", "call.user", "call.sip", "call.origin")
_SURELY_SHORT = MAX_FACT_BYTES // 4  # characters: none takes more than four bytes


def read_call_facts(event: Ice, notes: list[str]) -> dict[str, Any]:
    """The facts of a call that only its first callback has."""
    origin = event.origin
    caller = read_caller(event.cli, event.user, origin)
    facts: dict[str, Any] = {
        "call.from": caller.number,
        "call.to": get_dialled_address(event),
        "call.user": caller.user,
        "call.sip": caller.sip,
        "call.origin": origin,
        "call.withheld": caller.withheld,
        "call.redirected_from": get_forwarding_number(event) if event.rdnis else "",
        HOST_FACT: shorten_call_url(event.call_resource_url),
    }
    if max(map(len, map(facts.__getitem__, _FACTS_OF_ANY_LENGTH))) > _SURELY_SHORT:
        for name in _FACTS_OF_ANY_LENGTH:
            if (short := truncate_fact(facts[name])) != facts[name]:
                facts[name] = short
                notes.append(f"cut: {name} is too long")
    return facts


def read_custom_text(program: Program, event: CallbackEvent, notes: list[str]) -> dict[str, Any]:
    """The `custom` text of a placed call, kept because not every callback repeats it. A part of it
    would mean nothing, so a text that is too long is not kept, and each callback has its own.
    """
    if not event.custom:
        return {}
    if len(event.custom.encode(errors="replace")) <= MAX_KEPT_CUSTOM_BYTES:
        return {"call.custom": event.custom}
    if any("call.custom" in names for names in program.live.values()):
        notes.append("left out: call.custom is too long to be kept for later callbacks")
    return {}


def truncate_fact(text: str) -> str:
    """Cut a fact to the length that the check of the cookie size assumes."""
    return (
        text
        if len(text) <= _SURELY_SHORT
        else text.encode(errors="replace")[:MAX_FACT_BYTES].decode(errors="ignore")
    )


def get_dialled_address(event: Ice) -> str:
    """The dialled address: a number in E.164, a SIP address without its scheme."""
    endpoint = event.to.endpoint
    if event.to.type == "sip":
        return strip_address(endpoint)
    if event.to.type in ("did", "number", ""):
        return parse_number(endpoint).e164 or endpoint
    return endpoint


def get_forwarding_number(event: Ice) -> str:
    """The number that forwarded the call to this one; "" where none did, or where it is withheld."""
    return read_caller(event.rdnis, "", "pstn").number


def shorten_call_url(url: str) -> str:
    """The base of the API that a call is on, short enough to travel with the call: a host, with its
    scheme where that is not https.

    >>> shorten_call_url("https://calling-euc1.api.sinch.com/calling/v1/calls/id/c1")
    'calling-euc1.api.sinch.com'
    >>> shorten_call_url("http://127.0.0.1:8081/calling/v1/calls/id/c1")
    'http://127.0.0.1:8081'
    """
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    return (host if scheme == "https" else f"{scheme}://{host}")[:MAX_HOST_BYTES] if host else ""


def expand_call_url(short: str) -> str:
    """The base of the API again; "" for ""."""
    return f"https://{short}" if short and "://" not in short else short
