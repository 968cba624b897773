"""From a server and an account to real calls in one command, and back: on the switch, with a server
behind whatever a proxy may do.
"""

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowengine.server.server_identity import ServerIdentity
from flowengine.sinch.client import ServerError, UnreachableApiError
from flowengine.sinch.client.account_routes import CallbackRoutes, NumberRoutes
from tests.callback_server import KEY, SECRET, answer_with, serve_callbacks
from tests.cli.api.api_line import ApiLine, open_line
from tests.switch.switch_process import NUMBER, OTHER, SPARE
from tests.waiting import find_free_port

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The callback URL of a server."""
    with serve_callbacks() as base:
        yield f"{base}/sinch"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder. No server listens where one usually does."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(
        "flowengine.cli.go_live.LOCAL_SERVER", f"http://127.0.0.1:{find_free_port()}"
    )
    return tmp_path / "state"


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, state: Path, url: str) -> Iterator[ApiLine]:
    assert state.parent.exists()
    with open_line(monkeypatch) as opened:
        opened.names |= {url: "URL", opened.backend.url: "BACKEND"}
        yield opened


def setup(line: ApiLine) -> tuple[dict[str, str], dict[str, str]]:
    """The callback URLs of the application, and what the numbers reach."""
    urls = line.switch.ask("GET", f"/v1/configuration/callbacks/applications/{KEY}").json()["url"]
    numbers = line.switch.ask("GET", "/v1/configuration/numbers").json()["numbers"]
    return urls, {one["number"]: one.get("applicationkey", "") for one in numbers}


def records(state: Path) -> list[Path]:
    return sorted(path for path in state.rglob("*") if path.is_file())


def test_go_live_sets_up_and_undo_puts_back(
    line: ApiLine, url: str, golden: Callable[[Path, str], None], state: Path
) -> None:
    before = setup(line)
    said = line.show("go-live", "--url", url, "--number", "+1 404 500 2000", "--server", url)
    release = said.partition("with release ")[2].split()[0]
    line.names[release] = "RELEASE"
    assert setup(line) == ({"primary": url}, {NUMBER: KEY, SPARE: KEY})
    (record,) = records(state)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert SECRET not in record.read_text()
    line.show("go-live", "--undo")
    assert setup(line) == before
    assert not records(state)
    line.show("go-live", "--undo", exit_code=2)
    golden(GOLDEN / "go_live.txt", line.format_transcript().replace("[OPTIONS]", "…"))


def test_go_live_as_json_tells_server_and_changes(line: ApiLine, url: str) -> None:
    result = line.load("go-live", "--url", url, "--number", NUMBER)
    assert result["application"] == KEY
    assert result["server"]["machine"] == "web1"
    assert not result["is_compared"]
    mine = f"application {KEY}"
    assert result["changes"] == [
        {"subject": "callback URL", "before": line.backend.url, "after": url, "is_left": False},
        {"subject": NUMBER, "before": mine, "after": mine, "is_left": False},
    ]


def test_undo_goes_back_to_what_was_before_the_first_go_live(line: ApiLine, url: str) -> None:
    line.switch.ask(
        "POST",
        f"/v1/configuration/callbacks/applications/{KEY}",
        {"url": {"primary": line.backend.url, "fallback": "https://example.com/fallback"}},
    )
    line.switch.ask(
        "POST", "/v1/configuration/numbers", {"numbers": [SPARE], "applicationkey": OTHER}
    )
    before = setup(line)
    with serve_callbacks() as second:
        line.show("go-live", "--url", url, "--number", SPARE)
        line.show("go-live", "--url", f"{second}/sinch", "--number", NUMBER)
        line.show("go-live", "--url", f"{second}/sinch", "--number", SPARE, "--number", SPARE)
    assert setup(line) == ({"primary": f"{second}/sinch"}, {NUMBER: KEY, SPARE: KEY})
    line.show("go-live", "--undo")
    assert setup(line) == before


def test_undo_leaves_what_somebody_has_changed_since(line: ApiLine, url: str) -> None:
    line.show("go-live", "--url", url, "--number", SPARE)
    changed = {"url": {"primary": "https://example.com/new"}}
    line.switch.ask("POST", f"/v1/configuration/callbacks/applications/{KEY}", changed)
    line.switch.ask(
        "POST", "/v1/configuration/numbers", {"numbers": [SPARE], "applicationkey": OTHER}
    )
    before = setup(line)
    said = line.show("go-live", "--undo")
    assert said.count("left as it is") == 2
    assert setup(line) == before


def test_undo_puts_the_url_back_though_a_number_was_given_up(
    line: ApiLine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.show("go-live", "--url", url, "--number", SPARE)

    async def list_none(_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(NumberRoutes, "list_all", list_none)
    assert "no number of the account" in line.show("go-live", "--undo")
    assert setup(line)[0] == {"primary": line.backend.url}


def test_go_live_after_a_change_of_somebody_else_remembers_that(line: ApiLine, url: str) -> None:
    line.show("go-live", "--url", url, "--number", SPARE)
    changed = {"url": {"primary": "https://example.com/new"}}
    line.switch.ask("POST", f"/v1/configuration/callbacks/applications/{KEY}", changed)
    line.switch.ask(
        "POST", "/v1/configuration/numbers", {"numbers": [SPARE], "applicationkey": OTHER}
    )
    before = setup(line)
    line.show("go-live", "--url", url, "--number", SPARE)
    line.show("go-live", "--undo")
    assert setup(line) == before


def test_fault_of_the_url_changes_nothing_at_the_platform(
    line: ApiLine, url: str, golden: Callable[[Path, str], None], state: Path
) -> None:
    before = setup(line)
    with serve_callbacks(front=answer_with(502)) as broken:
        line.names[broken] = "BROKEN"
        line.show("go-live", "--url", f"{broken}/sinch", "--number", SPARE, exit_code=1)
        line.load("go-live", "--url", f"{broken}/sinch", "--number", SPARE, exit_code=1)
    with serve_callbacks({KEY: "JViE5vDor0Sw3WllZka15Q=="}) as other:
        line.names[other] = "OTHER-SECRET"
        line.show("go-live", "--url", f"{other}/sinch", "--number", SPARE, exit_code=1)
    line.show("go-live", "--url", url, "--number", "+46700000001", exit_code=1)
    with serve_callbacks(identity=ServerIdentity("web2", "another start")) as other:
        line.names[other] = "OTHER"
        words = ("--url", f"{other}/sinch", "--number", SPARE, "--server", url)
        said = line.show("go-live", *words, exit_code=1)
        line.names[said.partition("with release ")[2].split()[0]] = "RELEASE"
    assert (setup(line), records(state)) == (before, [])
    golden(GOLDEN / "go_live_faults.txt", line.format_transcript())


def test_wrong_secret_is_found_at_the_platform_first(
    line: ApiLine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "JViE5vDor0Sw3WllZka15Q==")
    error = line.load("go-live", "--url", url, exit_code=1)["error"]
    assert (error["code"], error["note"]) == (40102, "Nothing was changed at the platform.")


def test_server_that_was_named_must_answer(line: ApiLine, url: str) -> None:
    named = f"http://127.0.0.1:{find_free_port()}/sinch"
    error = line.load("go-live", "--url", url, "--server", named, exit_code=1)["error"]
    assert error["kind"] == "no_connection"


def test_server_without_a_path_is_asked_at_that_of_the_url(line: ApiLine, url: str) -> None:
    base = url.removesuffix("/sinch")
    for server in (base, f"{base}/"):
        assert line.load("go-live", "--url", url, "--server", server)["is_compared"]
    said = line.show("go-live", "--url", url, "--server", f"{base}/other", exit_code=1)
    assert "nothing takes callbacks at /other (404)" in said


@pytest.mark.parametrize(
    "server",
    ["127.0.0.1:8080", "localhost", "http://", "http://[", "http://a:99999", "http://a\x01"],
)
def test_server_that_is_no_address_is_refused_at_once(line: ApiLine, url: str, server: str) -> None:
    before = setup(line)
    said = line.show("go-live", "--url", url, "--server", server, exit_code=2)
    assert "write the address of a server" in said
    assert setup(line) == before


def test_machines_that_share_a_store_are_one_server(line: ApiLine, url: str) -> None:
    one, other = (ServerIdentity(f"web{n}", f"start {n}", "a store") for n in (1, 2))
    with serve_callbacks(identity=one) as near, serve_callbacks(identity=other) as far:
        words = ("--url", f"{far}/sinch", "--server", f"{near}/sinch")
        assert line.load("go-live", *words)["is_compared"]
    assert "flowengine api number list" in line.show("go-live", "--url", url)


def test_failure_in_the_middle_says_that_undo_helps(
    line: ApiLine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = setup(line)

    async def fail(*_: Any) -> None:
        raise UnreachableApiError(0, 0, "no answer from callingapi.sinch.com: ReadTimeout")

    with monkeypatch.context() as patched:
        patched.setattr(NumberRoutes, "assign", fail)
        said = line.show("go-live", "--url", url, "--number", SPARE, exit_code=1)
    assert "go-live --undo puts back what was there before" in said
    with monkeypatch.context() as patched:
        patched.setattr(CallbackRoutes, "set", fail)
        line.show("go-live", "--undo", exit_code=1)
    line.show("go-live", "--undo")
    assert setup(line) == before


def test_change_that_does_not_last_is_an_error(
    line: ApiLine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ignore(*_: Any) -> None:
        pass

    with monkeypatch.context() as patched:
        patched.setattr(NumberRoutes, "assign", ignore)
        said = line.show("go-live", "--url", url, "--number", SPARE, exit_code=1)
        assert f"{SPARE} reaches nobody now" in said
    monkeypatch.setattr(CallbackRoutes, "set", ignore)
    with serve_callbacks() as base:
        said = line.show("go-live", "--url", f"{base}/sinch", exit_code=1)
    assert "the callback URL is URL now" in said.replace(url, "URL")


def test_record_that_cannot_be_kept_or_read_stops_the_command(
    line: ApiLine, url: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = setup(line)
    state.write_text("no folder")
    assert "cannot be" in line.show("go-live", "--url", url, exit_code=1)
    assert setup(line) == before
    state.unlink()
    line.show("go-live", "--url", url)
    (record,) = records(state)
    record.write_text("{")
    for words in (["--undo"], ["--url", url]):
        assert "is no record of go-live: move it away" in line.show("go-live", *words, exit_code=1)

    async def fail(*_: Any) -> Any:
        raise ServerError(500, 50000, "Internal error")

    monkeypatch.setattr(CallbackRoutes, "get", fail)
    record.unlink()
    assert "Nothing was changed" in line.show("go-live", "--url", url, exit_code=1)


def test_go_live_without_a_home_names_the_variable_of_the_folder(
    line: ApiLine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    before = setup(line)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", fail)
    for words in (["--undo"], ["--url", url]):
        said = line.show("go-live", *words, exit_code=1)
        assert "this user has no home folder" in said
        assert "set XDG_STATE_HOME" in said
    assert setup(line) == before


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("http://voice.example.com/sinch", "plain_http"),
        ("https://localhost/sinch", "private_address"),
        ("https://192.168.0.5/sinch", "private_address"),
        ("https://voice.internal/sinch", "private_address"),
        ("https://ann:hidden@voice.example.com/sinch", "not_a_url"),
        ("https://voice.example.com/sinch#top", "not_a_url"),
        ("voice.example.com/sinch", "not_a_url"),
        ("https://[::1", "not_a_url"),
        ("https://voice.example.com/a\x01", "not_a_url"),
    ],
)
def test_urls_that_the_platform_cannot_use_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, state: Path, address: str, kind: str
) -> None:
    from click.testing import CliRunner

    from flowengine.cli import main

    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    result = CliRunner().invoke(main, ["go-live", "--url", address, "--json"])
    assert (result.exit_code, json.loads(result.output)["error"]["kind"]) == (1, kind)
    assert "hidden" not in result.output
    assert not state.exists()


@pytest.mark.parametrize(
    "words",
    [[], ["--undo", "--url", "https://a"], ["--undo", "--number", "+1"], ["--number", "+1"]],
)
def test_go_live_needs_a_url_or_undo_alone(line: ApiLine, words: list[str]) -> None:
    assert "give --url and --number, or --undo alone" in line.show("go-live", *words, exit_code=2)
