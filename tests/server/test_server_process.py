"""The server as a process: signed callbacks over real HTTP, real lookups, real signals."""

import json
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from flowengine.sinch import sign_request
from tests.server.server_process import KEY, SECRET, TYPE, Served, Service, ice, pressed
from tests.waiting import PATIENCE_SECONDS, wait_until

Serve = Callable[..., Served]


def test_signed_call_is_answered_and_logged_without_its_numbers(serve: Serve) -> None:
    served = serve()
    assert served.post(ice()).json()["action"]["name"] == "runMenu"
    answer = served.post(pressed("12345674"))
    assert answer.status_code == 200
    assert answer.json()["instructions"][0]["text"] == "Hello Ann."
    first, second = served.lines(2)
    assert (first["event"], first["state"], first["outcome"]) == ("ice", "ask", "answered")
    assert first["from"] == "+*********31"
    assert second["trace"][0] == "line/ask: next"
    assert second["ms"] >= second["fetch_ms"] > 0
    written = served.out.read_text() + served.err.read_text()
    assert "12345674" not in written
    assert "4670816" not in written
    assert "1201777" not in written


def test_server_as_installed_takes_the_direct_way(serve: Serve) -> None:
    served = serve(as_installed=True)
    assert served.post(ice()).json()["action"]["name"] == "runMenu"
    assert "does not work with" not in served.err.read_text()  # what is said of one given up


def test_callback_that_is_not_from_the_platform_is_refused(serve: Serve) -> None:
    served, begun = serve(), time.monotonic()
    refused = {
        40102: served.post(ice(), secret="bm9uZQ=="),
        40105: served.post(ice(), timestamp="2020-01-01T00:00:00Z"),
    }
    for code, answer in refused.items():
        assert (answer.status_code, answer.json()["errorCode"]) == (401, code)
    served.signed = False
    assert served.post(ice()).json()["errorCode"] == 40100
    served.signed = True
    assert served.post(b'{"event":"tea"}').status_code == 400
    assert served.post(b"{" * 70_000).status_code == 413
    assert served.get("/sinch").status_code == 405
    assert served.post(ice(), path="/other").status_code == 404
    assert 'flowengine_refused_total{code="40102"} 1.0' in served.get("/metrics").text
    seconds = time.monotonic() - begun
    first, *others = [line["refused"] for line in served.lines(1)]
    assert first == 40102
    assert len(others) <= seconds  # one line a second at most


def test_lookup_never_outlasts_the_deadline(serve: Serve) -> None:
    """The deadline is two seconds, and the service answers after four."""
    served = serve()
    served.post(ice())
    answer = served.post(pressed("22222222"))
    assert answer.json()["instructions"][0]["text"] == "The lookup failed."
    assert (
        'flowengine_fetches_total{outcome="timeout",service="crm"} 1.0'
        in served.get("/metrics").text
    )


@pytest.mark.parametrize("options", [(), ("--workers", "2")])
def test_stopping_server_answers_callbacks_in_flight(
    serve: Serve, service: Service, options: tuple[str, ...]
) -> None:
    served = serve(*options)
    served.post(ice())
    answers = []
    asking = threading.Thread(target=lambda: answers.append(served.post(pressed("11111111"))))
    asking.start()
    wait_until(lambda: bool(service.seen))
    served.stop()
    asking.join()
    assert answers[0].status_code == 200
    assert answers[0].json()["instructions"][0]["text"] == "Hello Ann."
    assert len(served.lines(2)) == 2


def test_draining_server_says_so_and_still_answers(serve: Serve) -> None:
    served = serve("--drain", "300")
    served.process.terminate()
    limit = time.monotonic() + PATIENCE_SECONDS
    while served.get("/readyz").status_code == 200:
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert served.get("/readyz").text == "shutting down\n"
    assert served.get("/healthz").status_code == 200
    assert served.post(ice()).status_code == 200
    while served.process.poll() is None:  # the second SIGINT waits for nobody
        assert time.monotonic() < limit
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.05)  # a last one may find it without its handlers


def eventually(scrape: Callable[[], str], wanted: str) -> str:
    """What is scraped once it holds this line: workers add up what they noted a moment later."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while wanted not in (text := scrape()):
        assert time.monotonic() < limit, text
        time.sleep(0.05)
    return text


def test_workers_share_calls_and_add_up_their_numbers(serve: Serve) -> None:
    served = serve("--workers", "2", as_installed=True)
    for number in range(8):
        served.post(ice(f"c{number}"))
        assert (
            served.post(pressed("12345674", f"c{number}")).json()["instructions"][0]["text"]
            == "Hello Ann."
        )
    text = eventually(
        lambda: served.get("/metrics").text,
        'flowengine_callbacks_total{event="ice",outcome="answered"} 8.0',
    )
    assert "flowengine_release_info{" in text
    assert len(served.lines(16)) == 16


def test_without_a_store_the_cookie_carries_a_call(serve: Serve) -> None:
    served = serve("--store", "none", signed=False)
    (cookie,) = [
        item for item in served.post(ice()).json()["instructions"] if item["name"] == "setCookie"
    ]
    carried = {**pressed("12345674"), "cookies": [{"key": cookie["key"], "value": cookie["value"]}]}
    assert served.post(carried).json()["instructions"][0]["text"] == "Hello Ann."
    assert "NO CREDENTIALS" in served.err.read_text()


def test_callback_path_option_moves_the_callbacks(serve: Serve) -> None:
    served = serve("--callback-path", "/voice/callbacks")
    assert served.post(ice(), path="/voice/callbacks").status_code == 200
    assert served.post(ice()).status_code == 404


def test_callback_path_with_a_trailing_slash_is_the_same(serve: Serve) -> None:
    assert serve().post(ice(), path="/sinch/").json()["action"]["name"] == "runMenu"


FORWARDED = [
    {"x-forwarded-for": "192.0.2.1"},
    {"X-Forwarded-Proto": "https"},
    {"Forwarded": "for=192.0.2.1"},
    {"Via": "1.1 caddy"},
    {"X-Real-IP": "192.0.2.1"},
]


def test_forwarded_callback_to_a_server_without_credentials_is_refused(serve: Serve) -> None:
    served = serve(signed=False)
    for headers in FORWARDED:
        for body in (json.dumps(ice()).encode(), b"x" * 100_000):  # the short way, and the long one
            refused = httpx.post(
                f"{served.url}/sinch",
                content=body,
                headers=headers,
                trust_env=False,
                timeout=PATIENCE_SECONDS,
            )
            if len(body) > 65_536:
                assert refused.status_code == 413
            else:
                assert (refused.status_code, refused.json()["errorCode"]) == (403, 40300)
                assert "set SINCH_APPLICATION_KEY" in refused.json()["message"]
        long_way = {**headers, "expect": "100-continue"}
        assert httpx.post(
            f"{served.url}/sinch", json=ice(), headers=long_way, trust_env=False, timeout=PATIENCE_SECONDS,
        ).status_code == 403  # fmt: skip
    assert served.post(ice()).status_code == 200


OF_WEB_PAGES = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:3000"},  # another origin, though the same site
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"host": "evil.example"},  # its name leads to 127.0.0.1 by now
    {"host": "evil.example:8080", "origin": "http://evil.example:8080"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "evil.example", "sec-fetch-site": "same-origin"},
]


def test_unsigned_server_answers_programs_of_this_machine_and_no_web_page(serve: Serve) -> None:
    served = serve(signed=False)
    short, long = {}, {"expect": "100-continue"}  # the two ways through the web server
    for headers in OF_WEB_PAGES:
        for way in (short, long):
            refused = httpx.post(
                f"{served.url}/sinch",
                json=ice(),
                headers={**headers, **way},
                trust_env=False,
                timeout=PATIENCE_SECONDS,
            )
            assert (refused.status_code, refused.json()["errorCode"]) == (403, 40300), headers
            assert "set SINCH_APPLICATION_KEY" in refused.json()["message"]
    port = served.url.rpartition(":")[2]
    for headers in (
        {"host": f"localhost:{port}"},
        {"host": f"LOCALHOST.:{port}"},
        {"host": f"[::1]:{port}"},
        {"host": f"flows.localhost:{port}"},
        {"host": ""},
        {"origin": f"http://127.0.0.1:{port}"},
        {"sec-fetch-site": "same-origin", "origin": f"http://127.0.0.1:{port}"},
    ):
        answer = httpx.post(
            f"{served.url}/sinch",
            json=ice(),
            headers=headers,
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        assert answer.status_code == 200, headers


def test_forwarded_callback_to_a_server_with_credentials_is_answered(serve: Serve) -> None:
    served = serve()
    assert served.post(ice(), forwarded="192.0.2.1").status_code == 200
    assert served.post(ice(), host="voice.example.com").status_code == 200


@pytest.mark.parametrize("name", ["authorization", "content-type", "x-timestamp"])
@pytest.mark.parametrize("signed", [True, False])
def test_header_that_counts_and_comes_twice_is_refused(
    serve: Serve, signed: bool, name: str
) -> None:
    served = serve(signed=signed)
    body = json.dumps(ice()).encode()
    now = datetime.now(UTC).isoformat()
    headers = [
        ("content-type", TYPE),
        ("x-timestamp", now),
        ("authorization", sign_request(KEY, SECRET, "POST", "/sinch", TYPE, body, now)),
    ]
    again = next(header for header in headers if header[0] == name)
    for sent in ([*headers, again], [(name.title(), "other"), *headers]):
        refused = httpx.post(
            f"{served.url}/sinch",
            content=body,
            headers=sent,
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )
        assert refused.status_code == 401
        assert f"several {name} headers" in refused.json()["message"]
    answer = httpx.post(
        f"{served.url}/sinch",
        content=body,
        headers=headers,
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    )
    assert answer.status_code == 200
