"""Recordings: where they go, and the instruction that begins one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

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
BUCKET_PATTERN: Final = re.compile(r"(?:s3|azure)://[^/\s]+/")
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
    str,
    Meta(
        description="The key of the place in `to:` beside it; use a secret. Without it, that of "
        "`recordings:` of the project where both lie in one bucket of S3 or one account of Azure.",
        examples=["${secrets.s3}"],
    ),
]
# The platform documents mp3 as its default and has no list of others. The format ends the name of
# the file, so it must not lead elsewhere.
RecordingFormat = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9]{2,5}$",
        description="The audio format, in small letters and digits.",
        examples=["mp3"],
    ),
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
    credentials = compile_credentials(builder, path, recording, late=late)
    if not recording.to and storage is None and recording.credentials is UNSET:
        cure = "write to: s3://bucket/folder, or say it for all under recordings: of the project"
        builder.add_problem(
            "FE415", path, "nothing says where the recording goes", cure, at_key=True
        )
        return None
    if not recording.to and recording.credentials is not UNSET:
        builder.add_problem(
            "FE423",
            (*path, "credentials"),
            "nothing says which storage these credentials open",
            "write its address beside them as `to: s3://bucket/folder`, or move them to "
            "`recordings:` of the project",
            at_key=True,
        )
        return None
    to = (
        storage.to
        if storage and not recording.to
        else compile_destination(builder, (*path, "to"), recording.to, late=late)
    )
    if not to:
        return None
    if storage and recording.credentials is UNSET and is_same_storage(to, storage.to):
        credentials = storage.credentials
    return CompiledRecording(
        to,
        credentials,
        recording.format,
        recording.notify,
        recording.transcribe,
        builder.context.secrets,
    )


def compile_credentials(
    builder: StateBuilder, path: KeyPath, recording: Recording, *, late: bool
) -> Template | None:
    if not isinstance(recording.credentials, str):
        return None
    # secrets exist in this scope only: in a prompt or a variable they would be a mistake of FE301
    scope = builder.scope.extend(dict.fromkeys(builder.context.secrets, Type.TEXT))
    return builder.compile_template(
        (*path, "credentials"), recording.credentials, late=late, scope=scope
    )


def compile_destination(
    builder: StateBuilder, path: KeyPath, address: str, *, late: bool
) -> Template | None:
    to = builder.compile_template(path, address, late=late)
    if to and to.constant is not None and not RECORDING_URL_PATTERN.fullmatch(to.constant):
        builder.add_problem("FE415", path, *WRONG_DESTINATION)
    return to


def is_same_storage(to: Template, other: Template) -> bool:
    """Whether both addresses are in one bucket or account, whatever values they hold."""
    return to is other or get_bucket(to) == get_bucket(other) != ""


def get_bucket(to: Template) -> str:
    """The address as far as its bucket or account; empty where a value has a say in that."""
    literal = to.parts[0] if to.parts else ""
    if not isinstance(literal, str):
        return ""
    found = BUCKET_PATTERN.match(literal if to.constant is None else f"{literal}/")
    return found[0] if found else ""
