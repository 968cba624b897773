"""The authored options of `record_message:`."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.states.field_types import Attempts, DtmfKey, Duration, StateName, VariableName
from flowengine.states.prompt import Prompt
from flowengine.states.question import AuthoredRetryPrompts, BargeIn
from flowengine.states.recording import (
    RecordingCredentials,
    RecordingDestination,
    RecordingFormat,
    Transcription,
)


class AuthoredMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask for a spoken message, and go on when its file is there."""

    prompt: Annotated[
        Prompt,
        Meta(
            description="What the caller hears before the recording begins.",
            examples=["Please leave a message after the tone."],
        ),
    ]
    into: Annotated[
        VariableName,
        Meta(
            description="The variable that takes the address of the file: a text with `max: 256`.",
            examples=["message"],
        ),
    ]
    beep: (
        Annotated[
            Prompt,
            Meta(
                description="The tone, after the prompt and before the recording; without it, that "
                "of `recordings:` in the project.",
                examples=[{"audio": "https://media.example.com/beep.mp3"}],
            ),
        ]
        | UnsetType
    ) = UNSET
    limit: Annotated[
        Duration,
        Meta(description="About how long a message may be, at most 15m.", examples=["2m"]),
    ] = "2m"
    end: Annotated[DtmfKey, Meta(description="The key that ends the message.", examples=["#"])] = (
        "#"
    )
    silent: (
        Annotated[
            StateName,
            Meta(
                description="Where the call goes when the caller says nothing at first. With it, "
                "the platform listens to the first words, as a menu with `hear:` does.",
                examples=["bye"],
            ),
        ]
        | UnsetType
    ) = UNSET
    silence: Annotated[
        Duration,
        Meta(description="How long the caller may say nothing at first.", examples=["8s"]),
    ] = "8s"
    review: (
        Annotated[
            Prompt,
            Meta(
                description="Asked after the message: key 1 sends it, key 2 records it again. "
                "Without an answer, or when the caller hangs up, it is sent.",
                examples=["To send it press 1, to say it again press 2."],
            ),
        ]
        | UnsetType
    ) = UNSET
    again: (
        Annotated[
            Prompt,
            Meta(
                description="Said before the recording begins again, instead of `prompt`.",
                examples=["Please speak after the tone."],
            ),
        ]
        | UnsetType
    ) = UNSET
    attempts: (
        Annotated[
            Attempts, Meta(description="How often the review is asked at most.", examples=[3])
        ]
        | UnsetType
    ) = UNSET
    no_input: (
        Annotated[
            AuthoredRetryPrompts,
            Meta(description="Said before the review is asked again after silence."),
        ]
        | UnsetType
    ) = UNSET
    no_match: (
        Annotated[
            AuthoredRetryPrompts,
            Meta(description="Said before the review is asked again after another key."),
        ]
        | UnsetType
    ) = UNSET
    timeout: (
        Annotated[
            Duration,
            Meta(description="How long the review waits for a key.", examples=["5s"]),
        ]
        | UnsetType
    ) = UNSET
    barge: BargeIn = True
    thanks: (
        Annotated[
            Prompt,
            Meta(
                description="Said when the message is accepted, before its file is there.",
                examples=["Thank you. One moment, please."],
            ),
        ]
        | UnsetType
    ) = UNSET
    wait: Annotated[
        Duration,
        Meta(
            description="How long the caller waits for the file in silence, at most 2m. Then the call "
            "ends, "
            "and the states that follow run without the caller.",
            examples=["20s"],
        ),
    ] = "20s"
    to: RecordingDestination = ""
    credentials: RecordingCredentials | UnsetType = UNSET
    format: RecordingFormat = "mp3"
    transcribe: Transcription = False
