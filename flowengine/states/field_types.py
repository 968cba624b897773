"""Types that authored fields share; their metadata becomes the JSON Schema, so an editor explains
what this file says.
"""

import re
from typing import Annotated, Any, Literal

from msgspec import Meta

DIALLED_TARGET = "dialled"  # in place of a number: the one that the caller dialled
Scalar = str | int | float | bool
NameKind = Literal[
    "flow",
    "state",
    "state of a flow",  # perhaps behind the name of the flow and a point
    "variable",
    "variable of the subflow",
    "outcome",
    "outcome of the subflow",
    "calendar",
    "table",
    "group",
    "message",
    "service",
    "secret",
    "scenario",
    "locale",
    "expression",  # names stand in it
]


def mark_name(kind: NameKind, *, defined: bool = False) -> Meta:
    """What a text is the name of, and whether it is defined there: editors follow it. The schema
    says nothing of it.
    """
    return Meta(extra={"names": kind, "defined": defined})


JsonBody = Annotated[
    Any,
    Meta(
        extra_json_schema={
            "type": ["object", "array"],
            "x-hint": "write names with values, such as body: {id: 7}, or a list",
        }
    ),
]
DURATION_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"

Duration = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        extra_json_schema={"x-hint": "write a number and a unit: 500ms, 20s, 1.5s, 2h"},
    ),
]
PositiveDuration = Annotated[
    str,
    Meta(
        pattern=r"^(?=.*[1-9])[0-9]+(\.[0-9]+)?(ms|s|m|h)$",
        extra_json_schema={"x-hint": "write a number above zero and a unit: 500ms, 2s, 1.5s"},
    ),
]
SecondsOrMore = Annotated[
    str,
    Meta(
        pattern=r"^([1-9][0-9]{3,}ms|[1-9][0-9]*(\.[0-9]+)?(s|m|h))$",
        extra_json_schema={"x-hint": "write one second or more: 1.5s, 5s, 5m"},
    ),
]
RetentionPeriod = Annotated[
    str,
    Meta(
        pattern=r"^(none|[1-9][0-9]{0,3}(h|d))$",
        extra_json_schema={"x-hint": "write a whole number of hours or days: 12h, 30d; or none"},
    ),
]
StorageSize = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,4}(MB|GB)$",
        extra_json_schema={"x-hint": "write a whole number of MB or GB: 500MB, 2GB"},
    ),
]
SPECIAL_TARGETS = ("repeat", "back")  # what a key can do in place of leading to a state
MAX_STATE_NAME = 40
StateName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]*$",
        max_length=MAX_STATE_NAME,
        extra_json_schema={
            "x-hint": "state names are lower case letters, digits and _, such as ask_account"
        },
    ),
    mark_name("state"),
]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]*$",
        max_length=40,
        extra_json_schema={"x-hint": "names are lower case letters, digits and _"},
    ),
]
VariableName = Annotated[Name, mark_name("variable")]
ServiceName = Annotated[Name, mark_name("service")]
FlowName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9-]*$",
        max_length=40,
        extra_json_schema={"x-hint": "flow names are lower case letters, digits and -"},
    ),
    mark_name("flow"),
]
Condition = Annotated[
    str,
    Meta(
        description='An expression that is true or false, such as `vars.tier == "gold"`.',
        examples=['vars.tier == "gold"'],
        min_length=1,
    ),
    mark_name("expression"),
]
DtmfTones = Annotated[
    str,
    Meta(
        pattern=r"^([0-9#w]|\$\{[\s\S]*\})*$",
        extra_json_schema={"x-hint": "the platform sends 0-9, # and w (half a second) only"},
    ),
]
DtmfKey = Annotated[
    str, Meta(pattern=r"^[0-9*#]$", extra_json_schema={"x-hint": "a key is one of 0-9 * #"})
]
MAX_OPTION_KEYS = 6
OptionKeys = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9*#]{{1,{MAX_OPTION_KEYS}}}$",
        extra_json_schema={
            "x-hint": "write a key (0-9 * #), or up to six in a row such as 101; a range is written "
            "key by key, and what else an option has stands in its braces: 1: {next: main, when: …}"
        },
    ),
]
Attempts = Annotated[int, Meta(ge=1, le=9)]
LOCALE_PATTERN = r"^[a-zA-Z]{2,3}(-[A-Za-z]{2,4}){0,2}$"
Locale = Annotated[
    str,
    Meta(
        pattern=LOCALE_PATTERN,
        extra_json_schema={"x-hint": "write language and country: en-US, sv-SE"},
    ),
    mark_name("locale"),
]


def parse_millis(text: str) -> int:
    """The milliseconds of an authored duration.

    >>> parse_millis("1.5s"), parse_millis("2h"), parse_millis("500ms")
    (1500, 7200000, 500)
    """
    # the schema has checked it
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return round(float(number) * DURATION_UNITS[unit])


def parse_period_seconds(text: str) -> int:
    """The seconds of an authored period.

    >>> parse_period_seconds("12h"), parse_period_seconds("30d"), parse_period_seconds("none")
    (43200, 2592000, 0)
    """
    return 0 if text == "none" else int(text[:-1]) * {"h": 3600, "d": 86_400}[text[-1]]


def parse_seconds(text: str) -> int:
    """The whole seconds of an authored duration. `StateBuilder.compile_seconds` has reported
    invalid ones.
    """
    return parse_millis(text) // 1000


def parse_size_bytes(text: str) -> int:
    """The bytes of an authored size.

    >>> parse_size_bytes("500MB"), parse_size_bytes("2GB")
    (500000000, 2000000000)
    """
    return int(text[:-2]) * {"MB": 10**6, "GB": 10**9}[text[-2:]]
