"""Each route of the platform's APIs from the terminal, on the switch."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.cli.api import API_GROUPS
from tests.cli.api.api_line import ApiLine, open_line
from tests.switch.switch_process import KEY, NUMBER, OTHER, SECRET, SPARE

GOLDEN = Path(__file__).parent / "golden"
CONFERENCE = {"action": {"name": "connectConf", "conferenceId": "my conf"}}
CONNECT = {"action": {"name": "connectPstn", "number": "+46700000003", "cli": NUMBER}}
SAY = '{"instructions": [{"name": "say", "text": "Please hold.", "locale": "en-US"}]}'
RECORD = {
    "instructions": [{"name": "startRecording", "options": {"format": "wav"}}],
    "action": {"name": "park", "maxDuration": 600},
}


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiLine]:
    with open_line(monkeypatch) as opened:
        yield opened


def test_callouts_and_calls_from_the_terminal(
    line: ApiLine, golden: Callable[[Path, str], None], tmp_path: Path
) -> None:
    call = line.show(
        *("api", "callout", "speech", "--to", "+46 70 000 00 03", "--cli", NUMBER, "--dice"),
        *("--text", "Your table is ready.", "--custom", "order 7"),
    )
    line.names[call] = "CALL-1"
    line.switch.advance(4)
    line.show("api", "call", "show", call)
    (tmp_path / "say.json").write_text(SAY)
    line.show("api", "call", "update", call, f"@{tmp_path}/say.json")
    line.names[str(tmp_path)] = "FOLDER"
    line.show("api", "call", "update", call, SAY, "--leg", "callee")
    line.switch.advance(1)
    line.show("api", "call", "end", call)
    line.switch.advance(60)
    assert "Please hold." in line.switch.heard(call)
    assert line.load("api", "call", "show", call)["reason"] == "MANAGERHANGUP"
    line.show("api", "call", "show", call)
    line.show("api", "call", "report", call, "success", "--details", "all well")
    line.show("api", "callout", "speech", "--to", "+46700000003", "--prompts", "#tts[Hello]")
    line.backend.answers["ace"] = {"action": {"name": "hangup"}}
    placed = line.load(
        *("api", "callout", "custom", "--ice", json.dumps(CONNECT), "--ace"),
        *("--header", "X-CB-Order=7", "--max-duration", "60"),
    )
    line.switch.advance(30)
    assert [event["callid"] for event in line.backend.seen if event["event"] == "ace"] == [
        placed["callId"]
    ]
    assert line.backend.headers[-1]["x-cb-order"] == "7"
    golden(GOLDEN / "calls.txt", line.format_transcript())


def test_conferences_from_the_terminal(line: ApiLine, golden: Callable[[Path, str], None]) -> None:
    line.backend.answers["ice"] = CONFERENCE
    first, second = line.switch.dial(), line.switch.dial()
    third = line.show(
        *("api", "callout", "conference", "--to", "+46700000003", "--cli", NUMBER),
        *("--conference", "my conf", "--music", "music1", "--keys", "detect", "--max-digits", "2"),
    )
    line.names |= {first: "CALL-1", second: "CALL-2", third: "CALL-3"}
    line.switch.advance(5)
    line.show("api", "conference", "mute", "my conf", first)
    line.show("api", "conference", "hold", "my conf", second, "--music", "music2")
    line.show("api", "conference", "show", "my conf")
    line.show("api", "conference", "unmute", "my conf", first)
    line.show("api", "conference", "resume", "my conf", second)
    line.show("api", "conference", "kick", "my conf", third)
    line.switch.advance(1)
    members = line.load("api", "conference", "show", "my conf")
    assert {member["id"] for member in members} == {first, second}
    line.show("api", "conference", "end", "my conf")
    line.switch.advance(1)
    line.show("api", "conference", "show", "my conf", exit_code=1)
    golden(GOLDEN / "conferences.txt", line.format_transcript())


def test_numbers_and_callback_urls_from_the_terminal(
    line: ApiLine, golden: Callable[[Path, str], None]
) -> None:
    line.names[line.backend.url] = "BACKEND"
    line.show("api", "number", "list")
    line.show("api", "number", "assign", NUMBER, SPARE)
    listed = line.load("api", "number", "list")
    assert {one["number"]: one["applicationkey"] for one in listed} == {NUMBER: KEY, SPARE: KEY}
    line.show("api", "number", "release", SPARE)
    line.show("api", "number", "query", "+46(0)73-017-0101")
    line.show("api", "callback", "show")
    line.show(
        "api", "callback", "set", "https://example.com/a", "--fallback", "https://example.com/b"
    )
    line.show("api", "callback", "set", "https://example.com/c", "--application", OTHER)
    assert line.load("api", "callback", "show") == {
        "primary": "https://example.com/a",
        "fallback": "https://example.com/b",
    }
    golden(GOLDEN / "numbers.txt", line.format_transcript())


def test_recordings_and_reports_from_the_terminal(
    line: ApiLine, golden: Callable[[Path, str], None], tmp_path: Path
) -> None:
    line.backend.answers["ice"] = RECORD
    call = line.switch.dial()
    line.switch.advance(5)
    line.show("api", "report", "counter")
    line.switch.act(call, "caller", "hangup")
    line.switch.advance(60)
    since = ("--since", "2020-01-01", "--until", "2099-01-01")
    (kept,) = line.load("api", "recording", "list", *since)
    line.names |= {kept["key"]: "KEY", call: "CALL", str(tmp_path): "FOLDER"}
    line.transcript.pop()
    line.show("api", "recording", "list", *since)
    line.show("api", "recording", "download", kept["key"], str(tmp_path / "call.wav"))
    assert (tmp_path / "call.wav").exists()
    line.show("api", "recording", "delete", kept["key"])
    line.show("api", "recording", "list", *since)
    line.show("api", "report", "user", "number", "+46700000001", "--domain", "pstn", *since)
    line.show("api", "report", "service", "calling")
    golden(GOLDEN / "reports.txt", line.format_transcript())


def test_refusals_have_the_code_of_the_platform_and_a_cure(
    line: ApiLine, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    line.show("api", "call", "show", "nobody", exit_code=1)
    error = line.load("api", "call", "show", "nobody", exit_code=1)["error"]
    assert (error["code"], error["status"], bool(error["reference"])) == (40400, 404, True)
    line.show("api", "number", "assign", "46700000001", exit_code=1)
    line.show("api", "number", "assign", "+46700000001", exit_code=1)
    for code in (40105, 40200, 42901, 50000):
        assert line.switch.send("POST", "/desk/refusals", {"code": code}).is_success
        line.show("api", "number", "list", exit_code=1)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", "JViE5vDor0Sw3WllZka15Q==")
    line.show("api", "number", "list", exit_code=1)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "nobody")
    line.show("api", "report", "counter", exit_code=1)
    text = line.format_transcript()
    golden(GOLDEN / "refusals.txt", text)
    assert SECRET not in text


def run(*words: str) -> Any:
    return CliRunner().invoke(main, ["api", *words])


def test_unreachable_api_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    result = run("number", "list", "--switch", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "no answer from 127.0.0.1: ConnectError" in result.output
    assert "check the network" in result.output


def test_commands_without_credentials_name_their_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SINCH_APPLICATION_KEY", raising=False)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", " ")
    for words in (("number", "list"), ("callback", "show")):
        result = run(*words)
        assert result.exit_code == 2
        assert "SINCH_APPLICATION_KEY and SINCH_APPLICATION_SECRET" in result.output


@pytest.mark.parametrize("key", ["Schlüssel", "two\nlines"])
def test_key_with_a_character_that_no_key_has_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("SINCH_APPLICATION_KEY", key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    for words in (
        ("api", "number", "list"),
        ("go-live", "--url", "https://voice.example.com/sinch"),
        ("call", "http://127.0.0.1:9/sinch", "--keys", "hang up"),
        ("load", "http://127.0.0.1:9/sinch"),
    ):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2, (words, result.output)
        assert "SINCH_APPLICATION_KEY has a character that no key has" in result.output
        assert key[:5] not in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("call", "show", ".."), "cannot be part of an address"),
        (("call", "show", "https://example.com/calls/id/1"), "neither of sinch.com"),
        (("call", "update", "c", "{"), "SVAML as a JSON object"),
        (("call", "update", "c", "@/nowhere"), "cannot be read"),
        (("call", "update", "c", "[" * 100_000), "SVAML as a JSON object"),
        (("callout", "speech", "--to", "anna"), "give --text or --prompts"),
        (("callout", "speech", "--to", " ", "--text", "Hello"), "name who is called"),
        (("callout", "custom", "--header", "X-Order=7"), "X-CB-Name=value"),
        (("callout", "custom", "--header", "X-CB-A=\n"), "ASCII"),
        (("recording", "list", "--since", "800000d"), "800000d is no time"),
        (("recording", "list", "--since", "99999999999h"), "99999999999h is no time"),
        (("recording", "list", "--since", "9" * 400 + "d"), "9d is no time"),
        (("recording", "list", "--until", "9999-12-31T23:00-14:00"), "is no time"),
        (("report", "user", "number", "a", "--since", "0001-01-01T00:00+14:00"), "is no time"),
        (("number", "list", "--switch", "127.0.0.1"), "the address of a switch"),
        (("number", "list", "--switch", "http://["), "the address of a switch"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("SINCH_APPLICATION_KEY", KEY)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())


@pytest.mark.parametrize(
    "words",
    [
        ("callback", "set", ""),
        ("callback", "set", " "),
        ("callback", "set", "https://example.com/a", "--fallback", ""),
        ("callback", "set", "https://example.com/a", "--application", ""),
        ("callback", "show", "--application", ""),
        ("number", "assign", NUMBER, "--application", ""),
        ("number", "release", NUMBER, "--application", ""),
    ],
)
def test_empty_values_change_nothing(line: ApiLine, words: tuple[str, ...]) -> None:
    before = line.load("api", "callback", "show"), line.load("api", "number", "list")
    assert "it is empty" in " ".join(line.show("api", *words, exit_code=2).split())
    assert (line.load("api", "callback", "show"), line.load("api", "number", "list")) == before


def test_empty_address_of_a_switch_does_not_reach_the_platform() -> None:
    result = CliRunner().invoke(main, ["api", "callback", "show", "--switch", ""])
    assert result.exit_code == 2
    assert "it is empty" in " ".join(result.output.split())


def test_groups_have_the_summaries_of_the_list() -> None:
    api: Any = main.get_command(click.Context(main), "api")
    for name, summary in API_GROUPS.items():
        group: Any = api.get_command(click.Context(api), name)
        assert group.help.startswith(summary), name
        for command in group.commands.values():
            assert command.help, (name, command.name)
