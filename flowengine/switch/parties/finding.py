"""Who is reached at an address."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from flowengine.switch.world import Act, Behaviour

Kind = Literal["phone", "app", "sip", "stream"]
PROMPT: Final = "This is a test number."
_PROMPT_SECONDS = 3.0
_BREATH = 1.0
"""Nobody hears what is said before the backend has let both ends together"""
_TEST_NUMBER = re.compile(r"\+460{5,}([0-9]{1,3})")


def _speaks(times: int, *, until: str = "") -> Behaviour:
    pauses = (_BREATH, *(_PROMPT_SECONDS for _ in range(times - 1)))
    acts = tuple(Act("say", PROMPT, pause) for pause in pauses)
    return Behaviour(
        after=7.5, acts=(*acts, Act("hang up", after=_PROMPT_SECONDS)), hangs_up_at=until
    )


_TEST_NUMBERS: Mapping[int, Behaviour] = {
    0: _speaks(1),
    **{times: _speaks(times) for times in range(2, 10)},
    10: Behaviour(after=7.5, acts=(Act("hang up", after=120.0),)),
    20: _speaks(10, until="^0$"),
    30: Behaviour("decline", after=0.0),
    31: Behaviour("decline", after=7.5),
    40: Behaviour("no answer"),
    50: Behaviour("congestion", after=0.0),
    51: Behaviour("congestion", after=7.5),
}
"""The platform's own test numbers, by the digits that they end with"""
_ANSWERS: Final = Behaviour()
_ANSWERS_AT_ONCE: Final = Behaviour(after=0.0)
_NOBODY: Final = Behaviour("unknown", after=0.0)


def found(
    address: str, kind: Kind, parties: Mapping[str, Behaviour], users: Mapping[str, str]
) -> Behaviour:
    """What whoever is called does: as told, else as the test number does, else it answers; nobody
    is behind an unknown user's name.
    """
    told = [beginning for beginning in parties if address.startswith(beginning)]
    if told:
        return parties[max(told, key=len)]
    if kind == "app":
        return _ANSWERS if address in users else _NOBODY
    if kind == "stream":
        return _ANSWERS_AT_ONCE
    match = _TEST_NUMBER.fullmatch(address)
    return _TEST_NUMBERS.get(int(match[1]), _ANSWERS) if match else _ANSWERS
