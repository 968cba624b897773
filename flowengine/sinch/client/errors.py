"""What the platform refuses, as exceptions. Texts name no phone numbers and no secrets, so that
they may be logged.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from flowengine.sinch.client.discreet import discreet


class UntrustedUrl(ValueError):  # noqa: N818  # named for what was given
    """An address of a call that is none of the platform's: credentials are not sent there."""


class ApiProblem(Exception):  # noqa: N818  # named as the platform's documentation speaks of it
    """A request that had no success. What has no class of its own below is one of these.

    `status` is the HTTP status (0 without an answer), `code` the platform's own number (`status`
    and two digits, such as 40400), `reference` what its support asks for.
    """

    statuses: ClassVar[range] = range(0)

    def __init__(self, status: int, code: int, message: str, reference: str = "") -> None:
        self.status = status
        self.code = code
        self.message = discreet(message)
        self.reference = reference
        super().__init__(status, code, self.message, reference)

    def __str__(self) -> str:
        known = [
            f"{self.code}" if self.code else "",
            f"reference {self.reference}" if self.reference else "",
        ]
        told = ", ".join(part for part in known if part)
        return f"{self.message} ({told})" if told else self.message


class BadRequest(ApiProblem):
    """400: a parameter is missing or wrong, or the application key is."""

    statuses = range(400, 401)


class Unauthorized(ApiProblem):
    """401: no credentials, a wrong signature or secret, or a clock that is off."""

    statuses = range(401, 402)


class PaymentRequired(ApiProblem):
    """402: not enough credit for this call."""

    statuses = range(402, 403)


class Forbidden(ApiProblem):
    """403: calls to this destination are not allowed, or the application lacks the privilege."""

    statuses = range(403, 404)


class NotFound(ApiProblem):
    """404: no such call, conference or recording, or no longer."""

    statuses = range(404, 405)


class Conflict(ApiProblem):
    """409: it is being changed by somebody else."""

    statuses = range(409, 410)


class TooManyRequests(ApiProblem):
    """429: over the capacity (42900) or too fast (42901)."""

    statuses = range(429, 430)


class ServerProblem(ApiProblem):
    """5xx: the platform's own trouble. The request may have been obeyed all the same."""

    statuses = range(500, 600)


class Unreachable(ApiProblem):
    """No answer came, or not in time. The request may have been obeyed all the same."""


_KINDS: Final = (
    BadRequest,
    Unauthorized,
    PaymentRequired,
    Forbidden,
    NotFound,
    Conflict,
    TooManyRequests,
    ServerProblem,
)


def problem(status: int, body: bytes) -> ApiProblem:
    """The exception for an answer that is not 2xx, whatever its body is.

    Where the status and the platform's own number disagree (some refusals of 403 are sent with
    401), the number decides.
    """
    told = _body(body)
    code = _code(told.get("errorCode"))
    message = told.get("message")
    reference = told.get("reference")
    kind = _kind(code // 100) or _kind(status) or ApiProblem
    text = message if isinstance(message, str) and message else f"the platform answers {status}"
    return kind(status, code or status * 100, text, reference if isinstance(reference, str) else "")


def _kind(status: int) -> type[ApiProblem] | None:
    return next((kind for kind in _KINDS if status in kind.statuses), None)


def _body(body: bytes) -> Mapping[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _code(value: Any) -> int:
    """An int on the wire, a string in the platform's own description"""
    try:
        return msgspec.convert(value, int, strict=False)
    except ValueError:
        return 0
