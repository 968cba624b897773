"""The whisper: what members of a ring or a queue hear who pick up, and the key that takes the call."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from flowengine.limits import MAX_MENU_TIMEOUT_MILLIS
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.field_types import parse_seconds
from flowengine.states.prompt import CompiledPrompt, PromptPart, join_prompts
from flowengine.states.ring_options import Whisper
from flowengine.states.state_kind import AuthoredFact
from flowengine.states.step_context import StepContext
from flowengine.states.verb import filter_prompts
from flowengine.svaml import format_tts, format_voice


class CompiledWhisper(msgspec.Struct, frozen=True):
    """What members hear who pick up, and the key that takes the call."""

    prompt: CompiledPrompt | None
    key: str
    timeout: int
    taken: CompiledPrompt | None

    def list_spoken_parts(self) -> list[PromptPart]:
        plans = filter_prompts(self.prompt, self.taken)
        return [part for plan in plans for part in plan.parts if part.kind != "audio"]

    def render_words(self, run: StepContext) -> str:
        """What members hear. Without words it is the key alone: with nothing to hear, a member who picks
        up would have the call, be it an answering machine.
        """
        return join_prompts([self.prompt], run) or format_tts(self.key)

    def choose_voice(self, run_locale: str) -> str:
        """The voice or locale of all that members hear."""
        spoken = self.list_spoken_parts()
        return spoken[0].get_voice(run_locale) if spoken else format_voice(run_locale)


def compile_whisper(builder: StateBuilder, path: KeyPath, authored: Any) -> CompiledWhisper | None:
    if authored is UNSET:
        return None
    is_short = isinstance(authored, str)
    whisper = Whisper(prompt=authored) if is_short else authored
    most, what = MAX_MENU_TIMEOUT_MILLIS // 1000, "how long a member may take to press the key"
    compiled = CompiledWhisper(
        prompt=builder.compile_prompt(path if is_short else (*path, "prompt"), whisper.prompt),
        key=str(whisper.key),
        timeout=builder.compile_seconds((*path, "timeout"), whisper.timeout, most, what),
        taken=builder.compile_prompt((*path, "taken"), whisper.taken),
    )
    if len({(part.locale, part.voice) for part in compiled.list_spoken_parts()}) > 1:
        builder.add_problem(
            "FE416",
            path,
            "members hear everything in one voice and locale",
            "give all parts of prompt: and taken: the same voice: and locale:",
            at_key=True,
        )
    return compiled


def list_whisper_facts(authored: str | Whisper | UnsetType) -> Iterator[AuthoredFact]:
    """The words of `accept:` and its key, in its short form or its long one."""
    if isinstance(authored, str):
        yield AuthoredFact("prompt", "accept", authored, ("accept",))
        yield from list_key_facts(Whisper(prompt=authored))
    elif authored is not UNSET:
        yield AuthoredFact("prompt", "accept", authored.prompt, ("accept", "prompt"))
        yield from list_key_facts(authored)
        if authored.taken is not UNSET:
            yield AuthoredFact("prompt", "accept taken", authored.taken, ("accept", "taken"))


def list_key_facts(whisper: Whisper) -> Iterator[AuthoredFact]:
    yield AuthoredFact("text", "accept key", str(whisper.key), ("accept", "key"))
    wait = f"{parse_seconds(whisper.timeout)}s"
    yield AuthoredFact("number", "accept timeout", wait, ("accept", "timeout"))
