"""Whole conversations over real HTTP, signed as the platform signs, from ring to hang-up."""

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.support_line import Crm, Line, Server, said
from tests.waiting import PATIENCE_SECONDS


def served(folder: Path, **options: object) -> Server:
    server = Server(folder, **options)  # type: ignore[arg-type]
    server.start()
    return server


def to_the_account(line: Line) -> None:
    assert "Thank you for calling Acme." in said(line.ring())
    assert "Please enter your account number." in said(line.press("1"))


def to_the_end(line: Line) -> None:
    connected = line.press("12345674", "sequence")
    assert said(connected) == "Hello Ann, Lee)."
    assert connected["action"]["name"] == "connectPstn"
    assert connected["action"]["number"] == "+14045009000"
    answered = line.answered()
    assert said(answered) == "A gold call."
    assert answered["action"] == {"name": "continue"}
    assert line.ended() == {}


@pytest.mark.parametrize("echo", [True, False], ids=["cookies echoed", "cookies not echoed"])
@pytest.mark.parametrize("workers", [1, 2])
def test_conversation_goes_from_ring_to_hang_up(
    support_line_folder: Path, crm: Crm, *, echo: bool, workers: int
) -> None:
    server = served(support_line_folder, workers=workers)
    try:
        for number in range(4):
            line = Line(server.port, f"call-{number}", echo=echo)
            to_the_account(line)
            to_the_end(line)
    finally:
        server.kill(signal.SIGTERM)
    assert crm.asked == ["/accounts/12345674"] * 4


@pytest.mark.parametrize("workers", [1, 2])
def test_call_goes_on_after_the_server_was_killed_in_its_middle(
    support_line_folder: Path, workers: int
) -> None:
    server = served(support_line_folder, workers=workers)
    line = Line(server.port, "call-1", echo=False)
    to_the_account(line)
    server.kill()
    server.start()
    try:
        to_the_end(line)
    finally:
        server.kill(signal.SIGTERM)


def test_server_starts_after_only_the_first_process_of_the_one_before_was_killed(
    support_line_folder: Path,
) -> None:
    server = served(support_line_folder, workers=2)
    line = Line(server.port, "call-1", echo=False)
    line.ring()
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)  # as the kernel does when memory is short
    server.process.wait(30)
    limit = time.monotonic() + PATIENCE_SECONDS
    try:
        while answers(server.port):
            assert time.monotonic() < limit, "workers still have the port"
            time.sleep(0.05)
        server.start()
        assert "Please enter your account number." in said(line.press("1"))
    finally:
        server.kill(signal.SIGTERM)
    assert "Traceback" not in (support_line_folder / "server.log").read_text()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_cookies_alone_carry_a_call_over_a_restart_without_a_store(
    support_line_folder: Path,
) -> None:
    server = served(support_line_folder, store="none")
    line = Line(server.port, "call-1")
    to_the_account(line)
    server.kill()
    server.start()
    try:
        to_the_end(line)
    finally:
        server.kill(signal.SIGTERM)


def test_delivery_that_comes_twice_is_answered_alike_and_asks_once(
    support_line_folder: Path, crm: Crm
) -> None:
    server = served(support_line_folder, workers=2)
    try:
        line = Line(server.port, "call-1", echo=False)
        to_the_account(line)
        first = line.press("12345674", "sequence")
        assert [line.redeliver() for _ in range(6)] == [first] * 6
        assert len(crm.asked) == 1
        assert said(line.answered()) == "A gold call."
    finally:
        server.kill(signal.SIGTERM)


def test_report_of_an_ended_call_survives_a_dead_receiver_and_a_killed_server(
    support_line_folder: Path, crm: Crm
) -> None:
    server = served(support_line_folder)
    line = Line(server.port, "call-1")
    to_the_account(line)
    crm.down = True
    assert line.ended() == {}
    server.kill()
    assert crm.reports == []
    crm.down = False
    server.start()
    try:
        limit = time.monotonic() + PATIENCE_SECONDS
        while not crm.reports and time.monotonic() < limit:
            time.sleep(0.1)
    finally:
        server.kill(signal.SIGTERM)
    assert [json.loads(report) for report in crm.reports] == [
        {"call": "call-1", "result": "answered"}
    ]


def test_numbers_digits_and_secrets_stay_out_of_the_log(support_line_folder: Path) -> None:
    server = served(support_line_folder)
    line = Line(server.port, "call-1")
    to_the_account(line)
    to_the_end(line)
    server.kill(signal.SIGTERM)
    log = (support_line_folder / "server.log").read_text()
    assert '"call-1"' in log
    for secret in ("12345674", "12015555555", "2017777777", "BeIukql3pTKJ8RGL5zo0DA"):
        assert secret not in log
