"""What is called: a flow in this process, or whatever answers callbacks at a URL."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import randbits
from typing import Any

import click
import msgspec

from flowengine.compile import Release
from flowengine.expr import EvalError, load_zone
from flowengine.problems import suggest
from flowengine.scenarios.checks import is_time
from flowengine.scenarios.conversation import Conversation, exchange
from flowengine.scenarios.model import Given
from flowengine.scenarios.opening import (
    CALLERS,
    DIALLED,
    ORIGINS,
    TIME,
    Opening,
    Party,
    callout,
    leads_to,
    target_of,
)
from flowengine.states.assign import held
from flowengine.svaml import CallHeader
from flowengine.svaml.headers import header_name_fault, header_value_fault
from flowengine.switch.api.stamped import Stamped
from flowengine.switch.clock import VirtualClock
from flowengine.switch.wire.transport import Blocking

CALLED: Mapping[str, str] = {"phone": DIALLED[0], "app": "bob", "sip": "line@pbx.example.com"}


@dataclass(frozen=True, slots=True)
class Wish:
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
    def kind(self) -> Party:
        return "app" if self.app else "sip" if self.sip else "phone"

    @property
    def own(self) -> bool:
        """Whether it says what kind of end calls."""
        return bool(self.app or self.sip)


def check(wish: Wish) -> None:
    """Options that contradict each other end the command."""
    if len([caller for caller in (wish.caller, wish.app, wish.sip) if caller]) > 1:
        raise click.UsageError("who calls is one of --from, --app and --sip")
    if wish.outbound and wish.own:
        raise click.UsageError(
            "nobody dials a placed call: with --outbound, --to is who is called, and --from the "
            "number that is shown"
        )
    if wish.data and not wish.outbound:
        raise click.UsageError(
            "--data goes with --outbound: it is what a placed call hands to its flow"
        )
    if (wish.header or wish.redirected_from) and wish.outbound:
        raise click.UsageError("--header and --redirected-from are of a call that comes in")
    for name, text in map(header, wish.header):
        if fault := header_name_fault(name) or header_value_fault(text):
            raise click.UsageError(f"--header {name}={text}: {fault}")
    if wish.data and wish.custom:
        raise click.UsageError("--data is written into custom: give one of --data and --custom")


def given(wish: Wish, zone: str, placed: str) -> dict[str, Any]:
    """What a scenario would say of how this call begins."""
    said = {
        "caller": wish.caller or wish.app or wish.sip,
        "to": wish.to,
        "origin": ORIGINS[wish.kind] if wish.own else "",
        "redirected_from": wish.redirected_from,
        "headers": dict(map(header, wish.header)),
        "custom": wish.custom,
        "time": moment(wish.time, zone) if wish.time else "",
        "placed": placed,
        "data": dict(map(value, wish.data)),
    }
    return {name: item for name, item in said.items() if item}


def moment(text: str, zone: str) -> str:
    """A time as scenarios have it; only hours are those of an ordinary Monday."""
    if text == "now":
        return datetime.now(load_zone(zone)).strftime("%Y-%m-%d %H:%M:%S")
    whole = f"{TIME.split()[0]} {text.zfill(5)}" if ":" in text and "-" not in text else text
    if not is_time(whole) or " " not in whole:
        raise click.UsageError(f"--at {text} is no time: write for example 23:00, {TIME} or now")
    return whole


def value(text: str) -> tuple[str, Any]:
    """A name and its value: JSON where it is some, else text.

    >>> value("amount=12.5"), value("name=Ms Lee")
    (('amount', 12.5), ('name', 'Ms Lee'))
    """
    name, equals, written = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--data {text} has no value: write for example --data name=Ann")
    try:
        return name, msgspec.json.decode(written)
    except msgspec.DecodeError:
        return name, written


def header(text: str) -> tuple[str, str]:
    """A call header and its value.

    >>> header("X-Tier=gold")
    ('X-Tier', 'gold')
    """
    name, equals, written = text.partition("=")
    if not equals:
        raise click.UsageError(f"--header {text} has no value: write for example X-Tier=gold")
    return name, written


def takes(release: Release, flow: str, data: Mapping[str, Any]) -> None:
    """A flow must take what it is handed: in a call it would do without what it does not know or
    cannot hold.
    """
    inputs = {variable.name: variable for variable in release.programs[flow].signature.inputs}
    for name, handed in data.items():
        if name not in inputs:
            hint = suggest(name, inputs) or (
                f"it has {', '.join(inputs)}" if inputs else "it has none"
            )
            raise click.UsageError(f"--data {name}: the flow {flow} has no such input; {hint}")
        try:
            held(handed, inputs[name])
        except EvalError as error:
            raise click.UsageError(f"--data {name}: {error.message}") from error


def flow_of(release: Release, wish: Wish) -> str:
    """The flow that is called: the one that is named, or whatever the routes say; by default the
    first. There must be one.
    """
    if wish.flow and wish.flow not in release.programs:
        hint = suggest(wish.flow, release.programs) or f"there are {', '.join(release.programs)}"
        raise click.UsageError(f"there is no flow {wish.flow}; {hint}")
    if wish.flow:
        return wish.flow
    if wish.to and not wish.outbound:
        found = release.route(wish.to, target_of(wish.to, wish.kind), ORIGINS[wish.kind], "")
        if not found:
            raise click.ClickException(
                f"no route leads a call to {wish.to} anywhere; name a flow with --flow"
            )
        return found
    origin = "server" if wish.outbound else ORIGINS[wish.kind] if wish.own else ""
    fitting = [route for route in release.routes if not origin or route.origin in ("", origin)]
    first = min(
        fitting, key=lambda route: route.origin != origin, default=None
    )  # of those that are alike, the first
    found = (first.flow if first else "") or (
        next(iter(release.programs)) if len(release.programs) == 1 else ""
    )
    if not found:
        raise click.UsageError(
            f"say which flow with --flow: there are {', '.join(release.programs)}"
        )
    return found


def placed(release: Release, flow: str) -> str:
    """The kind of callout that this flow is for."""
    return "tts" if release.programs[flow].answered else "custom"


def reaches(release: Release, flow: str, given: Given) -> None:
    """Such a call must come to the flow."""
    if fault := leads_to(release, flow, given, Given()):
        raise click.ClickException(
            f"{fault}; say what is dialled with --to, and by whom with --app or --sip"
        )


def outside(wish: Wish, application: str) -> Opening:
    """A call to a backend of which nothing is known."""
    said = Given(**given(wish, "UTC", "custom" if wish.outbound else ""))
    if wish.outbound:
        plain = wish.custom or (msgspec.json.encode(said.data).decode() if said.data else "")
        request = dict(callout("", msgspec.structs.replace(said, custom=plain or "-")))
        request["customCallout"] = {**request["customCallout"], "custom": plain}
        return Opening("", wish.to or DIALLED[0], "phone", "", application, callout=request)
    to = wish.to or CALLED[wish.kind]
    return Opening(
        said.caller or CALLERS[wish.kind],
        to,
        wish.kind,
        target_of(to, wish.kind),
        application,
        wish.custom,
        tuple(CallHeader(name, text) for name, text in map(header, wish.header)),
        wish.redirected_from,
    )


@contextmanager
def over_http(url: str, key: str, secret: str, begin: datetime) -> Iterator[Conversation]:
    """A conversation with the backend at this URL, in virtual time, but signed in the time of the
    backend and with an id of its own.
    """
    clock, transport = VirtualClock(begin), Blocking()
    try:
        yield Conversation(
            exchange(
                clock, Stamped(transport, {key: secret}), url, key, None, randbits(64), secret
            ),
            clock,
        )
    finally:
        transport.close()


def begins(text: str) -> datetime:
    """When a call to a URL begins: now, unless it is said."""
    return datetime.fromisoformat(moment(text or "now", "UTC")).replace(tzinfo=UTC)
