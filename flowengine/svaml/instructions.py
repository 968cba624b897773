"""SVAML instructions as frozen values; an instruction's tag is its name on the wire, defaults stay
off the wire.
"""

from __future__ import annotations

import msgspec


class Instruction(
    msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="name"
):
    """What an answer does before its action, in order"""


class Say(Instruction, frozen=True, tag="say"):
    text: str
    locale: str = ""


class PlayFiles(Instruction, frozen=True, tag="playFiles"):
    """Parts as written by `prompt.py`; `locale` is needed as soon as one of them is spoken"""

    ids: tuple[str, ...]
    locale: str = ""


class SendDtmf(Instruction, frozen=True, tag="sendDtmf"):
    value: str


class SetCookie(Instruction, frozen=True, tag="setCookie"):
    key: str
    value: str


class Answer(Instruction, frozen=True, tag="answer"):
    """Answers, and starts billing, before anybody else picks up"""


class TranscriptionOptions(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    enabled: bool
    locale: str = ""


class RecordingOptions(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    destination_url: str
    credentials: str = ""
    format: str = "mp3"
    notification_events: bool = True
    transcription_options: TranscriptionOptions | None = None


class StartRecording(Instruction, frozen=True, tag="startRecording"):
    options: RecordingOptions


class StopRecording(Instruction, frozen=True, tag="stopRecording"):
    pass


class ReportCallStatus(Instruction, frozen=True, tag="reportCallStatus"):
    """The one thing that an answer to DiCE can say: it ends up in the call's record"""

    value: str
    details: str = ""


AnyInstruction = (
    Say
    | PlayFiles
    | SendDtmf
    | SetCookie
    | Answer
    | StartRecording
    | StopRecording
    | ReportCallStatus
)
