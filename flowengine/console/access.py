"""Who may see a console, and who may change something by it.

Without tokens it is open to browsers on this machine. With tokens everybody signs in: the admin's
token may change, the status token may read. Every change is a POST of JSON with a header that no
form of another site can send.
"""

import getpass
import hmac
import logging
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from flowengine.console.console_settings import ConsoleTokens
from flowengine.cross_site import (
    find_cross_site,
    find_foreign_host,
    find_foreign_origin,
    is_loopback,
)
from flowengine.server.proxy_headers import find_proxy_header
from flowengine.server.tokens import MIN_TOKEN_LENGTH

log = logging.getLogger(__name__)
SESSION_SECONDS = 8 * 3600  # a working day
CHANGE_HEADER = "x-flowengine-console"
READING_METHODS = ("GET", "HEAD")
SIGN_IN_PATH = "/sign-in"
SIGN_OUT_PATH = "/sign-out"
# what is answered without a user, beside the files of /static/; all else is closed
OPEN_REQUESTS = (
    ("GET", SIGN_IN_PATH),
    ("HEAD", SIGN_IN_PATH),
    ("POST", SIGN_IN_PATH),
    ("GET", "/favicon.ico"),
    ("HEAD", "/favicon.ico"),
)
# What readers may send, too: calls of the phone, which are played in the memory of the console, and
# recorded calls that go again on other flows. Nothing of it lasts or is seen by others.
READER_REQUEST_PATTERN = re.compile(
    r"/releases/trial|/phone/calls(/[\w-]+/(lines|answers|back|restart|scenario))?"
)
MAX_NAME_LENGTH = 100
# By a link from a chat, say: a strict cookie comes only with what the page itself asks for then.
RELOAD_PAGE = (
    '<!doctype html><html lang="en"><title>flowengine</title><meta http-equiv="refresh" content="0">'
    "<p>One moment…"
)


class ConsoleUser(msgspec.Struct, frozen=True):
    """The person at the browser: the name that changes are recorded with, and what they may do."""

    name: str
    may_change: bool
    has_signed_in: bool = True


class SessionClaims(msgspec.Struct, frozen=True, array_like=True):
    """What a cookie says."""

    name: str
    may_change: bool
    until: float
    id: str


@dataclass(slots=True)
class SignedSessions:
    """Cookies of people who have signed in. Who signs out is remembered until the cookie would have
    ended by itself; `note_end` is told of it, too.
    """

    key: bytes = field(repr=False)
    note_end: Callable[[str, float], None] = lambda _id, _until: None
    _ended: dict[str, float] = field(default_factory=dict)

    def issue(self, name: str, *, may_change: bool) -> str:
        """The value of a cookie."""
        until = time.time() + SESSION_SECONDS
        claims = msgspec.json.encode(SessionClaims(name, may_change, until, secrets.token_hex(8)))
        return f"{encode_text(claims)}.{encode_text(self._sign(claims))}"

    def read(self, value: str) -> SessionClaims | None:
        """What a cookie says; None for one that is forged, too old or ended."""
        text, _, signature = value.partition(".")
        try:
            claims = urlsafe_b64decode(text.encode())
            if not hmac.compare_digest(urlsafe_b64decode(signature.encode()), self._sign(claims)):
                return None
            found = msgspec.json.decode(claims, type=SessionClaims)
        except ValueError:
            return None
        return found if found.until > time.time() and found.id not in self._ended else None

    def end(self, claims: SessionClaims) -> None:
        """Let this cookie open nothing any more."""
        now = time.time()
        self._ended = {id_: until for id_, until in self._ended.items() if until > now}
        self._ended[claims.id] = claims.until
        self.note_end(claims.id, claims.until)

    def _sign(self, claims: bytes) -> bytes:
        return hmac.digest(self.key, claims, sha256)


def encode_text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode()


class RequestRefusedError(Exception):
    """A request that is not answered; the message says why."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


class ConsoleGate:
    """Lets requests through to an application, with the user in their state, or refuses them."""

    def __init__(self, app: ASGIApp, tokens: ConsoleTokens, sessions: SignedSessions) -> None:
        self._app, self._tokens, self._sessions = app, tokens, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer: Response | None
        try:
            answer = self._admit(request)
        except RequestRefusedError as refused:
            log.warning("%s %s is refused: %s", request.method, scope["path"], refused)
            answer = JSONResponse({"error": str(refused)}, refused.status)
        await (answer or self._app)(scope, receive, send)

    def _admit(self, request: Request) -> Response | None:
        """None where the request may go on. Raises RequestRefusedError."""
        is_reading = request.method in READING_METHODS
        self._check_origin(request, is_reading=is_reading)
        if not is_reading:
            check_change_headers(request.headers)
        user = self._find_user(request)
        request.state.user = user or ConsoleUser("", may_change=False, has_signed_in=False)
        request.state.is_admitted = lambda: self._find_user(request) is not None
        if is_open_request(request.scope):
            return None
        if user is None:
            return self._ask_to_sign_in(request)
        if not (is_reading or user.may_change or is_reader_request(request.scope)):
            raise RequestRefusedError("you may read here, and change nothing")
        return None

    def _check_origin(self, request: Request, *, is_reading: bool) -> None:
        if not self._tokens.are_set:
            peer = request.client.host if request.client else ""
            # nginx speaks it where its configuration says nothing else, and no browser does
            is_old_proxy = request.scope.get("http_version") == "1.0"
            if is_old_proxy or not is_loopback(peer) or find_proxy_header(request.headers.keys()):
                raise RequestRefusedError(
                    "without a token this console is for browsers on its own machine: set "
                    "FLOWENGINE_ADMIN_TOKEN for the server"
                )
            if host := find_foreign_host(request.headers.raw):
                raise RequestRefusedError(
                    f"{host} is no name of this machine: open 127.0.0.1 or localhost"
                )
            # a proxy sends its own host and what the browser says of the page, which it has by a
            # name of the proxy
            if origin := find_foreign_origin(request.headers.raw):
                raise RequestRefusedError(
                    f"without a token a page or link of {origin} may not lead here: type the "
                    "address of the console"
                )
        header = find_cross_site(request.headers.raw)
        if header and not (is_reading and is_navigation(request.headers)):
            raise RequestRefusedError(f"a page of another site may not ask for this ({header})")

    def _find_user(self, request: Request) -> ConsoleUser | None:
        if not self._tokens.are_set:
            return ConsoleUser(find_own_name(), may_change=True, has_signed_in=False)
        claims = self._sessions.read(request.cookies.get(name_cookie(request), ""))
        return ConsoleUser(claims.name, claims.may_change) if claims else None

    def _ask_to_sign_in(self, request: Request) -> Response:
        if request.method not in READING_METHODS or not accepts_html(request.headers):
            return JSONResponse({"error": "sign in first"}, 401)
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return HTMLResponse(RELOAD_PAGE)
        query = request.scope["query_string"].decode("latin-1")
        asked = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"{SIGN_IN_PATH}?{urlencode({'to': asked})}", 303)


def check_change_headers(headers: Headers) -> None:
    """Raises RequestRefusedError for what a form of another site could have sent."""
    if headers.get(CHANGE_HEADER) != "1":
        raise RequestRefusedError("changes need the header X-Flowengine-Console: 1")
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RequestRefusedError("changes are sent as application/json", 415)


def is_navigation(headers: Headers) -> bool:
    """Whether somebody has followed a link."""
    return headers.get("sec-fetch-mode") == "navigate" and (
        headers.get("sec-fetch-dest") == "document"
    )


def accepts_html(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def is_open_request(scope: Scope) -> bool:
    """Whether a request is answered without a user. By the path that routes are found by, too:
    that of `request.url` comes from the Host header as well.
    """
    method, path = scope["method"], scope["path"]
    is_static = method in READING_METHODS and path.startswith("/static/")
    return is_static or (method, path) in OPEN_REQUESTS


def is_reader_request(scope: Scope) -> bool:
    """Whether a request that is no reading changes nothing all the same."""
    method, path = scope["method"], scope["path"]
    is_simulation = READER_REQUEST_PATTERN.fullmatch(path) is not None
    return method == "POST" and (is_simulation or path == SIGN_OUT_PATH)


def get_user(request: Request) -> ConsoleUser:
    user: ConsoleUser = request.state.user
    return user


def get_admission(request: Request) -> Callable[[], bool]:
    """Says whether the user is still signed in, for an answer that takes long."""
    is_admitted: Callable[[], bool] = request.state.is_admitted
    return is_admitted


def find_own_name() -> str:
    """The name of the user that the console runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the first before Python 3.13
        return "console"


def name_cookie(request: Request) -> str:
    """Browsers share cookies among the ports of a host, and two consoles should not."""
    server = request.scope.get("server") or ("", 0)
    return f"flowengine_console_{server[1]}"


def find_right(tokens: ConsoleTokens, given: str) -> bool | None:
    """Whether the bearer of a token may change something; None where the token is wrong."""
    known = given.strip().encode()
    # both are compared, so that the time does not tell which one is close
    admin, reader = (
        hmac.compare_digest(known, token.encode()) and len(token) >= MIN_TOKEN_LENGTH
        for token in (tokens.admin, tokens.reader)
    )
    return True if admin else False if reader else None
