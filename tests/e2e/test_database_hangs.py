"""PostgreSQL takes connections and statements and answers none, as with a disk that hangs: callers and
operators are answered.
"""

import signal
from pathlib import Path

import httpx

from tests.hanging_database import hanging
from tests.support_line import READER, Line, Server, said
from tests.waiting import PATIENCE_SECONDS, wait_until


def ask(server: Server, path: str) -> httpx.Response:
    url = f"http://127.0.0.1:{server.port}{path}"
    return httpx.get(url, headers=READER, timeout=PATIENCE_SECONDS, trust_env=False)


def test_callers_and_metrics_are_answered_while_the_database_hangs(
    support_line_folder: Path, postgresql: str
) -> None:
    server = Server(support_line_folder, store=postgresql)
    server.start()
    line = Line(server.port, "call-1")
    line.ring()
    try:
        with hanging(postgresql):
            for _ in range(2):
                assert "not one of the choices" in said(line.press("9"))
                found = ask(server, "/metrics")
                assert 'flowengine_callbacks_total{event="pie",outcome="unsaved"}' in found.text
            assert ask(server, "/readyz").status_code == 503
        wait_until(lambda: ask(server, "/readyz").status_code == 200)
        wait_until(lambda: ask(server, "/status").status_code == 200)
    finally:
        server.kill(signal.SIGTERM)
    log = (support_line_folder / "server.log").read_text()
    assert "metrics do not say which flows are rejected" in log
