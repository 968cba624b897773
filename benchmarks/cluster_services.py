"""The systems that the flows of a cluster ask and report to: one that answers, slowly or not at all
for a while, and remembers each report.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

SLOW_SECONDS = 6.0  # longer than a lookup may take


class Services:
    """An ASGI application: GET is a lookup, POST takes a report."""

    def __init__(self) -> None:
        self.is_slow = False
        self.is_refusing = False
        self.asked = 0
        self.reports: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """By call: how often a report came with which idempotency key, and was taken"""

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":  # its worker was killed
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if self.is_slow:
            await asyncio.sleep(SLOW_SECONDS)
        self.asked += 1
        status, answer = 200, b'{"name": "Ann"}'
        if self.is_refusing:
            status, answer = 503, b"{}"
        elif scope["method"] == "POST":
            key = dict(scope["headers"])[b"idempotency-key"].decode()
            self.reports[json.loads(body)["call"]][key] += 1
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
