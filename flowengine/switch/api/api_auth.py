"""Authentication of API requests: `Basic` with key and secret, or a signature with the
application's secret.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest

from flowengine.sinch.signing import SignatureError, Verifier
from flowengine.switch.api.error_replies import ERROR_MESSAGES, build_error
from flowengine.switch.api_error import ApiError
from flowengine.switch.clock import Clock

RawHeaders = Iterable[tuple[bytes, bytes]]


class CredentialGate:
    """Authenticates applications by their credentials."""

    def __init__(self, secrets: Mapping[str, str], window: float, clock: Clock) -> None:
        self._secrets = dict(secrets)
        self._verifier = Verifier(secrets, window_seconds=window)
        self._clock = clock

    def authenticate(
        self,
        method: str,
        raw_path: bytes,
        headers: RawHeaders,
        body: bytes,
        *,
        signed_only: bool = False,
    ) -> str:
        """The key of the application that sends a request. Raises ApiError."""
        pairs = list(headers)
        given = [value for name, value in pairs if name.lower() == b"authorization"]
        if len(given) > 1:
            raise build_error(40103)
        scheme, _, credentials = (given[0] if given else b"").strip().partition(b" ")
        if not scheme or not credentials.strip():
            raise build_error(40100)
        if scheme.lower() == b"basic" and not signed_only:
            return self._check_basic(credentials.strip())
        if scheme.lower() != b"application":
            raise build_error(40107)
        if b":" not in credentials:
            raise build_error(40104)  # a bare key opens what is public, and nothing here is
        return self._check_signature(method, raw_path, pairs, body)

    def _check_basic(self, credentials: bytes) -> str:
        try:
            key, colon, secret = b64decode(credentials, validate=True).decode().partition(":")
        except (NotBase64, ValueError) as error:
            raise build_error(40100) from error
        if not colon:
            raise build_error(40100)
        if not compare_digest(self._secrets.get(key, "").encode(), secret.encode()) or not secret:
            raise build_error(40108)
        return key

    def _check_signature(
        self, method: str, raw_path: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> str:
        """Check the signature. Clients sign by their own clock, even while time is virtual here."""
        # a client in the same process signs by virtual time, any other by real time
        times = (self._clock.now(), datetime.now(UTC))
        for now in times:
            try:
                return self._verifier.verify(method, raw_path, headers, body, now)
            except SignatureError as error:
                refusal = ApiError(error.code, ERROR_MESSAGES[error.code])
                # only a stale signature may be fresh by the other clock
                if error.code != 40105:
                    break
        raise refusal
