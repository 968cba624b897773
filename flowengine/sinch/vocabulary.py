"""The words that the platform's callbacks use, in the one spelling in which flows read them: small
letters, without blanks. The lists are open: a new word reaches a flow as it is.
"""

from functools import lru_cache
from typing import Final

RESULTS: Final = ("answered", "busy", "noanswer", "failed", "denied", "cancel", "n/a")
"""How a call ended (OpenAPI; `denied` and `cancel` from the older .NET server SDK)"""

REASONS: Final = (
    *("callerhangup", "calleehangup", "managerhangup", "timeout", "cancel", "blocked"),
    *("congestion", "nocreditpartner", "generalerror", "usernotfound", "callbackerror"),
    *("otherpeeranswered", "clientnetwork", "established", "invalidsvamlaction"),
    *("busy", "noanswer", "hangup", "n/a"),
)
"""Why a call ended (OpenAPI; `busy` and `noanswer` from the agent skill, `hangup` from call records)"""

MENU_TYPES: Final = ("return", "sequence", "timeout", "invalidinput", "hangup", "error")

NOTICE_TYPES: Final = (
    *("recording_finished", "recording_available", "transcription_available"),
    *("transcription_complete", "amd", "amd_beep", "callingerror"),
)
"""Kinds of notices (OpenAPI, Node SDK; `transcription_complete` from the agent skill)"""

INPUT_METHODS: Final = ("dtmf", "voice")
AMD_STATUSES: Final = ("human", "machine", "notsure", "hangup", "inprogress")
AMD_REASONS: Final = ("longgreeting", "initialsilence", "greeting", "beep", "n/a")
CALL_ORIGINS: Final = ("pstn", "mxp", "sip", "server")


@lru_cache(maxsize=256)  # each callback has one or two of a few dozen words
def fold_word(word: str) -> str:
    """A word of the platform in the one spelling that flows compare with.

    >>> fold_word("NO ANSWER")
    'noanswer'
    """
    return word.lower().replace(" ", "")
