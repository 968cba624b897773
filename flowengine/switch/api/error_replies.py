"""Refusals in the words of the platform."""

from uuid import uuid4

import msgspec

from flowengine.switch.api.api_request import ApiReply
from flowengine.switch.api_error import ApiError

ERROR_MESSAGES = {
    40001: "Invalid parameters",
    40002: "Bad request: parameter missing",
    40003: "Invalid request",
    40004: "Bad request: Application key is invalid",
    40005: "Number is missing its leading plus sign",
    40100: "Authorization header is missing or illegal",
    40101: "Timestamp is missing or invalid",
    40102: "Invalid signature",
    40103: "Already authorized",
    40104: "Authorization required",
    40105: "Authorization has expired",
    40107: "Invalid authorization",
    40108: "Invalid credentials",
    40200: "Not enough credit",
    40300: "Forbidden destination",
    40301: "Invalid scheme",
    40302: "Not enough privileges",
    40303: "Restricted action",
    40400: "Resource not found",
    40900: "Conflict",
    42200: "Request could not be processed",
    42201: "Request could not be processed",
    42202: "Request could not be processed",
    42900: "Capacity exceeded",
    42901: "Velocity exceeded",
    50000: "Internal error",
    50300: "Temporarily down",
    50301: "Configuration error",
}


def build_error(code: int) -> ApiError:
    """A refusal in the usual words."""
    return ApiError(code, ERROR_MESSAGES[code])


def build_error_reply(error: ApiError) -> ApiReply:
    """The body of a refusal; its reference is for people who look into it later."""
    body = {"errorCode": error.code, "message": error.message, "reference": str(uuid4())}
    return ApiReply(error.status, msgspec.json.encode(body))
