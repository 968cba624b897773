"""`flowengine calls` of callers who wait in a queue, and the replay of such a call."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from flowengine.journal import SqliteJournalReader
from flowengine.replay.call_replay import replay_call
from tests.cli.test_calls_of_rings import GOLDEN, RecordedLine, calls
from tests.journal.journal_line import SEALER
from tests.runtime.ring_calls import run
from tests.runtime.test_queues import GROUP, ONE_MEMBER, QUEUE_FLOW, compile_queue

OTHER_WORDS = compile_queue(QUEUE_FLOW.replace("We call you back", "Later"), GROUP)


async def wait_in_queue(folder: Path) -> RecordedLine:
    """A caller is second, hears so, is first, hears so, and leaves by a key in the announcement."""
    line = RecordedLine(folder, ONE_MEMBER)
    for number in (1, 2):
        await line.dial_queue(f"caller-{number}")
        await line.run_tasks(1)
    await line.ask(0)
    for key in ("", "2"):
        await line.run_tasks(30)
        menu = json.loads(line.platform.released[-1])["action"]["mainMenu"]
        await line.press("caller-2", key, menu=menu)
        await line.run_tasks()
        await line.call("caller-1", "dice", result="ANSWERED", reason="CALLERHANGUP", duration=9)
        await line.run_tasks()
    await line.call("caller-2", "dice", result="ANSWERED", reason="MANAGERHANGUP", duration=70)
    await line.run_tasks()
    await asyncio.to_thread(line.writer.close)
    return line


def test_calls_command_shows_a_wait_as_one_story_that_can_be_replayed(
    tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    run(wait_in_queue(tmp_path))
    golden(GOLDEN / "call_in_queue.txt", calls(tmp_path, "caller-2"))
    with closing(SqliteJournalReader(tmp_path / "journal.db")) as reader:
        found_calls = dict(reader.iter_recorded_calls(0.0, SEALER))
        recorded = found_calls["caller-2"]
        assert replay_call(ONE_MEMBER, recorded) is None
        found = replay_call(OTHER_WORDS, recorded)
        assert found is not None
        assert (found.event, found.kind) == ("pie", "answer")
