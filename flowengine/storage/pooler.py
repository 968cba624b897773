"""Recognises a pooler that shares connections among transactions. Such a pooler may take the locks
and settings of a session away between two statements: nobody could hold the leader lock, and
statements would have no time limit.
"""

import threading
import time
from contextlib import ExitStack
from typing import Any

import psycopg

from flowengine.storage.postgresql import build_connection_parameters

CHECK_SECONDS = 10.0
HELPER_CONNECTIONS = 2
# While others use the pooler, each trial may by chance get the same backend again.
PROBE_COUNT = 20
PROBE_PAUSE_SECONDS = 0.001
SHARED_POOLER_MESSAGE = (
    "the address leads to a pooler that shares connections among transactions: let it keep "
    "sessions (in pgbouncer pool_mode = session), or name PostgreSQL itself"
)
FULL_POOLER_MESSAGE = (
    "the pooler has no connection free: let it open more to the database (in pgbouncer "
    "default_pool_size)"
)
# The trials are spread over time because there may be several servers behind the address.
_BACKEND_QUERY = "SELECT pg_backend_pid(), pg_postmaster_start_time()"
_PROTOCOL_VIOLATION = "08P01"


def check_sessions(address: str) -> None:
    """Raise psycopg.Error unless a connection keeps its session.

    While a connection of this process is open, no other one may have its backend, and it may have
    no other backend. A pooler that shares connections breaks one of the two rules: it gives the
    most recently used backend to the next transaction, or takes the backends in turn. Open
    transactions keep their backends. While others use the pooler, this process gets whichever
    backend is free.
    """
    found: list[psycopg.Error] = []
    # In a thread: a pooler without a free connection lets a statement wait for minutes.
    thread = threading.Thread(target=_run_check, args=(address, found), daemon=True)
    thread.start()
    thread.join(CHECK_SECONDS)
    if thread.is_alive():
        raise psycopg.OperationalError(FULL_POOLER_MESSAGE)
    if found:
        raise found[0]


def _run_check(address: str, found: list[psycopg.Error]) -> None:
    try:
        if _is_shared(build_connection_parameters(address)):
            raise psycopg.NotSupportedError(SHARED_POOLER_MESSAGE)
    except psycopg.Error as error:
        # pgbouncer refuses BEGIN where it shares connections among statements
        refused = error.sqlstate == _PROTOCOL_VIOLATION and "pooling mode" in str(error)
        found.append(psycopg.NotSupportedError(SHARED_POOLER_MESSAGE) if refused else error)


def _is_shared(settings: dict[str, Any]) -> bool:
    with ExitStack() as stack:
        own = stack.enter_context(psycopg.connect(**settings, autocommit=True))
        backend = own.execute(_BACKEND_QUERY).fetchone()
        for _ in range(HELPER_CONNECTIONS):
            helper = stack.enter_context(psycopg.connect(**settings))
            if helper.execute(_BACKEND_QUERY).fetchone() == backend:
                return True
            if own.execute(_BACKEND_QUERY).fetchone() != backend:
                return True
        for _ in range(PROBE_COUNT):
            time.sleep(PROBE_PAUSE_SECONDS)
            if own.execute(_BACKEND_QUERY, prepare=False).fetchone() != backend:
                return True
    return False
