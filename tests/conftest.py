"""Golden files, a real PostgreSQL, and the folder of a support line with the system that it asks.

Golden files: whatever a person reads is kept as a file and compared. UPDATE_GOLDEN=1 writes them
anew; read the diff.
"""

import functools
import gc
import os
import signal
import ssl
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import HealthCheck, settings

from tests.support_line import Crm, Server, write_support_line
from tests.thoroughness import THOROUGH, examples

# No deadline and no check of speed: a machine that has much else to do must not fail a property.
# The same inputs in each run, so that a change is judged by what it changed; a thorough run tries
# new ones.
settings.register_profile(
    "properties",
    max_examples=examples(100),
    derandomize=not THOROUGH,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("properties")


RETENTION_TIME = 1_795_086_400.0  # a day after the first calls of tests.journal.journal_line


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop of asynchronous tests: the server runs on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def interrupts() -> None:
    """Ctrl+C ends the programs that tests start, too, where a shell runs pytest in the background:
    such a shell has pytest and all that it starts ignore SIGINT.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def no_proxies() -> Iterator[None]:
    """Tests talk to servers of this machine: no proxy that leads to the internet stands between."""
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patched.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_check_cache() -> Iterator[None]:
    """Nothing is taken from the user's cache, and nothing left there: tests replace code that a
    known result would pass by.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def retention_clock() -> Iterator[None]:
    """Journals of tests have calls of fixed times, which are kept for a month: for journals of this
    process, that month does not pass. Processes of servers have the real time.
    """
    from flowengine.journal.retention import JumpFreeClock

    start = JumpFreeClock.__init__

    def start_in_the_past(
        made: JumpFreeClock, clock: Callable[[], float], since: Callable[[], float]
    ) -> None:
        start(made, (lambda: RETENTION_TIME) if clock is time.time else clock, since)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JumpFreeClock, "__init__", start_in_the_past)
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_certificates() -> Iterator[None]:
    """Trusted certificates are read once: httpx does it for each client, in 30 ms of CPU."""
    create, files = ssl.create_default_context, {certifi.where(), os.environ.get("SSL_CERT_FILE")}
    create_once = functools.cache(create)

    def create_context(*arguments: Any, **named: Any) -> ssl.SSLContext:
        is_shared = not arguments and named.keys() == {"cafile"} and named["cafile"] in files
        return (create_once if is_shared else create)(*arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ssl, "create_default_context", create_context)
        yield


@pytest.fixture(scope="session")
def golden() -> Callable[[Path, str], None]:
    def compare(file: Path, text: str) -> None:
        if os.environ.get("UPDATE_GOLDEN") == "1":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), (
            f"{file.name} is missing: run with UPDATE_GOLDEN=1 and read what it writes"
        )
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server of this session, without TCP."""
    with (
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory(prefix="flowengine-pg-", ignore_cleanup_errors=True) as folder,
    ):
        warnings.simplefilter("ignore")  # of its own libraries, about this machine
        server = pytest.importorskip("pgserver").get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """The same server, and nothing of ours on it."""
    import psycopg

    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS flowengine CASCADE")
    return postgresql_server


@pytest.fixture
def crm() -> Iterator[Crm]:
    """The system that the support line asks."""
    answering = Crm()
    yield answering
    answering.close()


@pytest.fixture
def support_line_folder(tmp_path: Path, crm: Crm) -> Path:
    """A folder with the flows of a support line, which asks `crm`."""
    write_support_line(tmp_path, crm)
    return tmp_path


@pytest.fixture
def two_workers(support_line_folder: Path) -> Iterator[Server]:
    """A real server of the support line with two workers."""
    server = Server(support_line_folder, workers=2)
    server.start()
    yield server
    server.kill(signal.SIGTERM)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from what is collected here: it stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of whole servers: they take longest, and what comes last runs alone."""
    items.sort(key=lambda item: "tests/e2e/" not in item.path.as_posix())
