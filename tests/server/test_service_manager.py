"""What the service manager hears, and whether systemd takes the unit."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from flowengine.server.service_manager import ServiceManager
from tests.server.server_process import start_server
from tests.waiting import wait_until

UNIT = Path(__file__).parents[2] / "deploy/systemd/flowengine.service"
MAX_EXPOSURE = 2.0  # of 10; a unit without any hardening has 9.6


def listen(address: str) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(address)
    channel.setblocking(False)
    return channel


def read_all(channel: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found += channel.recv(4096).decode().split("\n")
        except BlockingIOError:
            return found


def test_server_reports_that_it_is_ready_lives_and_stops(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/line.yaml").write_text(
        "flow: line\nstart: a\nstates: {a: {say: Hi., hangup: }}\n"
    )
    with listen(str(tmp_path / "notify")) as channel:
        served = start_server(
            tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000"
        )
        heard = read_all(channel)
        wait_until(lambda: "WATCHDOG=1" in read_all(channel))
        assert served.stop() == 0
        assert heard.count("READY=1") == 1
        assert f"STATUS=serves on 127.0.0.1:{served.port}" in heard
        assert read_all(channel).count("STOPPING=1") == 1


def test_manager_takes_its_variables_out_of_the_environment() -> None:
    name = f"@flowengine-{os.getpid()}"
    environment = {
        "NOTIFY_SOCKET": name,
        "WATCHDOG_USEC": "60000000",
        "WATCHDOG_PID": "1",
        "A": "b",
    }
    manager = ServiceManager(environment)
    assert environment == {"A": "b"}
    with listen("\0" + name[1:]) as channel:
        manager.report("READY=1", "STATUS=well")
        manager.report_alive()  # the watchdog is that of another process
        assert read_all(channel) == ["READY=1", "STATUS=well"]
    manager.report("READY=1")  # nobody listens any more


def test_manager_without_a_socket_reports_nothing() -> None:
    manager = ServiceManager({"WATCHDOG_USEC": "no number"})
    manager.report("READY=1")
    manager.report_alive()


def test_unit_is_valid_and_little_exposed(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (apt-get install systemd)")
    # what the unit starts is not installed here
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/flowengine/bin/flowengine", "/bin/true"))

    def analyze(*words: str) -> str:
        done = subprocess.run(
            [program, *words, unit], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert analyze("verify", "--man=no") == ""
    (exposure,) = re.findall(
        r"exposure level for .*: ([\d.]+)", analyze("security", "--offline=true")
    )
    assert float(exposure) <= MAX_EXPOSURE
