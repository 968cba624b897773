"""The authored options of fetch:."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.source import KeyPath
from flowengine.states.field_types import (
    Condition,
    JsonBody,
    PositiveDuration,
    ServiceName,
    StateName,
    VariableName,
)

HTTP_METHODS = ("get", "post", "put", "patch", "delete")
GET_WITH_BODY = (
    "a get has no body: services and what is on the way to them may drop it",
    "write `post:` in place of `get:`, or put the values into the path, behind a ?",
)
COMPUTED_KEY = (
    "keys of a body cannot be computed: this one is sent as it stands",
    "write the key itself, and what is computed as a value",
)
ServicePath = Annotated[
    str,
    Meta(
        description="The path below the service's address; values are escaped.",
        examples=["/accounts/${vars.account}"],
    ),
]
StatusKey = Annotated[
    str,
    Meta(
        pattern=r"^([1-5][0-9]{2}|[1-5]xx|timeout)$",
        extra_json_schema={"x-hint": "write a status such as 404, 5xx, or timeout"},
    ),
]


def describe_empty_value(path: KeyPath) -> tuple[str, str]:
    """What is wrong with a value of a body for which nothing is written, and its cure."""
    return f"{path[-1]} is empty: a value is expected", "write null for nothing"


class Fetch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask another system. Exactly one of get, post, put, patch, delete."""

    service: Annotated[ServiceName, Meta(description="A service of the project.", examples=["crm"])]
    get: ServicePath | UnsetType = UNSET
    post: ServicePath | UnsetType = UNSET
    put: ServicePath | UnsetType = UNSET
    patch: ServicePath | UnsetType = UNSET
    delete: ServicePath | UnsetType = UNSET
    body: (
        Annotated[
            JsonBody,
            Meta(
                description="Sent as JSON: values, lists and groups in each other. Texts may have "
                "`${…}`; one that is a single `${…}` keeps its type. Keys stand as they are, and a "
                "`get` has no body.",
                examples=[{"account": "${vars.account}"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(description="Headers beside those of the service.", examples=[{"X-Line": "support"}]),
    ] = {}
    into: Annotated[
        dict[VariableName, Condition],
        Meta(
            description="Variables and what they take from `body` and `status`.",
            examples=[{"name": "body.name"}],
        ),
    ] = {}
    timeout: (
        Annotated[
            PositiveDuration,
            Meta(
                description="The longest wait; never past the callback's deadline.",
                examples=["1.5s"],
            ),
        ]
        | UnsetType
    ) = UNSET
    retries: (
        Annotated[
            int,
            Meta(
                description="How often a failed connection or a 5xx is tried again, time "
                "permitting.",
                examples=[1],
                ge=0,
                le=3,
            ),
        ]
        | UnsetType
    ) = UNSET
    on: Annotated[
        dict[StatusKey, StateName],
        Meta(
            description="Exits by status: 404, 5xx or timeout.",
            examples=[{"404": "unknown_account"}],
        ),
    ] = {}
    failed: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes when the lookup fails in any other way.",
                examples=["agents"],
            ),
        ]
        | UnsetType
    ) = UNSET
