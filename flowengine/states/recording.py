"""Recordings: where they go, and the instruction that begins one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Template, Type
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.step_context import StepContext
from flowengine.svaml import (
    RECORDING_URL_PATTERN,
    Instruction,
    StartRecording,
    TranscriptionOptions,
)
from flowengine.svaml import RecordingOptions as WireRecording

TranscriptionLocale = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z]{2,3}([-_][A-Za-z]{2,4}){0,2}$",  # the platform spells one of them gd_GB
        extra_json_schema={"x-hint": "write language and country: en-US, sv-SE"},
    ),
]
WRONG_DESTINATION = (
    "a recording cannot go there",
    "write s3://bucket/folder or azure://account/container",
)
RecordingDestination = Annotated[
    str,
    Meta(
        min_length=1,
        description="Where the file goes: s3://bucket/folder or azure://account/container. Without "
        "it, where `recordings:` of the project go.",
        examples=["s3://voicemail/acme"],
    ),
]
RecordingCredentials = Annotated[
    str, Meta(description="The key of that place; use a secret.", examples=["${secrets.s3}"])
]
# The platform documents mp3 as its default and no list; wav is what flows take beside it. The format
# ends the name of the file, so that a free text could lead to another one.
RecordingFormat = Annotated[
    Literal["mp3", "wav"], Meta(description="The audio format.", examples=["mp3"])
]
Transcription = Annotated[
    bool | TranscriptionLocale,
    Meta(
        description="Transcribe the speech in this locale, or `true`: in the call's.",
        examples=["en-US", True],
    ),
]


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Start recording this leg. `record: stop` ends it."""

    to: RecordingDestination = ""
    credentials: RecordingCredentials | UnsetType = UNSET
    format: RecordingFormat = "mp3"
    notify: Annotated[
        bool, Meta(description="Whether `on: notified:` hears of the recording.", examples=[True])
    ] = True
    transcribe: Transcription = False


@dataclass(frozen=True, slots=True)
class CompiledRecording:
    """A compiled `record:`."""

    to: Template
    credentials: Template | None
    format: str
    notify: bool
    transcribe: bool | str
    secrets: Mapping[str, str] = field(repr=False)

    def build_instruction(self, run: StepContext, file_name: str = "") -> Instruction:
        """The instruction. With `file_name` the file has that name; else the platform names it."""
        names = run.bind_names(
            [name for part in (self.to, self.credentials) if part for name in part.names],
            self.secrets,
        )
        destination = self.to.render(names)
        locale = run.locale if self.transcribe is True else self.transcribe
        if not RECORDING_URL_PATTERN.fullmatch(destination):
            raise EvalError("the recording has no s3:// or azure:// address to go to")
        if file_name:
            destination = f"{destination.rstrip('/')}/{file_name}"
        return StartRecording(
            options=WireRecording(
                destination_url=destination,
                credentials=self.credentials.render(names) if self.credentials else "",
                format=self.format,
                notification_events=self.notify,
                transcription_options=TranscriptionOptions(enabled=True, locale=locale)
                if locale
                else None,
            )
        )


def compile_recording(
    builder: StateBuilder, path: KeyPath, recording: Recording, *, late: bool = False
) -> CompiledRecording | None:
    """A compiled recording; without `to:` it goes where the project's `recordings:` go."""
    storage = builder.context.storage
    if not recording.to and storage:
        return CompiledRecording(
            storage.to,
            storage.credentials,
            recording.format,
            recording.notify,
            recording.transcribe,
            builder.context.secrets,
        )
    # secrets exist in this scope only: in a prompt or a variable they would be a mistake of FE301
    scope = builder.scope.extend(dict.fromkeys(builder.context.secrets, Type.TEXT))
    to = builder.compile_template((*path, "to"), recording.to, late=late)
    if to and to.constant is not None and not RECORDING_URL_PATTERN.fullmatch(to.constant):
        builder.add_problem("FE415", (*path, "to"), *WRONG_DESTINATION)
    credentials = (
        builder.compile_template(
            (*path, "credentials"), recording.credentials, late=late, scope=scope
        )
        if isinstance(recording.credentials, str)
        else None
    )
    return (
        CompiledRecording(
            to,
            credentials,
            recording.format,
            recording.notify,
            recording.transcribe,
            builder.context.secrets,
        )
        if to
        else None
    )
