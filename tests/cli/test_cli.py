"""The commands, as somebody types them."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import COMMANDS, main
from flowengine.cli.lazy_group import to_module_name
from tests.waiting import PATIENCE_SECONDS

GOOD = """
flow: line
title: A small line
start: welcome
vars:
  account: {type: digits, max: 8, secret: true}
  born: {type: date, default: 1990-05-01}
states:
  welcome:
    say: Hello.
    menu:
      prompt: Press 1.
      options: {1: ask}
      otherwise: bye
  ask:
    collect: {prompt: Your number?, into: account, digits: 8, otherwise: bye}
    next: look_up
  look_up:
    fetch: {service: crm, get: "/${vars.account}", headers: {X-Key: "${secrets.crm}"}, failed: bye}
    next: bye
  bye:
    say: Goodbye ${spell(vars.account)}, born ${date_words(vars.born)}.
    hangup:
"""
PROJECT = """
project: test
services: {crm: {url: "https://crm.example.com", headers: {Authorization: "Bearer ${secrets.crm}"}}}
secrets: {crm: CRM_TOKEN}
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "line.yaml").write_text(GOOD)
    (folder / "project.yaml").write_text(PROJECT)
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server keeps what is its own where it is started."""
    monkeypatch.chdir(tmp_path)


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments], env=environment)


def broken(flows: Path) -> Path:
    (flows / "line.yaml").write_text(GOOD.replace("next: bye", "next: bey"))
    return flows


def test_check_finds_nothing(flows: Path) -> None:
    result = run("check", flows, CRM_TOKEN="hush")
    assert (result.exit_code, result.output) == (0, "1 flow, 4 states: no problems\n")


def test_check_shows_mistakes_where_they_are(flows: Path) -> None:
    result = run("check", broken(flows))
    assert result.exit_code == 1
    assert f"{flows.as_posix()}/line.yaml:20:11" in result.output
    assert "1 error, 1 warning" in result.output
    assert "FE203" in result.output


def test_strict_takes_warnings_for_errors(flows: Path) -> None:
    assert run("check", flows).exit_code == 0
    assert run("check", flows, "--strict").exit_code == 1


def test_check_of_a_folder_without_flows_names_the_folder_and_no_file(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert result.output.startswith(f"{tmp_path.as_posix()}: error FE501: this project has no flow")
    (tmp_path / "project.yaml").write_text("project: acme\n")
    assert f"{tmp_path.as_posix()}/project.yaml:1:1: error FE501" in run("check", tmp_path).output


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_check_for_programs(flows: Path, form: str) -> None:
    result = run("check", broken(flows), "--format", form)
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    found = data if form == "json" else data["runs"][0]["results"]
    assert len(found) == 2
    assert "1 error" in result.stderr


def test_check_for_github(flows: Path) -> None:
    result = run("check", broken(flows), "--format", "github")
    assert result.stdout.startswith("::error file=") or result.stdout.startswith("::warning file=")
    assert "FE203" in result.stdout


@pytest.mark.parametrize("form", ["sarif", "github"])
@pytest.mark.parametrize("absolute", [True, False])
def test_check_in_a_repository_names_files_from_its_root(
    flows: Path, monkeypatch: pytest.MonkeyPatch, form: str, absolute: bool
) -> None:
    root = flows.parent
    (root / ".git").mkdir()
    (root / "sub").mkdir()
    broken(flows)
    monkeypatch.chdir(root / "sub")
    path = flows if absolute else Path("..") / flows.name
    text = run("check", path, "--format", form).stdout
    expected = {f"{flows.name}/{file}" for file in ("line.yaml", "project.yaml")}
    if form == "github":
        assert set(re.findall(r" file=(.+?),", text)) == expected
        return
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]
        for result in json.loads(text)["runs"][0]["results"]
    ]
    assert {place["uri"] for place in places} == expected
    assert {place["uriBaseId"] for place in places} == {"%SRCROOT%"}


@pytest.mark.usefixtures("server_prepared_in_this_process")
def test_command_on_a_missing_folder_exits_2(tmp_path: Path) -> None:
    for command in ("check", "explain", "serve"):
        result = run(command, tmp_path / "nowhere")
        assert result.exit_code == 2
        assert "there is no folder" in result.output


def test_explain_shows_what_is_sent_and_when(flows: Path) -> None:
    page = run("explain", flows, CRM_TOKEN="hush").output
    assert "line: A small line\n  start: welcome\n" in page
    assert "welcome: menu; incoming call (ice)" in page
    assert '"name": "runMenu"' in page
    assert "key 1 -> ask (pie)" in page
    assert "asks crm: GET https://crm.example.com/${vars.account}" in page
    assert "keeps vars.account" in page
    assert "of 1024 bytes" in page


def test_explain_shows_who_is_called_and_what_they_hear(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(
        "flow: line\nstart: a\nstates:\n  a:\n    ring:\n      who: ['+14045550171', sip:b@pbx.example]\n"
        "      accept: {prompt: 'For ${call.from} press 5.', key: 5, taken: Gone.}\n      nobody: b\n"
        "  b: {hangup: }\n"
    )
    page = run("explain", tmp_path).output
    assert "has others called: +14045550171, b@pbx.example; all at once, 20s each" in page
    assert "who answers hears #tts[For ${call.from} press 5.], and has the call with 5" in page
    assert "who is too late hears #tts[Gone.]" in page
    assert "nobody -> b (ice)" in page


def test_explain_shows_global_keys_and_no_mangled_placeholders(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(
        'flow: line\nstart: ask\nkeys: {"*": back, "#": repeat}\n'
        "vars: {pin: {type: digits, max: 6}, name: {type: text}}\nstates:\n"
        '  ask: {collect: {prompt: "Pin, ${vars.name}?", into: pin, digits: 4, otherwise: bye}, next: main}\n'
        '  main: {menu: {prompt: "Is it ${spell(vars.pin)}?", options: {1: bye}, otherwise: bye}}\n'
        '  bye: {say: "${trim(vars.name)} ${size(vars.name)} ${last(vars.pin, 2)}", hangup: }\n'
    )
    page = run("explain", tmp_path).output
    assert page.count("key * -> back (pie)") == page.count("key # -> repeat (pie)") == 2
    assert "Pin, ${vars.name}?" in page, "what stands as it is shows where it comes from"
    assert "Is it 1 2 3 4 5 6?" in page
    assert page.count("sends (with sample values)") == 2


def test_explain_takes_samples_where_values_are_worked_with(flows: Path) -> None:
    assert "Goodbye 1 2 3 4 5 6 7 8, born" in run("explain", flows).output
    assert "(with sample values)" in run("explain", flows).output


def test_explain_takes_no_sample_of_a_value_that_is_said_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(
        "flow: line\nstart: tell\nvars: {name: {type: text, default: Bo}, day: {type: date}}\n"
        'states: {tell: {say: "Hello ${vars.name}, on ${date_words(vars.day)}.", hangup: }}\n'
    )
    page = run("explain", tmp_path).output
    assert '"text": "Hello ${vars.name}, on January 31, 2026."' in page


def test_explain_prints_no_secret(flows: Path) -> None:
    page = run("explain", flows, CRM_TOKEN="hush").output
    assert "asks crm" in page
    assert "hush" not in page


def test_explain_names_the_flows_there_are(flows: Path) -> None:
    assert "there is no flow tell; there are " in run("explain", flows, "tell").output


def test_explain_one_flow(flows: Path) -> None:
    assert run("explain", flows, "line").exit_code == 0
    result = run("explain", flows, "lien")
    assert result.exit_code == 2
    assert 'did you mean "line"?' in result.output


def test_explain_of_broken_flows_shows_the_errors(flows: Path) -> None:
    result = run("explain", broken(flows))
    assert result.exit_code == 1
    assert "FE203" in result.stderr


def test_explain_a_code() -> None:
    assert run("explain", "fe203").output.startswith("FE203 (error): an unknown state")
    assert run("explain", "FE999").exit_code == 2


def test_schema_writes_what_is_published(tmp_path: Path) -> None:
    assert run("schema", tmp_path).exit_code == 0
    published = Path(__file__).parents[2] / "schemas"
    for written in tmp_path.glob("*.schema.json"):
        assert (
            json.loads(written.read_bytes())["title"]
            == json.loads((published / written.name).read_bytes())["title"]
        )
    by_hand = {
        "svaml.schema.json",
        "callback.schema.json",
    }  # the platform's forms are nobody's model
    assert {path.name for path in tmp_path.iterdir()} == {
        path.name for path in published.iterdir()
    } - by_hand


@pytest.mark.usefixtures("server_prepared_in_this_process")
def test_serve_refuses_what_is_not_safe(flows: Path) -> None:
    clean = {"SINCH_APPLICATION_KEY": "", "SINCH_APPLICATION_SECRET": ""}
    result = run("serve", flows, "--host", "0.0.0.0", **clean)
    assert result.exit_code == 2
    assert "without credentials anybody could send callbacks" in result.output
    assert run("serve", flows, **{**clean, "SINCH_APPLICATION_KEY": "key"}).exit_code == 2
    assert run("serve", flows, "--callback-path", "sinch", **clean).exit_code == 2
    result = run("serve", flows, "--api-url", "calling.api.sinch.com", **clean)
    assert result.exit_code == 2
    assert "such as https://calling.api.sinch.com" in result.output


@pytest.mark.usefixtures("server_prepared_in_this_process")
def test_serve_refuses_flows_with_mistakes(flows: Path) -> None:
    result = run("serve", broken(flows))
    assert result.exit_code == 1
    assert "FE203" in result.stderr


@pytest.mark.parametrize(
    ("mistake", "status", "begin", "reason"),
    [
        ("--host", 2, "Usage: ", "without credentials anybody could send callbacks"),
        ("flows", 1, "", "FE203"),
    ],
)
def test_serve_that_cannot_start_says_why_and_exits(
    flows: Path, tmp_path: Path, mistake: str, status: int, begin: str, reason: str
) -> None:
    folder, host = (broken(flows), "127.0.0.1") if mistake == "flows" else (flows, "0.0.0.0")
    command = [
        sys.executable,
        "-m",
        "flowengine",
        "serve",
        str(folder),
        "--port",
        "0",
        "--no-console",
    ]
    ended = subprocess.run(
        [*command, "--host", host],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == status
    assert ended.stderr.startswith(begin)
    assert ended.stderr.count(reason) == 1
    assert "Traceback" not in ended.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = {"msgspec", "uvicorn", "httpx", "rich", "yaml"}
    script = "import sys, flowengine.cli as c; c.main(['--help'], standalone_mode=False); print('imported', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not heavy & set(done.stdout.splitlines()[-1].split())
    assert "Answer the callbacks" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_command_summary_is_the_one_of_the_command(name: str) -> None:
    module = to_module_name(name)
    command = getattr(import_module(f"flowengine.cli.{module}"), module)
    assert command.help.startswith(COMMANDS[name])


def test_check_of_files_that_cannot_be_read_checks_the_others(flows: Path) -> None:
    (flows / "line.yaml").write_text(GOOD.replace("failed: bye", "failed: nowhere"))
    (flows / "folder.yaml").mkdir()
    (flows / "tables").mkdir()
    (flows / "tables" / "link.yaml").symlink_to("missing")
    result = run("check", flows, CRM_TOKEN="x")
    assert result.exit_code == 1
    found = re.findall(r"^(\S+?)(?::\d+:\d+)?: error (FE\d+)", result.output, re.MULTILINE)
    assert [(Path(file).relative_to(flows).as_posix(), code) for file, code in found] == [
        ("folder.yaml", "FE508"),
        ("line.yaml", "FE203"),
        ("tables/link.yaml", "FE508"),
    ]


def test_check_of_a_link_that_leads_nowhere_names_it(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").symlink_to("missing")
    result = run("check", tmp_path / "line.yaml")
    assert result.exit_code == 1
    assert f"{tmp_path}/line.yaml: error FE508: is a link that leads nowhere" in result.output
    assert "1 error" in result.output
