"""Server-sent events: what has changed, for the pages that are open."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec

MAX_WAITING_EVENTS = 200  # of one browser; one that takes no more is sent away, and comes again
PING_SECONDS = 15.0  # less than proxies wait
STREAM_START = b"retry: 2000\n\n"


class EventStream:
    """Sends events to all browsers. A browser that comes gets the latest event of each topic first,
    so that it knows what the others know.
    """

    def __init__(self) -> None:
        self._latest: dict[str, bytes] = {}
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._is_closed = False

    @property
    def has_readers(self) -> bool:
        """Whether a browser listens: what nobody sees need not be worked out."""
        return bool(self._queues)

    def publish(self, topic: str, value: object) -> None:
        """Send an event to every browser. For the thread of the event loop."""
        text = b"event: %s\ndata: %s\n\n" % (topic.encode(), msgspec.json.encode(value))
        if self._latest.get(topic) == text:
            return
        self._latest[topic] = text
        for queue in [*self._queues]:
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                self._dismiss(queue)

    async def read_events(
        self, is_admitted: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[bytes]:
        """The events of one browser, encoded, until the console ends, or the browser is admitted
        no more.
        """
        queue = asyncio.Queue[bytes | None](MAX_WAITING_EVENTS)
        if self._is_closed:
            return
        self._queues.add(queue)
        try:
            yield STREAM_START + b"".join(self._latest.values())
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), PING_SECONDS)
                except TimeoutError:
                    event = b": ping\n\n"
                if event is None or not is_admitted():
                    return
                yield event
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End all streams: a server waits for what it answers before it ends."""
        self._is_closed = True
        for queue in [*self._queues]:
            self._dismiss(queue)

    def _dismiss(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queues.discard(queue)
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(None)
