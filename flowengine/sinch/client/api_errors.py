"""Errors of the platform's APIs as exceptions. Texts name no phone numbers and no secrets, so that
they may be logged.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from flowengine.sinch.client.number_redaction import redact_numbers


class UntrustedUrlError(ValueError):  # named for what was given
    """The address of a call is none of the platform's: credentials are not sent there."""


class CallingApiError(Exception):  # named as the platform's documentation speaks of it
    """A request failed. Errors without a class below are of this one. `status` is the HTTP status
    (0 without an answer), `code` the platform's own number (`status` and two digits, such as
    40400), `reference` what its support asks for.
    """

    statuses: ClassVar[range] = range(0)

    def __init__(self, status: int, code: int, message: str, reference: str = "") -> None:
        self.status = status
        self.code = code
        self.message = redact_numbers(message)
        self.reference = reference
        super().__init__(status, code, self.message, reference)

    def __str__(self) -> str:
        known = [
            f"{self.code}" if self.code else "",
            f"reference {self.reference}" if self.reference else "",
        ]
        told = ", ".join(part for part in known if part)
        return f"{self.message} ({told})" if told else self.message


class BadRequestError(CallingApiError):
    """400: a parameter is missing or wrong, or the application key is."""

    statuses = range(400, 401)


class UnauthorizedError(CallingApiError):
    """401: no credentials, a wrong signature or secret, or a clock that is off."""

    statuses = range(401, 402)


class PaymentRequiredError(CallingApiError):
    """402: not enough credit for this call."""

    statuses = range(402, 403)


class ForbiddenError(CallingApiError):
    """403: calls to this destination are not allowed, or the application lacks the privilege."""

    statuses = range(403, 404)


class NotFoundError(CallingApiError):
    """404: no such call, conference or recording, or no longer."""

    statuses = range(404, 405)


class ConflictError(CallingApiError):
    """409: another request is changing it."""

    statuses = range(409, 410)


class TooManyRequestsError(CallingApiError):
    """429: over the capacity (42900) or too fast (42901)."""

    statuses = range(429, 430)


class ServerError(CallingApiError):
    """5xx: the platform failed. It may have carried out the request all the same."""

    statuses = range(500, 600)


class UnreachableApiError(CallingApiError):
    """No answer came, or not in time. The platform may have carried out the request all the same."""


_ERROR_CLASSES: Final = (
    BadRequestError,
    UnauthorizedError,
    PaymentRequiredError,
    ForbiddenError,
    NotFoundError,
    ConflictError,
    TooManyRequestsError,
    ServerError,
)


def to_api_error(status: int, body: bytes) -> CallingApiError:
    """The exception for an answer that is not 2xx, whatever its body is.

    Where the status and the platform's own number disagree (some refusals of 403 are sent with
    401), the number decides.
    """
    told = _parse_body(body)
    code = _parse_code(told.get("errorCode"))
    message = told.get("message")
    reference = told.get("reference")
    kind = _find_error_class(code // 100) or _find_error_class(status) or CallingApiError
    text = message if isinstance(message, str) and message else f"the platform answers {status}"
    return kind(status, code or status * 100, text, reference if isinstance(reference, str) else "")


def _find_error_class(status: int) -> type[CallingApiError] | None:
    return next((kind for kind in _ERROR_CLASSES if status in kind.statuses), None)


def _parse_body(body: bytes) -> Mapping[str, Any]:
    try:
        told = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _parse_code(value: Any) -> int:
    """An int on the wire, a string in the platform's own description"""
    try:
        return msgspec.convert(value, int, strict=False)
    except ValueError:
        return 0
