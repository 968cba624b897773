"""A message over real HTTP: its webhook comes after the hang-up, also after a killed server."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from tests.support_line import KEY, PROJECT, SECRET, Crm, Line, Server

FLOW = """
flow: support-line
start: box
vars: {file: {type: text, max: 60}}
states:
  box:
    subflow: {flow: mailbox, into: {file: message}, outcomes: {left: tell, empty: bye}}
  tell:
    fetch: {service: crm, post: /messages, body: {file: "${vars.file}"}, failed: bye}
    next: bye
  bye: {say: Goodbye., hangup: }
"""
MAILBOX = """
flow: mailbox
start: ask
outputs: [message]
outcomes: [left, empty]
vars: {message: {type: text, max: 256}}
states:
  ask:
    record_message: {prompt: Please speak., into: message, review: To send it press 1., to: "s3://box"}
    next: left
  left: {return: left}
  empty: {return: empty}
"""


def record(line: Line) -> str:
    """Ring, and return the address of the recording."""
    (started,) = (item for item in line.ring()["instructions"] if item["name"] == "startRecording")
    address: str = started["options"]["destinationUrl"]
    return address


def send_notice(line: Line, address: str) -> dict[str, Any]:
    return line.post("notify", type="recording_available", destination=address)


@pytest.fixture
def server(tmp_path: Path, crm: Crm) -> Server:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "support-line.yaml").write_text(FLOW)
    (flows / "mailbox.yaml").write_text(MAILBOX)
    (flows / "project.yaml").write_text(
        PROJECT.format(port=crm.port) + "routes: [{flow: support-line}]\n"
    )
    return Server(tmp_path)


def test_message_is_reported_once_in_whatever_order_its_events_come(
    server: Server, crm: Crm
) -> None:
    server.start()
    try:
        hung_up = Line(server.port, "call-1", echo=False)
        first = record(hung_up)
        assert hung_up.press("", "hangup")["action"] == {"name": "hangup"}
        assert hung_up.ended() == {}
        server.kill()
        server.start()
        assert send_notice(hung_up, first) == {}
        assert hung_up.redeliver() == {}
        assert crm.reports == [json.dumps({"file": first}, separators=(",", ":"))]

        silent = Line(server.port, "call-2", echo=True)
        second = record(silent)
        silent.press("#")
        assert send_notice(silent, second) == {}
        assert len(crm.reports) == 1, "the caller has not sent it yet"
        assert silent.ended() == {}
        assert second in crm.reports[1]

        stays = Line(server.port, "call-3", echo=True)
        third = record(stays)
        stays.press("#")
        assert stays.press("1")["action"]["name"] == "runMenu"
        assert send_notice(stays, third) == {}
        assert stays.press("", "timeout")["action"] == {"name": "hangup"}
        assert third in crm.reports[2]
    finally:
        server.kill(signal.SIGTERM)
    assert len(crm.reports) == 3
    replayed = CliRunner().invoke(
        main,
        ["replay", str(server.folder / "journal.db"), "--on", str(server.folder / "flows")],
        env={"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET},
    )
    assert replayed.exit_code == 0, replayed.output
    assert "3 calls" in replayed.output
