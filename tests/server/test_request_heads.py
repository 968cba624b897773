"""What the head of a request says before its body comes: over real sockets, by all protocols."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from flowengine.limits import MAX_CALLBACK_BYTES
from flowengine.server.callback import MAX_DISCARDED_BYTES
from flowengine.server.connections import ConnectionTable
from flowengine.sinch import sign_request
from tests.server.callback_workers import CREDENTIALS
from tests.server.server_process import KEY, SECRET, TYPE, ice
from tests.server.test_connections import PROTOCOLS, ask, serving
from tests.waiting import PATIENCE_SECONDS

BODY = json.dumps(ice()).encode()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("path", ["/sinch", "/sinch?a=b"], ids=["short way", "long way"])
async def test_blanks_around_header_values_are_no_part_of_them(protocol: Any, path: str) -> None:
    """As RFC 9110 says in 5.5."""
    stamp = datetime.now(UTC).isoformat()
    headers = {
        "host": "localhost",
        "content-type": TYPE,
        "x-timestamp": stamp,
        "authorization": sign_request(KEY, SECRET, "POST", "/sinch", TYPE, BODY, stamp),
        "content-length": str(len(BODY)),
    }
    lines = [f"{name}:\t {value} \t " for name, value in headers.items()]
    head = "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()
    async with serving(protocol, ConnectionTable(), CREDENTIALS) as connect:
        reader, writer = await connect()
        writer.write(head + BODY)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        assert answer.startswith(b"HTTP/1.1 200 "), answer


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("length", [MAX_CALLBACK_BYTES + 1, MAX_DISCARDED_BYTES, 10**12, 10**18])
@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
async def test_announced_body_that_is_too_long_is_refused_before_it_comes(
    protocol: Any, length: int, more: bytes
) -> None:
    """Where not much comes, the connection is good for the next request; else it is closed."""
    table = ConnectionTable(10 * PATIENCE_SECONDS, 10 * PATIENCE_SECONDS)
    async with serving(protocol, table) as connect:
        reader, writer = await connect()
        writer.write(b"POST /sinch HTTP/1.1\r\nhost: localhost\r\n%b" % more)
        writer.write(b"content-length: %d\r\n\r\n" % length)
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 413 "), head
            assert b'"errorCode":41300' in await reader.readuntil(b"}")
            if length > MAX_DISCARDED_BYTES:
                assert b"connection: close" in head
                assert await reader.read() == b""
            elif not more:
                writer.write(bytes(length))
                assert b" 200 " in await ask((reader, writer))
