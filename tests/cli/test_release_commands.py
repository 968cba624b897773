"""What is live, changed and shown by command."""

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.journal.journal_database import open_for_writing
from tests.cli.release_files import Office
from tests.compiled_release import compile_release
from tests.journal.journal_line import answered, ended, files, press, record, ring
from tests.sources.git_repository import commit, flow

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_everything_at_a_glance(office: Office, golden: Callable[[Path, str], None]) -> None:
    told = [
        office.done("publish", "main", "--note", "as agreed"),
        office.done("publish", "main"),
        office.done("canary", "draft/spring", "--share", "12.5%"),
        office.done(
            "draft",
            "spring",
            "draft/spring",
            "--caller",
            "+46 70-123 45 67",
            "--caller",
            "0046701234568",
        ),
    ]
    office.save("${nothing}")
    office.serve()
    told += [
        office.done("releases"),
        office.done("rollback"),
        office.done("promote"),
        office.done("undraft", "spring"),
    ]
    told += [
        office.done("canary", "main", "--share", "0%"),
        office.done("withdraw"),
        office.done("releases"),
    ]
    golden(GOLDEN / "releases.txt", office.masked("\n--\n".join(told)) + "\n")


def test_releases_command_prints_the_same_as_json(office: Office) -> None:
    office.done("publish", "main")
    office.done("draft", "spring", "draft/spring", "--caller", "+46701234567")
    seen = office.seen()
    live = {item["live"]: item["id"] for item in seen["releases"]}
    assert set(live) == {"current", "draft spring", ""}
    assert seen["current"] == live["current"]
    follows = {"repository": str(office.repository), "ref": "draft/spring", "folder": "flows"}
    assert seen["drafts"] == [
        {
            "name": "spring",
            "release": live["draft spring"],
            "callers": ["+46701234567"],
            "follows": follows,
        }
    ]
    changes = [(change["who"], change["what"]) for change in seen["changes"]]
    assert changes == [("ann", "draft"), ("ann", "publish"), ("the server", "publish")]
    origin = next(item["origin"] for item in seen["releases"] if item["live"] == "current")
    assert (origin["author"], origin["ref"], origin["message"]) == (
        "Ann Author <ann@example.com>",
        "main",
        "Begin\n\nIt had to.",
    )


def test_publish_takes_folders_refs_and_releases(office: Office) -> None:
    first = office.seen()["current"]
    (office.folder / "other").mkdir()
    (office.folder / "other" / "line.yaml").write_text(flow("line", "Other."))
    found = {
        what: office.done("publish", what).split()[1]
        for what in ("main", "draft/spring", str(office.folder / "other"), first[:6])
    }
    assert len(set(found.values())) == 4
    assert found[first[:6]] == first == office.seen()["current"]


def test_errors_are_shown_where_they_are_and_nothing_changes(office: Office) -> None:
    told = office.refused("publish", "broken")
    assert "line.yaml:6:12: error FE301: " in told
    assert "say: ${nothing} and ${more}" in told
    assert told.endswith("Error: nothing has changed: the flows have errors (1)")
    assert office.seen()["rejected"] == []  # nobody follows it: whoever asked knows


def test_releases_command_shows_a_source_with_errors_until_they_are_corrected(
    office: Office,
) -> None:
    office.save("${nothing}")
    office.serve()
    (rejected,) = office.seen()["rejected"]
    assert (rejected["place"], [problem["code"] for problem in rejected["problems"]]) == (
        str(office.flows),
        ["FE301"],
    )
    office.save("Mended.")
    office.serve()
    assert office.seen()["rejected"] == []


def test_folder_change_goes_live_after_a_publication_by_hand(office: Office) -> None:
    published = office.done("publish", "main").split()[1]
    office.serve()
    assert office.seen()["current"] == published
    office.save("Three.")
    office.serve()
    assert office.seen()["current"] != published


REFUSED = {
    (
        "publish",
        "nothing",
    ): "nothing is no folder and no kept release; and {repository} has no commit nothing",
    ("publish", "main", "--path", "calls"): "of {repository} has no folder calls",
    ("rollback",): "there is no release to go back to",
    ("rollback", "nothing"): "no kept release begins with nothing: see flowengine releases",
    ("promote",): "there is no candidate: begin with flowengine canary",
    ("withdraw",): "there is no candidate: begin with flowengine canary",
    ("canary",): "there is no candidate: begin with flowengine canary WHAT --share 10%",
    ("canary", "--share", "10%"): "there is no candidate yet: name a version",
    ("publish", "{empty}"): "nothing has changed: the flows have errors",
    ("canary", "main", "--share", "10"): "10 is no share: write it as 10%",
    ("canary", "main", "--share", "101%"): "101% is no share: write it as 10%",
    ("canary", "main", "--share", "nan%"): "nan% is no share: write it as 10%",
    (
        "draft",
        "spring",
        "main",
        "--caller",
        "anna",
    ): "anna is no phone number: write it as +46701234567",
    ("undraft", "spring"): "there is no draft spring",
    ("publish", ""): "name a version: a folder, a kept release or a git ref",
    ("canary", "", "--share", "10%"): "name a version: a folder, a kept release or a git ref",
    (
        "draft",
        "spring",
        "",
        "--caller",
        "+46701234567",
    ): "name a version: a folder, a kept release or a git ref",
    (
        "draft",
        " ",
        "main",
        "--caller",
        "+46701234567",
    ): "a draft needs a name, of at most 100 characters that can be printed",
    (
        "draft",
        "x" * 101,
        "main",
        "--caller",
        "+46701234567",
    ): "a draft needs a name, of at most 100 characters that can be printed",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_command_that_makes_no_sense_is_refused_in_one_line(
    office: Office, arguments: tuple[str, ...]
) -> None:
    (office.folder / "empty").mkdir()
    told = office.refused(
        *(argument.replace("{empty}", str(office.folder / "empty")) for argument in arguments)
    )
    assert told.splitlines()[-1].startswith("Error: ")
    assert REFUSED[arguments].format(repository=office.repository) in told


def test_canary_and_rollback_of_the_current_release_are_refused(office: Office) -> None:
    current = office.seen()["current"]
    assert f"release {current} is current already" in office.refused(
        "canary", current, "--share", "1%"
    )
    assert f"release {current} is current already" in office.refused("rollback", current)


def test_rollback_to_an_empty_variable_is_refused(office: Office) -> None:
    office.done("publish", "main")
    before = office.seen()["changes"]
    result = office.run("rollback", "")
    assert (result.exit_code, "RELEASE is empty" in result.output) == (2, True)
    assert office.seen()["changes"] == before


def test_publish_during_a_canary_says_that_not_all_callers_hear_it(office: Office) -> None:
    candidate = office.done("canary", "draft/spring", "--share", "100%").rpartition(" ")[2]
    still = f"; 100% of new calls go on to begin on the candidate, {candidate}"
    assert office.done("publish", "main").endswith(still)
    assert office.done("rollback").endswith(still)
    assert office.done("publish", candidate).endswith(" no more"), (
        "the candidate itself ends the canary"
    )
    assert "there is no candidate" in office.refused("withdraw")


def test_fifty_drafts_one_of_what_is_live_anyway(office: Office) -> None:
    current = office.seen()["current"]
    for number in range(50):
        office.save(f"Draft {number}.")
        what = current if number == 0 else str(office.flows)
        assert f"+467000000{number:02}" in office.done(
            "draft", f"d{number}", what, "--caller", f"+467000000{number:02}"
        )
    assert "+46700000004 reaches draft d4 already" in office.refused(
        "draft", "d3", current, "--caller", "+46700000004"
    )
    seen = office.seen()
    assert (
        seen["current"],
        len(seen["drafts"]),
        len({draft["release"] for draft in seen["drafts"]}),
    ) == (current, 50, 50)
    for number in range(50):
        office.done("undraft", f"d{number}")
    assert office.seen()["drafts"] == []


def test_ids_that_begin_alike_are_listed(office: Office) -> None:
    known: dict[str, str] = {}
    for number in range(40):  # of 17 releases two begin with the same letter
        (office.folder / "more.yaml").write_text(flow("more", f"Number {number}."))
        release = office.done("publish", str(office.folder / "more.yaml")).split()[1]
        if release[0] in known:
            break
        known[release[0]] = release
    told = office.refused("rollback", release[0])
    assert f"several releases begin with {release[0]}: " in told
    assert release in told
    assert known[release[0]] in told


def test_caller_of_two_drafts_is_refused(office: Office) -> None:
    office.done("draft", "spring", "main", "--caller", "+46701234567", "--caller", "+46701234568")
    told = office.refused(
        "draft", "summer", "draft/spring", "--caller", "+46701234568", "--caller", "+46701234569"
    )
    assert "+46701234568 reaches draft spring already" in told
    office.done("draft", "spring", "draft/spring", "--caller", "+46701234567")
    office.done("draft", "summer", "draft/spring", "--caller", "+46701234568")


def test_figures_side_by_side(office: Office, golden: Callable[[Path, str], None]) -> None:
    project = office.folder / "project"
    project.mkdir()
    for name, content in files().items():
        (project / name).write_bytes(content)
    office.done("publish", str(project))
    journal = office.folder / "server" / "journal.db"
    record(journal, compile_release(files()), [
        *(ring("a"), press("0", "a"), answered("a"), ended("a", seconds=30)),
        *(ring("b"), ended("b", seconds=4)), ring("c"),
    ])  # fmt: skip
    office.done("canary", "main", "--share", "10%")
    with sqlite3.connect(journal) as written:
        written.execute(
            "UPDATE callbacks SET at = ?", (time.time() + 60,)
        )  # the calls of a minute later
    written.close()
    golden(GOLDEN / "canary.txt", office.masked(office.done("canary")) + "\n")


def test_canary_with_another_share_does_not_begin_anew(office: Office) -> None:
    open_for_writing(office.folder / "server" / "journal.db").connection.close()
    office.done("canary", "main", "--share", "10%")
    since = json.loads(office.done("canary", "--json"))["since"]
    candidate = office.seen()["candidate"]
    assert office.done("canary", "--share", "50%") == f"50% of new calls begin on {candidate}"
    assert office.seen()["share"] == 0.5
    assert json.loads(office.done("canary", "--json"))["since"] == since


def test_control_characters_of_a_commit_are_not_printed(office: Office) -> None:
    commit(office.repository, {"flows/line.yaml": flow("line", "Three.")}, "Red \x1b[31malert")
    office.done("publish", "main")
    assert "“Red ?[31malert”" in office.done("releases")
    assert "\x1b" not in office.done("releases")


def test_without_a_server_nothing_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["publish", str(tmp_path), "--store", f"sqlite:{tmp_path / 'server' / 'calls.db'}"]
    )
    assert result.exit_code == 1
    assert "no server has kept releases beside sqlite:" in result.output
    assert not (tmp_path / "server").exists()


def test_change_by_a_user_without_a_name_asks_for_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", fail)
    result = CliRunner().invoke(main, ["rollback", "--store", office.store])
    assert result.exit_code == 2
    assert "say with --who who asks" in result.output
    assert "rollback" not in [change["what"] for change in office.seen()["changes"]]


def test_rollback_finds_the_release_of_a_deleted_branch(office: Office) -> None:
    release = office.done("publish", "draft/spring").split()[1]
    commit(office.repository, {"flows/line.yaml": flow("line", "Three.")}, "Go on")
    office.done("publish", "main")
    assert office.done("rollback", release[:8]).startswith(f"release {release} is live again")
