"""`flowengine load` with an API of its own, on a server that rings members."""

import asyncio
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.switch.load import LoadPlan, load_parties, run_real_time_load
from tests.e2e.ring_platform import IN_TURN, write_flows
from tests.support_line import KEY, SECRET, Server


def test_load_of_rings_takes_the_calls_of_the_server_and_ends_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEY_PRESS_SECONDS", "PICK_UP_SECONDS", "MEETING_SECONDS"):
        monkeypatch.setattr(load_parties, name, (0.01, 0.05))
    monkeypatch.setattr(load_parties, "ABSENT_SHARE", 0.0)
    write_flows(tmp_path)
    server = Server(tmp_path, workers=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.options = ["--api-url", f"http://127.0.0.1:{listener.getsockname()[1]}"]
        server.start()
        plan = LoadPlan(
            f"http://127.0.0.1:{server.port}/sinch", KEY, SECRET, calls=8, concurrent=2, to=(IN_TURN,)
        )  # fmt: skip
        try:
            report = asyncio.run(run_real_time_load(plan, listener))
        finally:
            server.kill()
    assert report.is_passed, report
    assert (report.calls, sum(report.endings.values())) == (8, 8)
    assert report.placed["ANSWERED CALLEEHANGUP"] > 0
    assert report.callbacks["ice"].count == 8 + sum(report.placed.values())


def test_load_with_an_api_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = ["load", "http://127.0.0.1:1/sinch", "--api-port", str(port)]
        result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert f"port {port} of this machine cannot be used" in result.output
