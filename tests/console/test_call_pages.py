"""The pages of calls: what is found, one call as a timeline, and what is tried with it."""

import re
import time
from pathlib import Path

import pytest

from flowengine.console import call_pages, call_stories
from flowengine.console.call_timeline import list_passed_states
from flowengine.console.call_words import describe_input
from flowengine.server.server_settings import JOURNAL_FILE
from flowengine.states.state_results import LookupRequest, LookupResult
from tests.cli.test_calls_of_rings import ring_all
from tests.console.console_line import HTML, ConsoleClient, create_client
from tests.console.operated_line import (
    CALLS,
    CHANGED_FLOW,
    SECRET,
    compile_line,
    create_operator,
    publish_line,
    record_calls,
    write_line,
)
from tests.console.test_hostile_content import find_faults
from tests.journal.journal_line import FLOW, Clock, ended, keyed, record, ring
from tests.runtime.ring_calls import run


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    publish_line(data)
    record_calls(data)
    return data


@pytest.fixture
def client(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleClient:
    """The author has exchanged two choices since."""
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", SECRET)
    return create_operator(write_line(tmp_path / "flows", CHANGED_FLOW), data)


def list_linked_calls(page: str) -> list[str]:
    return re.findall(r'<a href="/calls/(\w+)"><time', page)


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("", ["open", "lost", "bill"]),
        ("?number=%2B12015550123", ["open", "lost", "bill"]),
        ("?number=24", []),
        ("?flow=line&state=main&progress=ended", ["lost"]),
        ("?progress=under%20way", ["open"]),
        ("?outcome=apology", []),
        ("?since=2999-01-01T00:00:00.000Z", []),
        ("?until=2001-01-01T00:00:00.000Z", []),
        ("?since=nonsense&after=nonsense", ["open", "lost", "bill"]),
        (f"?after=1700000000.1~{'9' * 20}", ["open", "lost", "bill"]),
        (f"?after=9999999999.1~-{2**63 - 1}", ["open", "lost", "bill"]),
    ],
)
def test_calls_are_found(client: ConsoleClient, query: str, calls: list[str]) -> None:
    page = client.get(f"/calls{query}")
    assert page.status_code == 200
    assert list_linked_calls(page.text) == calls
    assert bool(calls) or "No such calls" in page.text


def test_too_long_search_is_refused(client: ConsoleClient) -> None:
    assert client.get(f"/calls?number={'1' * 300}").status_code == 400


def test_pages_of_calls_follow_each_other(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    record_calls(data, [ring(f"c{number}") for number in range(60)])
    client, found, path = create_operator(write_line(tmp_path / "flows"), data), [], "/calls"
    while path:
        page = client.get(path).text
        found += list_linked_calls(page)
        links = re.findall(r'rel="next" href="([^"]+)"', page)
        path = links[0].replace("&amp;", "&") if links else ""
    assert found == [f"c{number}" for number in reversed(range(60))]


def list_rows(page: str) -> list[str]:
    """The calls of a list, with what they are."""
    row = (
        r"<tr data-key=\"[\w-]+\"(?: class=\"([\w -]+)\")?>\s*<td[^>]*><a href=\"/calls/([\w-]+)\""
    )
    rows = re.findall(row, page)
    return [f"{call} {kind}".strip() for kind, call in rows]


def test_ring_is_one_story_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flows: Path
) -> None:
    run(ring_all(tmp_path))
    client = create_operator(flows, tmp_path)
    legs = ["leg-0 leg", "leg-1 leg", "leg-2 leg"]
    whole = client.get("/calls").text
    assert list_rows(whole) == ["calle", "caller has-legs", *legs]
    assert "the member does not take the call" in whole
    found = client.get("/calls?number=03").text  # the number of the third member
    assert list_rows(found) == ["caller has-legs", *legs[:2], "leg-2 leg is-found"]
    monkeypatch.setattr(call_stories, "MAX_SHOWN_LEGS", 1)
    found = client.get("/calls?number=03").text
    assert list_rows(found) == ["caller has-legs", "leg-0 leg", "leg-2 leg is-found"]
    assert "1 more of this call" in found


def test_call_is_shown_from_its_beginning_to_its_end(client: ConsoleClient) -> None:
    page = client.get("/calls/bill").text
    positions = [
        page.index(text)
        for text in (
            "Call comes in", "For your bill press 1.", "chose ***",
            '<b>main</b> <span class="muted">again: no match', "Your account number?", "entered ***", "crm answered with status 200",
            "Hello ***, your account is ********",
            "Answered", "callee hung up, after 0:",
        )
    ]  # fmt: skip
    assert positions == sorted(positions)
    assert "12345678" not in page
    assert "2015550123" not in page
    assert "&#34;runMenu&#34;" in page  # the answer as it was sent, on demand
    assert find_faults(page) == []


def test_call_that_failed_at_once_is_shown(tmp_path: Path) -> None:
    """What is empty or 0 is not in the journal."""
    data = tmp_path / "data"
    data.mkdir()
    record_calls(data, [ring("failed") | {"cli": ""}, ended("failed", "", 0)])
    page = create_operator(write_line(tmp_path / "flows"), data).get("/calls/failed")
    assert page.status_code == 200
    assert "Call from a withheld number" in page.text
    assert ", 0:00, ended" in page.text


def test_unknown_call_is_not_found(client: ConsoleClient) -> None:
    answer = client.get("/calls/nobody", headers=HTML)
    assert (answer.status_code, "The journal has no such call" in answer.text) == (404, True)
    assert client.get("/calls/nobody/trial").json() == {
        "error": "no release answered it, as of all legs"
    }


def test_replay_on_the_draft_says_where_a_call_parts(client: ConsoleClient) -> None:
    found = client.get("/calls/bill/trial").json()
    assert found["difference"].startswith("line/ask_account, at an input: the answer is another")
    assert client.get("/calls/lost/trial").json()["difference"] is None


def test_replay_on_the_release_of_then_goes_as_it_went(client: ConsoleClient, data: Path) -> None:
    release = publish_line(data)
    assert client.get(f"/calls/bill/trial?on={release}").json()["difference"] is None
    assert "no release has the id" in client.get("/calls/bill/trial?on=zzz").json()["error"]


def test_replay_without_the_keys_says_so(
    client: ConsoleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", "another secret")
    assert "sealed with a key" in client.get("/calls/bill/trial").json()["error"]


def test_variables_that_changed_are_shown_masked(client: ConsoleClient) -> None:
    steps = client.get("/calls/bill/variables").json()["steps"]
    changed = [[change["name"] for change in step["changes"]] for step in steps]
    assert changed == [[], [], [], ["account", "name"], [], []]
    assert {change["after"] for step in steps for change in step["changes"]} == {"***"}


def test_variables_in_clear_are_shown_as_the_journal_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", SECRET)
    data = tmp_path / "data"
    clear = "{numbers: clear, words: clear}"
    publish_line(data, journal=clear)
    record_calls(data, CALLS, compile_line(journal=clear))
    client = create_operator(write_line(tmp_path / "flows"), data)
    steps = client.get("/calls/open/variables").json()["steps"]
    assert [change["after"] for step in steps for change in step["changes"]] == ["123456"]
    steps = client.get("/calls/bill/variables").json()["steps"]
    found = {change["name"]: change["after"] for step in steps for change in step["changes"]}
    assert found == {"account": "***", "name": "Ann"}


def test_call_becomes_a_scenario_without_what_the_caller_pressed(
    data: Path, tmp_path: Path
) -> None:
    client = create_operator(write_line(tmp_path / "flows"), data)
    made = client.get("/calls/bill/scenario").json()
    assert made["taken"] == made["wanted"] == 6
    assert "12345678" not in made["text"]
    assert "state: agents" in made["text"]
    gone = create_operator(
        write_line(tmp_path / "other", "flow: other\nstart: a\nstates: {a: {hangup: }}\n"), data
    )
    assert "do not even begin" in gone.get("/calls/bill/scenario").json()["error"]


@pytest.mark.parametrize("answer", [LookupResult(0, error="timeout"), LookupResult(500, {})])
def test_scenario_of_a_call_takes_the_failed_lookup_and_goes_on(
    tmp_path: Path, answer: LookupResult
) -> None:
    """What a state notes behind its exit is no exit."""

    async def fail(_request: LookupRequest, _left: float) -> LookupResult:
        return answer

    data = tmp_path / "data"
    publish_line(data)
    flow = FLOW.replace("failed: agents", "failed: ask_order")
    events = [*CALLS[:4], keyed("123456", "bill")]
    record(data / JOURNAL_FILE, compile_line(flow), events, fail, clock=Clock(time.time() - 99))
    client = create_operator(write_line(tmp_path / "flows", flow), data)
    made = client.get("/calls/bill/scenario").json()
    assert made["taken"] == made["wanted"] == 7
    assert "fails: unreachable" in made["text"]
    assert (
        "fetch failed"
        not in re.findall('data-passed="[^"]*look_up[^"]*"', client.get("/calls/bill").text)[0]
    )


def test_page_without_calls_says_what_to_do(flows: Path, tmp_path: Path) -> None:
    page = create_client(flows, store=f"sqlite:{tmp_path}/calls.db").get("/calls").text
    assert "No calls yet" in page
    assert f"flowengine serve {flows}" in page
    assert not (tmp_path / "journal.db").exists()
    page = create_operator(flows, tmp_path).get("/calls").text
    assert "flowengine load http://127.0.0.1:8080/sinch --calls 20 --to +46701234567" in page


def test_hostile_words_of_callers_stay_text(tmp_path: Path) -> None:
    data, hostile = tmp_path / "data", "<img src=x onerror=alert(1)>"
    data.mkdir()
    call = ring(f"call {hostile}") | {"cli": hostile, "to": {"type": "sip", "endpoint": hostile}}
    record_calls(data, [call])
    client = create_operator(write_line(tmp_path / "flows"), data)
    page = client.get("/calls").text
    assert "<img src=x" not in page
    link = re.findall(r'href="(/calls/call[^"]+)"', page)[0]
    shown = client.get(link)
    assert shown.status_code == 200
    assert "<img src=x" not in shown.text
    assert find_faults(shown.text) == []


def test_trace_lines_are_read_as_states() -> None:
    found = [
        (one.flow, one.state, one.what, one.exit)
        for one in list_passed_states(
            [
                "release x",
                "line/main: key 1",
                "line/look: asks crm",
                "line/main: answers",
                "line/main: again: no match",
            ]
        )
    ]
    assert found == [
        ("release x", "", "", ""),
        ("line", "main", "key 1", "key 1"),
        ("line", "look", "asks crm", ""),
        ("line", "main", "again: no match", ""),
    ]
    assert list(list_passed_states([])) == []
    assert describe_input({}) == ""


def test_long_call_is_shown_page_by_page(
    client: ConsoleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_moments(page: str) -> list[str]:
        return re.findall(r'data-at="([^"]+)"', page)

    whole = list_moments(client.get("/calls/bill").text)
    monkeypatch.setattr(call_pages, "MAX_TIMELINE_STEPS", 2)
    found, link = [], ""
    while True:
        page = client.get(f"/calls/bill{link}").text
        assert len(list_moments(page)) <= 2
        assert find_faults(page) == []
        found += list_moments(page)
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        if not following:
            break
        link = following[0]
    assert found == whole
    assert 'rel="prev" href="?from=2"' in page
    assert client.get("/calls/bill?from=6", headers=HTML).status_code == 404
    assert list_moments(client.get("/calls/bill?from=x").text) == whole[:2]
