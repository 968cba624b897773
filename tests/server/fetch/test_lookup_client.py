"""Lookups against a real HTTP service."""

import asyncio
import logging
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.server.fetch import guard
from flowengine.server.fetch.guard import find_host_privacy
from flowengine.server.fetch.lookup_client import LookupClient
from flowengine.server.fetch.resolver import Resolver
from flowengine.states import LookupRequest, LookupResult
from tests.server.server_process import Service
from tests.thoroughness import examples


def fetched(
    url: str,
    hosts: Mapping[str, bool],
    *,
    left: float = 2.0,
    timeout: float = 1.0,
    retries: int = 0,
    method: str = "GET",
    body: bytes = b"",
) -> LookupResult:
    async def run() -> LookupResult:
        client = LookupClient(lambda: hosts)
        try:
            return await client(
                LookupRequest(
                    "crm", method, url, {"Authorization": "Bearer hush"}, body, timeout, retries
                ),
                left,
            )
        finally:
            await client.close()

    return asyncio.run(run())


def test_json_is_decoded_and_text_is_text(service: Service) -> None:
    hosts = {service.netloc: True}
    assert fetched(service.url + "/ok", hosts) == LookupResult(200, {"name": "Ann"})
    assert fetched(service.url + "/text", hosts) == LookupResult(200, "plain")
    assert service.seen[0][1]["authorization"] == "Bearer hush"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_request_sends_its_body(service: Service, method: str) -> None:
    fetched(service.url + "/ok", {service.netloc: True}, method=method, body=b'{"a":[1]}')
    assert service.seen[0][2] == b'{"a":[1]}'


def test_delete_needs_no_body(service: Service) -> None:
    assert fetched(service.url + "/ok", {service.netloc: True}, method="DELETE").status == 200
    assert service.seen[0][2] == b""


async def test_connections_are_kept_and_cookies_are_not(service: Service) -> None:
    client = LookupClient(lambda: {service.netloc: True})
    request = LookupRequest("crm", "GET", service.url + "/text", {}, b"", 1, 0)
    assert await client(request, 1) == await client(request, 1)
    (pool,) = client._pools.values()
    assert len(pool.client._transport._pool.connections) == 1  # type: ignore[attr-defined]
    await client.close()
    assert "cookie" not in service.seen[1][1]


@pytest.mark.parametrize(("left", "timeout"), [(0.2, 5.0), (5.0, 0.2)])
def test_lookup_waits_no_longer_than_its_timeout_or_the_time_left(
    service: Service, left: float, timeout: float
) -> None:
    """The service answers after a second."""
    assert (
        fetched(
            service.url + "/slow", {service.netloc: True}, left=left, timeout=timeout, retries=0
        ).error
        == "timeout"
    )


def test_server_error_is_retried_only_as_often_as_asked(service: Service) -> None:
    hosts = {service.netloc: True}
    assert fetched(service.url + "/flaky", hosts, retries=1).status == 200
    assert len(service.seen) == 2
    service.seen.clear()
    assert fetched(service.url + "/fail", hosts, retries=2).status == 500
    assert len(service.seen) == 3
    service.seen.clear()
    assert fetched(service.url + "/fail", hosts).status == 500
    assert len(service.seen) == 1


def test_response_that_is_too_long_is_an_error(service: Service) -> None:
    assert fetched(service.url + "/big", {service.netloc: True}) == LookupResult(0, error="too big")


def test_host_that_nobody_listens_at_is_an_error() -> None:
    assert fetched("http://127.0.0.1:9/x", {"127.0.0.1:9": True}).error == "refused"
    assert (
        fetched("http://no-such-host.invalid/x", {"no-such-host.invalid": True}).error
        == "connection"
    )


def test_hosts_of_the_project_are_allowed_and_private_ones_only_if_declared(
    service: Service,
) -> None:
    assert fetched(service.url + "/ok", {}).error == "not allowed"
    assert fetched(service.url + "/ok", {service.netloc: False}).error == "not allowed"
    local = service.netloc.replace("127.0.0.1", "localhost")
    assert fetched(f"http://{local}/ok", {local: False}).error == "not allowed"
    assert fetched(f"http://{local}/ok", {local: True}).status == 200
    assert len(service.seen) == 1


def test_redirect_stays_among_the_hosts_and_leaves_secrets_behind(service: Service) -> None:
    local = service.netloc.replace("127.0.0.1", "localhost")
    service.redirect = f"http://{local}/ok"
    assert fetched(service.url + "/redirect", {service.netloc: True}).error == "not allowed"
    assert (
        fetched(service.url + "/redirect", {service.netloc: True, local: False}).error
        == "not allowed"
    )
    service.seen.clear()
    assert fetched(service.url + "/redirect", {service.netloc: True, local: True}).status == 200
    assert [path for path, _, _ in service.seen] == ["/redirect", "/ok"]
    assert "authorization" not in service.seen[1][1]


def test_redirect_on_the_same_host_is_followed_but_not_for_ever(service: Service) -> None:
    service.redirect = "/redirect"
    assert fetched(service.url + "/redirect", {service.netloc: True}).error == "too many redirects"
    assert len(service.seen) == 4
    service.redirect = "/ok"
    assert fetched(service.url + "/redirect", {service.netloc: True}).status == 200


def test_redirect_with_user_and_password_authorizes_nobody(service: Service) -> None:
    """They would go out as Authorization, to the same host in place of the service's own."""
    service.redirect = f"http://mallory:word@{service.netloc}/ok"
    assert fetched(service.url + "/redirect", {service.netloc: True}).status == 200
    assert service.seen[1][1]["authorization"] == "Bearer hush"
    local = service.netloc.replace("127.0.0.1", "localhost")
    service.redirect = f"http://mallory:word@{local}/ok"
    service.seen.clear()
    assert fetched(service.url + "/redirect", {service.netloc: True, local: True}).status == 200
    assert "authorization" not in service.seen[1][1]
    assert service.seen[1][1]["host"] == local


async def test_user_and_password_of_a_service_stay_with_it(service: Service) -> None:
    local = service.netloc.replace("127.0.0.1", "localhost")
    service.redirect = f"http://{local}/ok"
    asked = LookupRequest("crm", "GET", f"http://us:word@{service.netloc}/redirect", {}, b"", 1, 0)

    async def run() -> LookupResult:
        client = LookupClient(lambda: {f"us:word@{service.netloc}": True, local: True})
        try:
            return await client(asked, 2)
        finally:
            await client.close()

    assert (await run()).status == 200
    assert service.seen[0][1]["authorization"].startswith("Basic ")
    assert "authorization" not in service.seen[1][1]


@pytest.mark.parametrize(
    ("value", "sent"),
    [("Bj\u00f6rn", "Björn".encode()), ("日本", "日本".encode()), ("a\ud800", b"a?")],
)
async def test_header_with_other_letters_than_ascii_arrives_as_utf8(
    service: Service, value: str, sent: bytes
) -> None:
    asked = LookupRequest("crm", "GET", service.url + "/ok", {"X-Name": value}, b"", 1, 0)

    async def run() -> LookupResult:
        client = LookupClient(lambda: {service.netloc: True})
        try:
            return await client(asked, 2)
        finally:
            await client.close()

    assert (await run()).status == 200
    assert service.seen[0][1]["x-name"].encode("latin-1") == sent


def test_host_with_other_letters_than_ascii_is_the_project_s(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(_self: object, host: str) -> list[str]:
        return ["127.0.0.1"] if host == "xn--bcher-kva.example" else []

    monkeypatch.setattr(Resolver, "resolve", resolve)
    netloc = f"bücher.example:{service.netloc.rpartition(':')[2]}"
    assert fetched(f"http://{netloc}/ok", {netloc: True}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_request_that_changes_something_is_not_redirected(service: Service, method: str) -> None:
    service.redirect = "/ok"
    assert fetched(service.url + "/redirect", {service.netloc: True}, method=method).status == 302


def test_address_that_was_checked_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that resolves to a public address for the check and to a private one for the
    connection gains nothing.
    """
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    connected = []

    async def resolve(_self: object, _host: str) -> list[str]:
        return answers.pop(0)

    async def connect(_self: object, host: str, *_rest: object) -> None:
        connected.append(host)
        raise guard.httpcore.ConnectError

    monkeypatch.setattr(Resolver, "resolve", resolve)
    monkeypatch.setattr(guard.httpcore.AnyIOBackend, "connect_tcp", connect)
    assert (
        fetched("http://rebinding.example/ok", {"rebinding.example": False}).error == "connection"
    )
    assert connected == ["93.184.215.14"]


def test_proxy_variables_of_the_environment_are_ignored(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert fetched(service.url + "/ok", {service.netloc: True}).status == 200


def test_request_is_not_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    from flowengine.server.logging_setup import configure_logging

    configure_logging()
    with caplog.at_level(logging.INFO):
        fetched(service.url + "/accounts/12345674", {service.netloc: True})
    assert "12345674" not in caplog.text


def test_host_is_named_with_its_port() -> None:
    hosts = {
        "crm.example.com": False,
        "crm.example.com:8443": True,
        "user:word@other.example": False,
    }
    assert find_host_privacy(hosts, "crm.example.com", 443) is False
    assert find_host_privacy(hosts, "CRM.example.com", 80) is False
    assert find_host_privacy(hosts, "crm.example.com", 8443) is True
    assert find_host_privacy(hosts, "crm.example.com", 8080) is None
    assert find_host_privacy(hosts, "other.example", 443) is False
    assert find_host_privacy(hosts, "crm.example.com.evil.example", 443) is None


@given(st.text(max_size=30))
@settings(max_examples=examples(30), deadline=None)
def test_lookup_of_any_url_raises_nothing(rest: str) -> None:
    assert fetched(f"http://{rest}", {}).error in ("not allowed", "cannot be sent")
