"""The page of what happens now, and the events that keep it so."""

import asyncio
import json
import re
import sqlite3
from contextlib import aclosing, closing
from html import unescape
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from flowengine.console import call_follower
from flowengine.console.app import create_console_app, follow_project
from flowengine.console.call_follower import CallFollower, sum_flows, sum_places
from flowengine.console.console_context import ConsoleContext
from flowengine.console.event_stream import EventStream
from flowengine.journal import journal_database
from flowengine.journal.call_index import CallIndex, LivePlace
from flowengine.server.server_settings import JOURNAL_FILE
from flowengine.storage.sqlite_file import connect_existing
from tests.console.console_line import ConsoleTokens, build_settings, create_client
from tests.console.operated_line import CALLS, create_operator, record_calls, write_line
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    record_calls(data)
    return data


def test_live_page_shows_figures_and_where_callers_leave(data: Path, tmp_path: Path) -> None:
    page = create_operator(write_line(tmp_path / "flows"), data).get("/live").text
    assert '<strong id="figure-calls">1</strong>' in page
    assert f'<strong id="figure-answered">{len(CALLS)}</strong>' in page
    assert '<strong id="figure-failed">0</strong>' in page
    assert ' aria-current="true">line</a> <b>1</b>' in page
    assert "Where callers leave: 24 hours" in page
    assert page.index('data-state="welcome"') < page.index('data-state="main"')
    assert 'data-key="main"' in page
    assert "1 (25 %)" in page  # of four who came to the menu


def test_rows_have_the_numbers_that_the_picture_shows(data: Path, tmp_path: Path) -> None:
    client = create_operator(write_line(tmp_path / "flows"), data)
    for period in ("1h", "24h", "7d", "30d", "nonsense"):
        rows = re.findall(
            r'<tr data-state="(\w+)" .*data-entered="(\d+)" data-exits="(.*)">',
            client.get(f"/live?flow=line&period={period}").text,
        )
        by_state = {
            state: (int(entered), json.loads(unescape(exits))) for state, entered, exits in rows
        }
        assert by_state["main"] == (4, [["key 1", 1], ["key 2", 1]])
        assert by_state["report"][0] == 2  # at the end of a call
    assert "<tr data-state" not in client.get("/live?flow=other").text


def test_live_page_without_a_server_says_what_it_would_show(flows: Path, tmp_path: Path) -> None:
    page = create_client(flows, store=f"sqlite:{tmp_path}/calls.db").get("/live").text
    assert "Nothing to see yet" in page
    assert f"flowengine serve {flows}" in page
    page = create_operator(flows, tmp_path).get("/live").text
    assert "flowengine load http://127.0.0.1:8080/sinch" in page


async def test_new_callbacks_are_told_to_browsers(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    settings = build_settings(write_line(tmp_path / "flows"), store=f"sqlite:{data / 'calls.db'}")
    app = create_console_app(settings, ConsoleTokens())
    context: ConsoleContext = app.state.context
    async with follow_project(app), aclosing(context.stream.read_events()) as events:
        await anext(events)
        assert await context.calls.load_index() is None
        await asyncio.to_thread(record_calls, data)
        counts: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while counts.get("callbacks") != len(CALLS):  # they may be written in two batches
                if (told := await anext(events)).startswith(b"event: counts"):
                    counts = msgspec.json.decode(told.split(b"data: ")[1])
    assert counts["places"] == [["line", "main", 1]]
    assert (counts["calls"], counts["callbacks"], counts["is_whole"]) == (1, len(CALLS), True)


def test_places_are_summed_over_releases() -> None:
    places = [LivePlace("line", "main", "r1", 2), LivePlace("line", "main", "r2", 3)]
    assert sum_places(places) == [("line", "main", 5)]
    others = [LivePlace(name, "main", "r1", 1) for name in ("zoo", "aqua", "")]
    assert sum_flows([*places, *others]) == [("aqua", 1), ("line", 5), ("zoo", 1)]


def test_following_goes_on_after_any_error_and_logs_it_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [OSError("gone"), OSError("gone"), ValueError("nonsense"), None]

    async def follow() -> None:
        follower = CallFollower(data / JOURNAL_FILE, EventStream())
        await follower.load_index()
        is_over = asyncio.Event()

        def fail(_index: CallIndex, _seconds: float) -> bool:
            fault = faults.pop(0)
            if fault is None:
                loop.call_soon_threadsafe(is_over.set)
                return False
            raise fault

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(CallIndex, "catch_up", fail)
        monkeypatch.setattr(call_follower, "IDLE_POLL_SECONDS", 0.001)
        following = asyncio.create_task(follower.follow())
        await asyncio.wait_for(is_over.wait(), PATIENCE_SECONDS)
        following.cancel()
        follower.close()

    asyncio.run(follow())
    assert caplog.text.count("cannot be followed") == 1


@pytest.mark.parametrize("path", ["/live", "/problems", "/calls"])
def test_page_says_soon_that_a_locked_journal_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    waits: list[float] = []

    def connect_briefly(path: Path, mode: Literal["ro", "rw"], busy: float) -> sqlite3.Connection:
        waits.append(busy)
        return connect_existing(path, mode, 0.01)

    data = tmp_path / "data"
    data.mkdir()
    record_calls(data)
    client = create_operator(write_line(tmp_path / "flows"), data)
    monkeypatch.setattr(journal_database, "connect_existing", connect_briefly)
    with closing(sqlite3.connect(data / JOURNAL_FILE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert "is busy: another process has locked it" in client.get(path).text
    assert sum(waits) < 1
    assert "is busy" not in client.get(path).text
