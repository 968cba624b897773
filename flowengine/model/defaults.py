"""What states do when neither they nor their flow say otherwise."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.field_types import Attempts, Duration, StateName
from flowengine.states.question import AuthoredRetryPrompts


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What states do when they do not say otherwise."""

    attempts: (
        Annotated[Attempts, Meta(description="How often a question is asked.", examples=[3])]
        | UnsetType
    ) = UNSET
    timeout: (
        Annotated[Duration, Meta(description="How long to wait for a key.", examples=["5s"])]
        | UnsetType
    ) = UNSET
    no_input: (
        Annotated[
            AuthoredRetryPrompts,
            Meta(description="Said after silence.", examples=["Sorry, I did not hear you."]),
        ]
        | UnsetType
    ) = UNSET
    no_match: (
        Annotated[
            AuthoredRetryPrompts,
            Meta(
                description="Said after a wrong key.", examples=["That is not one of the choices."]
            ),
        ]
        | UnsetType
    ) = UNSET
    invalid: (
        Annotated[
            AuthoredRetryPrompts,
            Meta(
                description="Said after an input that is not valid.",
                examples=["That is not right."],
            ),
        ]
        | UnsetType
    ) = UNSET
    hear_yes: (
        Annotated[
            list[str],
            Meta(
                description="Words that confirm a read-back by voice, instead of the locale's.",
                examples=[["yes", "correct"]],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    hear_no: (
        Annotated[
            list[str],
            Meta(
                description="Words that refuse a read-back by voice, instead of the locale's.",
                examples=[["no", "wrong"]],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    otherwise: (
        Annotated[
            StateName,
            Meta(description="Where a call goes when attempts run out.", examples=["agents"]),
        ]
        | UnsetType
    ) = UNSET
    error: (
        Annotated[
            StateName,
            Meta(
                description="Where a call goes when a state fails, in each flow that has a state "
                "of this name.",
                examples=["agents"],
            ),
        ]
        | UnsetType
    ) = UNSET
