"""What outlives the process of a console beside its server: the key that signs sessions, and which of
them have ended.
"""

import math
import os
import re
import time
from dataclasses import dataclass, field
from typing import Final

READY_MESSAGE: Final = b"ready"
KEY_BYTES = 32
MAX_ENDED_SESSIONS = 1000  # the latest: a line with all of them fits into a socket
_SESSION_PATTERN = re.compile(rb"([0-9a-f]{1,64})=([0-9]{1,12})")
_ENDED_PREFIX = b"ended "


@dataclass(slots=True)
class ConsoleHandover:
    """What the supervisor gives each process of a console. Sessions that have ended are named until
    they would have ended by themselves, in seconds since 1970.
    """

    key: bytes = field(default_factory=lambda: os.urandom(KEY_BYTES), repr=False)
    ended: dict[str, float] = field(default_factory=dict)

    def encode(self) -> bytes:
        r"""A line for the process.

        >>> ConsoleHandover(b"k", {"ab": 4e9}).encode()
        b'6b ab=4000000000\n'
        """
        now = time.time()
        self.ended = {name: until for name, until in self.ended.items() if until > now}
        latest = [*self.ended.items()][-MAX_ENDED_SESSIONS:]
        words = [self.key.hex(), *(f"{name}={math.ceil(until)}" for name, until in latest)]
        return " ".join(words).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "ConsoleHandover":
        """The same in the process. Raises ValueError."""
        key, *ended = line.split()
        return cls(bytes.fromhex(key.decode()), dict(map(parse_session, ended)))

    def note_message(self, message: bytes) -> None:
        """Remember what the process tells of a session; nothing else is remembered."""
        if message.startswith(_ENDED_PREFIX):
            name, until = parse_session(message.removeprefix(_ENDED_PREFIX))
            self.ended[name] = until


def parse_session(word: bytes) -> tuple[str, float]:
    """Raises ValueError."""
    found = _SESSION_PATTERN.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} names no session")
    return found[1].decode(), float(found[2])


def format_ended_session(name: str, until: float) -> bytes:
    r"""The message that a session has ended.

    >>> format_ended_session("ab", 4e9)
    b'ended ab=4000000000\n'
    """
    return _ENDED_PREFIX + f"{name}={math.ceil(until)}".encode() + b"\n"
