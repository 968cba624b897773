"""Who may see a console, and who may change something by it."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.types import Message

from flowengine.console.access import ConsoleUser, SessionClaims, SignedSessions
from flowengine.console.app import create_console_app, follow_project
from flowengine.console.console_project import ConsoleProject, ViewedProject
from flowengine.console.console_server import take_over_sessions
from flowengine.console.console_settings import ConsoleTokens, check_exposed_console
from flowengine.console.security_headers import SECURITY_HEADERS
from flowengine.server.console_handover import ConsoleHandover
from flowengine.server.server_settings import SettingsError
from tests.console.console_line import (
    ADMIN,
    CHANGE,
    HTML,
    READER,
    TOKENS,
    ConsoleClient,
    build_settings,
    create_client,
)

CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}
NAVIGATION = {**HTML, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
VIEWED = ViewedProject(1, failure="they are gone")
COOKIE = "flowengine_console_8081"


def sign_in(client: ConsoleClient, token: str, name: str = "Ann") -> int:
    return client.post("/sign-in", json={"token": token, "name": name}).status_code


def test_console_without_tokens_is_open_to_its_machine(flows: Path) -> None:
    assert create_client(flows).get("/problems").status_code == 200


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7", {}),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}),
        ("127.0.0.1", {"Host": "evil.example:8081"}),
        ("127.0.0.1", CROSS_SITE),
        ("127.0.0.1", {**NAVIGATION, "Origin": "https://evil.example"}),
        ("127.0.0.1", {"Origin": "https://proxy.example", "Sec-Fetch-Site": "same-origin"}),
        ("127.0.0.1", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}),
        ("127.0.0.1", {"Referer": "https://proxy.example/calls"}),
        ("127.0.0.1", {"Referer": "http://10.0.0.1/", "Sec-Fetch-Site": "same-origin"}),
        ("127.0.0.1", {**CROSS_SITE, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
    ],
)
def test_request_from_elsewhere_without_tokens_is_refused(
    flows: Path, peer: str, headers: dict[str, str]
) -> None:
    client = create_client(flows, peer=peer)
    assert client.get("/problems", headers=headers).status_code == 403


@pytest.mark.parametrize("referer", ["http://localhost:8081/", "http://[::1]:8081/x", ""])
def test_request_of_its_own_pages_without_tokens_is_answered(flows: Path, referer: str) -> None:
    client = create_client(flows)
    headers = {"Referer": referer, "Sec-Fetch-Site": "same-origin"}
    assert client.get("/problems", headers=headers).status_code == 200


async def ask(
    app: Starlette, method: str, path: str, *headers: tuple[bytes, bytes], version: str = "1.1"
) -> int:
    """The status that a server would answer with."""
    scope = {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8081),
    }
    statuses: list[int] = []

    received: list[Message] = []

    async def receive() -> Message:
        if received:
            await asyncio.Event().wait()  # the browser stays
        received.append({})
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


async def test_proxy_of_an_old_protocol_without_tokens_is_refused(flows: Path) -> None:
    app = create_console_app(build_settings(flows), ConsoleTokens())
    assert await ask(app, "GET", "/sign-in", version="1.0") == 403
    assert await ask(app, "GET", "/sign-in") == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sign-in", 200),
        ("HEAD", "/sign-in", 200),
        ("GET", "/favicon.ico", 200),
        ("GET", "/static/base.css", 200),
        ("POST", "/sign-in", 400),  # its body is empty
        ("POST", "/static/base.css", 401),
        ("POST", "/favicon.ico", 401),
        ("POST", "/sign-out", 401),
        ("PUT", "/sign-in", 401),
        ("GET", "/sign-out", 401),
        ("GET", "/sign-in/", 401),
        ("GET", "/static", 401),
        ("GET", "/", 401),
        ("GET", "/calls", 401),
        ("GET", "/phone", 401),
        ("POST", "/phone", 401),
    ],
)
@pytest.mark.parametrize("host", [b"127.0.0.1:8081", b"odd", b"static", b""])
async def test_request_of_nobody_is_answered_by_path_and_method_alone(
    flows: Path, method: str, path: str, status: int, host: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the URL that a framework makes up counts for nothing, whatever it says
    monkeypatch.setattr(Request, "url", URL("http://odd/static/base.css"))
    app = create_console_app(build_settings(flows), TOKENS)
    json = (b"content-type", b"application/json")
    change = (b"x-flowengine-console", b"1")
    assert await ask(app, method, path, (b"host", host), json, change) == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json"},
        {**CHANGE, "Content-Type": "text/plain"},
        {**CHANGE, **CROSS_SITE, "Content-Type": "application/json"},
        {**CHANGE, **CROSS_SITE, **NAVIGATION, "Content-Type": "application/json"},
        {**CHANGE, "Origin": "https://evil.example", "Content-Type": "application/json"},
    ],
)
def test_change_that_a_page_of_another_site_can_send_is_refused(
    flows: Path, headers: dict[str, str]
) -> None:
    answer = create_client(flows).post("/sign-out", content=b"{}", headers=headers)
    assert answer.status_code in (403, 415)


@pytest.mark.parametrize("path", ["/", "/problems", "/events", "/no-such-page"])
def test_page_with_tokens_asks_to_sign_in(flows: Path, path: str) -> None:
    client = create_client(flows, TOKENS, peer="192.0.2.7")
    assert client.get(path).status_code == 401
    answer = client.get(f"{path}?x=1", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/sign-in?to={path.replace('/', '%2F')}%3Fx%3D1",
    )
    asked = client.get("/sign-in", headers=HTML)
    assert (asked.status_code, "Problems" in asked.text) == (200, False)


def test_link_from_another_site_is_loaded_again_for_its_cookie(flows: Path) -> None:
    client = create_client(flows, TOKENS)
    answer = client.get("/problems", headers={**NAVIGATION, **CROSS_SITE})
    assert (answer.status_code, "http-equiv" in answer.text) == (200, True)


def test_signed_in_user_sees_pages_until_signing_out(flows: Path) -> None:
    client = create_client(flows, TOKENS)
    assert sign_in(client, ADMIN, "Ann <ann@example.com>") == 200
    page = client.get("/problems", headers=HTML)
    assert "Ann &lt;ann@example.com&gt;" in page.text
    cookie = client.cookies[COOKIE]
    assert client.post("/sign-out", json={}).status_code == 200
    assert client.get("/problems").status_code == 401
    client.cookies.set(COOKIE, cookie)  # kept by somebody
    assert client.get("/problems").status_code == 401


def test_cookie_of_an_earlier_start_opens_nothing(flows: Path) -> None:
    first = create_client(flows, TOKENS)
    assert sign_in(first, ADMIN) == 200
    restarted = create_client(flows, TOKENS)
    restarted.cookies.set(COOKIE, first.cookies[COOKIE])
    assert restarted.get("/problems").status_code == 401


def test_sessions_outlive_a_console_and_end_with_the_tokens(flows: Path) -> None:
    handover = ConsoleHandover()

    def start(tokens: ConsoleTokens) -> ConsoleClient:
        told, tell = os.pipe()
        sessions = take_over_sessions(handover.encode(), tokens, tell)
        pipes.append((told, tell))
        return ConsoleClient(
            create_console_app(build_settings(flows), tokens, sessions), "127.0.0.1"
        )

    pipes: list[tuple[int, int]] = []
    first = start(TOKENS)
    assert sign_in(first, ADMIN) == 200
    cookie = first.cookies[COOKIE]
    for tokens, status in ((TOKENS, 200), (ConsoleTokens(ADMIN, "another token of readers"), 401)):
        restarted = start(tokens)
        restarted.cookies.set(COOKIE, cookie)
        assert restarted.get("/problems").status_code == status
    assert first.post("/sign-out", json={}).status_code == 200
    handover.note_message(os.read(pipes[0][0], 4096).removesuffix(b"\n"))
    restarted = start(TOKENS)
    restarted.cookies.set(COOKIE, cookie)
    assert restarted.get("/problems").status_code == 401
    for pipe in (end for pair in pipes for end in pair):
        os.close(pipe)


async def test_body_of_nobody_is_read_to_a_limit(flows: Path) -> None:
    app = create_console_app(build_settings(flows), TOKENS)
    pieces = 0

    async def send_for_ever() -> AsyncIterator[bytes]:
        nonlocal pieces
        while pieces < 1000:
            pieces += 1
            yield b" " * 4096

    transport = httpx.ASGITransport(app)
    headers = {**CHANGE, "Content-Type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post("/sign-in", content=send_for_ever(), headers=headers)
    assert (answer.status_code, pieces) == (413, 3)


async def test_sign_in_is_answered_while_flows_compile(
    flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    monkeypatch.setattr(ConsoleProject, "_compile", lambda *_: may_go_on.wait() and VIEWED)
    app = create_console_app(build_settings(flows), ConsoleTokens())
    async with follow_project(app):
        try:
            page = asyncio.create_task(ask(app, "GET", "/problems"))
            for path in ("/sign-in", "/static/base.css", "/favicon.ico"):
                assert await ask(app, "GET", path) == 200
            assert not page.done()
        finally:
            may_go_on.set()
        assert await page == 200


def test_page_of_an_error_has_a_strict_policy(flows: Path) -> None:
    client = create_client(flows)
    client.app.add_route("/breaks", lambda _: 1 / 0)
    answer = client.get("/breaks", headers=HTML)
    assert (answer.status_code, "Something is broken" in answer.text) == (500, True)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers["cache-control"] == "no-store"


def test_cookie_is_out_of_reach_for_scripts_and_other_sites(flows: Path) -> None:
    client = create_client(flows, TOKENS)
    answer = client.post("/sign-in", json={"token": ADMIN, "name": "Ann"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Max-Age=28800" in cookie
    assert "Secure" not in cookie
    proxied = {**CHANGE, "Origin": "https://console.example.com", "Sec-Fetch-Site": "same-origin"}
    answer = client.post("/sign-in", json={"token": ADMIN, "name": "Ann"}, headers=proxied)
    assert "Secure" in answer.headers["set-cookie"]


def test_reader_sees_pages_and_changes_nothing(flows: Path) -> None:
    client = create_client(flows, TOKENS)
    assert sign_in(client, READER) == 200
    assert "reads only" in client.get("/problems").text
    answer = client.post("/any-change", json={})
    assert (answer.status_code, answer.json()["error"]) == (
        403,
        "you may read here, and change nothing",
    )


@pytest.mark.parametrize(
    ("token", "name", "status"),
    [("wrong token, quite long", "Ann", 403), ("", "Ann", 403), (ADMIN, " ", 400)],
)
def test_sign_in_that_is_wrong_is_refused(flows: Path, token: str, name: str, status: int) -> None:
    client = create_client(flows, TOKENS)
    assert sign_in(client, token, name) == status
    assert not client.cookies


def test_empty_token_opens_nothing_where_only_readers_have_one(flows: Path) -> None:
    client = create_client(flows, ConsoleTokens(reader=READER))
    assert sign_in(client, "") == 403
    assert sign_in(client, READER) == 200


def test_cookie_that_is_forged_or_old_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = SignedSessions(b"key")
    cookie = sessions.issue("Ann", may_change=False)
    assert isinstance(sessions.read(cookie), SessionClaims)
    forged = SignedSessions(b"another key").issue("Ann", may_change=True)
    for wrong in (
        forged,
        cookie[:-2],
        cookie.replace(".", ""),
        "",
        "é.é",
        f"{forged.split('.')[0]}.{cookie.split('.')[1]}",
    ):
        assert sessions.read(wrong) is None
    later = time.time() + 9 * 3600
    monkeypatch.setattr("flowengine.console.access.time.time", lambda: later)
    assert sessions.read(cookie) is None


def test_console_for_other_machines_needs_a_token() -> None:
    with pytest.raises(SettingsError, match="FLOWENGINE_ADMIN_TOKEN"):
        check_exposed_console("0.0.0.0", ConsoleTokens())
    check_exposed_console("0.0.0.0", TOKENS)
    check_exposed_console("localhost", ConsoleTokens())


def test_user_of_an_open_console_is_who_runs_it(
    flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise OSError

    monkeypatch.setattr("flowengine.console.access.getpass.getuser", fail)
    seen: list[ConsoleUser] = []
    monkeypatch.setattr(
        "flowengine.console.page_rendering.get_user",
        lambda request: seen.append(request.state.user) or request.state.user,
    )
    create_client(flows).get("/problems")
    assert seen == [ConsoleUser("console", may_change=True, has_signed_in=False)]


def test_page_has_a_strict_policy(flows: Path) -> None:
    headers = create_client(flows).get("/problems").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
