"""Callbacks by real HTTP, one after the other and many at a time, and virtual time that waits for
them.
"""

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flowengine.switch.clock import LoopClock, VirtualClock
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import SwitchApplication
from flowengine.switch.wire import (
    BlockingTransport,
    CallbackSender,
    ConcurrentTransport,
    Response,
    drive_clock,
)
from tests.threaded_server import serving_in_thread
from tests.waiting import PATIENCE_SECONDS


class Backend(ThreadingHTTPServer):
    """Answers with what it was sent; /slow and /later take their time, /drops comes bit by bit,
    /away leads on, /broken is 500
    """

    request_queue_size = 128
    block_on_close = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.most = self.present = 0
        self.lock = threading.Lock()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 2

    def do_POST(self):
        backend = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        with backend.lock:
            backend.requests.append(
                (self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            backend.present += 1
            backend.most = max(backend.most, backend.present)
        time.sleep({"/slow": 0.5, "/later": 0.05}.get(self.path, 0))
        with backend.lock:
            backend.present -= 1
        try:
            self.send_response({"/broken": 500, "/away": 302}.get(self.path, 200))
            self.send_header("location", "/")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            for byte in body:
                time.sleep(0.3 if self.path == "/drops" else 0)
                self.wfile.write(bytes([byte]))
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def backend():
    with serving_in_thread(Backend()) as server:
        yield server


@pytest.fixture
def blocking():
    transport = BlockingTransport()
    yield transport
    transport.close()


def ask(transport, url, timeout=5.0):
    replies = []
    transport.post(url, {"x-timestamp": "now"}, b"body", timeout, replies.append)
    (reply,) = replies
    return reply


async def ask_later(url, seconds):
    transport, replies = ConcurrentTransport(), []
    transport.post(url, {"x-timestamp": "now"}, b"body", seconds, replies.append)
    assert (replies, transport.in_flight) == ([], 1)
    await transport.wait()
    assert transport.in_flight == 0
    await transport.close()
    (reply,) = replies
    return reply


@pytest.fixture(params=["blocking", "concurrent"])
def either(request, blocking):
    if request.param == "blocking":
        return lambda url, timeout=5.0: ask(blocking, url, timeout)
    return lambda url, timeout=5.0: asyncio.run(ask_later(url, timeout))


def test_request_is_sent_and_answered(either, backend):
    reply = either(backend.url("/callback?tenant=1"))
    assert (reply.status, reply.body, reply.failure) == (200, b"body", "")
    ((path, headers, body),) = backend.requests
    assert (path, headers["x-timestamp"], body) == ("/callback?tenant=1", "now", b"body")


def test_status_is_an_answer_and_a_redirect_is_not_followed(either, backend):
    assert either(backend.url("/broken")).status == 500
    assert either(backend.url("/away")).status == 302


def test_too_late(either, backend):
    assert either(backend.url("/slow"), 0.1) == Response(
        0, {}, b"", "no answer within 0.1 seconds", late=True
    )


def test_answer_that_trickles_in_is_too_late_as_a_whole(either, backend):
    assert either(backend.url("/drops"), 0.4).failure == "no answer within 0.4 seconds"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[", "nonsense", "ftp://127.0.0.1/"])
def test_url_that_cannot_be_reached_is_a_failure(either, url):
    reply = either(url)
    assert (reply.status, reply.body) == (0, b"")
    assert reply.failure.startswith("could not be reached: ")


def test_delivery_over_http_falls_back(backend, blocking):
    clock, answers = VirtualClock(), []
    application = SwitchApplication(
        "f00dcafe", "BeIukql3pTKJ8RGL5zo0DA==", backend.url("/broken"), backend.url("/")
    )
    delivery = CallbackSender(clock, SwitchSettings(), blocking, lambda _: None)
    delivery.send(
        application, "1", "ice", b"{}", lambda *told: answers.append(told), is_valid=lambda _: True
    )
    clock.run()
    ((response, url),) = answers
    assert (response.status, url) == (200, backend.url("/"))
    assert [(path, body) for path, _, body in backend.requests] == [
        ("/broken", b"{}"),
        ("/", b"{}"),
    ]


async def test_virtual_time_stands_still_while_requests_are_under_way(backend):
    """Two calls at the same moment ask side by side; what is due an hour later happens after their
    answers.
    """
    clock, heard = VirtualClock(), []

    transport = ConcurrentTransport()
    application = SwitchApplication("f00dcafe", "BeIukql3pTKJ8RGL5zo0DA==", backend.url("/later"))
    delivery = CallbackSender(clock, SwitchSettings(), transport, lambda _: None)

    def call(name):
        delivery.send(
            application,
            name,
            "ice",
            b"{}",
            lambda *_: heard.append((name, clock.seconds)),
            is_valid=lambda _: True,
        )

    for name in ("a", "b"):
        clock.call_later(1, lambda name=name: call(name))
    clock.call_later(3600, lambda: heard.append(("late", clock.seconds)))
    await drive_clock(clock, transport, lambda: False)
    await transport.close()
    assert sorted(heard[:2]) == [("a", 1.0), ("b", 1.0)]
    assert heard[2:] == [("late", 3600.0)]
    assert backend.most == 2


async def test_driving_stops_as_soon_as_it_may(backend):
    clock, replies = VirtualClock(), []

    transport = ConcurrentTransport()
    transport.post(backend.url("/"), {}, b"", 5, replies.append)
    clock.call_later(10, lambda: None)
    await drive_clock(clock, transport, lambda: bool(replies))
    await transport.close()
    assert clock.seconds == 0


async def test_error_of_a_reply_handler_is_raised_where_time_passes(backend):
    def fail(_):
        raise ZeroDivisionError

    transport = ConcurrentTransport()
    transport.post(backend.url("/"), {}, b"", 5, fail)
    try:
        with pytest.raises(ZeroDivisionError):
            await drive_clock(VirtualClock(), transport, lambda: False)
    finally:
        await transport.close()


async def test_closing_gives_up_on_what_is_under_way(backend):
    replies = []

    transport = ConcurrentTransport()
    transport.post(backend.url("/slow"), {}, b"", 5, replies.append)
    await asyncio.sleep(0.05)
    await transport.close()
    assert transport.in_flight == 0
    assert replies == []


async def test_delivery_in_real_time(backend):
    async def run():
        transport, answered = ConcurrentTransport(), asyncio.get_running_loop().create_future()
        application = SwitchApplication(
            "f00dcafe", "BeIukql3pTKJ8RGL5zo0DA==", backend.url("/slow"), backend.url("/")
        )
        delivery = CallbackSender(
            LoopClock(), SwitchSettings(callback_timeout=0.2), transport, lambda _: None
        )
        delivery.send(
            application,
            "1",
            "ice",
            b"{}",
            lambda *told: answered.set_result(told),
            is_valid=lambda _: True,
        )
        response, url = await asyncio.wait_for(answered, PATIENCE_SECONDS)
        await transport.close()
        return response.status, url

    assert (await run()) == (200, backend.url("/"))
