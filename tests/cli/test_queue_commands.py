"""`flowengine queues` and `flowengine agents`, beside a server that may be running."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from flowengine.cli import main
from flowengine.storage.sessions import SqliteStore
from tests.runtime.ring_calls import ANNA, BO, RingLine, run
from tests.runtime.test_queues import RELEASE, take


def command(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*arguments, "--store", f"sqlite:{folder}/calls.db"])
    return result.exit_code, result.output


def read_json(folder: Path, *arguments: str) -> Any:
    code, text = command(folder, *arguments, "--json")
    assert code == 0, text
    return json.loads(text)


def fill_queue(folder: Path) -> None:
    """Three callers: one talks, one is offered, one has hung up."""

    async def wait() -> None:
        import time

        line = RingLine(RELEASE, SqliteStore(folder / "calls.db"))
        line.now = time.time()
        for number in range(3):
            await line.dial_queue(f"caller-{number}")
            await line.run_tasks()
        await take(line, 0)
        await line.run_tasks()
        await line.call("caller-2", "dice", result="ANSWERED", reason="CALLERHANGUP")
        await line.run_tasks()
        await line.store.close()

    run(wait())


def test_queues_and_agents_are_shown(tmp_path: Path) -> None:
    fill_queue(tmp_path)
    (queue,) = read_json(tmp_path, "queues")
    assert queue | {"longest_wait": 0} == {
        "group": "support", "waiting": 1, "call_backs": 0, "longest_wait": 0, "free": 0, "busy": 2, "resting": 0,
        "pausing": 0, "signed_out": 0, "answered_today": 1, "lost_today": 1,
    }  # fmt: skip
    code, text = command(tmp_path, "queues")
    assert code == 0
    assert text.splitlines()[1].split()[:2] == ["support", "1"]
    agents = read_json(tmp_path, "agents")
    assert [agent["state"] for agent in agents] == ["busy", "busy"]
    code, text = command(tmp_path, "agents")
    assert ANNA not in text
    assert "+*******" in text


def test_agent_is_signed_out_and_in_by_command(tmp_path: Path) -> None:
    fill_queue(tmp_path)
    code, text = command(tmp_path, "agents", BO, "--group", "support", "--sign", "out")
    assert (code, "is signed out of support" in text) == (0, True)
    code, text = command(tmp_path, "agents", "+14045550100", "--group", "support", "--sign", "out")
    assert (code, "nobody in the group support" in text) == (1, True)
    code, text = command(tmp_path, "agents", BO, "--group", "suport", "--sign", "out")
    assert (code, "there is no group suport (known are support)" in text) == (1, True)
    code, text = command(tmp_path, "agents", BO, "--group", "night", "--sign", "in")
    assert (code, "no caller has been in a queue of night yet" in text) == (0, True)
    for wrong in (["12"], [BO], ["--sign", "in"]):
        assert command(tmp_path, "agents", *wrong)[0] == 2
    code, text = command(tmp_path, "agents", BO, "--group", "support", "--sign", "in")
    assert (code, "is signed in to support" in text) == (0, True)


def test_store_that_nobody_has_used_is_not_created(tmp_path: Path) -> None:
    code, text = command(tmp_path, "queues")
    assert (code, "there is no session store" in text) == (1, True)
    assert list(tmp_path.iterdir()) == []
    result = CliRunner().invoke(main, ["queues", "--store", "none"])
    assert "keeps no queues" in result.output


def test_help_of_agents_has_no_marks_of_its_layout() -> None:
    result = CliRunner().invoke(main, ["agents", "--help"])
    assert "--sign out" in " ".join(result.output.split())
    assert "\\" not in result.output
