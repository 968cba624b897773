"""`flowengine console`, and the options of `serve` for the console beside it."""

import socket
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.cli.console_address import open_console, parse_address
from flowengine.server.server_settings import ServerSettings
from tests.console.console_line import write_flows


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], env=environment)


COMMAND = click.Command("serve")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8081", ("127.0.0.1", 8081)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:9", ("localhost", 9)),
    ],
)
def test_address_of_a_console_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    with click.Context(COMMAND) as context:
        assert parse_address(context, click.Option(["--console"]), text) == address


@pytest.mark.parametrize(
    "text", ["8081", "localhost", "localhost:x", "http://localhost:1", "a:99999", ":8081"]
)
def test_address_of_a_console_that_is_none_is_refused(text: str) -> None:
    with (
        click.Context(COMMAND) as context,
        pytest.raises(click.BadParameter, match="write it as"),
    ):
        parse_address(context, click.Option(["--console"]), text)


def test_console_whose_port_is_taken_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
        monkeypatch.setattr("flowengine.cli.console_address.DEFAULT_CONSOLE", address)
        for option in (None, address):
            assert open_console(ServerSettings("flows"), option).list_sources() == []
            assert "no console yet: port" in capsys.readouterr().err


def test_console_for_other_machines_without_a_token_is_refused(tmp_path: Path) -> None:
    flows = write_flows(tmp_path / "flows")
    for arguments in (
        ("console", flows, "--host", "0.0.0.0"),
        ("serve", flows, "--console", "0.0.0.0:0"),
    ):
        result = run(*arguments, FLOWENGINE_ADMIN_TOKEN="")
        assert (result.exit_code, "FLOWENGINE_ADMIN_TOKEN" in result.output) == (2, True)
        result = run(*arguments, FLOWENGINE_ADMIN_TOKEN="short")
        assert (result.exit_code, "16 characters" in result.output) == (2, True)


def test_console_of_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    assert run("console", tmp_path / "nowhere").exit_code == 2


def test_console_takes_its_token_from_a_file_and_is_not_open_without_it(tmp_path: Path) -> None:
    write_flows(tmp_path)
    token = tmp_path / "token"
    token.write_text("short\n")
    done = run("console", tmp_path, "--host", "0.0.0.0", FLOWENGINE_ADMIN_TOKEN_FILE=str(token))
    assert (done.exit_code, "FLOWENGINE_ADMIN_TOKEN needs" in done.output) == (2, True)
    token.unlink()
    done = run("console", tmp_path, FLOWENGINE_ADMIN_TOKEN_FILE=str(token))
    assert (done.exit_code, "cannot be read" in done.output) == (2, True)
