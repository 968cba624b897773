"""The one endpoint that matters: a signed callback in, an answer out. Plain ASGI, as request and
response objects cost a fifth.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from flowengine.compile import Release
from flowengine.journal import Writer
from flowengine.limits import MAX_CALLBACK_BYTES
from flowengine.runtime.engine import Engine, Releases, Reply, apology
from flowengine.server.forwarded import find_forwarded
from flowengine.server.log import Lines
from flowengine.server.metrics import Metrics
from flowengine.server.settings import KEY, SECRET, SettingsError, applications
from flowengine.sinch import BadCallback, Event, SignatureError, Verifier, decode
from flowengine.sinch.signing import Folded, Headers, check_repeated

log = logging.getLogger(__name__)
HANG_UP = b'{"action":{"name":"hangup"}}'
JSON = (b"content-type", b"application/json")
TOO_LARGE, NOT_A_CALLBACK, FORWARDED = 41300, 40001, 40300


class Refusal(Exception):  # noqa: N818  # named for what is answered
    """A request that is answered with an error."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Disconnected(Exception):  # noqa: N818
    """Whoever asked has gone; there is nobody to answer."""


class Gate:
    """Checks signatures with the applications of all releases that calls are on; without any,
    everything passes.
    """

    def __init__(self, releases: Releases, environment: dict[str, str]) -> None:
        self._releases = releases
        self._environment = environment
        self._for: tuple[Release, ...] = ()
        self._verifier: Verifier | None = None

    def check(self, scope: Scope, body: bytes) -> str:
        """The key of the application that signed, or "" where nothing is signed. Raises
        SignatureError or Refusal.
        """
        if self._releases.known is not self._for:
            self._renew()
        if self._verifier is None:
            if header := find_forwarded(names_of(scope["headers"])):
                raise Refusal(
                    403,
                    FORWARDED,
                    "a server without credentials answers this machine alone, and a proxy has "
                    f"passed this request on ({header}): set {KEY} and {SECRET} for the server",
                )
            return ""
        path = scope.get("raw_path") or scope["path"]
        return self._verifier.verify(
            scope["method"], path, scope["headers"], body, datetime.now(UTC)
        )

    def _renew(self) -> None:
        """Credentials come with a release. Once there were some, or should be, their absence lets
        nobody in unsigned.
        """
        self._for, current = self._releases.known, self._releases.current
        known: dict[str, str] = {}
        for release in (*self._for, current):  # what the current one says counts most
            try:
                known |= applications(release, self._environment)
            except SettingsError as error:
                # its text says it all
                log.error("release %s: %s", release.id, error)  # noqa: TRY400
        if known or current.lacking or self._verifier is not None:
            self._verifier = Verifier(known, window_seconds=current.freshness)


class Callback:
    """Answers callbacks. Whatever fails after a callback has been understood, the caller hears the
    apology.
    """

    def __init__(
        self,
        engine: Engine,
        gate: Gate,
        metrics: Metrics,
        lines: Lines,
        journal: Writer | None = None,
    ) -> None:
        self._engine = engine
        self._gate = gate
        self._metrics = metrics
        self._lines = lines
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        try:
            body = await read(receive)
        except Disconnected:
            return
        still_waits = partial(is_connected, receive)
        await respond(send, *await self.answered(scope, body, still_waits))

    async def answered(
        self, scope: Scope, body: bytes, still_waits: Callable[[], bool]
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a request; of the scope, `method`, a path, `headers` and
        `client` count. `still_waits` tells whether its connection is there to answer.
        """
        try:
            event = self._understood(scope, body)
        except Refusal as refusal:
            return self._refused(refusal, scope)
        except Exception:  # a caller is on the line, but nobody knows who
            log.exception("a request cannot be understood")
            unclear = Refusal(400, NOT_A_CALLBACK, "the callback cannot be understood")
            return self._refused(unclear, scope)
        try:
            stamp = find_stamp(scope["headers"])
            reply = await self._engine.answer(event, body, stamp, still_waits)
        except Exception:  # the engine never raises; should it ever, a caller is on the line
            log.exception("callback of call %s failed", event.call_id)
            return 200, self._sorry(event)
        try:
            if (kept := self._noted(event, body, reply)) is not None:
                await kept
        except Exception:  # a full disk for metrics must not cost a call
            log.exception("callback of call %s was answered, but not noted", event.call_id)
        if not still_waits():
            await self._engine.note_undelivered(reply)
        return 200, reply.body

    def _understood(self, scope: Scope, body: bytes) -> Event:
        if len(body) > MAX_CALLBACK_BYTES:
            raise Refusal(413, TOO_LARGE, f"a callback has at most {MAX_CALLBACK_BYTES} bytes")
        try:
            if type(headers := scope["headers"]) is not Folded:  # these were checked already
                check_framing(headers)
                check_repeated(headers)
            application = self._gate.check(scope, body)
            event = decode(body)
        except SignatureError as error:
            raise Refusal(401, error.code, str(error)) from error
        except BadCallback as error:
            raise Refusal(400, NOT_A_CALLBACK, str(error)) from error
        if (
            application and event.application_key != application
        ):  # whoever signed for one must not speak for another
            return msgspec.structs.replace(event, application_key=application)
        return event

    def _noted(self, event: Event, body: bytes, reply: Reply) -> Awaitable[None] | None:
        """What must be waited for: the platform tells of some things once, and they are
        acknowledged when they are kept.
        """
        self._metrics.callback(reply.record)
        self._lines.callback(reply.record)
        if self._journal is None:
            return None
        if event.is_awaited:
            self._journal.note(reply.record, body, reply.body)
            return None
        return self._journal.kept(reply.record, body, reply.body)

    def _sorry(self, event: Event) -> bytes:
        try:
            return apology(self._engine.releases.current, event)
        except Exception:
            log.exception("the apology failed")
            return HANG_UP if event.is_awaited else b"{}"

    def _refused(self, refusal: Refusal, scope: Scope) -> tuple[int, bytes]:
        self._metrics.refused(refusal.code)
        self._lines.refused(refusal.code, str(refusal), (scope.get("client") or ("",))[0])
        return refusal.status, msgspec.json.encode(
            {"errorCode": refusal.code, "message": str(refusal)}
        )


def names_of(headers: Any) -> Iterable[bytes]:
    """Their names, from whichever way the request came."""
    return headers if isinstance(headers, Folded) else [name for name, _ in headers]


def check_framing(headers: Headers) -> None:
    """Refuse what says twice how long its body is: a proxy may read it otherwise. Where we answer
    directly there was a length alone.
    """
    names = names_of(headers)
    if b"content-length" in names and b"transfer-encoding" in names:
        raise Refusal(
            400, NOT_A_CALLBACK, "the request has both content-length and transfer-encoding"
        )


def find_stamp(headers: Iterable[tuple[bytes, bytes]] | Folded) -> bytes:
    """The x-timestamp of a request, by which the platform tells one sending from the next."""
    if isinstance(headers, Folded):
        return headers.get(b"x-timestamp", b"")
    return next((value for name, value in headers if name.lower() == b"x-timestamp"), b"")


def is_connected(receive: Receive) -> bool:
    """Whether the sender of a request that was read to its end is still there: then there is
    nothing to receive, and receiving would wait.
    """
    receiving: Any = receive()
    try:
        receiving.send(None)
    except StopIteration as received:
        return bool(received.value["type"] != "http.disconnect")
    finally:
        receiving.close()
    return True


async def read(receive: Receive) -> bytes:
    """The body of a request; of one longer than any callback, enough to see that."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= MAX_CALLBACK_BYTES:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise Disconnected
    return body


async def respond(send: Send, status: int, body: bytes, kind: tuple[bytes, bytes] = JSON) -> None:
    headers: list[Any] = [kind, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
