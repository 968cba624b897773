"""`flowengine queues` and `flowengine agents`, beside a server that may be running."""

import json
import re
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.orchestration.matching import format_queue_id
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Change, Ledger
from flowengine.server.server_settings import ServerSettings
from flowengine.sources.flow_source import FlowOrigin
from flowengine.storage.sessions import SqliteStore
from flowengine.storage.sessions.orchestration_rows import SavedAgentStatus
from tests.compiled_release import compile_release
from tests.runtime.ring_calls import ANNA, APPLICATION, BO, CY, RingLine, run
from tests.runtime.test_kept_turns import FILES as TURN_FILES
from tests.runtime.test_kept_turns import TurnLine, replace_all
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


def test_agent_is_signed_out_and_in_by_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "omar")
    fill_queue(tmp_path)
    code, text = command(tmp_path, "agents", BO, "--group", "support", "--sign", "out")
    assert (code, "is signed out of support" in text) == (0, True)
    code, text = command(tmp_path, "agents", "+14045550100", "--group", "support", "--sign", "out")
    assert (code, "nobody in the group support" in text) == (1, True)
    code, text = command(tmp_path, "agents", BO, "--group", "suport", "--sign", "out")
    assert (code, "there is no group suport (known are support)" in text) == (1, True)
    code, text = command(tmp_path, "agents", BO, "--group", "night", "--sign", "in")
    assert (code, "there is no group night (known are support)" in text) == (1, True)
    for wrong in (["12"], [BO], ["--sign", "in"], ["--who", "Rita"]):
        assert command(tmp_path, "agents", *wrong)[0] == 2
    assert {one["signed_by"] for one in read_json(tmp_path, "agents")} == {"", "omar"}
    signed = ("agents", BO, "--group", "support", "--sign", "in", "--who", "Rita")
    code, text = command(tmp_path, *signed)
    assert (code, "is signed in to support" in text) == (0, True)
    assert re.search(r"busy +\d+:\d\d +Rita\n", command(tmp_path, "agents")[1])


def test_caller_is_taken_out_of_a_queue_by_the_beginning_of_the_call(tmp_path: Path) -> None:
    fill_queue(tmp_path)
    (waiting,) = read_json(tmp_path, "queues", "support")
    assert (waiting["call"], waiting["place"]) == ("caller-1", 1)
    shown = command(tmp_path, "queues", "support")[1]
    assert re.fullmatch(r"1 +\d+:\d\d +0 +caller-1, a member is rung", shown.splitlines()[1])
    for group, call, status, words in (
        ("", "caller-1", 2, "name the GROUP"),
        ("suport", "caller-1", 1, "there is no group suport (known are support)"),
        ("support", "caller-2", 1, "no call caller-2 waits in support"),
        ("support", "caller", 0, "caller-1 leaves the queue of support"),
    ):
        code, text = command(tmp_path, "queues", *filter(None, [group]), "--take-out", call)
        assert (code, words in text) == (status, True), text

    async def read_exit() -> str:
        line = RingLine(RELEASE, SqliteStore(tmp_path / "calls.db"))
        line.now = time.time() + 1
        await line.run_tasks()
        found = await line.store.orchestrations.list_entries(
            format_queue_id(APPLICATION, "support"), 0.0
        )
        await line.store.close()
        return next(one.outcome for one in found if one.call == "caller-1")

    assert run(read_exit()) == "timeout"


def test_call_back_is_cancelled_by_the_beginning_of_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "omar")
    hours = "when: my turn, within: support"
    flow = replace_all(TURN_FILES["line.yaml"], {hours: "when: my turn"})
    release = compile_release({**TURN_FILES, "line.yaml": flow})

    async def do_on_line(cancels: bool) -> list[tuple[str, str]]:
        line = TurnLine(release, store=SqliteStore(tmp_path / "calls.db"))
        line.now = time.time()
        if cancels:
            await line.run_tasks(1)
        else:
            await line.begin()
        await line.store.close()
        return [(one.outcome, one.reason) for one in line.ended]

    run(do_on_line(cancels=False))
    call_back, later = read_json(tmp_path, "queues", "support")
    assert (call_back["place"], call_back["call_back"]) == (1, True)
    assert (later["place"], later["call_back"]) == (2, False)
    shown = command(tmp_path, "queues", "support")[1].splitlines()
    assert shown[1].endswith(f"{call_back['call']}, to be called back")
    take_out = ("queues", "support", "--take-out", call_back["call"][:10])
    code, text = command(tmp_path, *take_out)
    assert (code, "is cancelled: nobody is called back" in text) == (0, True), text
    assert [one["call"] for one in read_json(tmp_path, "queues", "support")] == [later["call"]]
    code, text = command(tmp_path, *take_out)
    assert (code, "waits in support: flowengine queues support" in text) == (1, True), text
    assert run(do_on_line(cancels=True)) == [("cancelled", "by omar")]


def test_name_without_a_caller_to_take_out_is_refused(tmp_path: Path) -> None:
    fill_queue(tmp_path)
    code, text = command(tmp_path, "queues", "support", "--who", "Rita")
    assert (code, "name the caller to --take-out" in text) == (2, True)


def test_agent_signs_in_to_a_group_of_the_live_release_that_no_caller_has_reached(
    tmp_path: Path,
) -> None:
    fill_queue(tmp_path)
    files = {
        "project.yaml": b"project: acme\nroutes: [{flow: line}]\n",
        "groups/supports.yaml": f'members: ["{BO}"]\n'.encode(),
        "line.yaml": b'flow: line\nstart: bye\nstates: {bye: {say: "${env.GONE}", hangup: }}\n',
    }
    publish_unchecked(tmp_path, files)
    sign = ("--sign", "out")
    code, text = command(tmp_path, "agents", BO, "--group", "supports", *sign)
    assert (code, "is signed out of supports" in text) == (0, True), text
    code, text = command(tmp_path, "agents", ANNA, "--group", "supports", *sign)
    assert (code, "nobody in the group supports has this address" in text) == (1, True)
    code, text = command(tmp_path, "agents", BO, "--group", "night", *sign)
    assert (code, "there is no group night (known are support, supports)" in text) == (1, True)
    shown = [one["group"] for one in read_json(tmp_path, "agents")]
    assert "supports" in shown
    # a row of before, when every group was taken, makes no group
    run(sign_stranger(tmp_path))
    assert command(tmp_path, "agents", ANNA, "--group", "night", *sign)[0] == 1


def test_queue_counts_the_members_that_its_group_has_in_the_live_release(tmp_path: Path) -> None:
    fill_queue(tmp_path)
    files = {
        "project.yaml": b"project: acme\nroutes: [{flow: line}]\n",
        "groups/support.yaml": f'members: ["{BO}", "{CY}", "+14045009004"]\n'.encode(),
        "line.yaml": b"flow: line\nstart: bye\nstates: {bye: {hangup: }}\n",
    }
    publish_unchecked(tmp_path, files)
    (queue,) = read_json(tmp_path, "queues")
    assert (queue["free"], queue["busy"]) == (2, 1)  # ANNA, who talks, is in the group no more


def publish_unchecked(folder: Path, files: dict[str, bytes]) -> None:
    """Make a release live as a server does, which has the secrets that it needs."""
    location = ServerSettings("", store=f"sqlite:{folder}/calls.db").archive
    with closing(Archive(location)) as archive, closing(Ledger(location)) as ledger:
        archive.put("r1", files, FlowOrigin(""), time.time())
        ledger.append_change(lambda _live: Change("server", "publish", "r1"), time.time())


async def sign_stranger(folder: Path) -> None:
    store = SqliteStore(folder / "calls.db")
    await store.orchestrations.set_agent_status(SavedAgentStatus("night", ANNA, "in", 1.0))
    await store.close()


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
