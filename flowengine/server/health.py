"""What operators and load balancers ask: alive, ready, numbers."""

import logging
import time

from starlette.types import Receive, Scope, Send

from flowengine.runtime.complaints import Complaints
from flowengine.runtime.store import Store, StoreError
from flowengine.server.callback import respond
from flowengine.server.metrics import CONTENT_TYPE, Metrics

log = logging.getLogger(__name__)
TEXT = (b"content-type", b"text/plain; charset=utf-8")


class Healthz:
    """The process lives and its event loop turns."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Always 200."""
        await respond(send, 200, b"ok\n", TEXT)


class Readyz:
    """Whether to send callbacks here: not while shutting down, nor when the store cannot be
    written.

    `trouble` is what else is wrong with the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._complaints = Complaints(log)
        self.draining = False
        self.trouble = ""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """200 or 503, with the reason."""
        problem = "shutting down" if self.draining else self.trouble or await self._store_problem()
        await respond(send, 503 if problem else 200, f"{problem or 'ready'}\n".encode(), TEXT)

    async def _store_problem(self) -> str:
        try:
            await self._store.claim(
                "/readyz", b"", time.time()
            )  # a claim that is over at once: the cheapest write there is
        except StoreError as error:
            self._complaints.error("not ready: %s", error)
            return str(error)
        except Exception:  # whatever it is, this server cannot keep calls
            log.exception("the session store fails")
            return "the session store fails"
        return ""


class Scrape:
    """The metrics of all workers."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Prometheus text."""
        await respond(send, 200, self._metrics.text(), (b"content-type", CONTENT_TYPE))
