"""`flowengine calls` of callers who ring members: one story with their legs."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.compile import Release
from flowengine.journal import JournalWriter
from flowengine.runtime.engine import Reply
from flowengine.server.log import build_line
from flowengine.states import OwnEvent
from tests.journal.journal_line import SEALER
from tests.runtime.ring_calls import RingLine, compile_line, run

GOLDEN = Path(__file__).parent / "golden"
RELEASE = compile_line()


class RecordedLine(RingLine):
    """A line whose callbacks are in a journal."""

    def __init__(self, folder: Path, release: Release = RELEASE) -> None:
        super().__init__(release)
        self.now = 1_795_000_000.0
        self.recorded: list[Reply] = []
        self.writer = JournalWriter(
            folder / "journal.db", lambda _: release, SEALER, lambda *_: None
        )
        self.writer.start()

    async def call(self, call_id: str, event: str, **fields: Any) -> Any:
        self.now += 1
        answer = await super().call(call_id, event, **fields)
        self.record(self.replies[call_id])
        return answer

    async def answer_result(self, event: OwnEvent, body: bytes) -> bytes | None:
        reply = await self.engine.answer_result(event, body)
        if reply is None:
            return None
        self.record(reply)
        return reply.body

    def record(self, reply: Reply) -> None:
        self.recorded.append(reply)
        self.writer.enqueue_record(reply.record, b"%d" % len(self.recorded), reply.body)


async def ring_all(folder: Path) -> RecordedLine:
    """Anna is busy, Bo does not take the call, and Cy does. Another caller waits meanwhile."""
    line = RecordedLine(folder)
    await line.dial_in()
    await line.run_tasks()
    await line.ask(0)
    await line.call("leg-0", "dice", result="BUSY")
    await line.run_tasks()
    await line.ask(1)
    await line.call("leg-1", "ace")
    await line.press("leg-1", "")
    await line.call("leg-1", "dice", result="ANSWERED", reason="MANAGERHANGUP", duration=3)
    await line.run_tasks()
    await line.call("calle", "ice", cli="46700000001", to={"type": "did", "endpoint": "1"})
    await line.press("calle", "1", menu="line.menu")
    await line.ask(2)
    await line.call("leg-2", "ace")
    await line.press("leg-2", "1")
    await line.run_tasks(30)
    await line.call("leg-2", "dice", result="ANSWERED", reason="CALLEEHANGUP", duration=33)
    await line.run_tasks(1)
    await line.call("caller", "dice", result="ANSWERED", reason="MANAGERHANGUP", duration=40)
    await line.run_tasks()
    await asyncio.to_thread(line.writer.close)
    return line


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedLine, Path]:
    folder = tmp_path_factory.mktemp("rings")
    return run(ring_all(folder)), folder


def calls(folder: Path, *arguments: str) -> str:
    store = f"sqlite:{folder / 'calls.db'}"
    done = CliRunner().invoke(main, ["calls", "--store", store, *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_calls_command_shows_a_ring_as_one_story(
    recorded: tuple[RecordedLine, Path], golden: Callable[[Path, str], None]
) -> None:
    folder = recorded[1]
    golden(GOLDEN / "calls_of_ring.txt", calls(folder))
    golden(GOLDEN / "call_of_ring.txt", calls(folder, "caller"))
    golden(GOLDEN / "call_of_leg.txt", calls(folder, "leg-2"))


def test_calls_command_names_the_legs_as_json(recorded: tuple[RecordedLine, Path]) -> None:
    folder = recorded[1]
    listed = {call["call"]: call.get("leg") for call in json.loads(calls(folder, "--json"))}
    legs = {f"leg-{number}": {"caller": "caller", "number": number + 1} for number in range(3)}
    assert listed == {"caller": None, "calle": None} | legs
    steps = json.loads(calls(folder, "caller", "--json"))
    assert {step["call"]: step["leg"] for step in steps if "leg" in step} == legs


def test_page_of_another_caller_shows_no_leg_of_this_one(
    recorded: tuple[RecordedLine, Path],
) -> None:
    shown = calls(recorded[1], "calle")
    assert "connectConf" in shown
    assert "leg" not in shown


def test_log_lines_of_legs_name_the_call_of_their_caller(
    recorded: tuple[RecordedLine, Path],
) -> None:
    lines = [build_line(reply.record, 0.0) for reply in recorded[0].recorded]
    named = {(line.call, line.leg, line.caller) for line in lines}
    assert named == {
        ("caller", 0, ""),
        ("calle", 0, ""),
        ("leg-0", 1, "caller"),
        ("leg-1", 2, "caller"),
        ("leg-2", 3, "caller"),
    }
