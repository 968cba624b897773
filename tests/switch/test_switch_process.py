"""`flowengine switch` as a process of its own, with a backend that is not flowengine."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.fork_server import FlowengineProcess, run_flowengine
from tests.switch.switch_process import (
    CONFIG,
    KEY,
    NUMBER,
    SECRET,
    SPARE,
    Backend,
    Switch,
)
from tests.waiting import PATIENCE_SECONDS, can_connect, find_free_port, wait_until

ROOT = Path(__file__).parents[2]
MENU = {
    "id": "main",
    "mainPrompt": "#tts[Press 1 for sales.]",
    "options": [{"dtmf": "1", "action": "return(sales)"}],
}
RUN = {"action": {"name": "runMenu", "locale": "en-US", "mainMenu": "main", "menus": [MENU]}}
CONNECT = {"action": {"name": "connectPstn", "number": "+46700000009", "cli": NUMBER}}
Start = Callable[..., tuple[Switch, FlowengineProcess]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    processes: list[FlowengineProcess] = []

    def run(*arguments: str, **environment: str) -> tuple[Switch, FlowengineProcess]:
        port = find_free_port()
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("SINCH_")
        }
        with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
            process = FlowengineProcess(
                ["switch", *arguments, "--port", str(port)],
                cwd=tmp_path,
                env={"PYTHONPATH": str(ROOT), **inherited, **environment},
                stdout=out,
                stderr=err,
            )
        processes.append(process)
        switch = Switch(f"http://127.0.0.1:{port}")
        wait_until(lambda: process.poll() is not None or answers(switch, port))
        assert process.poll() is None, (tmp_path / "err").read_text()
        return switch, process

    yield run
    for process in processes:
        stop(process)


def answers(switch: Switch, port: int) -> bool:
    try:
        return can_connect(port) and switch.send("GET", "/desk/time").status_code == 200
    except httpx.TransportError:
        return False


def stop(process: FlowengineProcess) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_SECONDS)


def configured(tmp_path: Path, backend: Backend, *more: str) -> str:
    (tmp_path / "switch.yaml").write_text(
        "\n".join((CONFIG.replace("BACKEND", backend.url), *more))
    )
    return "switch.yaml"


def test_request_of_a_java_client_that_offers_tls_is_answered(
    start: Start, tmp_path: Path, backend: Backend
) -> None:
    switch, _ = start(configured(tmp_path, backend))
    offer = {"connection": "Upgrade", "upgrade": "TLS/1.2"}
    callout = {"destination": {"type": "number", "endpoint": "+46700000009"}, "text": "Hello."}
    wanted = {"method": "ttsCallout", "ttsCallout": callout}
    answer = switch.ask("POST", "/calling/v1/callouts", wanted, offer)
    assert (answer.status_code, list(answer.json())) == (200, ["callId"])
    assert "upgrade" not in (tmp_path / "err").read_text()


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_switch_process_calls_a_hand_written_backend(
    start: Start, tmp_path: Path, backend: Backend, clock: str
) -> None:
    backend.answers.update(ice=RUN, pie=CONNECT, ace={"action": {"name": "continue"}})
    settings = "settings: {characters_per_second: 200}"
    switch, process = start(
        configured(tmp_path, backend, settings), "--clock", clock, "--seed", "7"
    )
    presses = {
        "acts": [
            {"do": "press", "value": "1", "until": "asked"},
            {"do": "hang up", "until": "Goodbye"},
        ]
    }
    given = {"from": "+46700000001", "to": NUMBER, "behaviour": presses}
    if clock == "virtual":
        switch.send("POST", "/desk/time", {"running": False})
    call = switch.send("POST", "/desk/calls", given).json()["callId"]
    if clock == "virtual":
        switch.advance(10)
    wait_until(lambda: any(item["what"] == "ringing" for item in switch.happened(call)))
    assert switch.act_now(call, "callee", "answer").status_code == 200
    wait_until(lambda: backend.events()[-1:] == ["ace"])
    said = {
        "instructions": [{"name": "say", "text": "Goodbye.", "locale": "en-US"}],
        "action": {"name": "continue"},
    }
    assert switch.ask("PATCH", f"/calling/v1/calls/id/{call}", said).status_code == 204
    if clock == "virtual":
        switch.advance(10)
    wait_until(lambda: backend.events()[-1:] == ["dice"])
    assert backend.events() == ["ice", "pie", "ace", "dice"]
    assert [backend.seen[-1][name] for name in ("result", "reason")] == ["ANSWERED", "CALLERHANGUP"]
    assert {event["callid"] for event in backend.seen} == {call}
    assert backend.seen[1]["menuResult"]["value"] == "sales"
    stop(process)
    assert "Traceback" not in (tmp_path / "err").read_text()


def test_switch_state_is_there_after_a_restart(
    start: Start, tmp_path: Path, backend: Backend
) -> None:
    options = {"destinationUrl": "s3://bucket", "credentials": "a:b:eu"}
    backend.answers.update(
        ice={
            "instructions": [{"name": "answer"}, {"name": "startRecording", "options": options}],
            "action": {"name": "hangup"},
        }
    )
    config = configured(
        tmp_path, backend, "store: sqlite:kept/switch.db", "settings: {upload_seconds: 0}"
    )
    switch, process = start(config)
    callbacks = f"/v1/configuration/callbacks/applications/{KEY}"
    call = switch.send("POST", "/desk/calls", {"from": "+46700000001", "to": NUMBER}).json()[
        "callId"
    ]
    wait_until(lambda: "dice" in backend.events())
    wait_until(lambda: bool(switch.ask("GET", "/calling/v1/recording").json()))
    assert switch.ask("POST", "/v1/configuration/numbers", {"numbers": [SPARE]}).status_code == 204
    assert (
        switch.ask(
            "POST", callbacks, {"url": {"primary": f"{backend.url}/new", "fallback": backend.url}}
        ).status_code
        == 204
    )
    asked = (
        "/v1/configuration/numbers",
        callbacks,
        f"/calling/v1/calls/id/{call}",
        "/calling/v1/recording",
    )
    before = [switch.ask("GET", path).json() for path in asked]
    sound = switch.ask("GET", f"/calling/v1/recording/{before[3][0]['key']}").content
    stop(process)
    again, _ = start(config)
    assert [again.ask("GET", path).json() for path in asked] == before
    assert again.ask("GET", f"/calling/v1/recording/{before[3][0]['key']}").content == sound
    assert before[2]["status"] == "FINAL"


def test_without_a_file_it_shows_a_pair_of_credentials(start: Start, tmp_path: Path) -> None:
    switch, process = start()
    stop(process)
    out, err = (tmp_path / "out").read_text(), (tmp_path / "err").read_text()
    made = dict(word.split("=", 1) for word in out.split()[1:])
    assert set(made) == {"SINCH_APPLICATION_KEY", "SINCH_APPLICATION_SECRET"}
    assert switch.url in err
    assert "http://127.0.0.1:8080/sinch" in err


def test_switch_takes_the_credentials_of_the_environment(start: Start) -> None:
    switch, _ = start(SINCH_APPLICATION_KEY=KEY, SINCH_APPLICATION_SECRET=SECRET)
    assert (
        switch.ask("GET", "/v1/configuration/numbers").json()["numbers"][0]["applicationkey"] == KEY
    )


def test_calls_have_the_same_ids_under_the_same_seed(
    start: Start, tmp_path: Path, backend: Backend
) -> None:
    config = configured(tmp_path, backend)
    ids = []
    for seed in ("1", "1", "2"):
        switch, process = start(config, "--seed", seed, "--clock", "virtual")
        ids.append(
            switch.send("POST", "/desk/calls", {"from": "+46700000001", "to": NUMBER}).json()[
                "callId"
            ]
        )
        stop(process)
    assert ids[0] == ids[1] != ids[2]


def test_mistakes_in_the_file_end_it_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "switch.yaml").write_text("region: mars\nstore: memory\n")
    ended = run_flowengine("switch", "switch.yaml", cwd=tmp_path)
    assert ended.returncode == 1
    assert "switch.yaml:1:9: error FE153" in ended.stderr
