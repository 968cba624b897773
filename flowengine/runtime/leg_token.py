"""The text that a leg carries along (`custom`): it names the orchestration that has placed the leg.
Nobody else can make one, so a caller cannot pass as a leg.
"""

import msgspec

from flowengine.runtime.cookie import Codec

LEG_TOKEN_PREFIX = "fe-leg:"  # noqa: S105  # in clear, before what is signed
PLACED_TOKEN_PREFIX = "fe-placed:"  # noqa: S105  # the same for a call that a flow has asked for
TOKEN_PREFIXES = (LEG_TOKEN_PREFIX, PLACED_TOKEN_PREFIX)
_SIGNED_FOR = {LEG_TOKEN_PREFIX: "\nleg", PLACED_TOKEN_PREFIX: "\nplaced"}
"""In place of the id of a call; none begins so"""


class LegToken(msgspec.Struct, frozen=True, array_like=True):
    """The orchestration of a leg, and its number there."""

    orchestration: str
    attempt: int


_encode_token = msgspec.msgpack.Encoder().encode
_decode_token = msgspec.msgpack.Decoder(LegToken).decode


def format_leg_token(codec: Codec, token: LegToken, prefix: str = LEG_TOKEN_PREFIX) -> str:
    """The token as text of at most some hundred characters; the platform keeps 1024."""
    return prefix + codec.sign(_encode_token(token), _SIGNED_FOR[prefix])


def parse_leg_token(codec: Codec, text: str, prefix: str = LEG_TOKEN_PREFIX) -> LegToken | None:
    """The token in a text; None where this server, or another with its key, has not made it."""
    if not text.startswith(prefix):
        return None
    payload = codec.open(text.removeprefix(prefix), _SIGNED_FOR[prefix])
    try:
        return _decode_token(payload) if payload else None
    except msgspec.MsgspecError:  # a later version has made it
        return None
