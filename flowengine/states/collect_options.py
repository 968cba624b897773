"""The authored options of `collect:`, and the keys of the flow that work in it."""

from collections.abc import Collection
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import (
    SPECIAL_TARGETS,
    Attempts,
    Condition,
    Duration,
    StateName,
    VariableName,
)
from flowengine.states.prompt import Prompt
from flowengine.states.question import (
    AuthoredRetryPrompts,
    BargeIn,
    PlatformRepeats,
    SilentTarget,
    VoiceTimeout,
)


class Collect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask for digits (or words) and keep them in a variable."""

    prompt: Annotated[
        Prompt,
        Meta(
            description="What the caller hears first.",
            examples=["Please enter your account number."],
        ),
    ]
    into: Annotated[
        VariableName, Meta(description="The variable that keeps the input.", examples=["account"])
    ]
    digits: (
        Annotated[
            int
            | Annotated[
                str,
                Meta(
                    pattern=r"^[0-9]{1,2}-[0-9]{1,2}$",
                    extra_json_schema={
                        "x-hint": "write a number such as 8, or a range such as 4-8"
                    },
                ),
            ],
            Meta(
                description="How many digits: one number, or a range such as 4-8. A shorter input "
                "than the most is ended with #. In a decimal, key * is the point, and counts.",
                examples=[8, "4-8"],
            ),
        ]
        | UnsetType
    ) = UNSET
    format: (
        Annotated[
            str,
            Meta(
                description="How a date is keyed in, for a variable of type date.",
                pattern=r"^(DD|MM|YYYY|YY){2,3}$",
                examples=["MMDDYYYY"],
                extra_json_schema={
                    "x-hint": "write DD, MM and YYYY or YY in the order of the keys: MMDDYYYY"
                },
            ),
        ]
        | UnsetType
    ) = UNSET
    terminator: Annotated[
        str,
        Meta(
            description="The key that ends the input early; the platform knows only #.",
            pattern="^#$",
            examples=["#"],
        ),
    ] = "#"
    voice: Annotated[
        bool, Meta(description="Whether the caller may also speak the input.", examples=[False])
    ] = False
    valid: (
        Annotated[
            Condition,
            Meta(
                description="What must hold for the input; it reads the new value.",
                examples=["luhn(vars.account)"],
            ),
        ]
        | UnsetType
    ) = UNSET
    invalid: (
        Annotated[
            AuthoredRetryPrompts, Meta(description="Said when the input is too short or not valid.")
        ]
        | UnsetType
    ) = UNSET
    confirm: (
        Annotated[
            Prompt,
            Meta(
                description="Reads the input back; key 1 or a spoken yes keeps it, key 2 or a "
                "spoken no asks again.",
                examples=[
                    "You entered ${spell(vars.account)}. Press 1 if that is right, 2 to try again."
                ],
            ),
        ]
        | UnsetType
    ) = UNSET
    hear_yes: (
        Annotated[
            list[str],
            Meta(
                description="Words that confirm by voice, instead of those of the locale.",
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
                description="Words that refuse by voice, instead of those of the locale.",
                examples=[["no", "wrong"]],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    again: (
        Annotated[
            Prompt,
            Meta(description="What is asked from the second attempt on, instead of `prompt`."),
        ]
        | UnsetType
    ) = UNSET
    attempts: (
        Annotated[
            Attempts, Meta(description="How often the question is asked at most.", examples=[3])
        ]
        | UnsetType
    ) = UNSET
    no_input: (
        Annotated[AuthoredRetryPrompts, Meta(description="Said before asking again after silence.")]
        | UnsetType
    ) = UNSET
    otherwise: (
        Annotated[
            StateName,
            Meta(description="Where the call goes when attempts run out.", examples=["agents"]),
        ]
        | UnsetType
    ) = UNSET
    empty: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes when the caller presses # alone; without it, that is "
                "no input.",
                examples=["operator"],
            ),
        ]
        | UnsetType
    ) = UNSET
    silent: SilentTarget | UnsetType = UNSET
    timeout: (
        Annotated[Duration, Meta(description="How long to wait for the next key.", examples=["5s"])]
        | UnsetType
    ) = UNSET
    voice_timeout: VoiceTimeout = "20s"
    repeats: PlatformRepeats = 0
    barge: BargeIn = True


def add_global_exits(builder: StateBuilder, keys: Collection[str]) -> dict[str, str]:
    """Add exits for those of the keys that work everywhere in the flow."""
    return {
        key: target
        if target in SPECIAL_TARGETS
        else builder.add_exit(f"key {key}", target, (), "pie")
        for key, target in builder.context.global_keys.items()
        if key in keys
    }


def add_question_keys(
    builder: StateBuilder, path: KeyPath, collect: Collect, least: int
) -> tuple[dict[str, str], dict[str, str]]:
    """The keys that lead elsewhere from the question, and those that do so from its read-back: the
    keys of the flow, and # where an empty input has an exit.
    """
    everywhere = builder.context.global_keys
    # where one digit is an input, a digit cannot lead elsewhere; 1 and 2 answer the read-back
    asked = {key for key in everywhere if least > 1 or not key.isdigit()}
    asked -= {"#"} if collect.empty is not UNSET else set()
    has_read_back = collect.confirm is not UNSET
    confirming = {key for key in everywhere if has_read_back and key not in ("1", "2")}
    keys = add_global_exits(builder, asked | confirming)
    own = {}
    if collect.empty is not UNSET:
        # the platform ends an input at #, so # alone comes as an empty one
        own["#"] = builder.add_exit("empty", collect.empty, (*path, "empty"), "pie")
    return (
        {key: leads for key, leads in keys.items() if key in asked} | own,
        {key: leads for key, leads in keys.items() if key in confirming},
    )
