"""HTTP of the switch, many requests at once, against servers that behave as servers do."""

import asyncio

import pytest

from flowengine.switch.wire import ConcurrentTransport
from tests.waiting import PATIENCE_SECONDS

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-name: a\r\n\r\n{}"


class Server:
    """Says what it is told to, one answer per request: None hangs up without one"""

    def __init__(self, *answers):
        self.answers, self.requests, self.connections, self.hang_up = list(answers), [], 0, False

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    break
                writer.write(answer)
                if self.hang_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


def asked(server, times=1, at_once=False, timeouts=(), between=0.0):
    answers = []

    async def run():
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/cb?a=b"
        pool = ConcurrentTransport()
        for number in range(times):
            timeout = timeouts[number] if timeouts else PATIENCE_SECONDS
            pool.post(url, {"X-Number": str(number)}, b"{}", timeout, answers.append)
            if not at_once:
                await pool.wait()
            await asyncio.sleep(between)
        while pool.in_flight:
            await pool.wait()
        await pool.close()
        listening.close()
        await asyncio.sleep(0.02)

    asyncio.run(run())
    return answers


def test_connection_serves_one_request_after_the_other():
    server = Server()
    answers = asked(server, 3)
    assert [(answer.status, answer.body, answer.headers["x-name"]) for answer in answers] == [
        (200, b"{}", "a")
    ] * 3
    assert server.connections == 1
    assert server.requests[2].startswith(b"POST /cb?a=b HTTP/1.1\r\n")
    assert b"number: 2\r\n" in server.requests[2].lower()
    assert server.requests[2].endswith(b"\r\n\r\n{}")


def test_requests_at_once_have_a_connection_each():
    server = Server()
    assert len(asked(server, 5, at_once=True)) == 5
    assert server.connections == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    ],
)
def test_answers_in_every_form(answer):
    answers = asked(Server(answer), 2)
    assert [(item.status, item.body, item.failure) for item in answers] == [(200, b"{}", "")] * 2


def test_answer_may_end_with_the_connection():
    server = Server(b"HTTP/1.1 200 OK\r\n\r\n{}")
    server.hang_up = True
    assert [answer.body for answer in asked(server, 2)] == [b"{}", b"{}"]
    assert server.connections == 2


@pytest.mark.parametrize("between", [0.0, 0.03])
def test_connection_closed_while_idle_is_replaced(between):
    server = Server()
    server.hang_up = True
    answers = asked(server, 3, between=between)
    assert [answer.status for answer in answers] == [200, 200, 200]


def test_204_has_no_body():
    assert [answer.status for answer in asked(Server(b"HTTP/1.1 204 No Content\r\n\r\n"), 2)] == [
        204,
        200,
    ]


@pytest.mark.parametrize(
    "answer", [None, b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"]
)
def test_answers_that_are_none(answer):
    server = Server(answer)
    server.hang_up = True
    (found,) = asked(server)
    assert (found.status, found.body) == (0, b"")
    assert found.failure.startswith("could not be reached: ")


def test_answer_that_is_too_late_is_a_failure():
    answers = asked(Server(b""), 2, timeouts=(0.1, PATIENCE_SECONDS))
    assert [(answer.status, answer.failure) for answer in answers] == [
        (0, "no answer within 0.1 seconds"),
        (200, ""),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http:///cb",
        "http://127.0.0.1:port/",
        "nonsense",
        "http://127.0.0.1:9/cb",
        "http://[::1/",
    ],
)
async def test_url_that_cannot_be_reached_is_a_failure(url):
    answers = []

    pool = ConcurrentTransport()
    pool.post(url, {}, b"{}", 5.0, answers.append)
    await pool.wait()
    await pool.close()
    assert answers[0].failure.startswith("could not be reached: ")


async def test_error_of_a_reply_handler_is_raised_where_the_pool_waits():
    def fails(_answer):
        raise ZeroDivisionError

    pool = ConcurrentTransport()
    pool.post("http://127.0.0.1:9/", {}, b"{}", 1.0, fails)
    try:
        with pytest.raises(ZeroDivisionError):
            await pool.wait()
    finally:
        await pool.close()


async def test_closed_transport_gives_up_what_is_in_flight():
    listening = await asyncio.start_server(Server(b"").serve, "127.0.0.1", 0)
    pool = ConcurrentTransport()
    pool.post(
        f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/",
        {},
        b"{}",
        9.0,
        pytest.fail,
    )
    await asyncio.sleep(0.05)
    await pool.close()
    assert pool.in_flight == 0
    listening.close()
    await asyncio.sleep(0.02)
