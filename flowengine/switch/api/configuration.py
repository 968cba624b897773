"""Routes 9 to 14: whose numbers are, where callbacks go, and what is known about any number."""

from collections.abc import Mapping
from typing import Any

from flowengine.sinch import normalise
from flowengine.switch.api.asked import NO_CONTENT, Answer, Asked, told
from flowengine.switch.api.countries import country
from flowengine.switch.api.desk import Desk
from flowengine.switch.errors import ApiError
from flowengine.switch.world import Number

MOST_NUMBERS = 100
CAPABILITIES = ("voice", "sms")
SCHEMES = ("http://", "https://")


def numbers(desk: Desk, _: Asked) -> Answer:
    """All numbers, and which application each reaches."""
    return told({"numbers": [shown(number) for number in desk.exchange.numbers.values()]})


def shown(number: Number) -> dict[str, str]:
    owner = {"applicationkey": number.application} if number.application else {}
    return {"number": number.number, **owner, "capability": number.capability}


def assign(desk: Desk, asked: Asked) -> Answer:
    """Let numbers reach an application: the one that asks, unless another is named."""
    given = asked.fields()
    owner, capability = named(desk, given) or asked.application, capability_of(given)
    wanted = given.get("numbers")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= MOST_NUMBERS:
        raise ApiError(40001, f"Invalid parameters: numbers holds 1 to {MOST_NUMBERS} numbers")
    for number in [owned(desk, item) for item in wanted]:
        desk.kept.assign(Number(number.number, owner, capability or number.capability))
    return NO_CONTENT


def unassign(desk: Desk, asked: Asked) -> Answer:
    """Let a number reach nobody."""
    given = asked.fields()
    owner = named(desk, given)
    capability_of(given)
    number = owned(desk, given.get("number"))
    if owner and number.application != owner:
        raise ApiError(40001, "Invalid parameters: the number is not assigned to this application")
    desk.kept.assign(Number(number.number, "", number.capability))
    return NO_CONTENT


def named(desk: Desk, given: Mapping[str, Any]) -> str:
    """The application that the body names, in either spelling; "" where it names none."""
    key = given.get("applicationkey") or given.get("applicationKey")
    return desk.known(str(key)) if key else ""


def capability_of(given: Mapping[str, Any]) -> str:
    capability = given.get("capability")
    if capability is not None and capability not in CAPABILITIES:
        raise ApiError(40001, "Invalid parameters: capability is voice or sms")
    return capability or ""


def owned(desk: Desk, number: object) -> Number:
    if not isinstance(number, str):
        raise ApiError(40001, "Invalid parameters: number is missing")
    if not number.startswith("+"):
        raise ApiError(40005, "Number is missing its leading plus sign")
    if number not in desk.exchange.numbers:
        raise ApiError(40001, f"Invalid parameters: {number} is none of your numbers")
    return desk.exchange.numbers[number]


def callbacks(desk: Desk, asked: Asked) -> Answer:
    """Where callbacks go."""
    found = desk.exchange.applications[desk.known(asked.path["application"])]
    fallback = {"fallback": found.fallback} if found.fallback else {}
    return told({"url": {"primary": found.primary, **fallback}})


def set_callbacks(desk: Desk, asked: Asked) -> Answer:
    """Let callbacks go elsewhere."""
    key, given = desk.known(asked.path["application"]), asked.fields(40003).get("url")
    if not isinstance(given, dict):
        raise ApiError(40003, "Invalid request: url is missing")
    desk.kept.set_callbacks(key, url_of(given.get("primary")), url_of(given.get("fallback") or ""))
    return NO_CONTENT


def url_of(value: object) -> str:
    if not isinstance(value, str) or (value and not value.startswith(SCHEMES)):
        raise ApiError(40003, "Invalid request: primary and fallback are URLs")
    return value


def query(desk: Desk, asked: Asked) -> Answer:
    """What is known about a number, however it is written. Sources disagree on the body, so it is
    told under all names.
    """
    number = normalise(asked.path["number"]).e164
    found = country(number) if number else None
    if not number or found is None:
        raise ApiError(40001, "Invalid parameters: this is no number")
    rate = desk.exchange.rate(number)
    item = {
        "countryId": found.id,
        "numberType": found.number_type(number),
        "normalizedNumber": number,
        "restricted": False,
        "rate": {"currencyId": rate.currency, "amount": rate.amount},
    }
    return told({"method": "numberItem", "numberItem": item, "number": item})
