"""Signed callbacks, and what happens when a backend fails: once more to the fallback, and past a
primary that keeps failing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from types import MappingProxyType
from urllib.parse import urlsplit

from flowengine.sinch import sign
from flowengine.switch.clock import Clock
from flowengine.switch.happenings import Asks, Happening, Told
from flowengine.switch.settings import Settings
from flowengine.switch.wire.transport import Response, Transport, too_late
from flowengine.switch.world import Application

CONTENT_TYPE = "application/json; charset=utf-8"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

Done = Callable[[Response | None, str], None]
"""Takes the answer and the URL that it came from, or None and why there is none"""


@dataclass(slots=True)
class _Primary:
    """How a primary URL has fared"""

    failures: int = 0
    probed: datetime | None = None
    """When it was last tried, since it is bypassed"""


@dataclass(frozen=True, slots=True)
class _Letter:
    """One callback on its way"""

    application: Application
    call_id: str
    event: str
    body: bytes
    done: Done
    proper: Callable[[bytes], bool]
    extra_headers: Mapping[str, str]
    urls: list[str] = field(default_factory=list)
    """Where it is still to be tried, in this order"""


class Delivery:
    """Takes callbacks to the backends of applications.

    A failure is an answer outside 2xx, one that is too late, or one that is not `proper`. It is
    followed at once by the same body, signed anew, to the fallback; there is no third attempt.
    """

    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        transport: Transport,
        watch: Callable[[Happening], None],
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._transport = transport
        self._watch = watch
        self._primaries: dict[tuple[str, str], _Primary] = {}
        self._stamped = datetime.min.replace(tzinfo=UTC)

    def send(
        self,
        application: Application,
        call_id: str,
        event: str,
        body: bytes,
        done: Done,
        *,
        proper: Callable[[bytes], bool],
        url: str = "",
        extra_headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        """Send a callback to where the application wants it, or to `url` (which has no fallback).
        `done` is always called later.
        """
        urls = [url] if url else self._route(application)
        letter = _Letter(application, call_id, event, body, done, proper, extra_headers, urls)
        if urls:
            self._attempt(letter)
        else:
            self._clock.later(0, partial(done, None, "the application has no callback URL"))

    def _route(self, application: Application) -> list[str]:
        if not (application.primary and application.fallback):
            return [url for url in (application.primary, application.fallback) if url]
        return (
            [application.fallback]
            if self._bypassed(application)
            else [application.primary, application.fallback]
        )

    def _bypassed(self, application: Application) -> bool:
        """Whether the primary is left out this time; now and then it is not, to see whether it has
        recovered
        """
        primary = self._primaries.get((application.key, application.primary))
        if primary is None or primary.probed is None:
            return False
        now = self._clock.now()
        if now - primary.probed < timedelta(seconds=self._settings.bypass_probe):
            return True
        primary.probed = now
        return False

    def _attempt(self, letter: _Letter) -> None:
        url = letter.urls.pop(0)
        self._watch(Asks(letter.call_id, self._clock.now(), letter.event, url, letter.body))
        headers = self._headers(letter, url)
        reply = partial(self._replied, letter, url, self._clock.now())
        self._transport.post(url, headers, letter.body, self._settings.callback_timeout, reply)

    def _headers(self, letter: _Letter, url: str) -> dict[str, str]:
        stamp = self._stamp()
        key, secret = letter.application.key, letter.application.secret
        signature = sign(key, secret, "POST", _path(url), CONTENT_TYPE, letter.body, stamp)
        return {
            **letter.extra_headers,
            "content-type": CONTENT_TYPE,
            "x-timestamp": stamp,
            "authorization": signature,
        }

    def _stamp(self) -> str:
        """An x-timestamp that no other request has: it tells two keys of one moment from one key
        that is told twice.
        """
        self._stamped = max(self._clock.now(), self._stamped + timedelta(microseconds=1))
        exact = "microseconds" if self._stamped.microsecond % 1000 else "milliseconds"
        return self._stamped.isoformat(timespec=exact).replace("+00:00", "Z")

    def _replied(
        self, letter: _Letter, url: str, asked: datetime, response: Response | None
    ) -> None:
        """What the answer costs in virtual time passes first; silence lasts as long as it is waited
        for, of which real time has passed
        """
        taken, most = self._settings.callback_seconds, self._settings.callback_timeout
        if response is None or taken > most:
            response = too_late(most)
        if response.late:
            taken = most - (self._clock.now() - asked).total_seconds()
        self._clock.later(taken, partial(self._judge, letter, url, response))

    def _judge(self, letter: _Letter, url: str, response: Response) -> None:
        failure = self._failure(letter, response)
        self._remember(letter.application, url, failed=bool(failure))
        if not failure:
            letter.done(response, url)
            return
        now, status, body = self._clock.now(), response.status, response.body
        self._watch(Told(letter.call_id, now, letter.event, url, status, body, failure, (), ()))
        if letter.urls:
            self._attempt(letter)
        else:
            letter.done(None, failure)

    def _failure(self, letter: _Letter, response: Response) -> str:
        if response.failure:
            return response.failure
        if not 200 <= response.status < 300:
            return f"answered with status {response.status}"
        return "" if letter.proper(response.body) else "the answer is no proper SVAML"

    def _remember(self, application: Application, url: str, *, failed: bool) -> None:
        if url != application.primary:
            return
        primary = self._primaries.setdefault((application.key, url), _Primary())
        primary.failures = primary.failures + 1 if failed else 0
        if not failed:
            primary.probed = None
        elif primary.failures >= self._settings.bypass_after:
            primary.probed = self._clock.now()


@lru_cache(maxsize=1024)
def _path(url: str) -> str:
    """What of a URL is signed"""
    return urlsplit(url).path or "/"
