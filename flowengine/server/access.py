"""Access control for all requests but callbacks: by token, or to this machine only. A proxy on this
machine may add no header, so a request from this machine may come from anywhere.
"""

import logging
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from flowengine.cross_site import find_cross_site, find_foreign_host, is_loopback
from flowengine.server.callback import send_response
from flowengine.server.proxy_headers import find_proxy_header
from flowengine.server.secret_variables import ADMIN_TOKEN, STATUS_TOKEN
from flowengine.server.tokens import ADMIN_OPEN, check_token

log = logging.getLogger(__name__)


class AccessDeniedError(Exception):
    """The request is refused; the message is the body of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TokenAuthorizer:
    """Authorises requests with one of the tokens; requests from other machines only where it
    `is_open`.
    """

    def __init__(self, tokens: Mapping[str, str], *, is_open: bool) -> None:
        """`tokens` are by the names of their variables."""
        self._names = " or ".join(tokens)
        self._tokens = [token.encode() for token in tokens.values() if token]
        self._is_open = is_open

    def authorize_request(self, request: Request) -> None:
        """Raises AccessDeniedError."""
        peer = request.client.host if request.client else ""
        if header := find_cross_site(request.headers.raw):
            raise AccessDeniedError(403, f"a page of another site may not ask for this ({header})")
        if not self._is_open:
            check_local(request, peer)
        if not self._tokens:
            raise AccessDeniedError(403, f"nobody may read this: set {self._names} for the server")
        given = request.headers.getlist("authorization")
        if len(given) > 1:
            raise AccessDeniedError(401, "the request has several authorization headers")
        scheme, _, token = "".join(given).partition(" ")
        sent = token.strip().encode()
        # all tokens are compared, so that the time does not tell which one is close
        known = [compare_digest(sent, token) for token in self._tokens]
        if scheme.lower() != "bearer" or not any(known):
            log.warning("a request to %s from %s without the token", request.url.path, peer)
            raise AccessDeniedError(
                401, f"say who you are with Authorization: Bearer and the token of {self._names}"
            )


def check_local(request: Request, peer: str) -> None:
    """Raises AccessDeniedError where a request comes from another machine or may come from a web
    page.
    """
    if not is_loopback(peer) or find_proxy_header(request.headers):
        raise AccessDeniedError(403, f"from this machine only; {ADMIN_OPEN}=1 opens it to others")
    if host := find_foreign_host(request.headers.raw):
        raise AccessDeniedError(
            403,
            f"from this machine only, and {host} is none of its names: ask 127.0.0.1 or localhost; "
            f"{ADMIN_OPEN}=1 opens it to others",
        )


class AuthorizedEndpoint:
    """An ASGI endpoint that answers authorised requests only."""

    def __init__(self, authorizer: TokenAuthorizer, endpoint: Any) -> None:
        self._authorizer = authorizer
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI endpoint."""
        try:
            self._authorizer.authorize_request(Request(scope, receive))
        except AccessDeniedError as denied:
            answer = msgspec.json.encode({"message": str(denied)})
            await send_response(send, denied.status, answer)
            return
        await self._endpoint(scope, receive, send)


def create_status_authorizer(environment: Mapping[str, str]) -> TokenAuthorizer:
    """The authorizer of readable pages, which the token of the admin opens, too."""
    names = (STATUS_TOKEN, ADMIN_TOKEN)
    return TokenAuthorizer({name: check_token(environment, name) for name in names}, is_open=True)
