"""What replay says when flows have changed: how calls would go differently, and where first."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowengine.cli import main
from flowengine.journal import JournalEncryption, SqliteJournalReader
from flowengine.releases.archive import Archive
from flowengine.replay import CallDifference, DifferenceGroup, ReplayReport, replay_calls, to_text
from flowengine.replay.answer_difference import find_difference
from flowengine.replay.placeholder_environment import SECRET_PLACEHOLDER
from flowengine.sources.flow_source import FlowOrigin
from flowengine.states import LookupRequest, LookupResult
from tests.compiled_release import compile_release
from tests.journal.journal_line import (
    FLOW,
    SEALER,
    answered,
    crm,
    ended,
    files,
    keyed,
    press,
    record,
    ring,
)
from tests.sources.git_repository import commit, new_repository

GOLDEN = Path(__file__).parent / "golden"
BILL = [
    ring("bill"),
    press("1", "bill"),
    keyed("12345674", "bill"),
    answered("bill"),
    ended("bill"),
]
ORDER = [
    ring("order"),
    press("2", "order"),
    keyed("654321", "order"),
    press("0", "order"),
    ended("order"),
]
LOST = [ring("lost"), press("9", "lost"), press("", "lost", "timeout"), ended("lost")]
EVENTS = [*BILL, *ORDER, *LOST]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    record(path, compile_release(files()), EVENTS)
    return path


def on(journal: Path, flow: str, sealer: JournalEncryption = SEALER) -> ReplayReport:
    return replay_calls(
        compile_release(files(flow)), SqliteJournalReader(journal).iter_recorded_calls(0.0, sealer)
    )


def changed(*changes: tuple[str, str]) -> str:
    flow = FLOW
    for old, new in changes:
        assert old in flow
        flow = flow.replace(old, new)
    return flow


@pytest.mark.parametrize(
    "changes",
    [
        [("welcome:\n", "hello:\n"), ("start: welcome", "start: hello")],
        [("main", "choice")],
        [
            (
                "    say: Welcome.\n    next: main",
                "    say: Welcome.\n    next: between\n  between:\n    next: main",
            )
        ],
        [
            (
                "options: {1: ask_account, 2: ask_order, 0: agents}",
                "options: {2: ask_order, 0: agents, 1: ask_account}",
            )
        ],
        [("vars:\n", "vars:\n  unused: {type: text, max: 5, default: none}\n")],
        [("flow: line\n", "flow: line\ntitle: Another title\n")],
    ],
    ids=[
        "a renamed start",
        "a renamed question",
        "a state on the way",
        "options in another order",
        "a variable more",
        "a title",
    ],
)
def test_change_that_callers_do_not_notice_is_no_difference(
    journal: Path, changes: list[tuple[str, str]]
) -> None:
    made = on(journal, changed(*changes))
    assert (made.groups, made.same) == ((), 3)


@pytest.mark.parametrize(
    ("changes", "calls", "difference"),
    [
        (
            [("2: ask_order, 0: agents}", "0: agents}")],
            ("bill", "order", "lost"),
            CallDifference("line", "main", "ice", "answer", "another action.menus[0].options"),
        ),
        (
            [('{phone: "+14045009000"}', '{phone: "+14045009001"}')],
            ("bill", "order", "lost"),
            CallDifference("line", "agents", "pie", "answer", "another action.number"),
        ),
        ([('  agents:\n    connect: {phone: "+14045009000"}', ("  agents:\n    say: Bye.\n    "
                                                              "hangup:"))], ("bill", "order", "lost"),
         CallDifference("line", "agents", "pie", "answer", "before: connectPstn, after: hangup")),
        ([("digits: 6,", "digits: 8,")], ("order",),
         CallDifference("line", "ask_order", "pie", "answer", "another action.menus[0].maxDigits")),
        (
            [('"/accounts/${vars.account}"', '"/customers/${vars.account}"')],
            ("bill",),
            CallDifference("line", "look_up", "pie", "lookup", "asks crm what it did not ask then "
                                                           "(GET)"),
        ),
        (
            [("    next: look_up\n", "    next: greet\n")],
            ("bill",),
            CallDifference("line", "look_up", "pie", "lookup", "before: asks crm, after: asks nobody"),
        ),
        (
            [("say: Order ${spell(vars.order)} is", "say: ${10 / (size(vars.order) - 6)} is")],
            ("order",),
            CallDifference("line", "told", "pie", "error", "failed: divide by zero"),
        ),
        ([("on: {ended: report}\n", "")], ("bill", "order", "lost"),
         CallDifference("line", "report", "dice", "lookup", "before: asks crm, after: asks nobody")),
        ([("attempts: 2", "attempts: 1")], ("lost",),
         CallDifference("line", "main", "pie", "exit", "before: stays, after: takes otherwise")),
    ],
    ids=[
        "an option less", "another number", "no agents", "more digits", "another lookup", ("no "
                                                                                          "lookup"), "a mistake", "no report",
        "fewer attempts",
    ],
)  # fmt: skip
def test_difference_is_reported_at_the_state_where_it_begins(
    journal: Path,
    changes: list[tuple[str, str]],
    calls: tuple[str, ...],
    difference: CallDifference,
) -> None:
    made = on(journal, changed(*changes))
    assert made.groups == (DifferenceGroup(difference, calls),)
    assert made.same == 3 - len(calls)


def test_replayed_lookup_answers_as_it_did_then(tmp_path: Path) -> None:
    async def down(request: LookupRequest, left: float) -> LookupResult:
        return (
            LookupResult(0, error="timeout")
            if request.method == "GET"
            else await crm(request, left)
        )

    path = tmp_path / "journal.db"
    record(path, compile_release(files()), BILL, fetch=down)
    flow = changed(
        ("failed: agents}", "on: {timeout: sorry}, failed: agents}"),
        ("  reported:", "  sorry:\n    hangup:\n  reported:"),
    )
    (group,) = on(path, flow).groups
    assert group.difference == CallDifference(
        "line", "look_up", "pie", "answer", "before: connectPstn, after: hangup"
    )


@pytest.mark.parametrize(
    ("reason", "told", "events", "key"),
    [
        ("it is sealed with a key that is not here", "", EVENTS, JournalEncryption(["another"])),
        (
            "it was recorded without what replay needs (replay: false)",
            "{replay: false}",
            EVENTS,
            SEALER,
        ),
    ],
)
def test_calls_that_cannot_be_replayed_are_counted_with_the_reason(
    tmp_path: Path, reason: str, told: str, events: list[dict[str, Any]], key: JournalEncryption
) -> None:
    path = tmp_path / "journal.db"
    record(path, compile_release(files(journal=told)), events)
    made = on(path, FLOW, key)
    assert (made.same, made.groups, made.skipped) == (0, (), {reason: 3})


def test_call_whose_beginning_was_deleted_is_skipped(journal: Path) -> None:
    import sqlite3

    with sqlite3.connect(journal) as connection:
        deleted = connection.execute(
            "DELETE FROM callbacks WHERE step = 1 AND call = ?", (b"order",)
        )
        assert deleted.rowcount == 1
    assert on(journal, FLOW).skipped == {"its beginning is not in the journal": 1}


def test_replay_report_reads_as_its_golden_file(
    journal: Path, golden: Callable[[Path, str], None]
) -> None:
    flow = changed(
        ("attempts: 2", "attempts: 1"),
        ("digits: 6,", "digits: 8,"),
        ('"/accounts/${', '"/customers/${'),
    )
    golden(GOLDEN / "replay.txt", to_text(on(journal, flow)) + "\n")


def replay(journal: Path, *arguments: object) -> Result:
    return CliRunner().invoke(
        main,
        ["replay", str(journal), *map(str, arguments)],
        env={"FLOWENGINE_COOKIE_KEYS": "old, the secret"},
    )


def test_replay_gate_without_replayable_calls_exits_2(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    for name, content in files().items():
        (tmp_path / "flows" / name).write_bytes(content)
    arguments = ["replay", str(journal), "--on", str(tmp_path / "flows")]
    strange = {"FLOWENGINE_COOKIE_KEYS": "another secret"}
    assert CliRunner().invoke(main, arguments, env=strange).exit_code == 0
    gate = CliRunner().invoke(main, [*arguments, "--exit-code"], env=strange)
    assert (gate.exit_code, "0 calls replayed" in gate.output) == (2, True), gate.output


def test_replay_command_takes_a_folder_a_release_and_a_git_ref(
    journal: Path, tmp_path: Path
) -> None:
    flows, other = tmp_path / "flows", changed(("attempts: 2", "attempts: 1"))
    flows.mkdir()
    for name, content in files(other).items():
        (flows / name).write_bytes(content)
    archive = Archive(tmp_path / "releases.db")
    archive.put(compile_release(files()).id, files(), FlowOrigin("flows"), 1.0)
    archive.close()
    repository = new_repository(tmp_path / "repository")
    commit(
        repository,
        {f"calls/{name}": content.decode() for name, content in files(other).items()},
        "Fewer attempts",
    )

    same = replay(journal.parent, "--on", compile_release(files()).id[:8], "--exit-code")
    assert (same.exit_code, same.output) == (
        0,
        f"3 calls replayed on {compile_release(files()).id}: 3 as before, 0 differently\n",
    )
    for target in (["--on", flows], ["--on", "main", "--repo", repository, "--path", "calls"]):
        found = replay(journal, *target, "--exit-code", "--json")
        assert found.exit_code == 1, found.output
        assert json.loads(found.output)["groups"][0]["calls"] == ["lost"]
        assert replay(journal, *target).exit_code == 0
    assert "0 calls replayed" in replay(journal, "--on", flows, "--since", "2027-01-01").output


def test_releases_of_a_store_on_postgresql_are_found_there(journal: Path, postgresql: str) -> None:
    """They were looked for beside the journal alone, where there are none then."""
    first, other = files(), files(changed(("attempts: 2", "attempts: 1")))
    with closing(Archive(postgresql)) as archive:
        for number, made in enumerate((first, other)):
            archive.put(compile_release(made).id, made, FlowOrigin("flows"), float(number))
    for made, differently in ((first, []), (other, ["lost"])):
        found = replay(
            journal, "--on", compile_release(made).id[:8], "--store", postgresql, "--json"
        )
        assert found.exit_code == 0, found.output
        assert [
            call for group in json.loads(found.output)["groups"] for call in group["calls"]
        ] == differently
    assert replay(journal, "--on", compile_release(first).id[:8]).exit_code == 2


def test_replay_command_reports_a_store_that_cannot_be_reached(
    journal: Path, tmp_path: Path
) -> None:
    found = replay(journal, "--on", "a1b2", "--store", f"postgresql:///nobody?host={tmp_path}")
    assert (found.exit_code, "cannot open the archive of releases" in found.output) == (2, True), (
        found.output
    )


def test_replay_command_reports_an_ambiguous_release(journal: Path, tmp_path: Path) -> None:
    with closing(Archive(tmp_path / "releases.db")) as archive:
        for name in ("abc1", "abc2"):
            archive.put(name, files(), FlowOrigin("flows"), 1.0)
    found = replay(journal, "--on", "abc")
    assert (found.exit_code, "several releases begin with abc: abc1, abc2" in found.output) == (
        2,
        True,
    ), found.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--on", "nobody", "--repo", "."], "nobody is no folder and no release of the server"),
        (["--on", "bad"], "FE203"),
        (["--on", "good", "--since", "yesterday"], "yesterday is no time"),
    ],
)
def test_replay_command_on_what_cannot_be_replayed_exits_2(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, flow in (("good", FLOW), ("bad", changed(("next: greet", "next: great")))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "line.yaml").write_text(flow)
        (tmp_path / name / "project.yaml").write_bytes(files()["project.yaml"])
    found = replay(journal, *arguments)
    assert found.exit_code == 2
    assert told in found.output


def test_missing_secret_is_no_difference() -> None:
    def recording(credentials: str, to: str) -> bytes:
        options = {"destinationUrl": to, "credentials": credentials}
        return json.dumps(
            {
                "instructions": [{"name": "startRecording", "options": options}],
                "action": {"name": "hangup"},
            }
        ).encode()

    recorded = recording("key:real", "s3://bucket-real/a")
    assert (
        find_difference(
            recording(SECRET_PLACEHOLDER, f"s3://bucket-{SECRET_PLACEHOLDER}/a"), recorded
        )
        == ""
    )
    assert (
        find_difference(
            recording(SECRET_PLACEHOLDER, f"s3://other-{SECRET_PLACEHOLDER}/a"), recorded
        )
        == "instructions[0].options.destinationUrl"
    )
