"""What is called: a flow in this process, or whatever answers callbacks at a URL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import randbits
from typing import Any

import click
import msgspec

from flowengine.compile import Release
from flowengine.phone.call_time import CallTimeError, parse_call_time
from flowengine.phone.input_faults import find_input_fault
from flowengine.problems import suggest_or_list_names
from flowengine.scenarios.call_setup import (
    CALLER_BY_KIND,
    DIALLED_CANDIDATES,
    ORIGIN_BY_KIND,
    CallerKind,
    CallSetup,
    build_callout_request,
    find_route_fault,
    guess_target_kind,
    is_placed_by_flows,
)
from flowengine.scenarios.conversation import Conversation, build_exchange
from flowengine.scenarios.scenario_given import Given
from flowengine.svaml import CallHeader
from flowengine.svaml.header_format import find_header_name_fault, find_header_value_fault
from flowengine.switch.api.resigning_transport import ResigningTransport
from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire.transport import BlockingTransport

DEFAULT_TARGETS: Mapping[str, str] = {
    "phone": DIALLED_CANDIDATES[0],
    "app": "bob",
    "sip": "line@pbx.example.com",
}


class CallRequest(msgspec.Struct, frozen=True):
    """Who calls whom, as the options say it; "" where they do not."""

    flow: str = ""
    to: str = ""
    caller: str = ""
    app: str = ""
    sip: str = ""
    time: str = ""
    custom: str = ""
    outbound: bool = False
    data: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    redirected_from: str = ""

    @property
    def kind(self) -> CallerKind:
        return "app" if self.app else "sip" if self.sip else "phone"

    @property
    def has_caller_kind(self) -> bool:
        """Whether it says what kind of end calls."""
        return bool(self.app or self.sip)


def check_options(wish: CallRequest) -> None:
    """Options that contradict each other end the command."""
    if len([caller for caller in (wish.caller, wish.app, wish.sip) if caller]) > 1:
        raise click.UsageError("who calls is one of --from, --app and --sip")
    if wish.outbound:
        check_outbound(wish)
    elif wish.data:
        raise click.UsageError(
            "--data goes with --outbound: it is what a placed call hands to its flow"
        )
    for name, text in map(parse_header_option, wish.header):
        if fault := find_header_name_fault(name) or find_header_value_fault(text):
            raise click.UsageError(f"--header {name}={text}: {fault}")
    if wish.data and wish.custom:
        raise click.UsageError("--data is written into custom: give one of --data and --custom")


def check_outbound(wish: CallRequest) -> None:
    """Options that only a call that comes in can have."""
    if wish.has_caller_kind:
        raise click.UsageError(
            "nobody dials a placed call: with --outbound, --to is who is called, and --from the "
            "number that is shown"
        )
    if wish.header or wish.redirected_from:
        raise click.UsageError("--header and --redirected-from are of a call that comes in")


def to_given(wish: CallRequest, zone: str, placed: str) -> dict[str, Any]:
    """What a scenario would say of how this call begins."""
    said = {
        "caller": wish.caller or wish.app or wish.sip,
        "to": wish.to,
        "origin": ORIGIN_BY_KIND[wish.kind] if wish.has_caller_kind else "",
        "redirected_from": wish.redirected_from,
        "headers": dict(map(parse_header_option, wish.header)),
        "custom": wish.custom,
        "time": parse_time(wish.time, zone) if wish.time else "",
        "placed": placed,
        "data": dict(map(parse_data_option, wish.data)),
    }
    return {name: item for name, item in said.items() if item}


def parse_time(text: str, zone: str) -> str:
    """A time as scenarios have it."""
    try:
        return parse_call_time(text, zone)
    except CallTimeError as error:
        raise click.UsageError(f"--at {error}") from error


def parse_data_option(text: str) -> tuple[str, Any]:
    """A name and its value: JSON where it is some, else text.

    >>> parse_data_option("amount=12.5"), parse_data_option("name=Ms Lee")
    (('amount', 12.5), ('name', 'Ms Lee'))
    """
    name, equals, written = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--data {text} has no value: write for example --data name=Ann")
    try:
        return name, msgspec.json.decode(written)
    except msgspec.DecodeError:
        return name, written


def parse_header_option(text: str) -> tuple[str, str]:
    """A call header and its value.

    >>> parse_header_option("X-Tier=gold")
    ('X-Tier', 'gold')
    """
    name, equals, written = text.partition("=")
    if not equals:
        raise click.UsageError(f"--header {text} has no value: write for example X-Tier=gold")
    return name, written


def check_inputs(release: Release, flow: str, data: Mapping[str, Any]) -> None:
    """A flow must take what it is handed."""
    if fault := find_input_fault(release, flow, data):
        raise click.UsageError(f"--data {fault}")


def find_flow(release: Release, wish: CallRequest) -> str:
    """The flow that is called: the one that is named, or the one that the routes lead to; by
    default the first. Raises UsageError where there is none.
    """
    if wish.flow and wish.flow not in release.programs:
        hint = suggest_or_list_names(wish.flow, list(release.programs))
        raise click.UsageError(f"there is no flow {wish.flow}; {hint}")
    if wish.flow:
        return wish.flow
    if wish.to and not wish.outbound:
        return find_dialled_flow(release, wish)
    found = find_default_flow(release, wish)
    if not found:
        raise click.UsageError(
            f"say which flow with --flow: there are {', '.join(release.programs)}"
        )
    return found


def find_dialled_flow(release: Release, wish: CallRequest) -> str:
    target = guess_target_kind(wish.to, wish.kind)
    found = release.find_flow(wish.to, target, ORIGIN_BY_KIND[wish.kind], "")
    if not found:
        raise click.ClickException(
            f"no route leads a call to {wish.to} anywhere; name a flow with --flow"
        )
    return found


def find_default_flow(release: Release, wish: CallRequest) -> str:
    """The flow of the first route for this kind of caller, else of the first route for all. Where
    no route fits, the only flow; nothing where there are several.
    """
    origin = ORIGIN_BY_KIND[wish.kind] if wish.has_caller_kind else ""
    if wish.outbound:
        origin = "server"
    fitting = [route for route in release.routes if not origin or route.origin in ("", origin)]
    if first := min(fitting, key=lambda route: route.origin != origin, default=None):
        return first.flow
    return next(iter(release.programs)) if len(release.programs) == 1 else ""


def find_callout_kind(release: Release, flow: str) -> str:
    """The kind of callout that this flow is for."""
    if is_placed_by_flows(release, flow):
        return "flow"
    return "tts" if release.programs[flow].answered else "custom"


def check_reachable(release: Release, flow: str, given: Given) -> None:
    """Such a call must come to the flow."""
    if fault := find_route_fault(release, flow, given, Given()):
        raise click.ClickException(
            f"{fault}; say what is dialled with --to, and by whom with --app or --sip"
        )


def create_backend_opening(wish: CallRequest, application: str) -> CallSetup:
    """A call to a backend of which nothing is known."""
    said = Given(**to_given(wish, "UTC", "custom" if wish.outbound else ""))
    if wish.outbound:
        plain = wish.custom or (msgspec.json.encode(said.data).decode() if said.data else "")
        request = dict(
            build_callout_request("", msgspec.structs.replace(said, custom=plain or "-"))
        )
        request["customCallout"] = {**request["customCallout"], "custom": plain}
        return CallSetup(
            "", wish.to or DIALLED_CANDIDATES[0], "phone", "", application, callout=request
        )
    to = wish.to or DEFAULT_TARGETS[wish.kind]
    return CallSetup(
        said.caller or CALLER_BY_KIND[wish.kind],
        to,
        wish.kind,
        guess_target_kind(to, wish.kind),
        application,
        wish.custom,
        tuple(CallHeader(name, text) for name, text in map(parse_header_option, wish.header)),
        wish.redirected_from,
    )


@contextmanager
def connect_to_backend(url: str, key: str, secret: str, begin: datetime) -> Iterator[Conversation]:
    """A conversation with the backend at this URL, in virtual time, but signed in the time of the
    backend and with an id of its own.
    """
    clock, transport = VirtualClock(begin), BlockingTransport()
    try:
        yield Conversation(
            build_exchange(
                clock,
                ResigningTransport(transport, {key: secret}),
                url,
                key,
                None,
                randbits(64),
                secret,
            ),
            clock,
        )
    finally:
        transport.close()


def find_begin_time(text: str) -> datetime:
    """When a call to a URL begins: now, unless it is said."""
    return datetime.fromisoformat(parse_time(text or "now", "UTC")).replace(tzinfo=UTC)
