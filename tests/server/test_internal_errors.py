"""A server that restarts with flows that the compiler cannot take, whatever the cause, goes on with
the release before; its status and its log say why.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowengine.server.release_service import ReleaseService
from flowengine.server.server_settings import ServerSettings
from tests.server.server_process import Served, ice, start_server
from tests.waiting import PATIENCE_SECONDS

SECRET = "s3cr3t-t0ken"
FLOW = "flow: line\nstart: hello\nstates:\n  hello:\n    say: {}\n    hangup:\n"
# an exception of each place that compiles, where the file says so; a file, which workers import too
PROGRAM = f"""
import os
import sys
from flowengine.cli import main
from flowengine.compile import incremental_compile, project_compiler
from flowengine.states.builder import StateBuilder

def wrap(owner, name, word):
    usual = getattr(owner, name)
    def failing(*arguments, **named):
        if word in str(arguments):
            raise RecursionError({SECRET!r})
        return usual(*arguments, **named)
    setattr(owner, name, failing)

wrap(StateBuilder, "compile_prompt", "Kaboom in a state.")
wrap(incremental_compile, "declare", "Kaboom in a flow.")
wrap(project_compiler, "compile_flows", "Kaboom in a project.")
for word in os.environ.get("KABOOM", "").split():  # what this version of the engine cannot take
    wrap(StateBuilder, "compile_prompt", word)
if __name__ == "__main__":
    main(sys.argv[1:])
"""
BROKEN = {
    "alias": (FLOW.format("&hi Hello.").replace("hangup:", "hangup: *hi"), "FE113"),
    "conflict": (f"<<<<<<< HEAD\n{FLOW.format('One.')}=======\n>>>>>>> theirs\n", "FE120"),
    "state": (FLOW.format("Kaboom in a state."), "FE509"),
    "flow": (FLOW.format("Kaboom in a flow."), "FE509"),
    "project": (FLOW.format("Kaboom in a project."), "FE509"),
}
Start = Callable[[], Served]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Serve the folder `flows`; the store stays between starts."""
    started: list[Served] = []

    def begin() -> Served:
        served = start_server(
            tmp_path, "--store", "sqlite:store/calls.db", signed=False, program="program.py"
        )
        started.append(served)
        return served

    (tmp_path / "flows").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM)
    yield begin
    for served in started:
        if served.process.poll() is None:
            served.stop()


def hears(served: Served, call: str) -> str:
    return str(served.post(ice(call)).json()["instructions"][0]["text"])


def rejected(served: Served) -> list[tuple[str, str]]:
    return [
        (problem["code"], problem["place"])
        for item in served.get("/status").json()["rejected"]
        for problem in item["problems"]
    ]


@pytest.mark.parametrize("name", ["alias", "project"])  # found while reading, and while compiling
def test_server_with_broken_flows_restarts_on_the_release_before(
    tmp_path: Path, start: Start, name: str
) -> None:
    text, code = BROKEN[name]
    file = tmp_path / "flows" / "line.yaml"
    file.write_text(FLOW.format("Hello."))
    before = start()
    assert hears(before, "one") == "Hello."
    before.stop()
    file.write_text(text)
    served = start()
    assert hears(served, "two") == "Hello."
    assert code in [found for found, _ in rejected(served)]
    assert all(place.startswith("line.yaml:") for _, place in rejected(served))
    told = (tmp_path / "err").read_text()
    assert f"error {code}" in told
    assert "which was live before, is served" in told
    assert "Traceback" not in told
    assert SECRET not in told + served.get("/status").text
    file.write_text(FLOW.format("Mended."))
    wait_to_hear(served, "Mended.", "call")
    assert rejected(served) == []


def test_server_whose_release_and_flows_no_longer_compile_serves_the_newest_that_does(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the engine refuses what is live and the one before."""
    monkeypatch.chdir(tmp_path)
    settings = ServerSettings(str(tmp_path / "flows"), store="sqlite:store/calls.db")
    ids = [
        publish(settings, tmp_path / "flows" / "line.yaml", words)
        for words in ("First.", "Second.", "Third.", "Fourth.")
    ]
    monkeypatch.setenv("KABOOM", "Third. Fourth.")
    served = start()
    assert hears(served, "new") == "Second."
    status = served.get("/status").json()
    assert (status["current"], status["fallback_from"]) == (ids[1], ids[3])
    assert [code for code, _ in rejected(served)] == ["FE509"]
    log = served.err.read_text()
    assert f"release {ids[3]}, which was live, no longer compiles: release {ids[1]}" in log
    served.stop()
    # the version of before compiles it again
    assert publish(settings, tmp_path / "flows" / "line.yaml", "Fourth.") == ids[3]
    live = ReleaseService(settings)
    assert (live.ledger.get_live().current, live.ledger.get_live().fallback_from) == (ids[3], "")
    live.close()


def publish(settings: ServerSettings, file: Path, words: str) -> str:
    """What a server of these settings makes live as it starts."""
    file.write_text(FLOW.format(words))
    live = ReleaseService(settings)
    made = live.publish()
    live.close()
    assert made is not None
    return made.release


def wait_to_hear(served: Served, words: str, call: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while hears(served, f"{call}-{time.monotonic()}") != words:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("name", BROKEN)
def test_running_server_with_broken_flows_stays_on_its_release_and_logs_why(
    tmp_path: Path, start: Start, name: str
) -> None:
    text, code = BROKEN[name]
    file = tmp_path / "flows" / "line.yaml"
    file.write_text(FLOW.format("Hello."))
    served = start()
    file.write_text(text)
    until = time.monotonic() + PATIENCE_SECONDS
    while code not in [found for found, _ in rejected(served)]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert hears(served, "one") == "Hello."
    served.stop()
    log = (tmp_path / "out").read_text() + (tmp_path / "err").read_text()
    assert f"error {code}" in log
    assert "Traceback" not in log
    assert SECRET not in log
