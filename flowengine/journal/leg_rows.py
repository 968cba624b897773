"""Rows of legs: the calls of a ring to its members, and those that are placed into flows. Each names the
call of its caller, or its placement.

The name stands beside the fields of the event, where readers of before do not look.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from flowengine.runtime.leg_token import LegToken
from flowengine.states.place_plan import PLACEMENT_ID_PREFIX


class JournalLeg(msgspec.Struct, frozen=True):
    """Which leg a call is: the call of its caller, and its number among the legs of that. In place
    of the caller a call that was placed into a flow has its placement.
    """

    caller: str
    number: int

    @property
    def is_placed(self) -> bool:
        """Whether it is a call of a placement."""
        return self.caller.startswith(PLACEMENT_ID_PREFIX)

    def describe(self) -> str:
        """Which call it is, in words."""
        if self.is_placed:
            return f"call {self.number} of placement {self.caller}"
        return f"leg {self.number} of call {self.caller}"


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
