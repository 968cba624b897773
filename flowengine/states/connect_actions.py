"""Connections on the wire: from authored options to the platform's connect actions."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from flowengine.expr import Template, to_ascii_digits
from flowengine.limits import MAX_HEADERS_BYTES, MAX_USER_NAME
from flowengine.problems import in_cure
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_options import DEFAULT_KEYS_TIMEOUT, Connect
from flowengine.states.field_types import DIALLED_TARGET, parse_millis, parse_seconds
from flowengine.states.room_plan import check_room_name
from flowengine.states.state_results import ActionToSend
from flowengine.states.step_context import StepContext
from flowengine.svaml import (
    NUMBER_PATTERN,
    SIP_PATTERN,
    WEBSOCKET_PATTERN,
    Action,
    AmdOptions,
    CallHeader,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    StreamingOptions,
    encode_fragment,
    to_sip_destination,
    to_stream_destination,
    to_user_destination,
)
from flowengine.svaml.header_format import count_header_bytes

CallHeaders = tuple[CallHeader, ...]
ActionFactory = Callable[[Mapping[str, str], CallHeaders, str], Action]
CONTROL_CHARACTERS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")


@dataclass(frozen=True, slots=True)
class PreparedAction:
    """A connect action; encoded once per locale where nothing else depends on the call."""

    make: ActionFactory
    texts: Mapping[str, Template]
    headers: Mapping[str, Template]
    constant: bool
    encoded_actions: dict[str, ActionToSend] = field(
        default_factory=dict, compare=False, repr=False
    )

    def get_action(self, run: StepContext) -> ActionToSend:
        """The action for this call. Raises EvalError, and ValueError for a target that the platform
        could not dial.
        """
        if not self.constant:
            return self.build_action(run.names, run.locale, run.notes)
        if run.locale not in self.encoded_actions:
            # the locale is the only part of a constant action that a call decides
            self.encoded_actions[run.locale] = encode_fragment(
                self.build_action(run.names, run.locale)
            )
        return self.encoded_actions[run.locale]

    def build_action(
        self, names: Mapping[str, Any], locale: str, notes: list[str] | None = None
    ) -> Action:
        texts = {name: template.render(names) for name, template in self.texts.items()}
        if notes is not None:
            notes.extend(explain_omissions(texts))
        return self.make(texts, render_headers(self.headers, names), locale)


def render_headers(headers: Mapping[str, Template], names: Mapping[str, Any]) -> CallHeaders:
    """The headers for a leg. Values of a caller cannot begin another header. Raises ValueError
    where they are too long together.
    """
    found = tuple(
        CallHeader(key=key, value=to_one_line(template.render(names)))
        for key, template in headers.items()
    )
    size = count_header_bytes((header.key, header.value) for header in found)
    if size > MAX_HEADERS_BYTES:
        raise ValueError(f"call headers of {size} bytes; the platform takes {MAX_HEADERS_BYTES}")
    return found


def to_one_line(text: str) -> str:
    """The text without line breaks and characters that are not printable."""
    return "".join(
        letter if letter.isprintable() else " " for letter in text.translate(CONTROL_CHARACTERS)
    )


def format_caller_id(texts: Mapping[str, str]) -> str:
    """The number to show, or nothing where it is not valid: the call matters more than the number."""
    shown = normalize_number(texts.get("caller_id", ""))
    return shown if shown == "private" or NUMBER_PATTERN.fullmatch(shown) else ""


def normalize_number(text: str) -> str:
    """A number without blanks, in ASCII digits; a lookup may return any kind of both."""
    if text.isascii():
        return text.replace(" ", "")
    return "".join(one for one in to_ascii_digits(text) if unicodedata.category(one) != "Zs")


def explain_omissions(texts: Mapping[str, str]) -> Iterator[str]:
    """What of a connection is left out, for the trace. No value is repeated, as it may be a
    caller's.
    """
    if texts.get("caller_id") and not format_caller_id(texts):
        yield "cut: caller_id is no phone number, so none is shown"
    keys = texts.get("dtmf", "")
    if len(filter_dtmf(keys)) < len(keys):
        yield "cut: dtmf has keys that the platform cannot send"


def filter_dtmf(text: str) -> str:
    """The tones that the platform can send: 0-9, # and w (half a second)."""
    return "".join(key for key in to_ascii_digits(text) if key in "0123456789#w")


def prepare_action(
    builder: StateBuilder,
    path: KeyPath,
    connect: Connect,
    target: str,
    texts: Mapping[str, Template],
    headers: Mapping[str, Template],
) -> PreparedAction | None:
    constant = all(
        template.constant is not None for template in (*texts.values(), *headers.values())
    )
    made = PreparedAction(ACTION_FACTORIES[target](connect), texts, headers, constant)
    try:
        # what no call can change is tried now, so that the author sees what the platform would
        # refuse
        if constant:
            made.build_action({}, builder.context.locale)
    except ValueError as error:
        hint = TARGET_HINTS[target]
        if target == "phone" and "@" in (address := str(connect.phone)):
            hint = f"write connect: {{sip: {in_cure(address.removeprefix('sip:'))}}}"
        builder.add_problem("FE415", (*path, target), str(error), hint)
        return None
    return made


TARGET_HINTS = {
    "phone": 'write + and the country code, in quotes: "+14045009000"',
    "sip": "write user@host, without sip:",
    "app": "write the name of an app user",
    "conference": "choose another room name",
    "stream": "write an address that starts with wss://",
}


def to_optional_text(value: Any) -> Any:
    return "" if value is UNSET else value


def to_optional_seconds(authored: Any) -> int | None:
    return parse_seconds(authored) if isinstance(authored, str) else None


def create_phone_factory(connect: Connect) -> ActionFactory:
    amd = any(
        getattr(connect, name) is not UNSET for name in ("person", "machine", "unsure", "beep")
    )

    def make(texts: Mapping[str, str], _headers: CallHeaders, locale: str) -> Action:
        return ConnectPstn(
            number=""
            if texts["phone"] == DIALLED_TARGET
            else require_match(
                NUMBER_PATTERN, normalize_number(texts["phone"]), "is no phone number"
            ),
            cli=format_caller_id(texts),
            dial_timeout=to_optional_seconds(connect.ring),
            max_duration=to_optional_seconds(connect.limit),
            dtmf=filter_dtmf(texts.get("dtmf", "")),
            indications=to_optional_text(connect.indications),
            suppress_callbacks=connect.silent,
            locale=locale,
            amd=AmdOptions(enabled=True, asynchronous=connect.detect == "async") if amd else None,
        )

    return make


def create_sip_factory(connect: Connect) -> ActionFactory:
    def make(texts: Mapping[str, str], headers: CallHeaders, _locale: str) -> Action:
        return ConnectSip(
            destination=to_sip_destination(
                require_match(SIP_PATTERN, texts["sip"].removeprefix("sip:"), "is no SIP address")
            ),
            cli=format_caller_id(texts),
            max_duration=to_optional_seconds(connect.limit),
            # as in OpenAPI; the platform takes any case (platform notes, 1.2)
            transport=connect.transport.upper() if isinstance(connect.transport, str) else "",
            suppress_callbacks=connect.silent,
            call_headers=headers,
            moh=to_optional_text(connect.music),
        )

    return make


def create_app_factory(_connect: Connect) -> ActionFactory:
    def make(texts: Mapping[str, str], headers: CallHeaders, _locale: str) -> Action:
        user = texts["app"]
        if not 1 <= len(user) <= MAX_USER_NAME:
            raise ValueError(f"the name of an app user has 1 to {MAX_USER_NAME} characters")
        return ConnectMxp(
            destination=None if user == DIALLED_TARGET else to_user_destination(user),
            call_headers=headers,
        )

    return make


def create_conference_factory(connect: Connect) -> ActionFactory:
    options = None
    if connect.keys is not UNSET:
        keys = connect.keys
        options = ConferenceDtmfOptions(
            mode=keys.mode or "detect",
            max_digits=keys.max or 1,
            timeout_mills=parse_millis(keys.timeout or DEFAULT_KEYS_TIMEOUT),
        )
    # alone they hear the music for those who wait, too: it goes on when the next one comes
    music = to_optional_text(connect.music) or to_optional_text(connect.wait)

    def make(texts: Mapping[str, str], _headers: CallHeaders, _locale: str) -> Action:
        room = texts["conference"]
        check_room_name(room)
        return ConnectConf(conference_id=room, conference_dtmf_options=options, moh=music)

    return make


def create_stream_factory(connect: Connect) -> ActionFactory:
    streaming = connect.version is not UNSET or connect.sample_rate is not UNSET
    options = (
        # where one is given, the other is sent as the platform's pages show it (platform notes,
        # 1.2)
        StreamingOptions(version=connect.version or 1, sample_rate=connect.sample_rate or 44_100)
        if streaming
        else None
    )

    def make(texts: Mapping[str, str], headers: CallHeaders, _locale: str) -> Action:
        return ConnectStream(
            destination=to_stream_destination(
                require_match(WEBSOCKET_PATTERN, texts["stream"], "is no wss:// address")
            ),
            streaming_options=options,
            max_duration=to_optional_seconds(connect.limit),
            call_headers=headers,
        )

    return make


def require_match(pattern: re.Pattern[str], text: str, complaint: str) -> str:
    """The text where it matches the form. Raises ValueError, whose message never repeats a number,
    as it may be a caller's.
    """
    if not pattern.fullmatch(text):
        raise ValueError(f"this {complaint}")
    return text


ACTION_FACTORIES: Mapping[str, Callable[[Connect], ActionFactory]] = {
    "phone": create_phone_factory,
    "sip": create_sip_factory,
    "app": create_app_factory,
    "conference": create_conference_factory,
    "stream": create_stream_factory,
}
