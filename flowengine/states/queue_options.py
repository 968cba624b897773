"""The authored options of `queue:`."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.connect_options import Music
from flowengine.states.field_types import DtmfKey, Duration, Name, StateName, mark_name
from flowengine.states.prompt import Prompt
from flowengine.states.queue_plan import MAX_PRIORITY, QueueOrder
from flowengine.states.ring_options import Accept, AfterExit, EachRing, MemberCallerId

OF_HINT = "name a group: the name of a file in groups/, without .yaml"


class QueueWait(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the caller hears while they wait."""

    say: (
        Annotated[
            Prompt,
            Meta(
                description="Said at first; `${queue.position}` is the place of the caller.",
                examples=["You are number ${queue.position}."],
            ),
        ]
        | UnsetType
    ) = UNSET
    estimate: (
        Annotated[
            Prompt,
            Meta(
                description="Said after that where the queue can tell how long it takes: "
                "`${queue.wait}` is a time such as `3 minutes`. Of a group that has taken no call "
                "yet, or whose member is free for the caller, nobody tells.",
                examples=["It takes about ${queue.wait}."],
            ),
        ]
        | UnsetType
    ) = UNSET
    every: (
        Annotated[
            Duration,
            Meta(
                description="Say all of it anew, as it stands by then, each time after so many "
                "seconds, 20 s to 1 h; without it, it is said once.",
                examples=["30s"],
            ),
        ]
        | UnsetType
    ) = UNSET
    music: Annotated[
        Music,
        Meta(
            description="Heard until somebody takes the call; `ring` is a ringing tone.",
            examples=["music2"],
        ),
    ] = "music1"


class AuthoredQueue(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """Have the caller wait until a member of a group is free and takes the call."""

    of: Annotated[
        Name,
        mark_name("group"),
        Meta(
            description="The group whose members take the calls: the name of its file below groups/.",
            examples=["support"],
            extra_json_schema={"x-hint": OF_HINT},
        ),
    ]
    wait: (
        Annotated[
            QueueWait,
            Meta(
                description="What the caller hears meanwhile; without it, music.",
                examples=[{"say": "You are number ${queue.position}.", "every": "30s"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    keys: Annotated[
        dict[DtmfKey, StateName],
        Meta(
            description="Keys by which the caller leaves the queue, and where the call goes then.",
            examples=[{"2": "call_back"}],
        ),
    ] = {}
    priority: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_PRIORITY, extra_json_schema={"x-hint": "write 0 to 9"})]
        | Annotated[str, mark_name("expression")],
        Meta(
            description="A number from 0 to 9, or an expression for one: callers with a higher one "
            "have their turn first.",
            examples=[5, 'vars.tier == "gold" ? 5 : 0'],
        ),
    ] = 0
    limit: (
        Annotated[
            Duration,
            Meta(
                description="The longest that a caller waits, in whole seconds; without it, for as "
                "long as they like, also when all members have signed out (`FE944`).",
                examples=["20m"],
            ),
        ]
        | UnsetType
    ) = UNSET
    order: (
        Annotated[
            QueueOrder,
            Meta(
                description="Who of the free members gets the next caller; without it, as the group "
                "says, or the one who has been free for the longest.",
                examples=["longest idle"],
            ),
        ]
        | UnsetType
    ) = UNSET
    each: EachRing | UnsetType = UNSET
    accept: Accept | UnsetType = UNSET
    caller_id: MemberCallerId | UnsetType = UNSET
    nobody: Annotated[
        StateName,
        Meta(
            description="Where the call goes when no member is signed in.", examples=["voicemail"]
        ),
    ]
    full: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes instead when as many wait as the group allows.",
                examples=["all_busy"],
            ),
        ]
        | UnsetType
    ) = UNSET
    too_long: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes instead when the caller has waited for `limit`.",
                examples=["voicemail"],
            ),
        ]
        | UnsetType
    ) = UNSET
    after: AfterExit | UnsetType = UNSET


def list_queue_keys(authored: Any) -> list[tuple[tuple[str, str], str | None]]:
    """Where each key leads, from the YAML below `queue:`."""
    return [(("keys", key), target) for key, target in authored.get("keys", {}).items()]
