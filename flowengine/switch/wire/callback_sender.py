"""Sends signed callbacks. Where a backend fails, it tries the fallback once, and skips a primary
that keeps failing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec

from flowengine.sinch import sign_request
from flowengine.switch.clock import Clock
from flowengine.switch.switch_events import AnswerReceived, CallbackSent, SwitchEvent
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import SwitchApplication
from flowengine.switch.wire.transport import Response, Transport, build_timeout_response

CALLBACK_CONTENT_TYPE = "application/json; charset=utf-8"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

OnAnswer = Callable[[Response | None, str], None]
"""Takes the answer and the URL that it came from, or None and why there is none"""


class _PrimaryHealth(msgspec.Struct):
    """How a primary URL has fared"""

    failures: int = 0
    probed: datetime | None = None
    """When it was last tried, since it is bypassed"""


class _PendingCallback(msgspec.Struct, frozen=True):
    """One callback in flight"""

    application: SwitchApplication
    call_id: str
    event: str
    body: bytes
    on_answer: OnAnswer
    is_valid: Callable[[bytes], bool]
    extra_headers: Mapping[str, str]
    urls: list[str] = msgspec.field(default_factory=list)
    """Where it is still to be tried, in this order"""


class CallbackSender:
    """Sends callbacks to the backends of applications. A failure is an answer outside 2xx, one that
    is too late, or one that is not `is_valid`. It is followed at once by the same body, signed anew,
    to the fallback; there is no third attempt.
    """

    def __init__(
        self,
        clock: Clock,
        settings: SwitchSettings,
        transport: Transport,
        watch: Callable[[SwitchEvent], None],
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._transport = transport
        self._emit = watch
        self._primaries: dict[tuple[str, str], _PrimaryHealth] = {}
        self._last_timestamp = datetime.min.replace(tzinfo=UTC)

    def send(
        self,
        application: SwitchApplication,
        call_id: str,
        event: str,
        body: bytes,
        on_answer: OnAnswer,
        *,
        is_valid: Callable[[bytes], bool],
        url: str = "",
        extra_headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        """Send a callback to the application's URLs, or to `url` (which has no fallback). `on_answer` is
        always called later.
        """
        urls = [url] if url else self._list_urls(application)
        letter = _PendingCallback(
            application, call_id, event, body, on_answer, is_valid, extra_headers, urls
        )
        if urls:
            self._send_next(letter)
        else:
            # later, as every other answer
            self._clock.call_later(
                0, partial(on_answer, None, "the application has no callback URL")
            )

    def _list_urls(self, application: SwitchApplication) -> list[str]:
        if not (application.primary and application.fallback):
            return [url for url in (application.primary, application.fallback) if url]
        return (
            [application.fallback]
            if self._is_bypassed(application)
            else [application.primary, application.fallback]
        )

    def _is_bypassed(self, application: SwitchApplication) -> bool:
        """Whether the primary is skipped this time. Now and then it is tried, to see whether it has
        recovered
        """
        primary = self._primaries.get((application.key, application.primary))
        if primary is None or primary.probed is None:
            return False
        now = self._clock.now()
        if now - primary.probed < timedelta(seconds=self._settings.bypass_probe):
            return True
        # noted before the probe, so that other callbacks of this moment still go to the fallback
        primary.probed = now
        return False

    def _send_next(self, callback: _PendingCallback) -> None:
        url = callback.urls.pop(0)
        self._emit(
            CallbackSent(callback.call_id, self._clock.now(), callback.event, url, callback.body)
        )
        headers = self._build_headers(callback, url)
        reply = partial(self._handle_reply, callback, url, self._clock.now())
        self._transport.post(url, headers, callback.body, self._settings.callback_timeout, reply)

    def _build_headers(self, callback: _PendingCallback, url: str) -> dict[str, str]:
        stamp = self._create_timestamp()
        key, secret = callback.application.key, callback.application.secret
        signature = sign_request(
            key, secret, "POST", _get_signed_path(url), CALLBACK_CONTENT_TYPE, callback.body, stamp
        )
        return {
            **callback.extra_headers,
            "content-type": CALLBACK_CONTENT_TYPE,
            "x-timestamp": stamp,
            "authorization": signature,
        }

    def _create_timestamp(self) -> str:
        """An x-timestamp that no other request has: it distinguishes two equal keys from one key
        that is sent twice.
        """
        self._last_timestamp = max(
            self._clock.now(), self._last_timestamp + timedelta(microseconds=1)
        )
        exact = "microseconds" if self._last_timestamp.microsecond % 1000 else "milliseconds"
        return self._last_timestamp.isoformat(timespec=exact).replace("+00:00", "Z")

    def _handle_reply(
        self, callback: _PendingCallback, url: str, sent_at: datetime, response: Response | None
    ) -> None:
        """Let the configured latency pass in virtual time first. A time-out lasts as long as the
        sender waits, of which real time has passed
        """
        taken, most = self._settings.callback_seconds, self._settings.callback_timeout
        if response is None or taken > most:
            response = build_timeout_response(most)
        if response.late:
            taken = most - (self._clock.now() - sent_at).total_seconds()
        self._clock.call_later(taken, partial(self._accept_or_retry, callback, url, response))

    def _accept_or_retry(self, callback: _PendingCallback, url: str, response: Response) -> None:
        failure = self._find_failure(callback, response)
        self._record_result(callback.application, url, failed=bool(failure))
        if not failure:
            callback.on_answer(response, url)
            return
        now, status, body = self._clock.now(), response.status, response.body
        self._emit(
            AnswerReceived(
                callback.call_id, now, callback.event, url, status, body, failure, (), ()
            )
        )
        if callback.urls:
            self._send_next(callback)
        else:
            callback.on_answer(None, failure)

    def _find_failure(self, callback: _PendingCallback, response: Response) -> str:
        if response.failure:
            return response.failure
        if not 200 <= response.status < 300:
            return f"answered with status {response.status}"
        return "" if callback.is_valid(response.body) else "the answer is no proper SVAML"

    def _record_result(self, application: SwitchApplication, url: str, *, failed: bool) -> None:
        if url != application.primary:
            return
        primary = self._primaries.setdefault((application.key, url), _PrimaryHealth())
        primary.failures = primary.failures + 1 if failed else 0
        # one success ends the bypass
        if not failed:
            primary.probed = None
        elif primary.failures >= self._settings.bypass_after:
            primary.probed = self._clock.now()


@lru_cache(maxsize=1024)
def _get_signed_path(url: str) -> str:
    """The part of a URL that is signed"""
    return urlsplit(url).path or "/"
