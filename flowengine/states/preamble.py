"""What a state does before its verb: set variables, change the locale, answer, record, speak, send
keys, report.
"""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import Template
from flowengine.limits import MAX_REPORT_DETAILS
from flowengine.states.connect_actions import filter_dtmf
from flowengine.states.field_types import LOCALE_PATTERN
from flowengine.states.prompt import CompiledPrompt
from flowengine.states.recording import CompiledRecording
from flowengine.states.step_context import StepContext
from flowengine.states.variable_values import Assignment
from flowengine.svaml import Answer, ReportCallStatus, SendDtmf, StopRecording

RECORD_EXAMPLE = """
leave_message:
  record: {to: "s3://voicemail/acme", credentials: "${secrets.s3}", transcribe: en-US}
  say: Please speak after the tone.
  next: wait_for_key
"""


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


class Preamble(msgspec.Struct, frozen=True):
    """What a state does before its verb: it sets variables, and then sends in this order locale,
    answer, record, say, keys, report.
    """

    assignments: tuple[Assignment, ...] = ()
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
        """Set the variables, and add the instructions to what is said. Raises EvalError."""
        if self.assignments:
            # all are computed before the first is set, so that two variables can be swapped
            values = {f"vars.{one.variable.name}": one.evaluate(run) for one in self.assignments}
            run.names.update(values)
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
