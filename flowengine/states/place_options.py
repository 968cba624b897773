"""The options of `place`, as authors write them."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.limits import MAX_PLACEMENT_TRIES
from flowengine.states.field_types import Duration, FlowName, Name, Scalar, mark_name
from flowengine.states.subflow import CalleeVariable


class AuthoredPlace(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    rename={"given": "with", "delay": "in"},
):
    """Have somebody called, now or later, who comes into a flow by answering. The state does not
    wait for it.
    """

    flow: Annotated[
        FlowName,
        Meta(
            description="The flow that begins when somebody answers, at its `on: answered:`.",
            examples=["we-call-back"],
        ),
    ]
    to: Annotated[
        str,
        Meta(
            description="Whom to call: a phone number with + and country code, or a SIP address.",
            examples=["${call.from}", "+14045009001"],
        ),
    ]
    given: Annotated[
        dict[CalleeVariable, Scalar],
        Meta(description="Values for the inputs of the flow.", examples=[{"name": "${vars.name}"}]),
    ] = {}
    delay: (
        Annotated[
            Duration, Meta(description="Not before so much time has passed.", examples=["10m"])
        ]
        | UnsetType
    ) = UNSET
    at: (
        Annotated[
            str,
            Meta(
                description="Not before this date and time, such as `2026-12-24 09:30`, by the clock "
                "of `zone`.",
                examples=["${vars.day} ${vars.hour}"],
            ),
        ]
        | UnsetType
    ) = UNSET
    when: (
        Annotated[
            Literal["my turn"],
            Meta(
                description="`my turn`: not before the call is over, and the turn of the caller comes in the "
                "queue in which they have waited last. They keep their place there, and come in front in the queue "
                "of the flow that is called.",
                examples=["my turn"],
            ),
        ]
        | UnsetType
    ) = UNSET
    within: (
        Annotated[
            Name,
            mark_name("calendar"),
            Meta(
                description="The calendar in whose hours people are called; without it, at any "
                "time.",
                examples=["support"],
            ),
        ]
        | UnsetType
    ) = UNSET
    zone: (
        Annotated[
            str,
            Meta(
                description="The clock for `within` and `at`: an IANA time zone, or `callee` for "
                "the one of the number that is called. Without it, that of the calendar, or of the "
                "project.",
                examples=["callee", "Europe/Stockholm"],
            ),
        ]
        | UnsetType
    ) = UNSET
    tries: Annotated[
        int,
        Meta(
            description="How often to call, at most, until somebody answers.",
            examples=[3],
            ge=1,
            le=MAX_PLACEMENT_TRIES,
        ),
    ] = 1
    pause: Annotated[
        Duration, Meta(description="The time between two tries.", examples=["10m"])
    ] = "10m"
    ring: Annotated[
        Duration,
        Meta(description="How long the phone rings, in whole seconds.", examples=["30s"]),
    ] = "30s"
    caller_id: (
        Annotated[
            str,
            Meta(
                description="The number that is shown, or `private`; without it, the number that "
                "the caller of this flow dialled.",
                examples=["+14045001000"],
            ),
        ]
        | UnsetType
    ) = UNSET
    key: (
        Annotated[
            str,
            Meta(
                description="What tells this call from all others into the flow: the same key "
                "places nothing twice, which the flow cannot tell. Without it, each time that a call comes here places one.",
                examples=["visit ${vars.visit}"],
            ),
        ]
        | UnsetType
    ) = UNSET
