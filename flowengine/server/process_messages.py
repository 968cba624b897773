"""The messages between the supervisor, the fork server and the workers."""

import struct
from typing import NamedTuple

# worker and supervisor: single bytes over the control socket of the worker
READY_MESSAGE, RETIRE_MESSAGE = b"r", b"q"
# the heartbeat of a worker, which says whether a successor would use less memory
ALIVE_MESSAGE, RENEWABLE_MESSAGE = b"a", b"n"
# from the supervisor to the fork server, with the file descriptors of the worker
FORK_MESSAGE = b"f"
MAX_FORK_DESCRIPTORS = 64  # a control socket, and a listener for each address of the host

FLOWS_LOADED, WORKER_STARTED, WORKER_ENDED, FORK_FAILED = b"l", b"s", b"e", b"x"
SECRETS_CHANGED = b"c"  # in a file: processes that begin from now on have the new ones
_EVENT = struct.Struct("!cii")


class ForkServerEvent(NamedTuple):
    """A message from the fork server to the supervisor."""

    kind: bytes
    pid: int = 0
    exit_status: int = 0

    def encode(self) -> bytes:
        """The bytes to send.

        >>> decode_events(ForkServerEvent(WORKER_STARTED, 4711).encode() + b"s")
        ([ForkServerEvent(kind=b's', pid=4711, exit_status=0)], b's')
        """
        return _EVENT.pack(*self)


def decode_events(received: bytes) -> tuple[list[ForkServerEvent], bytes]:
    """The events in these bytes, and the rest, which is the beginning of the next event."""
    whole = len(received) - len(received) % _EVENT.size
    return [ForkServerEvent(*found) for found in _EVENT.iter_unpack(received[:whole])], received[
        whole:
    ]
