"""Prompts: what a caller hears, as authored and as compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Template
from flowengine.limits import MAX_SAY
from flowengine.source import KeyPath
from flowengine.states.field_types import Locale, PositiveDuration, mark_name
from flowengine.states.state_results import InstructionToSend
from flowengine.states.step_context import StepContext
from flowengine.svaml import (
    Instruction,
    PlayFiles,
    Say,
    encode_fragment,
    find_address_problem,
    format_href,
    format_ssml,
    format_tts,
    format_voice,
    is_silent,
    join_prompt,
    to_speakable,
)

PROMPT_FORMS = ("text", "ssml", "audio", "message", "pause")  # exactly one of them
LocalisedText = str | dict[Locale, str]


class PromptSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One prompt in its long form: exactly one of text, ssml, audio, message or pause."""

    text: (
        Annotated[
            LocalisedText,
            Meta(description="Words to speak; one text, or one per locale.", examples=["Hello."]),
        ]
        | UnsetType
    ) = UNSET
    ssml: (
        Annotated[
            LocalisedText,
            Meta(
                description="Speech markup, for pauses and emphasis.",
                examples=["<speak>One <break/> two</speak>"],
            ),
        ]
        | UnsetType
    ) = UNSET
    audio: (
        Annotated[
            LocalisedText,
            Meta(
                description="A URL, or the name of a file uploaded to the platform.",
                examples=["welcome.mp3"],
            ),
        ]
        | UnsetType
    ) = UNSET
    message: (
        Annotated[
            str,
            Meta(description="A key of the project's messages.", examples=["welcome"]),
            mark_name("message"),
        ]
        | UnsetType
    ) = UNSET
    pause: (
        Annotated[
            PositiveDuration,
            Meta(
                description="Silence between what stands before and after it, at most ten seconds.",
                examples=["1s"],
            ),
        ]
        | UnsetType
    ) = UNSET
    voice: (
        Annotated[
            str,
            Meta(
                description="female, male, or a voice of the platform.",
                examples=["female", "Joanna"],
            ),
        ]
        | UnsetType
    ) = UNSET
    locale: (
        Annotated[
            Locale, Meta(description="Speak this prompt in another locale.", examples=["sv-SE"])
        ]
        | UnsetType
    ) = UNSET


Prompt = Annotated[
    str | list[str | PromptSpec] | PromptSpec,
    Meta(
        title="Prompt",
        description="What the caller hears: a text with `${…}`, one text per locale, a long form "
        "(text, ssml, audio, message, pause), or a list of these in order.",
        examples=["Thank you for calling.", {"audio": "https://example.com/welcome.mp3"}],
    ),
]


def add_fallback_text(texts: Mapping[str, Template], locale: str) -> dict[str, Template]:
    """The texts by locale with a fallback under "": the one without a locale, the one in `locale`,
    or else the first.
    """
    fallback = next((name for name in ("", locale) if name in texts), next(iter(texts)))
    # the fallback comes first: choose_locale finds its locale by the first equal text
    return {"": texts[fallback], fallback: texts[fallback], **texts}


@dataclass(frozen=True, slots=True)
class PromptPart:
    """One piece of a prompt: a template per locale ("" is the fallback, which is also the first of
    the others), and where the author wrote it: there, or as a message.
    """

    kind: str
    texts: Mapping[str, Template] = field(hash=False)
    voice: str = ""
    locale: str = ""
    path: KeyPath = ()
    message: str = ""

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(template.names for template in self.texts.values()))

    def get_template(self, locale: str) -> Template:
        return self.texts.get(locale) or self.texts[""]

    def choose_locale(self, run_locale: str) -> str:
        """The locale of the text that is spoken, so that no voice speaks another language. A plain
        text is in the call's locale.
        """
        wanted = self.locale or run_locale
        if wanted in self.texts:
            return wanted
        fallback = self.texts[""].text
        return next(
            (
                locale
                for locale, template in self.texts.items()
                if locale and template.text == fallback
            ),
            wanted,
        )

    def get_voice(self, run_locale: str) -> str:
        return format_voice(self.choose_locale(run_locale), self.voice)

    def render_text(self, run: StepContext) -> str:
        text = self.get_template(self.locale or run.locale).render(run.names)
        if self.kind == "text" and len(text) > MAX_SAY:
            run.notes.append(f"cut: the platform speaks {MAX_SAY} of {len(text)} characters")
        return text

    def render_item(self, run: StepContext) -> str:
        """The part as an item of a prompt list (`#tts[…]`, `#ssml[…]`, `#href[…]` or a file name).
        Raises EvalError for an address that a value brought and that cannot be played.
        """
        text = self.render_text(run)
        if self.kind == "text":
            return format_tts(shorten_text(text))
        if self.kind in ("ssml", "pause"):
            return format_ssml(text)
        # an address of the author was checked when it was compiled
        if self.get_template(self.locale or run.locale).begins_with_value:
            if not to_speakable(text).strip():
                return ""
            if fault := find_address_problem(text):
                raise EvalError(fault)
        return format_href(text) if "://" in text else text


def shorten_text(text: str) -> str:
    """Text within the platform's limit, cut between words, and unable to break out of a prompt."""
    if len(text) > MAX_SAY:
        # cut before it is escaped: escaping may replace characters, but adds none
        text = text[:MAX_SAY].rsplit(" ", 1)[0]
    return to_speakable(text)


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """A compiled prompt. Constant prompts are encoded once per locale and kept."""

    parts: tuple[PromptPart, ...]
    names: frozenset[str]
    constant: bool
    encoded_instructions: dict[str, tuple[InstructionToSend, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    cached_prompts: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_parts(cls, parts: tuple[PromptPart, ...]) -> "CompiledPrompt":
        constant = all(t.constant is not None for part in parts for t in part.texts.values())
        return cls(parts, frozenset().union(*(part.names for part in parts)), constant)

    def build_instructions(self, run: StepContext) -> tuple[InstructionToSend, ...]:
        """The prompt as instructions: `say` for text, `playFiles` for everything else. What has
        nothing to be heard is left out.
        """
        if not self.constant:
            found = [item for part in self.parts if (item := build_instruction(part, run))]
            if len(found) < len(self.parts):
                run.notes.append("left out: a prompt without words")
            return tuple(found)
        if run.locale not in self.encoded_instructions:
            found = [item for part in self.parts if (item := build_instruction(part, run))]
            # filled in a callback, as no one knows before which locales calls will have
            self.encoded_instructions[run.locale] = tuple(map(encode_fragment, found))
        return self.encoded_instructions[run.locale]

    def choose_locale(self, run_locale: str) -> str:
        """The one locale in which a question or a park speaks this: that of its first words."""
        return next(
            # an audio file and a pause have no language
            (
                part.choose_locale(run_locale)
                for part in self.parts
                if part.kind not in ("audio", "pause")
            ),
            run_locale,
        )

    def render_prompt(self, run: StepContext) -> str:
        """The prompt as the `;` list that menus and park take, without what cannot be heard."""
        if not self.constant:
            return self.render_items(run)
        if run.locale not in self.cached_prompts:
            self.cached_prompts[run.locale] = self.render_items(run)
        return self.cached_prompts[run.locale]

    def render_items(self, run: StepContext) -> str:
        return join_prompt(
            [item for part in self.parts if not is_silent(item := part.render_item(run))]
        )


def build_instruction(part: PromptPart, run: StepContext) -> Instruction | None:
    """The instruction for one part, or None where it has nothing to be heard."""
    locale = part.get_voice(run.locale)
    if part.kind == "text":
        text = shorten_text(part.render_text(run))
        return Say(text=text, locale=locale) if text.strip() else None
    item = part.render_item(run)
    return None if is_silent(item) else PlayFiles(ids=(item,), locale=locale)


def join_prompts(plans: list[CompiledPrompt | None], run: StepContext) -> str:
    """Several prompts as one `;` list. The trace notes an empty one: a caller who is asked nothing
    cannot know what to do.
    """
    prompt = join_prompt([text for plan in plans if plan and (text := plan.render_prompt(run))])
    if not prompt:
        run.notes.append("asks without words: the prompt is empty")
    return prompt
