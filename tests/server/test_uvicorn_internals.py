"""What of uvicorn's inside we build on. A new uvicorn that moves any of it fails here with its name,
and at run time a worker takes uvicorn's own protocol instead.
"""

import asyncio
import inspect
import logging
import socket
from typing import Any

import httptools
import pytest
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http import h11_impl, httptools_impl
from uvicorn.server import ServerState

from flowengine.server import direct_protocol, protocols, tracked_protocols
from flowengine.server.callback_dispatcher import CallbackDispatcher
from flowengine.server.protocols import (
    TRIED_PROTOCOLS,
    TrialCallback,
    TrialError,
    choose_protocol,
    try_protocol,
)

PROTOCOL = (
    "connection_made", "connection_lost", "data_received", "eof_received", "shutdown", "on_response_complete",
)  # fmt: skip
METHODS: dict[Any, tuple[str, ...]] = {
    httptools_impl.HttpToolsProtocol: (
        *PROTOCOL, "on_message_begin", "on_url", "on_header", "on_headers_complete", "on_body", "on_message_complete",
        "_unsupported_upgrade_warning",
    ),
    h11_impl.H11Protocol: (*PROTOCOL, "_unsupported_upgrade_warning"),
    uvicorn.Server: ("startup", "run", "_serve", "shutdown", "handle_exit"),
    uvicorn.Config: ("load",),
    httptools.HttpRequestParser: ("get_method", "get_http_version", "should_keep_alive", "should_upgrade"),
}  # fmt: skip
ATTRIBUTES = {
    "DirectProtocol": (
        "app", "loop", "parser", "transport", "flow", "cycle", "pipeline", "client", "tasks", "server_state", "limit_concurrency",
        "root_path", "url", "headers", "flow.read_paused", "flow.write_paused", "flow.resume_reading",
    ),
    "TrackedHttpTools": ("cycle.scope", "cycle.response_complete", "cycle.response_started", "pipeline", "transport"),
    "TrackedH11": (
        "conn.their_state", "conn.trailing_data", "cycle.scope", "cycle.response_complete", "cycle.response_started", "transport",
    ),
}  # fmt: skip


@pytest.mark.parametrize("owner", METHODS, ids=lambda owner: owner.__name__)
def test_uvicorn_has_the_methods_that_we_replace_or_call(owner: Any) -> None:
    for name in METHODS[owner]:
        assert callable(getattr(owner, name, None)), f"{owner.__name__}.{name} has moved"
    assert 200 in httptools_impl.STATUS_LINE, "STATUS_LINE has moved"


def test_uvicorn_passes_a_protocol_what_ours_take() -> None:
    for owner in (httptools_impl.HttpToolsProtocol, h11_impl.H11Protocol):
        taken = list(inspect.signature(owner).parameters)
        assert taken == ["config", "server_state", "app_state", "_loop"], owner.__name__
    for name in ("total_requests", "connections", "tasks", "default_headers"):
        assert hasattr(ServerState(), name), f"ServerState.{name} has moved"


@pytest.mark.parametrize(("module", "name"), TRIED_PROTOCOLS)
async def test_protocol_has_the_attributes_that_ours_use(module: str, name: str) -> None:
    protocol = getattr(__import__(module, fromlist=[name]), name)
    assert protocol in (
        direct_protocol.DirectProtocol,
        tracked_protocols.TrackedHttpTools,
        tracked_protocols.TrackedH11,
    )

    front: Any = CallbackDispatcher("/trial", TrialCallback(), Starlette())
    config = uvicorn.Config(
        front, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False
    )
    config.proxy_headers = False
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    transport, made = await loop.connect_accepted_socket(
        lambda: protocol(config=config, server_state=state, app_state={}, _loop=loop), ours
    )
    theirs.send(b"GET /other HTTP/1.1\r\nhost: a\r\n\r\n")  # the way that is uvicorn's own
    await asyncio.sleep(0.1)
    for path in ATTRIBUTES[name]:
        found = made
        for part in path.split("."):
            assert hasattr(found, part), f"{name}.{path} has moved"
            found = getattr(found, part)
    transport.close()
    await asyncio.sleep(0)
    theirs.close()


@pytest.mark.parametrize(("module", "name"), TRIED_PROTOCOLS)
async def test_protocol_passes_its_trial(module: str, name: str) -> None:
    await try_protocol(getattr(__import__(module, fromlist=[name]), name))


@pytest.mark.parametrize(
    ("broken", "chosen"),
    [
        ((), "DirectProtocol"),
        (("DirectProtocol",), "TrackedHttpTools"),
        (("DirectProtocol", "TrackedHttpTools"), "TrackedH11"),
        (("DirectProtocol", "TrackedHttpTools", "TrackedH11"), "auto"),
    ],
)
@pytest.mark.parametrize("fault", ["missing", "raising", "silent"])
def test_protocol_that_does_not_go_with_uvicorn_is_replaced_with_one_line(
    fault: str,
    broken: tuple[str, ...],
    chosen: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(protocols, "TRIAL_SECONDS", 0.5)
    for module, name in TRIED_PROTOCOLS:
        if name in broken:
            owner = __import__(module, fromlist=[name])
            if fault == "missing":
                monkeypatch.delattr(owner, name)
            else:
                monkeypatch.setattr(owner, name, make_broken(getattr(owner, name), fault))
    with caplog.at_level(logging.WARNING):
        found = choose_protocol()
    assert (found if isinstance(found, str) else found.__name__) == chosen
    lines = [
        record.getMessage()
        for record in caplog.records
        if "does not work with" in record.getMessage()
    ]
    assert [line.split(" does not work with ")[1].split()[0] for line in lines] == list(broken)


async def test_protocol_that_takes_open_connections_for_closed_fails_its_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(direct_protocol.DirectRequest, "is_connected", lambda _: False)
    with pytest.raises(TrialError, match="answered 500"):
        await try_protocol(direct_protocol.DirectProtocol)


def make_broken(protocol: Any, fault: str) -> Any:
    def fail(*_: Any) -> None:
        if fault == "raising":
            raise AttributeError("url")

    return type(protocol.__name__, (protocol,), {"connection_made" if fault == "raising" else "data_received": fail})  # fmt: skip
