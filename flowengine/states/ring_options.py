"""The authored options of `ring:`, and those that a group has in common with it."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.limits import MAX_RING_MEMBERS
from flowengine.states.connect_options import Music
from flowengine.states.field_types import DtmfKey, Duration, Name, StateName, mark_name
from flowengine.states.prompt import Prompt
from flowengine.states.ring_plan import RingOrder

NO_APP_HINT = (
    "write a number such as '+14045009000' or a SIP address; the platform does not tell when an app "
    "user has answered, so that connect: {app: …} alone reaches one"
)
Member = Annotated[
    str,
    Meta(
        title="Member",
        description="Who can be rung: a phone number with + and country code, or a SIP address.",
        examples=["+14045009001", "sip:desk@pbx.example.com"],
        extra_json_schema={"x-hint": NO_APP_HINT},
    ),
]
Members = Annotated[
    list[Member],
    Meta(
        min_length=1,
        max_length=MAX_RING_MEMBERS,
        extra_json_schema={
            "x-hint": f"write from one to {MAX_RING_MEMBERS} members, such as ['+14045009001']"
        },
    ),
]
Order = Annotated[
    RingOrder,
    Meta(
        description="Who is rung when: all of them at once, or one after the other: in turn from the "
        "top, with round robin first the one who was rung the longest ago, with longest idle first "
        "the one who has been free for the longest, in all rings of all flows.",
        examples=["in turn"],
    ),
]
RingTime = Annotated[
    Duration,
    Meta(
        description="How long one phone rings, in whole seconds; without it, 20s.", examples=["15s"]
    ),
]


class Whisper(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a member hears on picking up, and the key that takes the call. An answering machine
    presses none.
    """

    prompt: Annotated[
        Prompt,
        Meta(
            description="What the member hears, with the key to press.",
            examples=["A call for sales. Press 1 to take it."],
        ),
    ]
    key: Annotated[
        DtmfKey
        | Annotated[int, Meta(ge=0, le=9, extra_json_schema={"x-hint": "a key is one of 0-9 * #"})],
        Meta(description="The key that takes the call.", examples=[1]),
    ] = "1"
    timeout: Annotated[
        Duration,
        Meta(
            description="How long the member may take to press it, in whole seconds.",
            examples=["8s"],
        ),
    ] = "8s"
    taken: (
        Annotated[
            Prompt,
            Meta(
                description="What a member hears who answers, or presses the key, when another one "
                "has the call; without it, nothing.",
                examples=["The call is taken. Thank you."],
            ),
        ]
        | UnsetType
    ) = UNSET


EachRing = Annotated[
    RingTime,
    Meta(
        description="How long the phone of a member rings, in whole seconds; without it, as the group "
        "says, or 20s.",
        examples=["15s"],
    ),
]
Accept = Annotated[
    str | Whisper,
    Meta(
        description="What a member hears on picking up, who then presses 1 to take the call. Without "
        "it, the first to pick up has the call, be it an answering machine.",
        examples=["A call for sales. Press 1 to take it."],
    ),
]
MemberCallerId = Annotated[
    str,
    Meta(
        description="The number shown to the members, or `private`; without it, the number that the "
        "caller dialled.",
        examples=["+14045001000"],
    ),
]
AfterExit = Annotated[
    StateName,
    Meta(
        description="Where the call goes when the member has hung up; without it, the call ends.",
        examples=["survey"],
    ),
]


class RingWait(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the caller hears meanwhile."""

    say: (
        Annotated[
            Prompt,
            Meta(description="Said once, at first.", examples=["We are looking for somebody."]),
        ]
        | UnsetType
    ) = UNSET
    music: Annotated[
        Music,
        Meta(
            description="Heard until somebody takes the call; `ring` is a ringing tone.",
            examples=["music1"],
        ),
    ] = "ring"


class AuthoredRing(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Ring one or several people, and connect the caller to the first who takes the call. Exactly
    one of who and group.
    """

    who: (
        Annotated[
            Members,
            Meta(
                description="Whom to ring: phone numbers with + and country code, and SIP addresses.",
                examples=[["+14045009001", "sip:desk@pbx.example.com"]],
            ),
        ]
        | UnsetType
    ) = UNSET
    group: (
        Annotated[
            Name,
            mark_name("group"),
            Meta(
                description="The group to ring: the name of its file below groups/.",
                examples=["sales"],
            ),
        ]
        | UnsetType
    ) = UNSET
    order: (
        Annotated[
            Order,
            Meta(description="Who is rung when; without it, as the group says, or all at once."),
        ]
        | UnsetType
    ) = UNSET
    each: EachRing | UnsetType = UNSET
    accept: Accept | UnsetType = UNSET
    wait: (
        Annotated[
            RingWait,
            Meta(
                description="What the caller hears meanwhile; without it, a ringing tone.",
                examples=[{"say": "We are looking for somebody.", "music": "music1"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    caller_id: MemberCallerId | UnsetType = UNSET
    nobody: Annotated[
        StateName,
        Meta(description="Where the call goes when nobody has taken it.", examples=["voicemail"]),
    ]
    busy: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes instead when all of them were busy.",
                examples=["all_busy"],
            ),
        ]
        | UnsetType
    ) = UNSET
    no_answer: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes instead when all of them rang and none answered.",
                examples=["voicemail"],
            ),
        ]
        | UnsetType
    ) = UNSET
    after: AfterExit | UnsetType = UNSET
