"""SVAML actions as frozen values; an action's tag is its name on the wire, defaults stay off the
wire.
"""

from __future__ import annotations

from typing import Literal

import msgspec

MAIN_MENU = "main"
"""The menu that always plays first, whatever else a description says"""


class ActionPart(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A value inside an action"""


class Action(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="name"):
    """The one thing that an answer does with the call, after its instructions"""


class Destination(ActionPart, frozen=True):
    type: Literal["username", "sip", "Websocket"]
    endpoint: str


def to_user_destination(name: str) -> Destination:
    return Destination("username", name)


def to_sip_destination(address: str) -> Destination:
    """`user@host[:port]`; the platform wants the address without its scheme"""
    return Destination("sip", address.removeprefix("sip:"))


def to_stream_destination(url: str) -> Destination:
    return Destination("Websocket", url)


class CallHeader(ActionPart, frozen=True):
    key: str
    value: str


class AmdOptions(ActionPart, frozen=True):
    enabled: bool
    asynchronous: bool = msgspec.field(default=False, name="async")


class ConferenceDtmfOptions(ActionPart, frozen=True):
    mode: Literal["ignore", "forward", "detect"]
    max_digits: int = 1
    timeout_mills: int = 3000


class StreamingOptions(ActionPart, frozen=True):
    version: int
    sample_rate: int


class MenuOption(ActionPart, frozen=True):
    """A key of a menu; `action` is `return(value)` or `menu(id)`"""

    dtmf: str
    action: str


class Menu(ActionPart, frozen=True):
    id: str
    main_prompt: str = ""
    repeat_prompt: str = ""
    repeats: int | None = None
    max_digits: int | None = None
    timeout_mills: int = 5000
    max_timeout_mills: int = 20000
    options: tuple[MenuOption, ...] = ()


class Hangup(Action, frozen=True, tag="hangup"):
    pass


class Continue(Action, frozen=True, tag="continue"):
    pass


class ConnectPstn(Action, frozen=True, tag="connectPstn"):
    number: str = ""
    locale: str = ""
    max_duration: int | None = None
    dial_timeout: int | None = None
    cli: str = ""
    suppress_callbacks: bool = False
    dtmf: str = ""
    indications: str = ""
    amd: AmdOptions | None = None


class ConnectMxp(Action, frozen=True, tag="connectMxp"):
    destination: Destination | None = None
    call_headers: tuple[CallHeader, ...] = ()


class ConnectConf(Action, frozen=True, tag="connectConf"):
    conference_id: str
    conference_dtmf_options: ConferenceDtmfOptions | None = None
    moh: str = ""


class ConnectSip(Action, frozen=True, tag="connectSip"):
    destination: Destination
    max_duration: int | None = None
    cli: str = ""
    transport: str = ""
    suppress_callbacks: bool = False
    call_headers: tuple[CallHeader, ...] = ()
    moh: str = ""


class ConnectStream(Action, frozen=True, tag="connectStream"):
    destination: Destination
    streaming_options: StreamingOptions | None = None
    max_duration: int | None = None
    call_headers: tuple[CallHeader, ...] = ()


class RunMenu(Action, frozen=True, tag="runMenu"):
    menus: tuple[Menu, ...]
    barge: bool = True
    locale: str = ""
    # a default made by a function goes onto the wire: descriptions differ on what an absent
    # mainMenu means
    main_menu: str = msgspec.field(default_factory=lambda: MAIN_MENU)
    enable_voice: bool = False


class Park(Action, frozen=True, tag="park"):
    locale: str = ""
    intro_prompt: str = ""
    hold_prompt: str = ""
    max_duration: int | None = None


AnyAction = (
    Hangup
    | Continue
    | ConnectPstn
    | ConnectMxp
    | ConnectConf
    | ConnectSip
    | ConnectStream
    | RunMenu
    | Park
)
