"""The page of lines: who waits, who takes calls, and what a supervisor does."""

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from flowengine.console import line_pages, session_access
from flowengine.orchestration.matching import Queue, format_queue_id
from flowengine.orchestration.placement_state import Placement, PlacementPhase
from flowengine.orchestration.placement_turn import PlacementCancelled
from flowengine.orchestration.ring_state import Ring, RingLeg
from flowengine.runtime.calling_hours import ReleaseHours
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.orchestration_encoding import (
    OrchestrationEncoding,
    OwnedPlacement,
    OwnedRing,
)
from flowengine.runtime.orchestrations import LIVE_KIND
from flowengine.runtime.placements import CANCEL_TASK, RUNNING_KIND, WAITING_KIND, Placements
from flowengine.runtime.platform_requests import CallOwner
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.queue_plan import QueueTurn
from flowengine.states.ring_plan import RingMember, RingPlan
from flowengine.storage.sessions import OrchestrationStore, SavedOrchestration, Store, open_store
from flowengine.storage.sessions.orchestration_rows import (
    QUEUE_KIND,
    OrchestrationChange,
    QueueEntry,
    SavedAgent,
    SavedAgentStatus,
)
from tests.console.console_line import ConsoleClient, create_client
from tests.console.operated_line import SECRET, compile_line, create_operator, record_calls
from tests.journal.journal_line import ring

ANN, BOB = RingMember("number", "+14045009001"), RingMember("sip", "bob@example.com")
QUEUE = format_queue_id("app", "support")


def run_on(data: Path, work: Callable[[OrchestrationStore], Awaitable[object]]) -> object:
    async def run() -> object:
        store = open_store(f"sqlite:{data / 'calls.db'}")
        assert store.orchestrations is not None
        try:
            return await work(store.orchestrations)
        finally:
            await store.close()

    return asyncio.run(run())


async def fill_lines(store: OrchestrationStore) -> None:
    """Two callers wait, of whom one is rung for; a member has signed out."""
    now = time.time()
    encoding = OrchestrationEncoding(Codec([derive_key(SECRET)]))
    plan = RingPlan("room", (ANN,), "all at once", 20, "", "en-US", group="support")
    leg = RingLeg(1, ANN, now + 20, "rings")
    ring = Ring(id="second", number=1, plan=plan, phase="rings", legs=(leg,))
    saved = [
        SavedOrchestration(QUEUE, QUEUE_KIND, "", 1, msgspec.msgpack.encode(Queue("support", (ANN, BOB))), now + 999),
        SavedOrchestration("second", LIVE_KIND, "", 1, encoding.encode_ring(OwnedRing(ring)), now + 999),
    ]  # fmt: skip
    entries = (
        QueueEntry(QUEUE, "first", 1, 0, now - 65),
        QueueEntry(QUEUE, "second", 1, 5, now - 20, ANN.address),
    )
    for one in saved:
        is_queue = one.kind == QUEUE_KIND
        rung = () if is_queue else (SavedAgent(ANN.address, "second", 0.0, 0.0, now),)
        change = OrchestrationChange(one.id, one, entries=entries if is_queue else (), agents=rung)
        await store.take_turn(one.id, lambda _: (), lambda _saved, _agents, it=change: (it, None))
    await store.set_agent_status(SavedAgentStatus("support", BOB.address, "out", now - 500))


async def fill_call_backs(store: OrchestrationStore) -> None:
    """One waits for its turn, one calls just now, and one waits for its next try."""
    now = time.time()
    encoding = OrchestrationEncoding(Codec([derive_key(SECRET)]))
    to = RingMember("number", "+12125550142")
    turn = QueueTurn("support", 0, now)
    plan = PlacementPlan(
        id="", flow="back", to=to, data={}, cli="", ring=30, tries=3, pause=600, turn=turn
    )
    for id, (kind, phase, entry) in CALL_BACKS.items():  # noqa: A001
        caller = "asker" if phase == "queued" else ""
        placement = Placement(
            id=id, plan=plan, phase=phase, due=now + 600, tries=int(phase != "queued"), waits=1
        )
        owned = OwnedPlacement(placement, CallOwner("app", ""), caller)
        row = SavedOrchestration(id, kind, "", 1, encoding.encode_placement(owned), now + 999)
        entries = (QueueEntry(QUEUE, id, 1, 0, now - 9, **entry),)
        change = OrchestrationChange(id, row, entries=entries)
        await store.take_turn(id, lambda _: (), lambda _saved, _agents, it=change: (it, None))


async def cancel_ringing(store: OrchestrationStore) -> None:
    """What a worker does with the task of an operator."""
    codec = Codec([derive_key(SECRET)])
    placements = Placements(store, codec, ReleaseHours(compile_line))
    await placements.take_turn("place-rings", PlacementCancelled("omar"))


CALL_BACKS: dict[str, tuple[str, PlacementPhase, dict[str, str]]] = {
    "place-waits": (WAITING_KIND, "queued", {}),
    "place-rings": (RUNNING_KIND, "rings", {"offered": ANN.address}),
    "place-later": (WAITING_KIND, "waits", {"outcome": "called"}),
}


def list_rows(client: ConsoleClient) -> list[str]:
    return client.get("/lines").text.split("<tr ")


def list_claimed_keys(data: Path) -> list[str]:
    """The keys of the tasks that are due now."""

    async def claim(store: OrchestrationStore) -> list[str]:
        claimed = [await store.claim_task(time.time() + 1, 3.0) for _ in range(9)]
        return [task.key for task in claimed if task]

    found = run_on(data, claim)
    assert isinstance(found, list)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    run_on(tmp_path, fill_lines)
    return tmp_path


@pytest.fixture
def client(data: Path, flows: Path, monkeypatch: pytest.MonkeyPatch) -> ConsoleClient:
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", SECRET)
    return create_operator(flows, data)


def test_page_shows_who_waits_who_takes_calls_and_rings(client: ConsoleClient) -> None:
    page = client.get("/lines").text
    assert page.index("<code>second</code>") < page.index("<code>first</code>")  # by priority
    assert "a member is rung" in page
    assert "+*********01" in page
    assert "14045009001" not in page
    assert "signed out" in page
    assert "Rings under way" in page
    assert '<span class="badge">rings</span>' in page


def test_rings_are_read_with_the_secret_of_the_application_of_the_environment(
    data: Path, flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server encrypts with it where nobody has set a key for cookies."""
    run_on(data, fill_call_backs)
    page = create_operator(flows, data).get("/lines").text
    assert "4 rings and call-backs are encrypted with a key that this console does not have" in page
    assert "<code>place-waits</code>" in page
    monkeypatch.setenv("SINCH_APPLICATION_KEY", "app")
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", SECRET)
    page = create_operator(flows, data).get("/lines").text
    assert "encrypted with" not in page
    assert '<span class="badge">rings</span>' in page
    assert "<code>place-waits</code>" not in page


def test_caller_who_waits_has_number_and_flow_where_the_journal_has_them(
    client: ConsoleClient, data: Path
) -> None:
    record_calls(data, [ring("first")])
    page = client.get("/lines").text
    assert re.search(r"<td>1:0\d</td><td><a [^>]*/first\">\+?\*+23</a> <span [^>]*>in line<", page)
    assert "<code>second</code>" in page


def test_member_signs_in_by_a_handle_without_the_address(
    client: ConsoleClient, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    handle = re.findall(
        r'data-sign="in" data-group="support" data-member="(\w+)"', client.get("/lines").text
    )
    answer = client.post("/lines/sign", {"group": "support", "member": handle[0], "sign": "in"})
    assert answer.json() == {"message": "b***@example.com is signed in to support"}
    assert "b***@example.com is signed in to support" in caplog.text  # with the name before it
    statuses = run_on(data, lambda store: store.list_agent_statuses())
    assert isinstance(statuses, list)
    assert [one.status for one in statuses] == ["in"]
    assert re.search(r"signed in by [^<]+</span>", client.get("/lines").text)


def test_busy_member_who_signs_out_is_shown_so_and_may_sign_in(
    client: ConsoleClient, data: Path
) -> None:
    async def sign_out(store: OrchestrationStore) -> None:
        await store.set_agent_status(SavedAgentStatus("support", ANN.address, "out", time.time()))

    def list_signs() -> list[str]:
        row = next(
            row
            for row in client.get("/lines").text.split("<tr")
            if "+*********01" in row and "data-sign" in row
        )
        assert "busy" in row
        signs = re.findall(r'data-sign="(\w+)"', row)
        assert ("busy, then signed out" in row) == ("out" not in signs)
        return signs

    assert list_signs() == ["pause", "out"]
    run_on(data, sign_out)
    assert list_signs() == ["in", "pause"]


def test_caller_is_taken_out_by_a_task_of_their_orchestration(
    client: ConsoleClient, data: Path
) -> None:
    asked = {"group": "support", "call": "second", "number": 1}
    assert client.post("/lines/dismiss", asked).status_code == 200
    assert "timer:dismiss:1" in list_claimed_keys(data)
    for gone in ({"call": "nobody"}, {"number": 2}, {"group": "sales"}):
        assert client.post("/lines/dismiss", {**asked, **gone}).status_code == 409


def test_call_backs_are_shown_with_whom_they_call_and_cancelled(
    client: ConsoleClient, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    run_on(data, fill_call_backs)
    record_calls(data, [ring("asker")])
    rows = {key: row for row in list_rows(client) for key in CALL_BACKS if f'"{key} 1"' in row}
    assert '/calls/asker">+' in rows["place-waits"]  # the call that has asked for it
    assert ' class="number">4</td>' in rows["place-waits"]
    assert re.search("is called now</span> <span .*>try 1<", rows["place-rings"])
    assert "+*********42" in rows["place-rings"]
    assert re.search("not before</span> <time .*tried 1 time<", rows["place-later"])
    assert "a member is rung" not in "".join(rows.values())
    answers = {}
    for key in CALL_BACKS:
        assert "Cancel call-back" in rows[key]
        answer = client.post("/lines/dismiss", {"group": "support", "call": key, "number": 1})
        answers[key] = answer.json()["message"]
    assert "this try goes on" in answers["place-rings"]
    for key in ("place-waits", "place-later"):
        assert answers[key] == f"{key} is cancelled: nobody is called back"
        assert answers[key] in caplog.text
    shown = "".join(list_rows(client))
    assert "place-rings" in shown
    run_on(data, cancel_ringing)
    (row,) = [row for row in list_rows(client) if '"place-rings 1"' in row]
    assert "for the last time: cancelled by omar" in row
    assert "Cancel call-back" not in row
    assert "place-waits" not in shown
    assert list_claimed_keys(data).count(CANCEL_TASK) == len(CALL_BACKS)


def test_list_of_who_waits_ends_after_so_many(
    client: ConsoleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "more.</p>" not in client.get("/lines").text
    monkeypatch.setattr(line_pages, "MAX_LISTED_CALLERS", 1)
    assert '<p class="muted">And 1 more.</p>' in client.get("/lines").text


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("sign", {"group": "support", "member": "nobody", "sign": "in"}, 409),
        ("sign", {"group": "support", "member": "nobody", "sign": "fly"}, 400),
        ("dismiss", {"call": "first"}, 400),
    ],
)
def test_change_that_makes_no_sense_is_refused(
    client: ConsoleClient, path: str, asked: dict[str, object], status: int
) -> None:
    answer = client.post(f"/lines/{path}", asked)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_page_without_lines_says_what_to_do(flows: Path, tmp_path: Path) -> None:
    for store in ("none", f"sqlite:{tmp_path}/gone/calls.db"):
        page = create_client(flows, store=store).get("/lines").text
        assert "No lines yet" in page
        assert f"flowengine serve {flows}" in page
    page = create_client(flows, is_serving=True).get("/lines").text
    assert "Serve with --store" in page
    assert not (tmp_path / "gone").exists()
    empty = tmp_path / "calls.db"
    empty.touch()
    assert "No lines yet" in create_client(flows, store=f"sqlite:{empty}").get("/lines").text
    assert empty.stat().st_size == 0  # to look is not to make tables


def test_page_of_a_project_without_groups_says_how_to_make_one(tmp_path: Path, flows: Path) -> None:
    async def keep_nothing(_store: OrchestrationStore) -> None:
        pass

    run_on(tmp_path, keep_nothing)
    client = create_operator(flows, tmp_path)
    assert "# groups/sales.yaml" in client.get("/lines").text
    (flows / "groups").mkdir()
    (flows / "groups" / "sales.yaml").write_text('members: ["+14045550171"]')
    client = create_operator(flows, tmp_path)
    assert 'aria-label="Pause: +*********71 (member 1) in sales"' in client.get("/lines").text


def test_page_of_a_store_that_cannot_be_read_says_so(tmp_path: Path, flows: Path) -> None:
    (tmp_path / "calls.db").write_text("no database, and long enough to be taken for one" * 100)
    page = create_operator(flows, tmp_path).get("/lines").text
    assert "The lines cannot be read." in page


def test_session_store_is_opened_beside_the_event_loop(
    client: ConsoleClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def open_slowly(url: str) -> Store:
        threads.append(threading.get_ident())
        return open_store(url)

    monkeypatch.setattr(session_access, "open_store", open_slowly)
    for path in ("/lines", "/releases"):
        assert client.get(path).status_code == 200
    client.post("/lines/dismiss", {"group": "support", "call": "first", "number": 1})
    assert threads
    assert threading.get_ident() not in threads


def test_change_of_each_member_acts_on_whom_the_page_shows(data: Path, flows: Path) -> None:
    """Somebody has left the group, and the store still has their status."""

    async def leave_rows(store: OrchestrationStore) -> None:
        for group, address in (("support", "+14045008008"), ("gone", ANN.address)):
            await store.set_agent_status(SavedAgentStatus(group, address, "out", time.time()))

    run_on(data, leave_rows)
    (flows / "groups").mkdir()
    members = '["+14045009004", "+14045009003", "+14045009001"]'
    (flows / "groups" / "support.yaml").write_text(f"members: {members}\n")
    client = create_operator(flows, data)
    client.get("/problems")  # as when it starts, the console reads the flows
    page = client.get("/lines").text
    shown = re.findall(
        r'data-group="(\w+)" data-member="(\w+)" aria-label="[\w ]+: (\S+)[^"]* in', page
    )
    assert {(group, member[-2:]) for group, _, member in shown} == {
        ("gone", "01"), ("support", "01"), ("support", "03"), ("support", "04"),
    }  # fmt: skip
    for group, handle, member in shown:
        answer = client.post("/lines/sign", {"group": group, "member": handle, "sign": "pause"})
        done = {"support": f"{member} pauses in support"}.get(group)
        assert answer.json().get("message") == done  # the other group is no more
    elsewhere = next(handle for group, handle, member in shown if member.endswith("03"))
    asked = {"group": "gone", "member": elsewhere, "sign": "in"}
    assert client.post("/lines/sign", asked).status_code == 409


def test_handle_of_a_member_is_of_one_console_only(client: ConsoleClient, data: Path) -> None:
    """Who knows a handle could otherwise try all numbers until one fits."""
    other = create_operator(client.app.state.context.settings.folder, data)
    handles = [
        set(re.findall(r'data-member="(\w+)"', each.get("/lines").text)) for each in (client, other)
    ]
    assert all(handles)
    assert not handles[0] & handles[1]
