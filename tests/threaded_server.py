"""A server of the standard library that answers a test from a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from typing import TypeVar

ServerT = TypeVar("ServerT", bound=BaseServer)
_POLL_SECONDS = 0.02  # how soon it sees that it shall end


@contextmanager
def serving_in_thread(server: ServerT) -> Iterator[ServerT]:
    """Serve until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
