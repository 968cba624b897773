"""What states that park callers under a code, and pick them up, ask of the code. All values of the call
are put in already.
"""

from typing import Literal

import msgspec

CODE_FACT = "call.code"
"""The name under which a call that is parked, or has picked one up, keeps the code. Expressions cannot
read it.
"""
LOOKUP_OF_CODE = "parking"
"""The service, in traces and in the journal, of the request that asks for a code"""
BROUGHT_MUSIC: Literal["music1"] = "music1"
"""What a caller who was parked hears in the conference while nobody else is there"""
DONE_STATUS, NOBODY_STATUS, IN_USE_STATUS = 200, 404, 409


class ParkingRequest(msgspec.Struct, frozen=True):
    """Asks to be parked under a code, for at most `limit` seconds, or for the call that is. With
    `has_exit` the caller leaves by an exit after the limit. `host` is the region of the call.
    """

    do: Literal["park", "pick up"]
    code: str
    host: str
    limit: int = 0
    has_exit: bool = False
