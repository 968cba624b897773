"""Application signing: how the platform proves that a callback is its own, and how requests to it
are signed.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import md5
from hmac import compare_digest
from operator import itemgetter
from typing import TYPE_CHECKING, final
from urllib.parse import unquote_to_bytes

from flowengine.limits import SIGNATURE_WINDOW_SECONDS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hmac import HMAC

# of two of these one would be checked, and the proxy in front may have read the other
SIGNED_HEADERS = (b"authorization", b"content-type", b"x-timestamp")
_get_signed_headers = itemgetter(*SIGNED_HEADERS)


@final
class HeaderMap(dict[bytes, bytes]):
    """Headers by their names in lower case, for lookup without a search. Each name came once. A header
    that did not come reads as empty.
    """

    def __missing__(self, name: bytes) -> bytes:
        return b""


UncheckedHeaders = Mapping[str, str] | Iterable[tuple[bytes, bytes]]
"""Header names in any case, and one may come several times in the second form, which is that of ASGI"""
RequestHeaders = HeaderMap | UncheckedHeaders


class SignatureError(Exception):
    """The request cannot be trusted; `code` is the platform's own number for it"""

    code = 0


class UnsignedError(SignatureError):
    code = 40100


class RepeatedHeaderError(SignatureError):
    code = 40100


class BadTimestampError(SignatureError):
    code = 40101


class BadSignatureError(SignatureError):
    code = 40102


class StaleSignatureError(SignatureError):
    code = 40105


class UnknownApplicationError(SignatureError):
    code = 40004


def decode_secret(secret: str) -> bytes:
    """The bytes of an application's secret. As lenient as the platform's own SDKs: both alphabets,
    padding or not
    """
    # line breaks and padding come along when a secret is copied
    text = re.sub(r"[^A-Za-z0-9+/]", "", secret.translate(str.maketrans("-_", "+/")))
    text = text[: len(text) - (len(text) % 4 == 1)]
    return a2b_base64(text + "=" * (-len(text) % 4))


def _make_hmac(secret: bytes) -> HMAC:
    # of this library, as the copies of Python's `hmac` take sixty steps of the interpreter; imported
    # here, as commands that check flows verify nothing
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.hmac import HMAC  # noqa: PLC0415

    return HMAC(secret, SHA256())


@lru_cache(maxsize=16)  # a sender signs many requests for few applications
def _load_hmac(secret_b64: str) -> HMAC:
    return _make_hmac(decode_secret(secret_b64))


def _compute_signature(keyed: HMAC, start: bytes, path: bytes) -> bytes:
    hmac = keyed.copy()  # quicker than to begin with the key
    hmac.update(start + path)
    return b2a_base64(hmac.finalize(), newline=False)


def _build_signed_prefix(method: str, body: bytes, content_type: bytes, timestamp: bytes) -> bytes:
    """The signed text without the path at its end"""
    digest = b2a_base64(md5(body, usedforsecurity=False).digest(), newline=False) if body else b""
    return b"%b\n%b\n%b\nx-timestamp:%b\n" % (
        method.upper().encode(), digest, content_type, timestamp,
    )  # fmt: skip


def sign_request(
    key: str,
    secret_b64: str,
    method: str,
    path: str,
    content_type: str,
    body: bytes,
    timestamp: str,
) -> str:
    """The Authorization header of a request. `path` is without the query and as it is to be signed
    (the SDKs decode it).
    """
    start = _build_signed_prefix(method, body, content_type.encode(), timestamp.encode())
    signature = _compute_signature(_load_hmac(secret_b64), start, path.encode())
    return f"application {key}:{signature.decode()}"


class Verifier:
    """Checks signed requests of a set of applications."""

    __slots__ = ("_applications", "_folded", "_usual", "_window")

    def __init__(
        self, applications: Mapping[str, str], window_seconds: float = SIGNATURE_WINDOW_SECONDS
    ) -> None:
        self._applications = {
            key.encode(): (key, _make_hmac(decode_secret(secret)))
            for key, secret in applications.items()
        }
        self._folded = {
            key.lower(): value for key, value in self._applications.items()
        }  # keys are GUIDs to some senders
        # What the header usually says before the signature, so that it need not be taken apart.
        self._usual = {b"application " + key: value for key, value in self._applications.items()}
        self._window = timedelta(seconds=window_seconds)

    def verify(
        self,
        method: str,
        raw_path: bytes | str,
        headers: RequestHeaders,
        body: bytes,
        now: datetime,
    ) -> str:
        """The key of the application that signed this request, as configured. Raises
        SignatureError.
        """
        # the direct protocol has refused repeated headers
        signed = headers if isinstance(headers, HeaderMap) else fold_signed_headers(headers)
        authorization, content_type, timestamp = _get_signed_headers(signed)
        usual, _, signature = authorization.rpartition(b":")
        # one lookup instead of parsing; any other spelling of the header is parsed below
        application = self._usual.get(usual) if signature else None
        if application is None:
            key, signature = _parse_authorization(authorization)
            application = self._applications.get(key) or self._folded.get(key.lower())
            if application is None:
                raise UnknownApplicationError("no such application is configured")
        try:
            age = now - parse_timestamp(timestamp)[0]
        except ValueError as error:
            raise BadTimestampError("x-timestamp is missing, or no ISO 8601 time") from error
        if abs(age) > self._window:  # before the digests: a stale request should cost little
            raise StaleSignatureError(f"signed {age.total_seconds():.0f} seconds ago by this clock")
        start = _build_signed_prefix(method, body, content_type, timestamp)
        for path in list_path_spellings(raw_path):
            # in constant time, so that a signature cannot be guessed byte by byte
            if compare_digest(_compute_signature(application[1], start, path), signature):
                return application[0]
        raise BadSignatureError("the signature does not fit the request")


@lru_cache(maxsize=16)  # callbacks come to one or two paths
def list_path_spellings(raw_path: bytes | str) -> tuple[bytes, ...]:
    """What a sender may have signed as the path: senders disagree on whether to sign it as sent or
    decoded.
    """
    path = raw_path.encode() if isinstance(raw_path, str) else raw_path
    path = path.partition(b"?")[0]
    return (path, unquote_to_bytes(path)) if b"%" in path else (path,)


@lru_cache(maxsize=64)  # each is read twice: for its age, and to tell deliveries apart
def parse_timestamp(text: bytes) -> tuple[datetime, int]:
    """An x-timestamp as a time, and in microseconds since 1970. Raises ValueError."""
    moment = datetime.fromisoformat(text.decode("ascii"))
    # times of the platform without a zone are in UTC (platform notes, 2.2)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment, round(moment.timestamp() * 1_000_000)


def fold_signed_headers(headers: UncheckedHeaders) -> HeaderMap:
    """The headers that count for a signature. Raises RepeatedHeaderError where one came several
    times.
    """
    found = HeaderMap()
    for name, value in _to_byte_pairs(headers):
        lowered = name.lower()
        if lowered in found:
            raise RepeatedHeaderError(f"the request has several {lowered.decode()} headers")
        if lowered in SIGNED_HEADERS:
            found[lowered] = value
    return found


def _to_byte_pairs(headers: UncheckedHeaders) -> Iterable[tuple[bytes, bytes]]:
    if isinstance(headers, Mapping):
        return [(name.encode(), value.encode()) for name, value in headers.items()]
    return headers


def _parse_authorization(authorization: bytes) -> tuple[bytes, bytes]:
    scheme, _, credentials = authorization.strip().partition(b" ")
    key, colon, signature = credentials.strip().partition(b":")
    if not (authorization and key and colon and signature) or scheme.lower() != b"application":
        raise UnsignedError('the Authorization header must be "application key:signature"')
    return key, signature
