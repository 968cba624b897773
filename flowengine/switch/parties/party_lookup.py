"""Finds the party at an address."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from flowengine.switch.switch_setup import Act, Behaviour

PartyKind = Literal["phone", "app", "sip", "stream"]
TEST_NUMBER_PROMPT: Final = "This is a test number."
_PROMPT_SECONDS = 3.0
_BRIDGE_SECONDS = 1.0
"""Nobody hears what is said before the backend has let both ends together"""
_TEST_NUMBER = re.compile(r"\+460{5,}([0-9]{1,3})")


def _build_speaker(times: int, *, until: str = "") -> Behaviour:
    pauses = (_BRIDGE_SECONDS, *(_PROMPT_SECONDS for _ in range(times - 1)))
    acts = tuple(Act("say", TEST_NUMBER_PROMPT, pause) for pause in pauses)
    return Behaviour(
        after=7.5, acts=(*acts, Act("hang up", after=_PROMPT_SECONDS)), hangs_up_at=until
    )


_TEST_NUMBERS: Mapping[int, Behaviour] = {
    0: _build_speaker(1),
    **{times: _build_speaker(times) for times in range(2, 10)},
    10: Behaviour(after=7.5, acts=(Act("hang up", after=120.0),)),
    20: _build_speaker(10, until="^0$"),
    30: Behaviour("decline", after=0.0),
    31: Behaviour("decline", after=7.5),
    40: Behaviour("no answer"),
    50: Behaviour("congestion", after=0.0),
    51: Behaviour("congestion", after=7.5),
}
"""The platform's own test numbers, by the digits that they end with"""
_ANSWERING_PARTY: Final = Behaviour()
_IMMEDIATE_PARTY: Final = Behaviour(after=0.0)
_UNKNOWN_USER: Final = Behaviour("unknown", after=0.0)


def find_behaviour(
    address: str, kind: PartyKind, parties: Mapping[str, Behaviour], users: Mapping[str, str]
) -> Behaviour:
    """The behaviour of the called party: as configured, else that of the test number, else
    answering. An unknown user's name has no party.
    """
    # by prefix, so that one entry can stand for many numbers
    told = [beginning for beginning in parties if address.startswith(beginning)]
    if told:
        return parties[max(told, key=len)]
    if kind == "app":
        return _ANSWERING_PARTY if address in users else _UNKNOWN_USER
    if kind == "stream":
        return _IMMEDIATE_PARTY
    match = _TEST_NUMBER.fullmatch(address)
    return _TEST_NUMBERS.get(int(match[1]), _ANSWERING_PARTY) if match else _ANSWERING_PARTY
