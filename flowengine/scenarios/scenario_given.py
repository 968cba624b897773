"""What is given in a scenario, as its author wrote it: the call, the time, the answers of services."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.field_types import JsonBody, ServiceName, VariableName


class ExpectedLookup(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One request that a flow makes to another system, and what comes of it. It must be made, and
    exactly as it stands here.
    """

    service: Annotated[ServiceName, Meta(description="A service of the project.", examples=["crm"])]
    get: (
        Annotated[
            str,
            Meta(
                description="The path of a GET; `*` stands for anything.",
                examples=["/accounts/12345674"],
            ),
        ]
        | UnsetType
    ) = UNSET
    post: (
        Annotated[str, Meta(description="The path of a POST.", examples=["/calls/*/notes"])]
        | UnsetType
    ) = UNSET
    put: (
        Annotated[str, Meta(description="The path of a PUT.", examples=["/visits/A-17"])]
        | UnsetType
    ) = UNSET
    patch: (
        Annotated[str, Meta(description="The path of a PATCH.", examples=["/orders/A-17"])]
        | UnsetType
    ) = UNSET
    delete: (
        Annotated[str, Meta(description="The path of a DELETE.", examples=["/visits/A-17"])]
        | UnsetType
    ) = UNSET
    body: (
        Annotated[
            JsonBody,
            Meta(
                description="What must be sent, with its lists and groups; `*` in a text stands "
                "for anything.",
                examples=[{"confirmed": True}],
            ),
        ]
        | UnsetType
    ) = UNSET
    headers: Annotated[
        dict[str, str],
        Meta(description="Headers that must be sent.", examples=[{"X-Line": "order-status"}]),
    ] = {}
    status: Annotated[
        int, Meta(description="The status of the answer.", examples=[404], ge=100, le=599)
    ] = 200
    answer: (
        Annotated[
            Any,
            Meta(description="The body of the answer.", examples=[{"name": "Ann", "tier": "gold"}]),
        ]
        | UnsetType
    ) = UNSET
    fails: (
        Annotated[
            Literal["timeout", "unreachable"],
            Meta(description="There is no answer at all, and why.", examples=["timeout"]),
        ]
        | UnsetType
    ) = UNSET
    times: (
        Annotated[
            Literal["any"] | Annotated[int, Meta(ge=1, le=100)],
            Meta(description="How often it is asked: a number, or `any`.", examples=[2, "any"]),
        ]
        | UnsetType
    ) = UNSET


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is so before anything happens. What a scenario does not say, its file says under the
    `given` of all; then a default holds.
    """

    caller: (
        Annotated[
            str,
            Meta(
                description="Who calls: a number, an app user, a SIP address, `private` for a "
                "withheld number, or `unknown`.",
                examples=["+14045550199"],
            ),
        ]
        | UnsetType
    ) = UNSET
    redirected_from: (
        Annotated[
            str,
            Meta(
                description="The number that forwards the call to the one that is dialled.",
                examples=["+14045550177"],
            ),
        ]
        | UnsetType
    ) = UNSET
    to: (
        Annotated[
            str,
            Meta(
                description="What is dialled, or who is called by a placed call; by default what "
                "the project's routes lead to this flow.",
                examples=["+14045550101"],
            ),
        ]
        | UnsetType
    ) = UNSET
    type: (
        Annotated[
            Literal["did", "number", "username", "sip", "conference"],
            Meta(description="The kind of address that is dialled.", examples=["did"]),
        ]
        | UnsetType
    ) = UNSET
    origin: (
        Annotated[
            Literal["pstn", "mxp", "sip"],
            Meta(description="Where the call comes from: mxp is an app.", examples=["mxp"]),
        ]
        | UnsetType
    ) = UNSET
    placed: (
        Annotated[
            Literal["tts", "conference", "custom", "flow"],
            Meta(
                description="Your system places the call, by a callout of this kind; with `flow`, a "
                "flow has asked for it by `place`, or `flowengine place` has.",
                examples=["custom"],
            ),
        ]
        | UnsetType
    ) = UNSET
    data: (
        Annotated[
            dict[VariableName, Any],
            Meta(
                description="Inputs that a placed call hands to the flow.",
                examples=[{"name": "Ms Lee"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    custom: (
        Annotated[
            str,
            Meta(
                description="The text that comes with the call, as it is.", examples=["campaign 7"]
            ),
        ]
        | UnsetType
    ) = UNSET
    text: (
        Annotated[str, Meta(description="What a tts callout says.", examples=["Hello from Acme."])]
        | UnsetType
    ) = UNSET
    conference: (
        Annotated[
            str, Meta(description="Where a conference callout leads.", examples=["room-1001"])
        ]
        | UnsetType
    ) = UNSET
    headers: (
        Annotated[
            dict[str, str],
            Meta(
                description="Call headers that an app or SIP caller sends.",
                examples=[{"X-Tier": "gold"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    time: (
        Annotated[
            str,
            Meta(
                description="When the call begins, in the zone.",
                examples=["2026-03-02 10:00"],
                pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?$",
                extra_json_schema={"x-hint": "write date and time: 2026-03-02 10:00"},
            ),
        ]
        | UnsetType
    ) = UNSET
    zone: (
        Annotated[
            str,
            Meta(
                description="The IANA zone of `time`; by default the project's.",
                examples=["Europe/Stockholm"],
            ),
        ]
        | UnsetType
    ) = UNSET
    cookies: (
        Annotated[
            bool,
            Meta(
                description="Whether cookies alone hold the state of the call, as with `serve "
                "--store none`.",
                examples=[True],
            ),
        ]
        | UnsetType
    ) = UNSET
    seed: (
        Annotated[
            int,
            Meta(
                description="Decides what is left to chance, such as the call's id.",
                examples=[7],
                ge=0,
            ),
        ]
        | UnsetType
    ) = UNSET
    environment: (
        Annotated[
            dict[str, str],
            Meta(
                description="Variables of the environment; one that is empty is not set. Others "
                "have a test value.",
                examples=[{"CRM_TOKEN": ""}],
            ),
        ]
        | UnsetType
    ) = UNSET
    lookups: (
        Annotated[
            list[ExpectedLookup],
            Meta(
                description="What the flow asks other systems, and what they answer.",
                examples=[
                    [{"service": "crm", "get": "/accounts/12345674", "answer": {"name": "Ann"}}]
                ],
            ),
        ]
        | UnsetType
    ) = UNSET
