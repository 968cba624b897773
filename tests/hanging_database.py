"""A PostgreSQL server that takes connections and statements and answers none."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hanging(address: str) -> Iterator[None]:
    """The processes that serve our connections stand still, as with a disk that hangs, and the one
    that would begin others.
    """
    import psycopg

    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'flowengine'"
    with psycopg.connect(address) as other:
        pids = [pid for (pid,) in other.execute(query)]
        pids.append(read_parent(other.info.backend_pid))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def read_parent(pid: int) -> int:
    """The process that has started this one."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
