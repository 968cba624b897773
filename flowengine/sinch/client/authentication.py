"""Both ways to authenticate: a signature, and key and secret. Each shows itself without the secret."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Final

import httpx

from flowengine.sinch.signing import sign_request

CALLING_API_CONTENT_TYPE: Final = "application/json; charset=utf-8"


class SignedAuth(httpx.Auth):
    """Signs each request with the application's secret, which itself is never sent. The clock has
    to be right.
    """

    requires_request_body = True

    def __init__(self, key: str, secret: str) -> None:
        self.key = key
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request: the decoded path, as the platform's own SDKs do, and the content type
        only where there is one.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        kind = request.headers.get("content-type", "")
        request.headers["x-timestamp"] = now
        request.headers["authorization"] = sign_request(
            self.key, self._secret, request.method, request.url.path, kind, request.content, now
        )
        yield request

    def __repr__(self) -> str:
        return f"Signed({self.key!r}, ...)"


class BasicAuth(httpx.BasicAuth):
    """Sends key and secret with each request."""

    def __init__(self, key: str, secret: str) -> None:
        super().__init__(key, secret)
        self.key = key

    def __repr__(self) -> str:
        return f"Basic({self.key!r}, ...)"
