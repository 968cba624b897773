"""Callbacks as frozen values: one struct per event, whatever spelling it came in.

`Pairs` arrives as `[{"key": ..., "value": ...}]` or as an object, and is a plain dict when a struct
is made.

No class of an event has subclasses. So what answers callbacks asks `type(event) is Dice`: where the
answer is no, `isinstance` takes ten times as long for a class of msgspec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, final

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from flowengine.limits import MAX_CALL_ID
from flowengine.sinch.vocabulary import fold_word

MAX_DURATION_SECONDS = (
    2**31 - 1
)  # sixty years: expressions and databases hold no integer of any size


class Pair(msgspec.Struct, frozen=True):
    key: str
    value: str


if TYPE_CHECKING:
    Pairs = dict[str, str]
else:
    Pairs = dict[str, str] | list[Pair]


# Each callback is checked for fields that must change, and hardly any has one: so the checks stand in
# the classes, and cost no calls.


def _set_dict(event: msgspec.Struct, name: str) -> None:
    force_setattr(event, name, {pair.key: pair.value for pair in getattr(event, name)})


class CallTarget(msgspec.Struct, frozen=True):
    """What was dialled: `type` is did, number, username, sip, conference or email"""

    type: str = ""
    endpoint: str = ""

    def __post_init__(self) -> None:
        if self.type != (lower := self.type.lower()):
            force_setattr(self, "type", lower)


class Money(msgspec.Struct, frozen=True, rename="camel"):
    currency_id: str = ""
    amount: float = 0.0


class AmdResult(msgspec.Struct, frozen=True):
    """The result of machine detection: machine, human, notsure, hangup or inprogress, and the
    platform's reason
    """

    status: str = ""
    reason: str = ""
    duration: float = 0

    def __post_init__(self) -> None:
        if self.status != (lower := self.status.lower()):
            force_setattr(self, "status", lower)
        if self.reason != (lower := self.reason.lower()):
            force_setattr(self, "reason", lower)


class MenuResult(msgspec.Struct, frozen=True, rename="camel"):
    menu_id: str = ""
    type: str = ""
    value: str = ""
    input_method: str = ""

    def __post_init__(self) -> None:
        if self.type != (lower := self.type.lower()):
            force_setattr(self, "type", lower)
        if self.input_method != (lower := self.input_method.lower()):
            force_setattr(self, "input_method", lower)


class CallbackFields(msgspec.Struct, frozen=True, rename="camel", kw_only=True, tag_field="event"):
    kind: ClassVar[str] = ""  # the name of the callback, as the platform writes it
    answered_as: ClassVar[str] = ""  # the callback whose answer may hold the same as this one's
    is_awaited: ClassVar[bool] = True  # whether the answer may have SVAML that the platform obeys
    # what the decoder refuses here is read again, by a slower way that says why
    call_id: Annotated[str, Meta(min_length=1, max_length=MAX_CALL_ID)] = msgspec.field(
        name="callid"
    )
    timestamp: str = ""
    version: int = 1
    application_key: str = ""
    custom: str = ""
    conference_id: str = ""
    user: str = ""
    cookies: Pairs = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.cookies) is not dict:
            _set_dict(self, "cookies")


@final
class Ice(CallbackFields, frozen=True, tag="ice"):
    kind: ClassVar[str] = "ice"
    answered_as: ClassVar[str] = "ice"
    cli: str = ""
    to: CallTarget = CallTarget()
    domain: str = ""
    origination_type: str = ""
    rdnis: str = ""
    call_headers: Pairs = msgspec.field(default_factory=dict)
    call_resource_url: str = ""
    duration: int = 0
    user_rate: Money | None = None

    def __post_init__(self) -> None:
        if type(self.cookies) is not dict:
            _set_dict(self, "cookies")
        if type(self.call_headers) is not dict:
            _set_dict(self, "call_headers")
        if self.domain != (lower := self.domain.lower()):
            force_setattr(self, "domain", lower)
        # upper case on the wire, while domain is lower case (platform notes, 2.1)
        if not self.origination_type.isupper():
            force_setattr(self, "origination_type", self.origination_type.upper())

    @property
    def origin(self) -> str:
        """Where the call comes from: `pstn`, `mxp`, `sip`, `server`, or a word to come. The domain
        is that of the other end; it counts only where nothing else is said.
        """
        return self.origination_type.lower() or ("mxp" if self.domain == "mxp" else "pstn")


@final
class Ace(CallbackFields, frozen=True, tag="ace"):
    kind: ClassVar[str] = "ace"
    answered_as: ClassVar[str] = "ace"
    amd: AmdResult | None = None


@final
class Pie(CallbackFields, frozen=True, tag="pie"):
    kind: ClassVar[str] = "pie"
    answered_as: ClassVar[str] = "pie"
    menu_result: MenuResult = MenuResult()

    @property
    def menu_id(self) -> str:
        return self.menu_result.menu_id

    @property
    def type(self) -> str:
        return self.menu_result.type

    @property
    def value(self) -> str:
        return self.menu_result.value

    @property
    def input_method(self) -> str:
        return self.menu_result.input_method


@final
class Dice(CallbackFields, frozen=True, tag="dice"):
    kind: ClassVar[str] = "dice"
    answered_as: ClassVar[str] = "dice"
    is_awaited: ClassVar[bool] = False
    result: str = ""
    reason: str = ""
    duration: int = 0
    debit: Money | None = None
    user_rate: Money | None = None
    from_: str = msgspec.field(default="", name="from")
    to: CallTarget = CallTarget()
    call_headers: Pairs = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.cookies) is not dict:
            _set_dict(self, "cookies")
        if type(self.call_headers) is not dict:
            _set_dict(self, "call_headers")
        if self.result != (word := fold_word(self.result)):
            # struct fields are frozen for all others
            force_setattr(self, "result", word)
        if self.reason != (word := fold_word(self.reason)):
            force_setattr(self, "reason", word)
        if not 0 <= self.duration <= MAX_DURATION_SECONDS:
            force_setattr(self, "duration", 0 if self.duration < 0 else MAX_DURATION_SECONDS)


@final
class Notify(CallbackFields, frozen=True, tag="notify"):
    kind: ClassVar[str] = "notify"
    answered_as: ClassVar[str] = "notify"
    is_awaited: ClassVar[bool] = False
    type: str = ""
    destination: str = ""
    amd: AmdResult | None = None
    error_code: int = 0
    error_msg: str = ""

    def __post_init__(self) -> None:
        if type(self.cookies) is not dict:
            _set_dict(self, "cookies")
        if self.type != (lower := self.type.lower()):
            force_setattr(self, "type", lower)


CallbackEvent = Ice | Ace | Pie | Dice | Notify
