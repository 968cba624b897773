"""The callers in the queues of a server."""

import json

from tests.fork_server import run_flowengine
from tests.support_line import Server
from tests.waiting import wait_until


def count_callers(server: Server) -> int:
    shown = run_flowengine("queues", "--store", server.store, "--json", cwd=server.folder)
    return sum(queue["waiting"] for queue in json.loads(shown.stdout))


def wait_for_callers(server: Server, count: int) -> None:
    """Wait until so many callers wait. A caller hears the place a moment before the wait begins: the next
    one to come would hear the same.
    """
    wait_until(lambda: count_callers(server) == count)
