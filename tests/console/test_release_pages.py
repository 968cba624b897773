"""The page of releases: what is live, and the commands that change it."""

import dataclasses
import platform
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace

from flowengine.console.app import create_console_app
from flowengine.journal import CanaryFigures, journal_database
from flowengine.journal.canary_figures import CanaryCallback
from flowengine.releases.canary_statistics import CanaryTable
from flowengine.releases.canary_verdict import judge_canary
from flowengine.releases.ledger import Ledger
from flowengine.releases.release_overview import find_canary
from flowengine.server.server_settings import JOURNAL_FILE
from flowengine.storage.sqlite_file import connect_existing
from tests.console.console_line import (
    ADMIN,
    NO_TOKENS,
    READER,
    TOKENS,
    ConsoleClient,
    build_settings,
    create_client,
)
from tests.console.operated_line import (
    CHANGED_FLOW,
    SECRET,
    create_operator,
    publish_at,
    publish_line,
    record_calls,
    write_line,
)
from tests.journal.journal_line import FLOW

OLD_FLOW = FLOW.replace("Welcome.", "Hello.")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    publish_line(data, OLD_FLOW, "bob")
    publish_line(data)
    return data


@pytest.fixture
def client(data: Path, tmp_path: Path) -> ConsoleClient:
    return create_operator(write_line(tmp_path / "flows", CHANGED_FLOW), data)


def get_current(data: Path) -> str:
    ledger = Ledger(data / "releases.db")
    try:
        return ledger.get_live().current
    finally:
        ledger.close()


def find_shown(client: ConsoleClient) -> str:
    """The id of the flows as they are now, as the button sends it."""
    return re.findall(r'data-shown="([^"]+)"', client.get("/releases").text)[0]


def test_page_shows_what_is_live_since_when_and_by_whom(client: ConsoleClient, data: Path) -> None:
    page = client.get("/releases").text
    assert f'<code>{get_current(data)}</code> <span class="badge badge-good">live' in page
    assert "by ann" in page
    assert "<strong>bob</strong> published " in page
    assert "not live" in page


def test_commands_change_what_is_live_and_are_recorded(client: ConsoleClient, data: Path) -> None:
    before = get_current(data)
    asked = {"what": "now", "shown": find_shown(client), "note": "two choices exchanged"}
    assert "is live" in client.post("/releases/publish", asked).json()["message"]
    draft = get_current(data)
    assert draft != before
    assert "“two choices exchanged”" in client.get("/releases").text
    assert client.post("/releases/rollback", {}).status_code == 200
    assert get_current(data) == before
    assert client.post("/releases/canary", {"what": draft, "share": "10%"}).status_code == 200
    page = client.get("/releases").text
    assert "Canary: 10%" in page
    assert "cannot be told" in page  # no server has recorded a call
    record_calls(data)
    assert "Too early" in client.get("/releases").text
    assert "20%" in client.post("/releases/canary", {"share": "20"}).json()["message"]
    assert client.post("/releases/promote", {}).status_code == 200
    assert get_current(data) == draft
    assert client.post("/releases/publish", {"what": before[:8]}).status_code == 200
    named = {"name": "spring", "callers": ["+12015550123"], "what": draft}
    assert client.post("/releases/draft", named).status_code == 200
    assert "spring" in client.get("/releases").text
    assert client.post("/releases/undraft", {"name": "spring"}).status_code == 200


@pytest.mark.parametrize(
    ("verb", "asked", "status", "why"),
    [
        ("promote", {}, 409, "no candidate"),
        ("publish", {"what": "zzz"}, 409, "no kept release"),
        ("publish", {"what": ""}, 409, "no kept release"),
        ("canary", {"share": "ten"}, 409, "no share"),
        ("publish", {"what": "now"}, 409, "have changed"),
        ("publish", {"nonsense": 1}, 400, "nonsense"),
        ("erase", {}, 404, "no command"),
    ],
)
def test_command_that_makes_no_sense_is_refused(
    client: ConsoleClient, data: Path, verb: str, asked: dict[str, object], status: int, why: str
) -> None:
    before = get_current(data)
    answer = client.post(f"/releases/{verb}", asked)
    assert (answer.status_code, get_current(data)) == (status, before)
    assert why in answer.json()["error"]


def test_release_offers_only_what_can_be_done_with_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = publish_line(data)
    client = create_operator(write_line(tmp_path / "flows", CHANGED_FLOW), data)
    assert "Roll back" not in client.get("/releases").text  # there was nothing before
    draft = client.app.state.context.project.latest.release.id
    client.post("/releases/canary", {"what": "now", "share": "5", "shown": draft})
    page = client.get("/releases").text
    assert 'data-verb="publish"' not in page
    assert 'id="canary-now"' not in page
    assert f"let 5% of new calls begin on {draft}" in page
    client.post("/releases/promote", {})
    page = client.get("/releases").text
    assert f"Go back to {first}?" in page
    assert f'id="publish-{first}"' in page


def test_flows_with_errors_are_not_published(data: Path, tmp_path: Path) -> None:
    broken = write_line(tmp_path / "flows", FLOW.replace("next: main", "next: nowhere"))
    client = create_operator(broken, data)
    assert client.post("/releases/publish", {"what": "now"}).status_code == 409
    assert "The flows as they are now" not in client.get("/releases").text


def test_changes_carry_the_name_of_who_signed_in_and_readers_change_nothing(
    data: Path, tmp_path: Path
) -> None:
    client = create_operator(write_line(tmp_path / "flows", CHANGED_FLOW), data, TOKENS)
    assert client.post("/releases/publish", {"what": "now"}).status_code == 401
    client.post("/sign-in", {"name": "Rita", "token": READER})
    assert client.post("/releases/publish", {"what": "now"}).status_code == 403
    assert client.post("/releases/trial/", {}).status_code == 403
    assert client.post("/releases/trial", {}).json() == {
        "error": "no server has recorded calls here"
    }
    page = client.get("/releases").text
    assert "Roll back" not in page
    assert 'data-try="now"' in page
    client.post("/sign-in", {"name": "Ada", "token": ADMIN})
    asked = {"what": "now", "shown": find_shown(client)}
    assert client.post("/releases/publish", asked).status_code == 200
    assert "<strong>Ada</strong> published " in client.get("/releases").text


def test_calls_of_the_last_day_are_tried_on_the_flows_as_they_are_now(
    client: ConsoleClient, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", SECRET)
    assert "no server has recorded" in client.post("/releases/trial", {}).json()["error"]
    record_calls(data)
    found = client.post("/releases/trial", {}).json()
    assert (found["same"], found["different"]) == (1, 2)
    assert sorted(group["calls"] for group in found["groups"]) == [["bill"], ["open"]]
    found = client.post("/releases/trial", {"on": get_current(data)}).json()
    assert (found["same"], found["different"]) == (3, 0)
    assert client.get("/releases/trial").status_code == 405  # a link of another site starts nothing
    assert client.post("/releases/trial", {"on": 1}).status_code == 400
    assert "no release has the id" in client.post("/releases/trial", {"on": "zzz"}).json()["error"]


def test_page_without_releases_says_what_to_do(flows: Path, tmp_path: Path) -> None:
    client = create_client(flows, store=f"sqlite:{tmp_path}/none/calls.db")
    assert "No releases yet" in client.get("/releases").text
    assert client.post("/releases/rollback", {}).status_code == 409
    assert not (tmp_path / "none").exists()


def begin_canary(client: ConsoleClient) -> None:
    asked = {"what": "now", "shown": find_shown(client), "share": "10"}
    assert client.post("/releases/canary", asked).status_code == 200


def test_page_says_soon_that_figures_of_a_locked_journal_cannot_be_told(
    client: ConsoleClient, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def connect_briefly(path: Path, mode: Literal["ro", "rw"], busy: float) -> sqlite3.Connection:
        waits.append(busy)
        return connect_existing(path, mode, 0.01)

    record_calls(data)
    begin_canary(client)
    assert f"that {platform.node()} has answered." in client.get("/releases").text
    monkeypatch.setattr(journal_database, "connect_existing", connect_briefly)
    with closing(sqlite3.connect(data / JOURNAL_FILE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        page = client.get("/releases").text
    assert "Its figures cannot be told: " in page
    assert "another process has locked it" in page
    assert max(waits) < 1.0


def test_figures_of_a_shared_store_are_those_of_all_machines(
    postgresql: str, tmp_path: Path
) -> None:
    current = publish_at(postgresql)
    settings = build_settings(
        write_line(tmp_path / "flows", CHANGED_FLOW), store=postgresql, is_serving=True
    )
    own_journal = dataclasses.replace(settings.server, journal=f"sqlite:{tmp_path / 'journal.db'}")
    settings = replace(settings, server=own_journal)
    client = ConsoleClient(create_console_app(settings, NO_TOKENS), "127.0.0.1")
    begin_canary(client)
    with closing(Ledger(postgresql)) as ledger, closing(CanaryTable(postgresql)) as table:
        canary = find_canary(ledger)
        assert canary is not None
        for machine in ("one", "two"):
            row = CanaryCallback(
                1, machine.encode(), canary.since + 1, "ice", current, 1, "answered", "runMenu", "", "", 0
            )  # fmt: skip
            table.save_callbacks(machine, canary.since, [row], 1)
    page = client.get("/releases").text
    assert "on 2 machines that share the store" in re.sub(r"<time.*?</time>", "", page).replace(
        "  ", " "
    )
    assert '<th scope="row">Calls</th><td class="number">2</td><td class="number">0</td>' in page


def test_verdict_on_a_canary_waits_for_calls_and_ignores_chance() -> None:
    figures = CanaryFigures
    verdicts = [
        judge_canary(figures(1000, 10, 100), candidate).kind
        for candidate in (
            figures(29, 29, 29),
            figures(100, 9, 11),
            figures(100, 2, 11),
            figures(100, 1, 30),
            figures(100, 1, 0),
            figures(5000, 10, 500),
        )
    ]
    assert verdicts == ["too early", "worse", "alike", "worse", "better", "better"]
    assert judge_canary(figures(100), figures(100)).kind == "alike"


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        ("publish", {}),
        ("canary", {"share": "10%"}),
        ("draft", {"name": "spring", "callers": ["+12015550123"]}),
    ],
)
def test_flows_that_changed_since_the_page_showed_them_do_not_go_live(
    client: ConsoleClient, data: Path, tmp_path: Path, verb: str, asked: dict[str, object]
) -> None:
    before, seen = get_current(data), find_shown(client)
    write_line(tmp_path / "flows", CHANGED_FLOW.replace("Welcome.", "Nobody has seen this."))
    answer = client.post(f"/releases/{verb}", {"what": "now", "shown": seen, **asked})
    assert answer.status_code == 409
    assert "have changed" in answer.json()["error"]
    assert get_current(data) == before
    shown = find_shown(client)
    assert shown in answer.json()["error"]
    answer = client.post(f"/releases/{verb}", {"what": "now", "shown": shown, **asked})
    assert answer.status_code == 200


def test_page_without_session_store_says_that_calls_of_releases_are_unknown(
    client: ConsoleClient, data: Path
) -> None:
    assert "still have calls is unknown" in client.get("/releases").text
    (data / "calls.db").write_text("this is no database of any kind, and long enough to tell")
    assert "still have calls is unknown" in client.get("/releases").text
