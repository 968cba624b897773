"""Rows of legs: the calls of a ring to its members. Each names the call of its caller.

The name stands beside the fields of the event, where readers of before do not look.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from flowengine.runtime.leg_token import LegToken


class JournalLeg(msgspec.Struct, frozen=True):
    """Which leg a call is: the call of its caller, and its number among the legs of that."""

    caller: str
    number: int


class _OwnPart(msgspec.Struct, frozen=True):
    leg: JournalLeg | None = None


_decode_own = msgspec.json.Decoder(_OwnPart).decode
_to_json = msgspec.json.Encoder().encode


def add_leg(own: Mapping[str, Any], token: LegToken) -> Mapping[str, Any]:
    """What of an event is its caller's own, with the leg."""
    return {**own, "leg": JournalLeg(token.orchestration, token.attempt)}


def parse_leg(own: str | None) -> JournalLeg | None:
    """The leg in this part of a row; None for all other calls."""
    return _decode_own(own).leg if own and '"leg":' in own else None


def format_leg_mark(caller: str) -> str:
    """The text that the rows of all legs of a caller contain, and no others."""
    return f'"leg":{{"caller":{_to_json(caller).decode()},'
