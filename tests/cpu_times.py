"""Which tests cost the most CPU, with the processes that they start: a plugin of pytest.

    .venv/bin/pytest -n 4 -p tests.cpu_times

Seconds of a clock say little where several processes share two cores.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.fork_server import start_fork_server

SHOWN = 40
NAME = "cpu seconds"
_begun: dict[str, float] = {}
_seconds: dict[str, float] = {}


def read_cpu_seconds() -> float:
    """What this process, its fork server and the children of both have used."""
    own = os.times()
    seconds = own.user + own.system + own.children_user + own.children_system
    if start_fork_server.cache_info().currsize:
        stat = Path(f"/proc/{start_fork_server().process.pid}/stat").read_text()
        times = stat.rpartition(")")[2].split()[11:15]
        seconds += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return seconds


def pytest_runtest_logstart(nodeid: str) -> None:
    _begun.setdefault(nodeid, read_cpu_seconds())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "teardown":
        report.user_properties.append((NAME, read_cpu_seconds() - _begun.pop(item.nodeid)))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        _seconds[report.nodeid] = dict(report.user_properties).get(NAME, 0.0)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.section(f"{sum(_seconds.values()):.0f} seconds of CPU; the most expensive")
    for name in sorted(_seconds, key=lambda name: -_seconds[name])[:SHOWN]:
        terminalreporter.line(f"{_seconds[name]:7.2f} {name}")
