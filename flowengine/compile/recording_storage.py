"""`recordings:` of the project: where recordings go, and the tone before a message."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import UNSET, UnsetType

from flowengine.expr import EscapeMode, ExprError, Scope, Template, Type
from flowengine.model.project_file import Recordings
from flowengine.source import KeyPath
from flowengine.states.flow_context import RecordingStorage
from flowengine.states.prompt import CompiledPrompt, PromptPart
from flowengine.states.prompt_faults import find_prompt_faults
from flowengine.states.recording import WRONG_DESTINATION
from flowengine.svaml import RECORDING_URL_PATTERN

AddProblem = Callable[[str, KeyPath, str, str], None]


class StorageCompiler(msgspec.Struct, frozen=True):
    """Compiles the texts of `recordings:`; they may read secrets and nothing of a call."""

    scope: Scope
    add_problem: AddProblem

    def compile_text(self, name: str, text: str | UnsetType, mode: EscapeMode) -> Template | None:
        try:
            return None if text is UNSET else self.scope.compile_template(text, mode)
        except ExprError as error:
            self.add_problem(error.code, ("recordings", name), error.message, error.hint)
            return None

    def compile_beep(self, address: str | UnsetType) -> CompiledPrompt | None:
        template = self.compile_text("beep", address, EscapeMode.AUDIO)
        if template is None:
            return None
        for code, message, hint in find_prompt_faults("audio", template):
            self.add_problem(code, ("recordings", "beep"), message, hint)
        return CompiledPrompt.from_parts((PromptPart("audio", {"": template}),))


def compile_storage(
    authored: Recordings | UnsetType, secrets: Mapping[str, str], add_problem: AddProblem
) -> RecordingStorage | None:
    """The storage of a project; None where the project names none."""
    if authored is UNSET:
        return None
    if not RECORDING_URL_PATTERN.fullmatch(authored.to):
        add_problem("FE415", ("recordings", "to"), *WRONG_DESTINATION)
    compiler = StorageCompiler(Scope(dict.fromkeys(secrets, Type.TEXT)), add_problem)
    to = compiler.compile_text("to", authored.to, EscapeMode.PLAIN)
    credentials = compiler.compile_text("credentials", authored.credentials, EscapeMode.PLAIN)
    return RecordingStorage(to, credentials, compiler.compile_beep(authored.beep)) if to else None
