"""Sends a probe to a callback URL as the platform sends a callback, and finds out what is wrong
where it does not arrive.
"""

import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
import msgspec

from flowengine.sinch.client.authentication import CALLING_API_CONTENT_TYPE
from flowengine.sinch.client.probe_faults import ProbeError
from flowengine.sinch.probe import ProbeReply, StaleReplyError, build_probe, parse_probe_reply
from flowengine.sinch.signing import sign_request

PROBE_TIMEOUT_SECONDS: Final = 5.0  # the platform does not wait longer either
DEFAULT_CALLBACK_PATH: Final = "/sinch"
MAX_TRIED_PATHS: Final = 8
_BAD_SIGNATURE_CODE: Final = 40102
_SIGNATURE_CODES: Final = frozenset({40004, 40100, 40101, _BAD_SIGNATURE_CODE, 40105})
# the server's own numbers for what it refuses
_FAULT_BY_CODE: Final = {
    40001: "body",
    40004: "other_application",
    40100: "headers",
    40101: "headers",
    _BAD_SIGNATURE_CODE: "secret",
    40105: "clock",
    40300: "no_credentials",
    41300: "body",
}
_FAULT_BY_STATUS: Final = {
    401: "proxy_password",
    403: "forbidden",
    404: "not_found",
    405: "not_found",
    407: "proxy_password",
    502: "bad_gateway",
    503: "bad_gateway",
    504: "bad_gateway",
}
_AGE_IN_MESSAGE: Final = re.compile(r"signed (-?\d+) seconds ago")


class CallbackProber:
    """Sends probes for one application. `verify` is for tests: the authorities to trust."""

    def __init__(
        self,
        key: str,
        secret: str,
        verify: ssl.SSLContext | bool = True,  # as httpx takes it
        seconds: float = PROBE_TIMEOUT_SECONDS,
    ) -> None:
        self._key = key
        self._secret = secret
        self._verify = verify
        self._seconds = seconds

    async def probe(self, url: str) -> ProbeReply:
        """Who answers at this URL. Raises ProbeError for all but a server that takes the
        platform's callbacks there.
        """
        address = httpx.URL(url)
        async with httpx.AsyncClient(
            # as the platform: by no proxy of this machine, and to no other address
            verify=self._verify,
            timeout=self._seconds,
            trust_env=False,
            follow_redirects=False,
        ) as client:
            try:
                return await self._send(client, address, address.path)
            except ProbeError as error:
                if error.kind != "secret":
                    raise
                await self._check_for_changed_path(client, address)
                raise

    async def _check_for_changed_path(self, client: httpx.AsyncClient, url: httpx.URL) -> None:
        """Raises ProbeError where the signature of another path is valid: with that the secret is
        right, and a proxy has changed the path.
        """
        for path in list_changed_paths(url.path):
            try:
                reply = await self._send(client, url, path)
            except ProbeError as error:
                if error.kind != "secret":
                    return
            else:
                raise ProbeError("path_changed", seen=reply.path, path=url.path)

    async def _send(self, client: httpx.AsyncClient, url: httpx.URL, path: str) -> ProbeReply:
        """Send one probe with the signature of this path."""
        nonce, body = build_probe(self._key)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {
            "content-type": CALLING_API_CONTENT_TYPE,
            "x-timestamp": now,
            "authorization": sign_request(
                self._key, self._secret, "POST", path, CALLING_API_CONTENT_TYPE, body, now
            ),
        }
        try:
            response = await client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:  # its request has the signature: it goes no further
            raise explain_no_answer(error, url, self._seconds) from None
        try:
            reply = parse_probe_reply(response.content, nonce) if response.is_success else None
        except StaleReplyError:
            raise ProbeError("stale_answer", url=str(url)) from None
        if reply is None:
            raise explain_answer(response, url, self._key)
        return reply


def list_changed_paths(path: str) -> list[str]:
    """Paths that a proxy may have made of this one.

    >>> list_changed_paths("/acme/voice/sinch")
    ['/voice/sinch', '/sinch', '/acme/voice/sinch/', '/', '/acme/voice/sinch/sinch']
    """
    found = dict.fromkeys(_generate_changed_paths(path))
    found.pop(path, None)
    return list(found)[:MAX_TRIED_PATHS]


def _generate_changed_paths(path: str) -> Iterator[str]:
    rest = path.strip("/").split("/")
    for start in range(1, len(rest)):  # a prefix is taken away
        yield "/" + "/".join(rest[start:])
    yield DEFAULT_CALLBACK_PATH
    yield path.removesuffix("/") if path.endswith("/") else f"{path}/"
    yield "/"
    yield path.removesuffix("/") + DEFAULT_CALLBACK_PATH  # or put in front


def explain_no_answer(error: httpx.HTTPError, url: httpx.URL, seconds: float) -> ProbeError:
    """Why there was no answer."""
    known: dict[str, Any] = {
        "host": url.host,
        "port": url.port or (443 if url.scheme == "https" else 80),
        "seconds": seconds,
    }
    if isinstance(error, httpx.TimeoutException):
        return ProbeError("timeout", **known)
    if not isinstance(error, httpx.ConnectError):
        return ProbeError("broken_answer", **known)
    for cause in _list_causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ProbeError("certificate", reason=cause.verify_message.rstrip("."), **known)
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "no handshake").replace("_", " ").lower()
            return ProbeError("tls", reason=reason, **known)
    if re.search(r"name|nodename|address associated", str(error), re.IGNORECASE):
        return ProbeError("unknown_host", **known)
    return ProbeError("no_connection", **known)


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def explain_answer(response: httpx.Response, url: httpx.URL, application: str) -> ProbeError:
    """Why an answer is not that of a server which has taken the probe."""
    status = response.status_code
    code, told = _parse_refusal(response)
    known: dict[str, Any] = {
        "url": str(url),
        "host": url.host,
        "path": url.path,
        "status": status,
        "application": application,
        "told": told,
        "skew": _describe_skew(told, response),
        "location": response.headers.get("location", "nowhere"),
    }
    if response.is_redirect:
        return ProbeError("redirect", **known)
    if response.is_success:
        return ProbeError("not_flowengine", **known)
    return ProbeError(
        _FAULT_BY_CODE.get(code) or _FAULT_BY_STATUS.get(status) or "unexpected", **known
    )


def _parse_refusal(response: httpx.Response) -> tuple[int, str]:
    """The number and the message of a refusal of the server; 0 for that of something else."""
    try:
        body = msgspec.json.decode(response.content)
        code, message = int(body["errorCode"]), str(body["message"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0, ""
    # other programs have numbers of their own; the server refuses all signatures with 401
    status = 401 if code in _SIGNATURE_CODES else code // 100
    return (code, message) if status == response.status_code else (0, "")


def _describe_skew(told: str, response: httpx.Response) -> str:
    """How far the clock of the server is from this machine's, in words."""
    if found := _AGE_IN_MESSAGE.search(told):
        seconds = int(found[1])
    else:
        try:
            there = parsedate_to_datetime(response.headers.get("date", ""))
            seconds = round((there - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return "far from"
    return f"{abs(seconds)} seconds {'ahead of' if seconds > 0 else 'behind'}"
