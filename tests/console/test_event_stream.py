"""Events for the browsers that are open."""

import asyncio
from pathlib import Path

import httpx
import pytest

from flowengine.console.access import SignedSessions
from flowengine.console.app import create_console_app
from flowengine.console.event_stream import MAX_WAITING_EVENTS, EventStream
from tests.console.console_line import NO_TOKENS, build_settings


async def test_browser_gets_the_latest_event_of_each_topic_first() -> None:
    stream = EventStream()
    stream.publish("project", {"number": 1})
    stream.publish("project", {"number": 2})
    events = stream.read_events()
    assert await anext(events) == b'retry: 2000\n\nevent: project\ndata: {"number":2}\n\n'
    stream.publish("counts", {"calls": 3})
    assert await anext(events) == b'event: counts\ndata: {"calls":3}\n\n'
    await events.aclose()
    assert not stream.has_readers


async def test_stream_ends_with_the_console() -> None:
    stream = EventStream()
    events = stream.read_events()
    await anext(events)
    asyncio.get_running_loop().call_soon(stream.close)
    assert [event async for event in events] == []
    assert [event async for event in stream.read_events()] == []


async def test_browser_that_takes_no_events_is_sent_away() -> None:
    stream = EventStream()
    events = stream.read_events()
    await anext(events)
    for number in range(MAX_WAITING_EVENTS + 1):
        stream.publish("counts", number)
    assert not stream.has_readers
    assert len([event async for event in events]) < MAX_WAITING_EVENTS


async def test_event_that_is_the_last_one_again_is_not_sent() -> None:
    stream = EventStream()
    events = stream.read_events()
    await anext(events)
    stream.publish("counts", 1)
    stream.publish("counts", 1)
    stream.publish("counts", 2)
    assert [await anext(events), await anext(events)] == [
        b"event: counts\ndata: 1\n\n",
        b"event: counts\ndata: 2\n\n",
    ]
    await events.aclose()


@pytest.mark.parametrize("ping_seconds", [0.001, 60.0], ids=["at_a_ping", "at_an_event"])
async def test_stream_ends_when_its_session_has_ended(
    monkeypatch: pytest.MonkeyPatch, ping_seconds: float
) -> None:
    monkeypatch.setattr("flowengine.console.event_stream.PING_SECONDS", ping_seconds)
    stream, sessions = EventStream(), SignedSessions(b"key")
    cookie = sessions.issue("Ann", may_change=False)
    events = stream.read_events(lambda: sessions.read(cookie) is not None)
    await anext(events)
    claims = sessions.read(cookie)
    assert claims is not None
    sessions.end(claims)
    if ping_seconds > 1:
        stream.publish("counts", 1)
    assert [event async for event in events] == []
    assert not stream.has_readers


async def test_question_for_the_headers_of_the_stream_is_answered_at_once(flows: Path) -> None:
    """A browser asks so whether it is signed in still; it uses the connection again."""
    transport = httpx.ASGITransport(create_console_app(build_settings(flows), NO_TOKENS))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.head("/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
