"""What the platform refuses (section 4.3 of the platform notes), and what of it may stand in a log."""

import asyncio
import doctest
import json
import pickle
import socket
import threading
import traceback
from contextlib import contextmanager

import pytest

from flowengine.sinch import Destination
from flowengine.sinch.client import (
    ApiProblem,
    BadRequest,
    Basic,
    CallInfo,
    CallingApi,
    Conflict,
    Forbidden,
    Hosts,
    NotFound,
    PaymentRequired,
    ServerProblem,
    Signed,
    TooManyRequests,
    TtsCallout,
    Unauthorized,
    Unreachable,
    discreet,
)

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
CODES = {
    40001: BadRequest,
    40002: BadRequest,
    40003: BadRequest,
    40004: BadRequest,
    40005: BadRequest,
    40100: Unauthorized,
    40101: Unauthorized,
    40102: Unauthorized,
    40103: Unauthorized,
    40104: Unauthorized,
    40105: Unauthorized,
    40107: Unauthorized,
    40108: Unauthorized,
    40200: PaymentRequired,
    40300: Forbidden,
    40301: Forbidden,
    40302: Forbidden,
    40303: Forbidden,
    40400: NotFound,
    40900: Conflict,
    42200: ApiProblem,
    42201: ApiProblem,
    42202: ApiProblem,
    42900: TooManyRequests,
    42901: TooManyRequests,
    50000: ServerProblem,
    50300: ServerProblem,
    50301: ServerProblem,
}


@contextmanager
def answering(raw: bytes):
    """A server that says these bytes to whoever connects"""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(raw)

    thread = threading.Thread(target=serve)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def http(status, body=b""):
    return (
        b"HTTP/1.1 %d Said\r\ncontent-length: %d\r\nlocation: http://127.0.0.1:9/\r\nconnection: "
        b"close\r\n\r\n%b"
        % (
            status,
            len(body),
            body,
        )
    )


def info(url, authentication=None, seconds=5.0):
    async def run():
        async with CallingApi(
            authentication or Signed(KEY, SECRET), Hosts.at(url), seconds=seconds
        ) as api:
            return await api.calls.info("abc")

    return asyncio.run(run())


def refusal(raw):
    with answering(raw) as url, pytest.raises(ApiProblem) as caught:
        info(url)
    return caught.value


@pytest.mark.parametrize("spelling", [int, str])
@pytest.mark.parametrize("code", CODES)
def test_code(code, spelling):
    told = {
        "errorCode": spelling(code),
        "message": "Call not found",
        "reference": "38188074-abcd",
        "status": "404 ResourceNotFound",
    }
    problem = refusal(http(code // 100, json.dumps(told).encode()))
    assert type(problem) is CODES[code]
    assert (problem.status, problem.code, problem.message, problem.reference) == (
        code // 100,
        code,
        "Call not found",
        "38188074-abcd",
    )
    assert str(problem) == f"Call not found ({code}, reference 38188074-abcd)"


@pytest.mark.parametrize("code", [40302, 40303])
def test_403_that_is_sent_as_401(code):
    assert type(refusal(http(401, b'{"errorCode":%d}' % code))) is Forbidden


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"errorCode":"none","message":7,"reference":null}', b"[" * 9000],
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFound), (502, ServerProblem), (418, ApiProblem), (302, ApiProblem)],
)
def test_answers_that_explain_nothing(status, kind, body):
    problem = refusal(http(status, body))
    assert (type(problem), problem.status, problem.code, problem.reference) == (
        kind,
        status,
        status * 100,
        "",
    )
    assert str(status) in problem.message


@pytest.mark.parametrize(
    "body", [b"<html>", b'"text"', b"[1]", b'{"duration":"long"}', b'{"from":7}']
)
def test_success_that_cannot_be_read(body):
    problem = refusal(http(200, body))
    assert (type(problem), problem.status) == (ApiProblem, 200)


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"]
)
def test_answers_that_break_off(raw):
    assert type(refusal(raw)) is Unreachable


def test_nobody_there_and_nobody_in_time():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"no answer from 127\.0\.0\.1: ReadTimeout"):
            info(url, seconds=0.2)
    with pytest.raises(Unreachable, match="ConnectError") as caught:
        info(url)
    assert (caught.value.status, caught.value.code) == (0, 0)


@pytest.mark.parametrize(
    "authentication", [Signed(KEY, SECRET), Basic(KEY, SECRET)], ids=["signed", "basic"]
)
def test_secrets_and_numbers_stand_in_no_text(authentication):
    told = b'{"errorCode":40001,"message":"Invalid parameters: destination +46 73-017 01 01 and 46730170101"}'
    with answering(http(400, told)) as url, pytest.raises(BadRequest) as caught:
        info(url, authentication)
    with pytest.raises(Unreachable) as unreachable:
        info("http://127.0.0.1:9", authentication)
    texts = [repr(authentication), str(caught.value), repr(caught.value)]
    texts += ["".join(traceback.format_exception(error.value)) for error in (caught, unreachable)]
    for text in texts:
        for secret in (SECRET, "017", "46730", "Basic Nj"):
            assert secret not in text
    assert (
        caught.value.message == "Invalid parameters: destination +** **-*** ** 01 and *********01"
    )


def test_values_show_themselves_without_numbers():
    callout = TtsCallout(
        destination=Destination("number", "+46730170101"), cli="+46730170102", text="Hello"
    )
    assert "+46" not in repr(callout)
    assert "*********01" in repr(callout)
    assert "Hello" in repr(callout)
    assert "0730" not in repr(
        CallInfo(
            call_id="38188074-1234-5678-9012-123456789012",
            from_=Destination("number", "0730170101"),
        )
    )
    assert "38188074-1234-5678-9012-123456789012" in repr(
        CallInfo(call_id="38188074-1234-5678-9012-123456789012")
    )


def test_problems_survive_a_journey_between_processes():
    problem = pickle.loads(pickle.dumps(NotFound(404, 40400, "Call not found", "r")))
    assert (type(problem), str(problem)) == (NotFound, "Call not found (40400, reference r)")


def test_the_examples_run():
    from flowengine.sinch.client import hosts

    for module in (discreet, hosts):
        assert doctest.testmod(module).failed == 0
