"""The file of a group: people who take calls together."""

from typing import Annotated

import msgspec
from msgspec import Meta

from flowengine.states.field_types import Duration
from flowengine.states.ring_options import Members, Order, RingTime


class GroupFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """People who take calls together, of rings and of a queue, and how."""

    members: Annotated[
        Members,
        Meta(
            description="Who can be rung: phone numbers with + and country code, and SIP addresses.",
            examples=[["+14045009001", "sip:desk@pbx.example.com"]],
        ),
    ]
    order: Order = "all at once"
    each: RingTime = "20s"
    wrap_up: Annotated[
        Duration,
        Meta(
            description="How long a member is left alone after a call, in whole seconds.",
            examples=["10s"],
        ),
    ] = "0s"
    most_waiting: Annotated[
        int,
        Meta(
            description="How many callers may wait in the queue of the group, some more where "
            "they come at the same moment; without it, any number.",
            examples=[20],
            ge=0,
        ),
    ] = 0
    pause: Annotated[
        Duration,
        Meta(
            description="How long a member is left alone who has not taken a call of the queue, in "
            "whole seconds.",
            examples=["30s"],
        ),
    ] = "10s"
