"""Routes 9 to 14: the numbers of applications, callback URLs, and information about numbers."""

from collections.abc import Mapping
from typing import Any

from flowengine.sinch import parse_number
from flowengine.switch.api.api_request import (
    NO_CONTENT_REPLY,
    ApiReply,
    ApiRequest,
    build_json_reply,
)
from flowengine.switch.api.countries import find_country
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api_error import ApiError
from flowengine.switch.switch_setup import Number

MAX_ASSIGNED_NUMBERS = 100
NUMBER_CAPABILITIES = ("voice", "sms")
URL_SCHEMES = ("http://", "https://")


def list_numbers(context: SwitchContext, _: ApiRequest) -> ApiReply:
    """All numbers, each with the application that it reaches."""
    return build_json_reply(
        {"numbers": [format_number(number) for number in context.exchange.numbers.values()]}
    )


def format_number(number: Number) -> dict[str, str]:
    owner = {"applicationkey": number.application} if number.application else {}
    return {"number": number.number, **owner, "capability": number.capability}


def assign_numbers(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Assign numbers to an application: the one that asks, unless another is named."""
    given = request.read_fields()
    owner, capability = (
        read_application(context, given) or request.application,
        read_capability(given),
    )
    wanted = given.get("numbers")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MAX_ASSIGNED_NUMBERS:
        raise ApiError(
            40001, f"Invalid parameters: numbers holds 1 to {MAX_ASSIGNED_NUMBERS} numbers"
        )
    # all are looked up before the first is assigned: all or none
    for number in [find_number(context, item) for item in wanted]:
        context.persistence.assign_number(
            Number(number.number, owner, capability or number.capability)
        )
    return NO_CONTENT_REPLY


def unassign_number(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Remove a number from its application."""
    given = request.read_fields()
    owner = read_application(context, given)
    read_capability(given)
    number = find_number(context, given.get("number"))
    if owner and number.application != owner:
        raise ApiError(40001, "Invalid parameters: the number is not assigned to this application")
    context.persistence.assign_number(Number(number.number, "", number.capability))
    return NO_CONTENT_REPLY


def read_application(context: SwitchContext, given: Mapping[str, Any]) -> str:
    """The application that the body names, in either spelling; "" where it names none."""
    # both spellings are documented (platform notes, 1.4)
    key = given.get("applicationkey") or given.get("applicationKey")
    return context.find_application(str(key)) if key else ""


def read_capability(given: Mapping[str, Any]) -> str:
    capability = given.get("capability")
    if capability is not None and capability not in NUMBER_CAPABILITIES:
        raise ApiError(40001, "Invalid parameters: capability is voice or sms")
    return capability or ""


def find_number(context: SwitchContext, number: object) -> Number:
    if not isinstance(number, str):
        raise ApiError(40001, "Invalid parameters: number is missing")
    if not number.startswith("+"):
        raise ApiError(40005, "Number is missing its leading plus sign")
    if number not in context.exchange.numbers:
        raise ApiError(40001, f"Invalid parameters: {number} is none of your numbers")
    return context.exchange.numbers[number]


def get_callbacks(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """The callback URLs."""
    found = context.exchange.applications[context.find_application(request.path["application"])]
    fallback = {"fallback": found.fallback} if found.fallback else {}
    return build_json_reply({"url": {"primary": found.primary, **fallback}})


def set_callbacks(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Set the callback URLs."""
    key, given = (
        context.find_application(request.path["application"]),
        request.read_fields(40003).get("url"),
    )
    if not isinstance(given, dict):
        raise ApiError(40003, "Invalid request: url is missing")
    context.persistence.set_callbacks(
        key, read_url(given.get("primary")), read_url(given.get("fallback") or "")
    )
    return NO_CONTENT_REPLY


def read_url(value: object) -> str:
    if not isinstance(value, str) or (value and not value.startswith(URL_SCHEMES)):
        raise ApiError(40003, "Invalid request: primary and fallback are URLs")
    return value


def query_number(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """The kind of a number, however it is written. Sources disagree on the name of the body, so it
    is sent under all names.
    """
    number = parse_number(request.path["number"]).e164
    found = find_country(number) if number else None
    if not number or found is None:
        raise ApiError(40001, "Invalid parameters: this is no number")
    rate = context.exchange.find_rate(number)
    item = {
        "countryId": found.id,
        "numberType": found.classify_number(number),
        "normalizedNumber": number,
        "restricted": False,
        "rate": {"currencyId": rate.currency, "amount": rate.amount},
    }
    return build_json_reply({"method": "numberItem", "numberItem": item, "number": item})
