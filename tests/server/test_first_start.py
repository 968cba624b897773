"""A first start that fails leaves no files behind."""

import socket
from pathlib import Path

import pytest

from flowengine.server.first_release import NothingToServeError
from flowengine.server.server_run import run_server
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.server.startup import prepare_server

FLOW = "flow: line\nstart: greet\nstates:\n  greet: {say: Hello., hangup: }\n"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "line.yaml").write_text(FLOW)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def build_settings(flows: Path, data: Path, port: int = 0) -> ServerSettings:
    return ServerSettings(str(flows), port=port, store=f"sqlite:{data / 'calls.db'}")


def test_first_start_on_flows_with_errors_says_them_and_makes_no_file(
    flows: Path, data: Path
) -> None:
    (flows / "line.yaml").write_text(FLOW.replace("start: greet", "start: gone"))
    said: list[str] = []
    with pytest.raises(NothingToServeError):
        prepare_server(build_settings(flows, data), flows, said.append)
    assert "there is no state gone" in "".join(said)
    assert not data.exists()


def test_first_start_with_a_token_that_is_too_short_makes_no_file(
    flows: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_STATUS_TOKEN", "short")
    with pytest.raises(SettingsError, match="16 characters"):
        prepare_server(build_settings(flows, data), flows, lambda _: None)
    assert not data.exists()


def test_first_start_on_a_taken_port_makes_no_file(flows: Path, data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = build_settings(flows, data, taken.getsockname()[1])
        with pytest.raises(SettingsError, match="is in use"):
            run_server(settings, lambda: None, None)
    assert not data.exists()


def test_first_start_compiles_the_flows_and_keeps_them(flows: Path, data: Path) -> None:
    start = prepare_server(build_settings(flows, data), flows, lambda _: None)
    assert start.flows.release is not None
    assert (data / "releases.db").exists()
    (flows / "line.yaml").write_text("flow: line")
    said: list[str] = []
    later = prepare_server(build_settings(flows, data), flows, said.append)
    assert later.flows.release is not None
    assert later.flows.release.id == start.flows.release.id
    assert "which was live before, is served" in "".join(said)
