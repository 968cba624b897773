"""The authored options of `agent:`."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.field_types import Name, StateName, mark_name
from flowengine.states.queue_plan import AgentStatus


class AuthoredAgent(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Have a member of a group sign in, sign out or pause: queues offer calls to those alone who are
    signed in.
    """

    group: Annotated[
        Name,
        mark_name("group"),
        Meta(
            description="The group: the name of its file below groups/.",
            examples=["support"],
            extra_json_schema={
                "x-hint": "name a group: the name of a file in groups/, without .yaml"
            },
        ),
    ]
    sign: Annotated[
        AgentStatus,
        Meta(
            description="in: queues of the group offer calls to this member. out: they offer none, "
            "and where all members are out, their callers go on by `nobody`. pause: they offer none "
            "for now, and callers wait.",
            examples=["in"],
        ),
    ]
    is_: (
        Annotated[
            str,
            Meta(
                description="The phone number or SIP address of the member; without it, that of the "
                "caller.",
                examples=["${vars.number}"],
            ),
        ]
        | UnsetType
    ) = msgspec.field(default=UNSET, name="is")
    unknown: Annotated[
        StateName,
        Meta(
            description="Where the call goes when nobody in the group has this number.",
            examples=["not_known"],
        ),
    ]
