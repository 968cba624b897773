"""The process of a console beside a server. Before it imports anything that takes time it begins to
watch the supervisor: a console that outlives it would keep the port from the next server.
"""

import os
import sys
import threading
from contextlib import suppress


def end_with_supervisor(descriptor: int) -> None:
    """End the process at once when the other end of this socket closes, whatever it does then."""
    while read_or_end(descriptor):
        pass


def read_line(descriptor: int) -> bytes:
    """The next line of a socket. Ends the process where the other end has closed."""
    found = b""
    while not found.endswith(b"\n"):
        found += read_or_end(descriptor)
    return found


def read_or_end(descriptor: int) -> bytes:
    """What comes next of a socket. Ends the process where the other end has closed."""
    found = b""
    with suppress(ConnectionError):  # it was killed before it had read what this process wrote
        found = os.read(descriptor, 65_536)
    if not found:
        os._exit(0)
    return found


def run_process() -> None:
    """Run the console on the listeners whose descriptors are the arguments. The supervisor has
    written what it hands over before it started this process.
    """
    supervisor = sys.stdin.fileno()
    handed_over = read_line(supervisor)
    threading.Thread(target=end_with_supervisor, args=(supervisor,), daemon=True).start()
    # after the watch has begun, as it takes a second
    from flowengine.console.console_server import run_beside_server  # noqa: PLC0415

    run_beside_server(sys.argv[1:], supervisor, handed_over)


if __name__ == "__main__":
    run_process()
