"""The cases of docs/decisions/0043, over HTTP and in real time: which deliveries bring the same
event, and which bring another one with equal bytes.
"""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowengine.storage.sessions import MemoryStore, SqliteStore, Store
from tests.server.callback_workers import Line, Workers, compile_line, heard, serving

FLOW = """
flow: line
start: ask
on: {pressed: press, ended: report, notified: {any: tell}}
vars:
  presses: {type: integer}
  name: {type: text, max: 40}
states:
  ask:
    menu:
      prompt: "Pressed ${vars.presses} times."
      options: {1: count, 2: room, 3: look_up, 4: other}
      attempts: 9
      otherwise: bye
  count: {set: {presses: "${vars.presses + 1}"}, next: ask}
  other:
    menu: {prompt: Another menu., options: {1: bye}, otherwise: bye}
  look_up: {fetch: {service: crm, get: /slow, into: {name: body.name}, failed: bye}, next: ask}
  room: {connect: {conference: team, keys: {mode: detect}}}
  press: {fetch: {service: crm, post: /pressed, failed: done}, next: done}
  report: {fetch: {service: crm, post: /ended, failed: done}, next: done}
  tell: {fetch: {service: crm, post: /told, failed: done}, next: done}
  done: {done: {}}
  bye: {say: Goodbye., hangup: {}}
"""
DEADLINE = 1.5
WORKERS = {"one worker": 1, "two workers": 2}
Serve = Callable[..., AbstractContextManager[Workers]]
both = pytest.mark.parametrize("count", WORKERS.values(), ids=WORKERS)


@pytest.fixture(params=["sqlite", "postgresql"])
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Serve]:
    """Workers that share a store."""
    address = request.getfixturevalue("postgresql") if request.param == "postgresql" else ""

    def opened() -> Store:
        if not address:
            return SqliteStore(tmp_path / "calls.db")
        from flowengine.storage.sessions.postgresql_store import PostgresqlStore

        return PostgresqlStore(address)

    def start(
        count: int = 1, *, signed: bool = True, menu_ids: str = "named"
    ) -> AbstractContextManager[Workers]:
        return serving(compile_line(FLOW, DEADLINE, menu_ids), opened, count, signed=signed)

    with pytest.MonkeyPatch.context() as patch:
        if address:  # how slow a machine is, is not asked here
            patch.setattr(
                "flowengine.storage.sessions.postgresql_store.STATEMENT_TIMEOUT_SECONDS", 30.0
            )
        yield start


def alone() -> AbstractContextManager[Workers]:
    """A worker that keeps nothing but in its memory."""
    return serving(compile_line(FLOW, DEADLINE), MemoryStore, 1)


def together(line: Line, body: bytes, apart: float, times: int) -> list[dict[str, object]]:
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda number: line.send(body, number * apart), range(times)))


@both
@pytest.mark.parametrize("menu_ids", ["main", "named"])
def test_same_key_pressed_again_within_a_second_counts_each_time(
    serve: Serve, count: int, menu_ids: str
) -> None:
    with serve(count, menu_ids=menu_ids) as workers:
        line = Line(workers)
        line.send(line.body("ice"))
        said = [heard(line.send(line.pie("1"))) for _ in range(3)]
        assert said == [f"Pressed {times} times." for times in (1, 2, 3)]


@pytest.mark.parametrize("echo", [True, False], ids=["cookies", "no cookies"])
def test_keys_in_a_conference_within_a_second_are_each_reported(serve: Serve, echo: bool) -> None:
    for opened in (serve(2), alone()):
        with opened as workers:
            line = Line(workers, echo=echo)
            line.send(line.body("ice"))
            line.send(line.pie("2"))
            body = line.pie("1", menu="team", kind="sequence")
            assert together(line, body, 0.1, 3) == [{}] * 3
            assert [line.send(body, later) for later in (0.4, 0.5)] == [{}] * 2
            found = workers.service.asked("/pressed")
            assert len({request.headers["idempotency-key"] for request in found}) == 5


@both
def test_keys_within_a_second_count_where_x_timestamps_have_whole_seconds(
    serve: Serve, count: int
) -> None:
    """As the platform's published examples have them."""
    with serve(count) as workers:
        line, stamp = Line(workers), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line.send(line.body("ice"), stamp=stamp)
        said = [heard(line.send(line.pie("1"), stamp=stamp)) for _ in range(3)]
        assert said == [f"Pressed {times} times." for times in (1, 2, 3)]
        line.send(line.pie("2"), stamp=stamp)
        body = line.pie("1", menu="team", kind="sequence")
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(lambda _: line.send(body, stamp=stamp), range(2)))
        assert [*together, line.send(body, stamp=stamp)] == [{}] * 3
        found = workers.service.asked("/pressed")
        assert len({request.headers["idempotency-key"] for request in found}) == 3


@both
def test_repeated_request_is_answered_alike_and_does_nothing_twice(
    serve: Serve, count: int
) -> None:
    with serve(count) as workers:
        line, stamp = Line(workers), datetime.now(UTC).isoformat()
        line.send(line.body("ice"))
        first, again = (line.send(line.pie("1"), stamp=stamp) for _ in range(2))
        assert first == again
        line.send(line.pie("2"))
        for _ in range(2):
            line.send(line.pie("1", menu="team", kind="sequence"), stamp=stamp)
            line.send(line.body("notify", type="recording_finished"), stamp=stamp)
        assert len(workers.service.asked("/pressed")) == len(workers.service.asked("/told")) == 1


@both
def test_callback_repeated_after_the_time_out_does_nothing_twice(serve: Serve, count: int) -> None:
    """The answer was written and lost, so the platform sends again after the time-out."""
    with serve(count) as workers:
        line = Line(workers)
        line.send(line.body("ice"))
        events = [line.pie("1"), line.body("notify", type="recording_finished")]
        first = [line.send(body) for body in events]
        time.sleep(DEADLINE)
        assert [line.send(body) for body in events] == first
        assert heard(line.send(line.pie("", kind="timeout"))) == "Pressed 1 times."
        assert len(workers.service.asked("/told")) == 1


def test_callback_repeated_with_the_old_cookie_does_nothing_twice(serve: Serve) -> None:
    with serve(2) as workers:
        line = Line(workers, echo=True)
        line.send(line.body("ice"))
        body = line.pie("1")
        assert line.send(body) == line.send(body, 0.2)


def test_callback_repeated_while_it_is_being_answered_shares_the_answer(serve: Serve) -> None:
    with serve(2) as workers:
        line = Line(workers)
        line.send(line.body("ice"))
        answers = together(line, line.pie("3"), 0.001, 4)
        assert all(answer == answers[0] for answer in answers)
        assert len(workers.service.asked("/slow")) == 1


def break_off(line: Line, body: bytes, *, chunked: bool = False) -> None:
    """Send this to the first worker, and close the connection before the answer."""
    headers = line.headers(body)
    length = "transfer-encoding: chunked" if chunked else f"content-length: {len(body)}"
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["POST /sinch HTTP/1.1", "host: localhost", length, *lines, "", ""]).encode()
    host, _, port = line.workers.urls[0].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            head + (b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)
        )
        time.sleep(0.2)


@both
@pytest.mark.parametrize("chunked", [False, True], ids=["plain", "uvicorn's own way"])
def test_callback_repeated_after_its_connection_broke_does_nothing_twice(
    serve: Serve, count: int, chunked: bool
) -> None:
    with serve(count) as workers:
        line = Line(workers)
        line.send(line.body("ice"))
        break_off(line, line.pie("3"), chunked=chunked)
        time.sleep(0.8)  # the lookup ends, and nobody is there to be answered
        assert heard(line.send(line.pie("3"))) == "Pressed 0 times."
        assert len(workers.service.asked("/slow")) == 1
        line.send(line.pie("3"), 0.2)
        assert len(workers.service.asked("/slow")) == 2, "whoever has the answer may press again"


@both
@pytest.mark.parametrize("echo", [True, False], ids=["cookies", "no cookies"])
def test_late_repetition_does_not_put_the_call_back(serve: Serve, count: int, echo: bool) -> None:
    with serve(count) as workers:
        line = Line(workers, echo=echo)
        late = (datetime.now(UTC) - timedelta(seconds=0.5)).isoformat()
        rings = line.body("ice")
        line.send(rings)
        chooses = line.pie("1")
        line.send(chooses)
        assert heard(line.send(line.pie("4", menu="line.ask"))) == "Another menu."
        cookies = line.cookies
        assert heard(line.send(rings)) == "Another menu."
        assert heard(line.send(chooses, stamp=late)) == "Another menu."
        line.cookies = cookies
        assert line.send(line.pie("1", menu="line.other"))["action"] == {"name": "hangup"}


@both
def test_ice_with_the_cookie_of_its_call_does_not_begin_it_again(serve: Serve, count: int) -> None:
    with serve(count) as workers:
        line = Line(workers, echo=True)
        line.send(line.body("ice"))
        line.send(line.pie("4"))
        assert heard(line.send(line.body("ice"))) == "Another menu."
        line.send(line.body("dice", result="ANSWERED"))
        line.send(line.pie("1", menu="line.other"))
        assert line.send(line.body("ice"))["action"] == {"name": "hangup"}


@both
def test_dice_is_reported_once_however_late_and_often_it_comes(serve: Serve, count: int) -> None:
    with serve(count) as workers:
        line = Line(workers)
        rings = line.body("ice")
        line.send(rings)
        ends = line.body("dice", timestamp="2026-11-28T10:00:00Z", result="ANSWERED")
        assert together(line, ends, 0.1, 4) == [{}] * 4
        line.send(line.body("notify", type="recording_available", destination="a.mp3"))
        assert line.send(ends, 60) == {}
        assert line.send(line.body("dice", result="ANSWERED", duration=3)) == {}
        assert line.send(rings)["action"] == {"name": "hangup"}
        assert len(workers.service.asked("/ended")) == 1


def test_calls_that_ring_at_once_begin_once(serve: Serve) -> None:
    with serve(2) as workers:
        line = Line(workers)
        answers = together(line, line.body("ice"), 0.001, 4)
        assert all(answer == answers[0] for answer in answers)


def test_notices_with_equal_bytes_are_all_done() -> None:
    with alone() as workers:
        line = Line(workers)
        line.send(line.body("ice"))
        body = line.body("notify", type="recording_finished")
        for later in (0.0, 0.5, 30.0):
            line.send(body, later)
        found = workers.service.asked("/told")
        assert len({request.headers["idempotency-key"] for request in found}) == 3


def test_unsigned_deliveries_are_told_apart_by_when_they_come(serve: Serve) -> None:
    with serve(1, signed=False) as workers:
        line = Line(workers)
        line.send(line.body("ice"))
        assert [heard(line.send(line.pie("1"))) for _ in range(2)] == [
            "Pressed 1 times.",
            "Pressed 2 times.",
        ]
        time.sleep(DEADLINE)
        assert heard(line.send(line.pie("1"))) == "Pressed 2 times."
