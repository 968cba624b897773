"""Answers signed callbacks. Plain ASGI, as request and response objects cost a fifth."""

import logging
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from flowengine.compile import Release
from flowengine.cross_site import find_cross_site, find_foreign_host
from flowengine.journal import JournalWriter
from flowengine.limits import MAX_CALLBACK_BYTES
from flowengine.runtime.engine import Engine, ReleaseSource, Reply, render_apology
from flowengine.server.callback_dispatcher import (
    CONNECTION_CLOSE_HEADER,
    HALF_CLOSED,
    CallbackRequest,
)
from flowengine.server.credentials import load_credentials
from flowengine.server.log import CallbackLog
from flowengine.server.metrics import Metrics
from flowengine.server.proxy_headers import find_proxy_header
from flowengine.server.secret_variables import APPLICATION_KEY_VARIABLE, APPLICATION_SECRET_VARIABLE
from flowengine.server.server_identity import ServerIdentity
from flowengine.server.server_settings import SettingsError
from flowengine.sinch import (
    BadCallbackError,
    CallbackEvent,
    Notify,
    SignatureError,
    Verifier,
    decode,
)
from flowengine.sinch.probe import PROBE_TYPE
from flowengine.sinch.signing import HeaderMap, RequestHeaders, fold_signed_headers
from flowengine.states import OwnEvent

log = logging.getLogger(__name__)
FALLBACK_HANGUP = b'{"action":{"name":"hangup"}}'
JSON_HEADER = (b"content-type", b"application/json")
_MAX_LENGTH_DIGITS = 20  # a number of 64 bits; HTTP sets no limit
# Of a body that is refused: a connection that is closed while its sender still sends is reset, and the
# sender may never read why.
MAX_DISCARDED_BYTES = 1_048_576
TOO_LARGE_CODE, NOT_A_CALLBACK_CODE, NOT_LOCAL_CODE = 41300, 40001, 40300


class RefusedRequestError(Exception):  # named for what is answered
    """The request is answered with this status and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ClientDisconnectedError(Exception):
    """The sender has closed the connection, so there is nobody to answer."""


class AsgiRequest:
    """A request that came by ASGI, after its body was read to the end."""

    def __init__(self, body: bytes, scope: Scope, receive: Receive) -> None:
        self.body = body
        self.method: str = scope["method"]
        self.path: bytes | str = scope.get("raw_path") or scope["path"]
        self.headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        self.client: tuple[str, int] | None = scope.get("client")
        self._scope = scope
        self._receive = receive

    def is_connected(self) -> bool:
        """Whether the sender is surely still connected: then `receive` has no message, and would
        wait.
        """
        if HALF_CLOSED in self._scope:
            return False
        receiving: Any = self._receive()
        try:
            receiving.send(None)
        except StopIteration as received:
            return bool(received.value["type"] != "http.disconnect")
        finally:
            receiving.close()
        return True


class SignatureGate:
    """Verifies signatures with the applications of all releases that calls are on. Where no
    application is configured, every request passes.
    """

    def __init__(self, releases: ReleaseSource, environment: Mapping[str, str]) -> None:
        self._releases = releases
        self._environment = environment
        self._verified_releases: tuple[Release, ...] = ()
        self._verifier: Verifier | None = None

    def verify_request(self, request: CallbackRequest) -> str:
        """The key of the application that signed the request, or "" where the server verifies no
        signatures. Raises SignatureError or RefusedRequestError.
        """
        if self._releases.loaded_releases is not self._verified_releases:
            self._renew_verifier()
        if self._verifier is None:
            check_local_sender(request.headers)
            return ""
        return self._verifier.verify(
            request.method, request.path, request.headers, request.body, datetime.now(UTC)
        )

    @property
    def is_verifying(self) -> bool:
        """Whether the last request had to be signed."""
        return self._verifier is not None

    def _renew_verifier(self) -> None:
        """Read the credentials again when the releases change. A server that had credentials once,
        or required them, accepts no unsigned request, even if a later release names none.
        """
        self._verified_releases, current = self._releases.loaded_releases, self._releases.current
        known: dict[str, str] = {}
        for release in (*self._verified_releases, current):  # the current release has the last word
            try:
                known |= load_credentials(release, self._environment)
            except SettingsError as error:
                # the message says it all
                log.error("release %s: %s", release.id, error)  # noqa: TRY400
        if known or current.missing_secrets or self._verifier is not None:
            self._verifier = Verifier(known, window_seconds=current.freshness)


class CallbackHandler:
    """Answers callbacks. Where something fails after the request was decoded, the answer is the
    apology.
    """

    def __init__(
        self,
        engine: Engine,
        gate: SignatureGate,
        metrics: Metrics,
        lines: CallbackLog,
        journal: JournalWriter | None = None,
        identity: ServerIdentity | None = None,
    ) -> None:
        self._engine = engine
        self._gate = gate
        self._metrics = metrics
        self._lines = lines
        self._journal = journal
        self._identity = identity or ServerIdentity()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        headers = scope["headers"]
        try:
            body = await read_body(headers, receive)
        except ClientDisconnectedError:
            return
        except RefusedRequestError as refusal:
            answer = self._refuse_request(refusal, AsgiRequest(b"", scope, receive))
            closes = is_announced_longer(headers, MAX_DISCARDED_BYTES)
            await send_response(send, *answer, closes=closes)
            return
        await send_response(send, *await self.answer_request(AsgiRequest(body, scope, receive)))

    async def answer_request(self, request: CallbackRequest) -> tuple[int, bytes]:
        """Status and body of the answer to a request."""
        try:
            event = self._parse_callback(request)
            if type(event) is Notify and event.type == PROBE_TYPE:
                return 200, self._answer_probe(event, request)
        except RefusedRequestError as refusal:
            return self._refuse_request(refusal, request)
        except Exception:  # a caller is on the line, but the body names no call
            log.exception("a request cannot be read")
            unclear = RefusedRequestError(
                400, NOT_A_CALLBACK_CODE, "the callback cannot be understood"
            )
            return self._refuse_request(unclear, request)
        try:
            headers, body = request.headers, request.body
            stamp = headers[b"x-timestamp"] if type(headers) is HeaderMap else find_stamp(headers)
            reply = await self._engine.answer(event, body, stamp, request.is_connected)
        except Exception:  # the engine never raises; if it ever does, a caller is on the line
            log.exception("callback of call %s failed", event.call_id)
            return 200, self._render_apology(event)
        try:
            if (kept := self._note_callback(event, body, reply)) is not None:
                await kept
        except Exception:  # a full disk for metrics must not cost a call
            log.exception("the callback of call %s was answered, but not logged", event.call_id)
        try:
            if not request.is_connected():
                await self._engine.note_undelivered(reply)
        except Exception:  # the answer exists, and its connection may be open
            log.exception(
                "the server could not record that the answer to call %s may be lost", event.call_id
            )
        return 200, reply.body

    async def answer_result(self, result: OwnEvent, body: bytes) -> bytes | None:
        """The answer for a caller who goes on in the flow, see `Engine.answer_result`."""
        reply = await self._engine.answer_result(result, body)
        if reply is None:
            return None
        try:
            self._note_callback(reply.record.event, body, reply)
        except Exception:  # as with callbacks
            log.exception("call %s goes on, but that is not logged", result.call_id)
        return reply.body

    def _parse_callback(self, request: CallbackRequest) -> CallbackEvent:
        try:
            # the signature check has read these already
            if type(headers := request.headers) is not HeaderMap:
                check_framing(headers)
                fold_signed_headers(headers)  # refuses repeated ones, also where nothing is signed
            application = self._gate.verify_request(request)
            event = decode(request.body)
        except SignatureError as error:
            raise RefusedRequestError(401, error.code, str(error)) from error
        except BadCallbackError as error:
            raise RefusedRequestError(400, NOT_A_CALLBACK_CODE, str(error)) from error
        if (
            application and event.application_key != application
        ):  # an application must not speak for another one
            return msgspec.structs.replace(event, application_key=application)
        return event

    def _answer_probe(self, event: Notify, request: CallbackRequest) -> bytes:
        """The answer to a test callback, which concerns no call: neither the engine nor the journal
        hears of it.
        """
        if not self._gate.is_verifying:
            raise RefusedRequestError(
                403,
                NOT_LOCAL_CODE,
                "a server without credentials answers no test callback: set "
                f"{APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE} for the server",
            )
        application = event.application_key
        log.info("a test callback of application %s was answered", application)
        sent = request.path.encode() if isinstance(request.path, str) else request.path
        path = sent.partition(b"?")[0].decode(errors="replace")
        release = self._engine.releases.current.id
        return self._identity.encode_probe_reply(event.custom, application, path, release)

    def _note_callback(
        self, event: CallbackEvent, body: bytes, reply: Reply
    ) -> Awaitable[None] | None:
        """Save what the answer promises: the platform sends a notify or DiCE once, so the answer
        waits until the journal has it.
        """
        record, journal = reply.record, self._journal
        self._metrics.count_callback(record)
        self._lines.log_callback(record)
        if journal is None:
            return None
        if event.is_awaited:
            journal.enqueue_record(record, body, reply.body)
            return None
        return journal.save_record(record, body, reply.body)

    def _render_apology(self, event: CallbackEvent) -> bytes:
        try:
            return render_apology(self._engine.releases.current, event)
        except Exception:
            log.exception("the apology failed")
            return FALLBACK_HANGUP if event.is_awaited else b"{}"

    def _refuse_request(
        self, refusal: RefusedRequestError, request: CallbackRequest
    ) -> tuple[int, bytes]:
        try:
            self._metrics.count_refusal(refusal.code)
            self._lines.log_refusal(refusal.code, str(refusal), (request.client or ("",))[0])
        except Exception:  # as with what is answered
            log.exception("a request was refused (%d), but not logged", refusal.code)
        return refusal.status, msgspec.json.encode(
            {"errorCode": refusal.code, "message": str(refusal)}
        )


def list_header_names(headers: Any) -> Iterable[bytes]:
    """The names of the headers, from the direct protocol or from ASGI."""
    return headers if isinstance(headers, HeaderMap) else [name for name, _ in headers]


def check_framing(headers: RequestHeaders) -> None:
    """Refuse a request with two lengths, as a proxy may read it differently (request smuggling).
    The direct protocol has checked this already.
    """
    names = list_header_names(headers)
    if b"content-length" in names and b"transfer-encoding" in names:
        raise RefusedRequestError(
            400, NOT_A_CALLBACK_CODE, "the request has both content-length and transfer-encoding"
        )


def check_local_sender(headers: RequestHeaders) -> None:
    """Refuse requests from proxies and web pages: without signatures, a web page in a browser on
    this machine could call the server.
    """
    pairs: Any = headers.items() if isinstance(headers, HeaderMap) else headers
    if header := find_proxy_header(list_header_names(headers)):
        reason = f"a proxy has passed this request on ({header})"
    elif header := find_cross_site(pairs):
        reason = f"a web page has sent this request ({header})"
    elif host := find_foreign_host(pairs):
        reason = f"this request is for {host}, not for 127.0.0.1 or localhost"
    else:
        return
    raise RefusedRequestError(
        403,
        NOT_LOCAL_CODE,
        f"a server without credentials answers this machine alone, and {reason}: set "
        f"{APPLICATION_KEY_VARIABLE} and {APPLICATION_SECRET_VARIABLE} for the server",
    )


def find_stamp(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The x-timestamp of a request that came by ASGI. A repetition has a new one."""
    return next((value for name, value in headers if name.lower() == b"x-timestamp"), b"")


def is_announced_longer(headers: Iterable[tuple[bytes, bytes]], most: int) -> bool:
    """Whether the request says that its body has more bytes. Then its sender hears at once that it
    is too long, and need not send it.
    """
    lengths = [value for name, value in headers if name == b"content-length" and value.isdigit()]
    return any(len(value) > _MAX_LENGTH_DIGITS or int(value) > most for value in lengths)


async def read_body(headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> bytes:
    """The body of a callback. Raises RefusedRequestError where it is too long, and
    ClientDisconnectedError.
    """
    body, has_more = b"", True
    is_too_long = is_announced_longer(headers, MAX_CALLBACK_BYTES)
    while has_more and not is_too_long:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        is_too_long = len(body) > MAX_CALLBACK_BYTES
    if is_too_long:
        raise RefusedRequestError(
            413, TOO_LARGE_CODE, f"a callback has at most {MAX_CALLBACK_BYTES} bytes"
        )
    return body


async def send_response(
    send: Send,
    status: int,
    body: bytes,
    kind: tuple[bytes, bytes] = JSON_HEADER,
    *,
    closes: bool = False,
) -> None:
    """Send a whole response; `closes` ends the connection with it."""
    headers: list[Any] = [kind, (b"content-length", b"%d" % len(body))]
    if closes:
        headers.append(CONNECTION_CLOSE_HEADER)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
