"""Endings of calls: the result and reason in DiCE and call records."""

from typing import Final, Literal, NamedTuple

RefusalReason = Literal["busy", "decline", "congestion", "no answer", "unknown", "elsewhere"]
"""Why somebody who is called does not answer; `elsewhere`: on another device of the same user"""


class CallEnding(NamedTuple):
    """How a call ended. `info` is the reason in the Calling API, where that differs."""

    result: str
    reason: str
    info: str = ""


CALLER_HUNG_UP: Final = CallEnding("ANSWERED", "CALLERHANGUP")
CALLEE_HUNG_UP: Final = CallEnding("ANSWERED", "CALLEEHANGUP")
MANAGER_HUNG_UP: Final = CallEnding("ANSWERED", "MANAGERHANGUP")
NEVER_CONNECTED: Final = CallEnding("FAILED", "MANAGERHANGUP")
TOO_LONG: Final = CallEnding("ANSWERED", "TIMEOUT")
CREDIT_USED_UP: Final = CallEnding("ANSWERED", "NOCREDITPARTNER")
NO_CREDIT: Final = CallEnding("FAILED", "NOCREDITPARTNER")
NO_ROUTE: Final = CallEnding("FAILED", "CONGESTION")
BACKEND_FAILED: Final = CallEnding("FAILED", "CALLBACKERROR")
ILLEGAL_SVAML: Final = CallEnding("FAILED", "GENERALERROR", "INVALIDSVAMLACTION")

_ENDING_BY_REFUSAL: Final = {
    "busy": CallEnding("BUSY", "N/A"),
    "decline": CallEnding("FAILED", "BLOCKED"),
    "congestion": NO_ROUTE,
    "no answer": CallEnding("NOANSWER", "TIMEOUT"),
    "unknown": NO_ROUTE,
    "elsewhere": CallEnding("N/A", "OTHERPEERANSWERED"),
}
# an app leg that rings out ends as N/A and BUSY, a phone leg as TIMEOUT and NOANSWER (platform
# notes, 1.2)
_ENDING_BY_APP_REFUSAL: Final = _ENDING_BY_REFUSAL | {
    "no answer": CallEnding("BUSY", "N/A"),
    "unknown": CallEnding("FAILED", "USERNOTFOUND"),
}


def find_refusal_ending(reason: RefusalReason, kind: str) -> CallEnding:
    """The ending of a call that a phone, an app, a SIP end or a stream has refused."""
    return (_ENDING_BY_APP_REFUSAL if kind == "app" else _ENDING_BY_REFUSAL)[reason]
