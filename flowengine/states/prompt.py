"""Prompts: what a caller hears, as authored and as compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowengine.expr import EvalError, Template
from flowengine.limits import MAX_SAY
from flowengine.source import Path
from flowengine.states.fields import Locale
from flowengine.states.move import Said
from flowengine.states.run import Run
from flowengine.svaml import (
    Instruction,
    PlayFiles,
    Say,
    address_problem,
    fragment,
    href,
    is_silent,
    join,
    speakable,
    ssml,
    tts,
    voice,
)

Localised = str | dict[Locale, str]


class Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One prompt in its long form: exactly one of text, ssml, audio or message."""

    text: (
        Annotated[
            Localised,
            Meta(description="Words to speak; one text, or one per locale.", examples=["Hello."]),
        ]
        | UnsetType
    ) = UNSET
    ssml: (
        Annotated[
            Localised,
            Meta(
                description="Speech markup, for pauses and emphasis.",
                examples=["<speak>One <break/> two</speak>"],
            ),
        ]
        | UnsetType
    ) = UNSET
    audio: (
        Annotated[
            Localised,
            Meta(
                description="A URL, or the name of a file uploaded to the platform.",
                examples=["welcome.mp3"],
            ),
        ]
        | UnsetType
    ) = UNSET
    message: (
        Annotated[str, Meta(description="A key of the project's messages.", examples=["welcome"])]
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
    str | list[str | Spoken] | Spoken,
    Meta(
        title="Prompt",
        description="What the caller hears: a text with `${…}`, a long form (text, ssml, audio, "
        "message), or a list of these in order.",
        examples=["Thank you for calling.", {"audio": "https://example.com/welcome.mp3"}],
    ),
]


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a prompt: a template per locale ("" is the fallback, which is also the first of
    the others), and where the author wrote it: there, or as a message.
    """

    kind: str
    texts: Mapping[str, Template] = field(hash=False)
    voice: str = ""
    locale: str = ""
    path: Path = ()
    message: str = ""

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(template.names for template in self.texts.values()))

    def template(self, locale: str) -> Template:
        return self.texts.get(locale) or self.texts[""]

    def chosen(self, run_locale: str) -> str:
        """The locale of the text that is taken, so that no voice speaks another language. A plain
        text is in the call's own.
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

    def locale_in(self, run_locale: str) -> str:
        return voice(self.chosen(run_locale), self.voice)

    def text(self, run: Run) -> str:
        text = self.template(self.locale or run.locale).render(run.names)
        if self.kind == "text" and len(text) > MAX_SAY:
            run.notes.append(f"cut: the platform speaks {MAX_SAY} of {len(text)} characters")
        return text

    def item(self, run: Run) -> str:
        """The part as an item of a prompt list (`#tts[…]`, `#ssml[…]`, `#href[…]` or a file name).
        Raises EvalError for an address that a value brought and that cannot be played.
        """
        text = self.text(run)
        if self.kind == "text":
            return tts(shortened(text))
        if self.kind == "ssml":
            return ssml(text)
        if self.template(self.locale or run.locale).begins_with_value:
            if not speakable(text).strip():
                return ""
            if fault := address_problem(text):
                raise EvalError(fault)
        return href(text) if "://" in text else text


def shortened(text: str) -> str:
    """Text within the platform's limit, cut between words, and unable to break out of a prompt."""
    if len(text) > MAX_SAY:
        text = text[:MAX_SAY].rsplit(" ", 1)[0]
    return speakable(text)


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled prompt. Constant prompts are encoded once per locale and kept."""

    parts: tuple[Part, ...]
    names: frozenset[str]
    constant: bool
    known: dict[str, tuple[Said, ...]] = field(default_factory=dict, compare=False, repr=False)
    items: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, parts: tuple[Part, ...]) -> "Plan":
        constant = all(t.constant is not None for part in parts for t in part.texts.values())
        return cls(parts, frozenset().union(*(part.names for part in parts)), constant)

    def instructions(self, run: Run) -> tuple[Said, ...]:
        """The prompt as instructions: `say` for text, `playFiles` for everything else. What has
        nothing to be heard is left out.
        """
        if not self.constant:
            found = [item for part in self.parts if (item := spoken(part, run))]
            if len(found) < len(self.parts):
                run.notes.append("left out: a prompt without words")
            return tuple(found)
        if run.locale not in self.known:
            found = [item for part in self.parts if (item := spoken(part, run))]
            self.known[run.locale] = tuple(map(fragment, found))
        return self.known[run.locale]

    def locale(self, run_locale: str) -> str:
        """The one locale in which this is spoken inside a question or a park: that of its first
        words.
        """
        return next(
            (part.chosen(run_locale) for part in self.parts if part.kind != "audio"), run_locale
        )

    def prompt(self, run: Run) -> str:
        """The prompt as the `;` list that menus and park take, without what cannot be heard."""
        if not self.constant:
            return self.listed(run)
        if run.locale not in self.items:
            self.items[run.locale] = self.listed(run)
        return self.items[run.locale]

    def listed(self, run: Run) -> str:
        return join([item for part in self.parts if not is_silent(item := part.item(run))])


def spoken(part: Part, run: Run) -> Instruction | None:
    """The instruction for one part, or None where there is nothing to be heard."""
    locale = part.locale_in(run.locale)
    if part.kind == "text":
        text = shortened(part.text(run))
        return Say(text=text, locale=locale) if text.strip() else None
    item = part.item(run)
    return None if is_silent(item) else PlayFiles(ids=(item,), locale=locale)


def worded(plans: list[Plan | None], run: Run) -> str:
    """Several prompts one after the other as one `;` list. A caller who is asked nothing cannot
    know what to do, so the trace says it.
    """
    prompt = join([text for plan in plans if plan and (text := plan.prompt(run))])
    if not prompt:
        run.notes.append("asks without words: the prompt is empty")
    return prompt
