"""How calls end: the result and the reason that DiCE and call records tell."""

from typing import Final, Literal, NamedTuple

Refusal = Literal["busy", "decline", "congestion", "no answer", "unknown", "elsewhere"]
"""Why somebody who is called does not answer; `elsewhere`: on another device of the same user"""


class Ending(NamedTuple):
    """`info` is what the Calling API tells as the reason, where that differs."""

    result: str
    reason: str
    info: str = ""


CALLER_HUNG_UP: Final = Ending("ANSWERED", "CALLERHANGUP")
CALLEE_HUNG_UP: Final = Ending("ANSWERED", "CALLEEHANGUP")
MANAGED: Final = Ending("ANSWERED", "MANAGERHANGUP")
NEVER_CONNECTED: Final = Ending("FAILED", "MANAGERHANGUP")
TOO_LONG: Final = Ending("ANSWERED", "TIMEOUT")
CREDIT_USED_UP: Final = Ending("ANSWERED", "NOCREDITPARTNER")
NO_CREDIT: Final = Ending("FAILED", "NOCREDITPARTNER")
NO_ROUTE: Final = Ending("FAILED", "CONGESTION")
BACKEND_FAILED: Final = Ending("FAILED", "CALLBACKERROR")
ILLEGAL_SVAML: Final = Ending("FAILED", "GENERALERROR", "INVALIDSVAMLACTION")

_REFUSED: Final = {
    "busy": Ending("BUSY", "N/A"),
    "decline": Ending("FAILED", "BLOCKED"),
    "congestion": NO_ROUTE,
    "no answer": Ending("NOANSWER", "TIMEOUT"),
    "unknown": NO_ROUTE,
    "elsewhere": Ending("N/A", "OTHERPEERANSWERED"),
}
_REFUSED_BY_APP: Final = _REFUSED | {
    "no answer": Ending("BUSY", "N/A"),
    "unknown": Ending("FAILED", "USERNOTFOUND"),
}


def refused(why: Refusal, kind: str) -> Ending:
    """How a call ends that a phone, an app, a SIP end or a stream did not take."""
    return (_REFUSED_BY_APP if kind == "app" else _REFUSED)[why]
