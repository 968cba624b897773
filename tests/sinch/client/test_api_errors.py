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

from flowengine.sinch import CallTarget
from flowengine.sinch.client import (
    ApiHosts,
    BadRequestError,
    BasicAuth,
    CallInfo,
    CallingApi,
    CallingApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PaymentRequiredError,
    ServerError,
    SignedAuth,
    TooManyRequestsError,
    TtsCallout,
    UnauthorizedError,
    UnreachableApiError,
    number_redaction,
)

KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
CODES = {
    40001: BadRequestError,
    40002: BadRequestError,
    40003: BadRequestError,
    40004: BadRequestError,
    40005: BadRequestError,
    40100: UnauthorizedError,
    40101: UnauthorizedError,
    40102: UnauthorizedError,
    40103: UnauthorizedError,
    40104: UnauthorizedError,
    40105: UnauthorizedError,
    40107: UnauthorizedError,
    40108: UnauthorizedError,
    40200: PaymentRequiredError,
    40300: ForbiddenError,
    40301: ForbiddenError,
    40302: ForbiddenError,
    40303: ForbiddenError,
    40400: NotFoundError,
    40900: ConflictError,
    42200: CallingApiError,
    42201: CallingApiError,
    42202: CallingApiError,
    42900: TooManyRequestsError,
    42901: TooManyRequestsError,
    50000: ServerError,
    50300: ServerError,
    50301: ServerError,
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
            authentication or SignedAuth(KEY, SECRET), ApiHosts.from_base_url(url), seconds=seconds
        ) as api:
            return await api.calls.get_info("abc")

    return asyncio.run(run())


def refusal(raw):
    with answering(raw) as url, pytest.raises(CallingApiError) as caught:
        info(url)
    return caught.value


@pytest.mark.parametrize("spelling", [int, str])
@pytest.mark.parametrize("code", CODES)
def test_error_code_raises_its_exception(code, spelling):
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
    assert type(refusal(http(401, b'{"errorCode":%d}' % code))) is ForbiddenError


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"errorCode":"none","message":7,"reference":null}', b"[" * 9000],
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, NotFoundError), (502, ServerError), (418, CallingApiError), (302, CallingApiError)],
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
    assert (type(problem), problem.status) == (CallingApiError, 200)


@pytest.mark.parametrize(
    "raw", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"]
)
def test_answers_that_break_off(raw):
    assert type(refusal(raw)) is UnreachableApiError


def test_unreachable_api_and_late_answer_raise_an_api_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(UnreachableApiError, match=r"no answer from 127\.0\.0\.1: ReadTimeout"):
            info(url, seconds=0.2)
    with pytest.raises(UnreachableApiError, match="ConnectError") as caught:
        info(url)
    assert (caught.value.status, caught.value.code) == (0, 0)


@pytest.mark.parametrize(
    "authentication", [SignedAuth(KEY, SECRET), BasicAuth(KEY, SECRET)], ids=["signed", "basic"]
)
def test_secrets_and_numbers_stand_in_no_text(authentication):
    told = b'{"errorCode":40001,"message":"Invalid parameters: destination +46 73-017 01 01 and 46730170101"}'
    with answering(http(400, told)) as url, pytest.raises(BadRequestError) as caught:
        info(url, authentication)
    with pytest.raises(UnreachableApiError) as unreachable:
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
        destination=CallTarget("number", "+46730170101"), cli="+46730170102", text="Hello"
    )
    assert "+46" not in repr(callout)
    assert "*********01" in repr(callout)
    assert "Hello" in repr(callout)
    assert "0730" not in repr(
        CallInfo(
            call_id="38188074-1234-5678-9012-123456789012",
            from_=CallTarget("number", "0730170101"),
        )
    )
    assert "38188074-1234-5678-9012-123456789012" in repr(
        CallInfo(call_id="38188074-1234-5678-9012-123456789012")
    )


def test_problems_survive_a_journey_between_processes():
    problem = pickle.loads(pickle.dumps(NotFoundError(404, 40400, "Call not found", "r")))
    assert (type(problem), str(problem)) == (NotFoundError, "Call not found (40400, reference r)")


def test_docstring_examples_run():
    from flowengine.sinch.client import hosts

    for module in (number_redaction, hosts):
        assert doctest.testmod(module).failed == 0
