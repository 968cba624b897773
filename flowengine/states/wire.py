"""Connections on the wire: from authored options to the platform's connect actions."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from flowengine.expr import Template, to_ascii_digits
from flowengine.limits import MAX_CONFERENCE_ID, MAX_HEADERS_BYTES, MAX_USER_NAME
from flowengine.source import Path
from flowengine.states.builder import Builder
from flowengine.states.fields import millis, seconds
from flowengine.states.move import Sent
from flowengine.states.run import Run
from flowengine.svaml import (
    NUMBER,
    SIP,
    WEBSOCKET,
    Action,
    Amd,
    CallHeader,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    StreamingOptions,
    fragment,
    to_sip,
    to_stream,
    to_user,
)
from flowengine.svaml.headers import headers_bytes

if TYPE_CHECKING:
    from flowengine.states.connect import Connect

Headers = tuple[CallHeader, ...]
Maker = Callable[[Mapping[str, str], Headers, str], Action]
DIALLED = "dialled"
CONTROL = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A connect action: encoded once per locale where nothing else depends on the call."""

    make: Maker
    texts: Mapping[str, Template]
    headers: Mapping[str, Template]
    constant: bool
    known: dict[str, Sent] = field(default_factory=dict, compare=False, repr=False)

    def action(self, run: Run) -> Sent:
        """The action for this call. Raises EvalError, or ValueError for a target that the platform
        could not dial.
        """
        if not self.constant:
            return self.made(run.names, run.locale, run.notes)
        if run.locale not in self.known:
            self.known[run.locale] = fragment(self.made(run.names, run.locale))
        return self.known[run.locale]

    def made(self, names: Mapping[str, Any], locale: str, notes: list[str] | None = None) -> Action:
        texts = {name: template.render(names) for name, template in self.texts.items()}
        if notes is not None:
            notes.extend(left_out(texts))
        return self.make(texts, header_list(self.headers, names), locale)


def header_list(headers: Mapping[str, Template], names: Mapping[str, Any]) -> Headers:
    """Headers for a leg. What a caller brings in cannot begin a header of its own. Raises
    ValueError for too much.
    """
    found = tuple(
        CallHeader(key=key, value=one_line(template.render(names)))
        for key, template in headers.items()
    )
    size = headers_bytes((header.key, header.value) for header in found)
    if size > MAX_HEADERS_BYTES:
        raise ValueError(f"call headers of {size} bytes; the platform takes {MAX_HEADERS_BYTES}")
    return found


def one_line(text: str) -> str:
    """Text without what could begin a new line, or is not printable."""
    return "".join(letter if letter.isprintable() else " " for letter in text.translate(CONTROL))


def caller_id(texts: Mapping[str, str]) -> str:
    """The number to show. What is none is left out: a wrong number must not lose the call."""
    shown = dialled_number(texts.get("caller_id", ""))
    return shown if shown == "private" or NUMBER.fullmatch(shown) else ""


def dialled_number(text: str) -> str:
    """A number without blanks; a lookup may have any kind of blank and digit in it."""
    if text.isascii():
        return text.replace(" ", "")
    return "".join(one for one in to_ascii_digits(text) if unicodedata.category(one) != "Zs")


def left_out(texts: Mapping[str, str]) -> Iterator[str]:
    """What of a connection the platform will not get. No value is told, as it may be a caller's."""
    if texts.get("caller_id") and not caller_id(texts):
        yield "cut: caller_id is no phone number, so none is shown"
    keys = texts.get("dtmf", "")
    if len(playable(keys)) < len(keys):
        yield "cut: dtmf has keys that the platform cannot send"


def playable(text: str) -> str:
    """Only what the platform can send as tones: 0-9, # and w (half a second)."""
    return "".join(key for key in to_ascii_digits(text) if key in "0123456789#w")


def prepared(
    builder: Builder,
    path: Path,
    connect: "Connect",
    target: str,
    texts: Mapping[str, Template],
    headers: Mapping[str, Template],
) -> Prepared | None:
    constant = all(
        template.constant is not None for template in (*texts.values(), *headers.values())
    )
    made = Prepared(MAKERS[target](connect), texts, headers, constant)
    try:
        if constant:
            made.made({}, builder.around.locale)
    except ValueError as error:
        builder.problem("FE415", (*path, target), str(error), CURES[target])
        return None
    return made


CURES = {
    "phone": "write + and the country code, in quotes or not: +14045009000",
    "sip": "write user@host, without sip:",
    "app": "write the name of an app user",
    "conference": "choose a shorter room name",
    "stream": "write an address that starts with wss://",
}


def optional(value: Any) -> Any:
    return "" if value is UNSET else value


def whole_seconds(authored: Any) -> int | None:
    return seconds(authored) if isinstance(authored, str) else None


def phone(connect: "Connect") -> Maker:
    amd = any(
        getattr(connect, name) is not UNSET for name in ("person", "machine", "unsure", "beep")
    )

    def make(texts: Mapping[str, str], _headers: Headers, locale: str) -> Action:
        return ConnectPstn(
            number=""
            if texts["phone"] == DIALLED
            else matched(NUMBER, dialled_number(texts["phone"]), "is no phone number"),
            cli=caller_id(texts),
            dial_timeout=whole_seconds(connect.ring),
            max_duration=whole_seconds(connect.limit),
            dtmf=playable(texts.get("dtmf", "")),
            indications=optional(connect.indications),
            suppress_callbacks=connect.silent,
            locale=locale,
            amd=Amd(enabled=True, asynchronous=connect.detect == "async") if amd else None,
        )

    return make


def sip(connect: "Connect") -> Maker:
    def make(texts: Mapping[str, str], headers: Headers, _locale: str) -> Action:
        return ConnectSip(
            destination=to_sip(
                matched(SIP, texts["sip"].removeprefix("sip:"), "is no SIP address")
            ),
            cli=caller_id(texts),
            max_duration=whole_seconds(connect.limit),
            transport=connect.transport.upper() if isinstance(connect.transport, str) else "",
            suppress_callbacks=connect.silent,
            call_headers=headers,
            moh=optional(connect.music),
        )

    return make


def app(_connect: "Connect") -> Maker:
    def make(texts: Mapping[str, str], headers: Headers, _locale: str) -> Action:
        user = texts["app"]
        if not 1 <= len(user) <= MAX_USER_NAME:
            raise ValueError(f"the name of an app user has 1 to {MAX_USER_NAME} characters")
        return ConnectMxp(
            destination=None if user == DIALLED else to_user(user), call_headers=headers
        )

    return make


def conference(connect: "Connect") -> Maker:
    keys = None if connect.keys is UNSET else connect.keys
    options = (
        ConferenceDtmfOptions(
            mode=keys.mode, max_digits=keys.max, timeout_mills=millis(keys.timeout)
        )
        if keys
        else None
    )

    def make(texts: Mapping[str, str], _headers: Headers, _locale: str) -> Action:
        room = texts["conference"]
        if not 1 <= len(room) <= MAX_CONFERENCE_ID:
            raise ValueError(f"a room name has 1 to {MAX_CONFERENCE_ID} characters")
        return ConnectConf(
            conference_id=room, conference_dtmf_options=options, moh=optional(connect.music)
        )

    return make


def stream(connect: "Connect") -> Maker:
    streaming = connect.version is not UNSET or connect.sample_rate is not UNSET
    options = (
        StreamingOptions(version=connect.version or 1, sample_rate=connect.sample_rate or 44_100)
        if streaming
        else None
    )

    def make(texts: Mapping[str, str], headers: Headers, _locale: str) -> Action:
        return ConnectStream(
            destination=to_stream(matched(WEBSOCKET, texts["stream"], "is no wss:// address")),
            streaming_options=options,
            max_duration=whole_seconds(connect.limit),
            call_headers=headers,
        )

    return make


def matched(pattern: re.Pattern[str], text: str, complaint: str) -> str:
    """The text where it has the form. The complaint never repeats a number, as it may be a
    caller's.
    """
    if not pattern.fullmatch(text):
        raise ValueError(f"this {complaint}")
    return text


MAKERS: Mapping[str, Callable[["Connect"], Maker]] = {
    "phone": phone,
    "sip": sip,
    "app": app,
    "conference": conference,
    "stream": stream,
}
