"""The setup of a switch before any call: applications, numbers, app users, parties, prices."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class SwitchApplication(msgspec.Struct, frozen=True):
    """One application of the platform. The secret is base64; without `primary` it has no backend,
    and nothing is asked.
    """

    key: str
    secret: str
    primary: str = ""
    fallback: str = ""
    credit: float | None = None
    """What is left to call with, in the currency of the rates; None is as much as it takes"""


class Number(msgspec.Struct, frozen=True):
    """A number that callers dial to reach an application; `application` is its key, "" while it is
    not assigned.
    """

    number: str
    application: str = ""
    capability: str = "voice"


class Act(msgspec.Struct, frozen=True):
    """One thing that a party does, `after` so many seconds, counted from the act before (the first
    from the answer; of a caller, from its dialling).

    `until` makes it wait first: for a menu that asks ("asked"), or for words that are heard (a
    regular expression).
    """

    do: Literal["press", "say", "wait", "hang up"]
    value: str = ""
    after: float = 0.0
    until: str = ""


class Behaviour(msgspec.Struct, frozen=True):
    """What the called party does. `by hand` rings until somebody answers, declines or gives up for
    it.
    """

    does: Literal["answer", "busy", "no answer", "decline", "congestion", "unknown", "by hand"] = (
        "answer"
    )
    after: float = 3.0
    """Seconds until it answers, is found busy or declines"""
    who: Literal["human", "machine", "notsure"] = "human"
    """What detection finds at the other end"""
    beep_after: float = 8.0
    """Seconds from the answer to the beep of a machine"""
    acts: tuple[Act, ...] = ()
    hangs_up_at: str = ""
    """A regular expression: whatever else it does, it hangs up when it hears such words or keys"""


class Rate(msgspec.Struct, frozen=True):
    """The price of a minute to numbers that begin with `prefix` ("" for all others)."""

    prefix: str
    amount: float
    currency: str = "EUR"


class SwitchSetup(msgspec.Struct, frozen=True):
    """Everything that a switch is configured with."""

    applications: tuple[SwitchApplication, ...] = ()
    numbers: tuple[Number, ...] = ()
    users: Mapping[str, str] = msgspec.field(default_factory=dict)
    """App users and the key of the application that each has signed in to"""
    parties: Mapping[str, Behaviour] = msgspec.field(default_factory=dict)
    """Who is reached at an address: "+46…", an app user, user@host or wss://…; the longest key that an address begins with counts"""
    rates: tuple[Rate, ...] = (Rate("", 0.01),)
    region: str = "euc1"
    api_url: str = "http://127.0.0.1:8071"
    """Where the APIs of this switch are found: the base of `callResourceUrl`"""
