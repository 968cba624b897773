"""Requests for calls that the platform places."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec
from msgspec.structs import force_setattr

from flowengine.sinch.callback_events import CallTarget
from flowengine.sinch.client.number_redaction import RedactedStruct

SvamlInput = bytes | str | Mapping[str, Any]
"""An answer as JSON, or as the plain object that it is written from"""


def to_svaml_text(svaml: SvamlInput) -> str:
    """As text"""
    if isinstance(svaml, str):
        return svaml
    return svaml.decode() if isinstance(svaml, bytes) else msgspec.json.encode(svaml).decode()


class ConferenceDtmf(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What happens to the keys that a member of a conference presses; `detect` has them sent to the
    application.
    """

    mode: Literal["ignore", "forward", "detect"] = "ignore"
    max_digits: int = 1
    timeout_mills: int = 3000


class _Callout(RedactedStruct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    method: ClassVar[str]
    cli: str = ""
    """The number shown to who is called; one of the application's own. A `TtsCallout` without one is accepted, and reaches nobody"""
    dtmf: str = ""
    """Keys to press when it is answered: digits, #, and w for half a second's wait"""
    custom: str = ""
    """Comes back with each callback of the call; at most 1024 bytes"""
    enable_ace: bool = False
    enable_pie: bool = False
    enable_dice: bool = False


class TtsCallout(_Callout, frozen=True, kw_only=True):
    """Calls somebody, says a text and hangs up. `prompts` are parts such as
    `#tts[Hello];https://example.com/a.mp3`.
    """

    method = "ttsCallout"
    destination: CallTarget
    text: str = ""
    prompts: str = ""
    locale: str = ""
    domain: Literal["", "pstn", "mxp"] = ""


class ConferenceCallout(_Callout, frozen=True, kw_only=True):
    """Calls somebody into a conference, which begins with its first member."""

    method = "conferenceCallout"
    destination: CallTarget
    conference_id: str
    greeting: str = ""
    moh_class: Literal["", "ring", "music1", "music2", "music3"] = ""
    conference_dtmf_options: ConferenceDtmf | None = None
    locale: str = ""
    max_duration: int = 0
    domain: Literal["", "pstn", "mxp"] = ""


class CustomCallout(_Callout, frozen=True, kw_only=True):
    """A call that SVAML describes: `ice` connects it, `ace` goes on when it is answered, `pie` when
    a menu was left.

    Each is SVAML, or the URL to ask for it; without, the application's own callback URL is asked.
    `dice` is a URL.
    """

    method = "customCallout"
    destination: CallTarget | None = None
    ice: SvamlInput = ""
    ace: SvamlInput = ""
    pie: SvamlInput = ""
    dice: SvamlInput = ""
    max_duration: int = 0

    def __post_init__(self) -> None:
        for event in ("ice", "ace", "pie", "dice"):
            force_setattr(self, event, to_svaml_text(getattr(self, event)))


Callout = TtsCallout | ConferenceCallout | CustomCallout


def encode_callout(callout: Callout | Mapping[str, Any]) -> bytes:
    """As it is sent; a mapping is the whole request already"""
    if isinstance(callout, Mapping):
        return msgspec.json.encode(callout)
    return msgspec.json.encode({"method": callout.method, callout.method: callout})
