"""What somebody at the phone sees: golden transcripts of whole calls."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from tests.phone.phone_project import CALLS, project

GOLDEN = Path(__file__).parent / "golden"
GONE_WRONG = {"an apology"}


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    return project(tmp_path)


def run(*arguments: object, lines: str = "") -> Result:
    clean = {"SINCH_APPLICATION_KEY": "", "SINCH_APPLICATION_SECRET": ""}
    return CliRunner().invoke(main, ["call", *map(str, arguments)], input=lines, env=clean)


def file_of(name: str) -> Path:
    return GOLDEN / f"phone-{re.sub(r'[^a-z]+', '-', name)}.txt"


@pytest.mark.parametrize("name", CALLS)
def test_call_reads_as_its_golden_file(
    name: str, flows: Path, golden: Callable[[Path, str], None]
) -> None:
    result = run(flows, *CALLS[name])
    golden(file_of(name), result.output)
    assert result.exit_code == (1 if name in GONE_WRONG else 0)


@pytest.mark.parametrize(
    "name",
    [
        "digits with retries, then a lookup by hand",
        "a placed call",
        "a recording",
        "a ring that the second phone takes",
    ],
)
def test_explained_call_reads_as_its_golden_file(
    name: str, flows: Path, golden: Callable[[Path, str], None]
) -> None:
    result = run(flows, *CALLS[name], "--explain")
    golden(file_of(f"explained-{name}"), result.output)
    told = [line for line in result.output.splitlines() if not line.startswith("         | ")]
    assert "\n".join(told) + "\n" == run(flows, *CALLS[name]).output
    assert "c2VjcmV0IG9mIGEgdGVzdA" not in result.output
    assert (
        max(
            len(line)
            for line in result.output.splitlines()
            if line not in told and "://" not in line
        )
        <= 100
    )


def test_lines_come_from_the_standard_input_too(flows: Path) -> None:
    by_option = run(flows, "--keys", "5,2,busy")
    assert run(flows, lines="// an order\n5\n2\nbusy\n").output == by_option.output


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("answer", "this cannot be done here: nobody's phone rings"),
        ("callee 1", "this cannot be done here: nobody is being called"),
        ("2,person,answer", "this cannot be done here: nobody's phone rings"),
        ("2,1", "nobody listens"),
        ("sing", "this is nothing that a phone does: sing; try help"),
        ("hang up,1", "the call was over before: 1"),
        ("agent1 answer", "this is nothing that a phone does: agent1 answer; try help"),
        ("unpark +14045550140", "this cannot be done here: nothing is parked"),
    ],
)
def test_input_that_cannot_be_followed_is_reported_and_fails(
    flows: Path, keys: str, why: str
) -> None:
    result = run(flows, "--keys", keys)
    assert result.exit_code == 1
    assert why in result.output
    assert "ends the call" in result.output


def test_lookup_takes_only_an_answer(flows: Path) -> None:
    result = run(flows, "--keys", "1,1230,hang up")
    assert result.exit_code == 2
    assert 'the flow asks crm, and "hang up" is no answer' in result.output


def test_lookup_without_further_input_cannot_be_reached(flows: Path) -> None:
    result = run(flows, "--keys", "1,1230")
    assert "crm        cannot be reached" in result.output
    assert "calls +14045009000" in result.output


def test_help_says_what_can_be_done_and_where_keys_lead(flows: Path) -> None:
    page = run(flows, "--keys", "help,hang up").output
    assert "whoever is called answers" in page
    assert "key 1 leads to ask" in page


KEYS_EVERYWHERE = """\
flow: line
start: ask
keys: {"*": back, "#": repeat}
error: sorry
vars: {pin: {type: digits, max: 6}, name: {type: text}, date: {type: date}}
states:
  ask: {collect: {prompt: Pin?, into: pin, digits: 4-6, otherwise: sorry}, next: main}
  main: {menu: {prompt: "${vars.name}", options: {1: breaks}, otherwise: sorry}}
  breaks: {set: {date: "${vars.pin}"}, next: main}
  sorry: {say: Sorry., hangup: }
"""


def test_phone_tells_why_an_error_exit_is_taken_and_of_a_question_without_words(
    tmp_path: Path,
) -> None:
    (tmp_path / "line.yaml").write_text(KEYS_EVERYWHERE)
    page = run(tmp_path, "--keys", "1234,1234#,1").output
    assert "-          line.main: asks without words: the prompt is empty\n" in page
    assert "-          line.breaks: failed: " in page
    assert page.index("failed: ") < page.index('hears "Sorry."')


def test_phone_tells_which_keys_count_alone_among_digits(tmp_path: Path) -> None:
    (tmp_path / "line.yaml").write_text(KEYS_EVERYWHERE)
    page = run(tmp_path, "--keys", "help,*#,#,hang up").output
    assert "waits in ask for 4 to 6 digits, then #; * alone, then #; # alone" in page
    assert page.count('hears "Pin?"') == 3
    assert "key * means back" in page


def test_file_of_answers_answers_lookups(flows: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("lookups:\n  - {service: crm, get: /orders/1230, answer: {status: sold out}}\n")
    result = run(flows, "--keys", "1,1230", "--answer", file)
    assert 'hears "It is sold out."' in result.output
    file.write_text("lookups:\n  - {service: crm, get: /orders/9, answer: {status: sold out}}\n")
    assert (
        'hears "It is lost."'
        in run(flows, "--keys", "1,1230,{status: lost}", "--answer", file).output
    )


@pytest.mark.parametrize(
    "text",
    [
        "lookups: [{service: crm}]",
        "lookups: [{service: crm, got: /}]",
        "crm: 1",
        "lookups: [",
        "[]",
    ],
)
def test_file_of_answers_with_a_mistake_is_an_error(flows: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(text)
    result = run(flows, "--answer", file)
    assert result.exit_code == 2
    assert "answers.yaml" in result.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--flow", "lien"], 'did you mean "line"?'),
        (["--app", "alice", "--sip", "a@b"], "one of --from, --app and --sip"),
        (["--app", "alice", "--outbound"], "nobody dials a placed call"),
        (["--data", "name=Ann"], "--data goes with --outbound"),
        (
            ["--outbound", "--data", "nam=Ann"],
            '--data nam: the flow bill has no such input; did you mean "name"?',
        ),
        (
            ["--outbound", "--data", "x=Ann"],
            "--data x: the flow bill has no such input; it has name",
        ),
        (
            ["--outbound", "--data", "name=[1]"],
            "--data name: name is text and cannot hold a list or a record",
        ),
        (["--outbound", "--data", "name"], "--data name has no value"),
        (["--outbound", "--data", "name=Ann", "--custom", "x"], "one of --data and --custom"),
        (["--at", "noon"], "--at noon is no time"),
        (["--at", "2026-02-30 10:00"], "is no time"),
        (["--save", __file__], "--save writes a new file"),
    ],
)
def test_options_that_make_no_sense(flows: Path, arguments: list[str], why: str) -> None:
    result = run(flows, *arguments)
    assert result.exit_code == 2
    assert why in " ".join(result.output.split())


def test_call_that_cannot_begin_is_an_error(flows: Path) -> None:
    for arguments in (["--to", "+14045559999"], ["--flow", "room", "--to", "+14045550101"]):
        result = run(flows, *arguments)
        assert result.exit_code == 1
        assert "Error: " in result.output


def test_flows_with_mistakes_are_not_called(flows: Path) -> None:
    (flows / "room.yaml").write_text("flow: room\nstart: nowhere\nstates: {join: {hangup: }}\n")
    result = run(flows)
    assert result.exit_code == 2
    assert "FE203" in result.output


def test_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").exit_code == 2


def test_second_caller_of_a_queue_is_told_as_the_first_one_is(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    assert (
        CliRunner().invoke(main, ["new", str(folder), "--template", "queue-with-call-back"]).output
    )
    keys = "wait 5,caller2 calls,wait 60,hang up"
    page = run(folder, "--at", "2026-03-03 15:00", "--keys", keys).output
    assert page.count("agent1 is +14045550181") == 1
    assert page.count("agent2 is +14045550182") == 1
    told = [line.split(maxsplit=2)[2] for line in page.splitlines() if " caller2 " in line]
    assert told[0].startswith("dials")
    # rooms and parking are how the queue works, and nothing that a caller notices
    assert {line.split()[0] for line in told[1:] if line != "is gone"} == {"hears"}
    assert "hears music: music2" in told
