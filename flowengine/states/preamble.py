"""What a state does before its verb: change the locale, answer, record, speak, send keys, report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Template, Type
from flowengine.limits import MAX_REPORT_DETAILS
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_actions import filter_dtmf
from flowengine.states.field_types import LOCALE_PATTERN
from flowengine.states.prompt import CompiledPrompt
from flowengine.states.step_context import StepContext
from flowengine.svaml import (
    RECORDING_URL_PATTERN,
    Answer,
    Instruction,
    ReportCallStatus,
    SendDtmf,
    StartRecording,
    StopRecording,
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
RECORD_EXAMPLE = """
leave_message:
  record: {to: "s3://voicemail/acme", credentials: "${secrets.s3}", transcribe: en-US}
  say: Please speak after the tone.
  next: wait_for_key
"""


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Start recording this leg. `record: stop` ends it."""

    to: Annotated[
        str,
        Meta(
            min_length=1,
            description="Where the file goes: s3://bucket/folder or azure://account/container.",
            examples=["s3://voicemail/acme"],
        ),
    ] = ""
    credentials: (
        Annotated[
            str,
            Meta(description="The key of that place; use a secret.", examples=["${secrets.s3}"]),
        ]
        | UnsetType
    ) = UNSET
    format: Annotated[str, Meta(description="The audio format.", examples=["mp3"])] = "mp3"
    notify: Annotated[
        bool, Meta(description="Whether `on: notified:` hears of the recording.", examples=[True])
    ] = True
    transcribe: Annotated[
        bool | TranscriptionLocale,
        Meta(
            description="Transcribe the speech in this locale, or `true`: in the call's.",
            examples=["en-US", True],
        ),
    ] = False


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A verdict on the ended call for the platform's call records."""

    status: Annotated[
        Literal["success", "failure"],
        Meta(description="Whether the call reached its purpose.", examples=["success"]),
    ]
    details: (
        Annotated[str, Meta(description="At most 64 characters.", examples=["bill paid"])]
        | UnsetType
    ) = UNSET


@dataclass(frozen=True, slots=True)
class CompiledRecording:
    """A compiled `record:`."""

    to: Template
    credentials: Template | None
    format: str
    notify: bool
    transcribe: bool | str
    secrets: Mapping[str, str] = field(repr=False)

    def build_instruction(self, run: StepContext) -> Instruction:
        names = run.bind_names(
            [name for part in (self.to, self.credentials) if part for name in part.names],
            self.secrets,
        )
        destination = self.to.render(names)
        locale = run.locale if self.transcribe is True else self.transcribe
        if not RECORDING_URL_PATTERN.fullmatch(destination):
            raise EvalError("the recording has no s3:// or azure:// address to go to")
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


@dataclass(frozen=True, slots=True)
class Preamble:
    """What a state does before its verb, in the order in which it is sent: locale, answer, record,
    say, keys, report.
    """

    locale: Template | None = None
    answer: bool = False
    record: CompiledRecording | None = None
    stop: bool = False
    say: CompiledPrompt | None = None
    dtmf: Template | None = None
    status: str = ""
    details: Template | None = None

    @property
    def instructions(self) -> frozenset[str]:
        """The instructions that it sends, for the check of where they are legal."""
        spoken = (
            {"say" if part.kind == "text" else "playFiles" for part in self.say.parts}
            if self.say
            else set()
        )
        flags = {
            "answer": self.answer,
            "startRecording": self.record,
            "stopRecording": self.stop,
            "sendDtmf": self.dtmf,
        }
        return frozenset(
            spoken
            | {name for name, present in flags.items() if present}
            | ({"reportCallStatus"} if self.status else set())
        )

    def add_instructions(self, run: StepContext) -> None:
        """Add the instructions to what is said. Raises EvalError."""
        if self.locale:
            self.change_locale(run, self.locale.render(run.names))
        if self.answer:
            run.instructions.append(Answer())
        # before the prompt, as what precedes the instruction is not recorded (platform notes, 5)
        self.add_recording(run)
        if self.say:
            run.instructions.extend(self.say.build_instructions(run))
        if self.dtmf:
            keys = self.dtmf.render(run.names)
            run.instructions.append(SendDtmf(value=filter_dtmf(keys)))
            if len(filter_dtmf(keys)) < len(keys):
                run.notes.append("cut: dtmf has keys that the platform cannot send")
        if self.status:
            details = self.details.render(run.names) if self.details else ""
            if len(details) > MAX_REPORT_DETAILS:
                run.notes.append(f"cut: the report has {len(details)} characters of details")
            run.instructions.append(
                ReportCallStatus(value=self.status, details=details[:MAX_REPORT_DETAILS])
            )

    def change_locale(self, run: StepContext, locale: str) -> None:
        """Speak another locale from here on. An invalid one changes nothing, as the caller must
        hear something.
        """
        if re.fullmatch(LOCALE_PATTERN, locale):
            # expressions of the same state see the new locale, too
            run.locale = run.names["call.locale"] = locale
        else:
            run.notes.append("locale: this is no locale")

    def add_recording(self, run: StepContext) -> None:
        if self.record:
            run.instructions.append(self.record.build_instruction(run))
        if self.stop:
            run.instructions.append(StopRecording())


def compile_recording(
    builder: StateBuilder, path: KeyPath, recording: Recording
) -> CompiledRecording | None:
    # secrets exist in this scope only: in a prompt or a variable they would be a mistake of FE301
    scope = builder.scope.extend(dict.fromkeys(builder.context.secrets, Type.TEXT))
    to = builder.compile_template((*path, "to"), recording.to)
    if to and to.constant is not None and not RECORDING_URL_PATTERN.fullmatch(to.constant):
        builder.add_problem(
            "FE415",
            (*path, "to"),
            "a recording cannot go there",
            "write s3://bucket/folder or azure://account/container",
        )
    credentials = (
        builder.compile_template((*path, "credentials"), recording.credentials, scope=scope)
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
