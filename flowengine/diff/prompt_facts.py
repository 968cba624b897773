"""What callers hear, as facts: per prompt, attempt and locale."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from flowengine.diff import normalisation
from flowengine.diff.difference import DiffPart
from flowengine.diff.project_facts import Fact
from flowengine.model import Project
from flowengine.source import KeyPath
from flowengine.states.prompt import PROMPT_FORMS, LocalisedText, PromptSpec
from flowengine.states.question import PromptByAttempt


class PromptPiece(msgspec.Struct, frozen=True):
    """One piece of a prompt: its words per locale, and where they come from."""

    kind: str
    texts: Mapping[str, str]
    message: str
    voice: str
    locale: str

    def choose_text(self, locale: str, usual: str) -> str:
        return (
            self.texts.get(locale)
            or self.texts.get("")
            or self.texts.get(usual)
            or next(iter(self.texts.values()), "")
        )

    def format_text(self, text: str) -> str:
        shown = {"text": f"“{text}”", "audio": f"[audio {text}]", "pause": f"[pause {text}]"}
        return shown.get(self.kind, text)

    def format_overrides(self) -> str:
        return "".join(
            [
                f" (voice {self.voice})" if self.voice else "",
                f" (in {self.locale})" if self.locale else "",
            ]
        )


class PromptReader(msgspec.Struct, frozen=True):
    """Reads prompts of a flow, whose locale and voice they are in unless they say otherwise."""

    project: Project
    locale: str
    voice: str

    def read_attempts(
        self, label: str, authored: Any, path: KeyPath, part: DiffPart = "words"
    ) -> Iterator[Fact]:
        """A prompt, or one per attempt."""
        if isinstance(authored, PromptByAttempt) and authored.each is not UNSET:
            for index, prompt in enumerate(authored.each):
                yield from self.read_prompt(
                    label if index == 0 else f"{label}, time {index + 1}",
                    prompt,
                    (*path, "each", index),
                    part,
                )
        else:
            yield from self.read_prompt(label, authored, path, part)

    def read_prompt(
        self, label: str, authored: Any, path: KeyPath, part: DiffPart = "words"
    ) -> Iterator[Fact]:
        """One fact for each locale that has words of its own, and one for all others."""
        parts = [
            self.read_piece(item)
            for item in (authored if isinstance(authored, list) else [authored])
        ]
        for locale in dict.fromkeys(locale for piece in parts for locale in piece.texts):
            yield self.build_fact(
                f"{label} ({locale})" if locale else label, parts, locale, path, part
            )
        for first in [
            next(iter(piece.texts))
            for piece in parts
            if piece.texts and not {"", self.locale} & set(piece.texts)
        ][:1]:
            own, told = (
                f"=locale {first}",
                f"the words in {first}",
            )  # where the flow's own locale has none, the first stand in
            yield Fact(
                part,
                f"{label} (other locales)",
                first,
                path,
                shown=told,
                own=own,
                uses=frozenset({"locale"}),
            )

    def build_fact(
        self, label: str, parts: list[PromptPiece], locale: str, path: KeyPath, part: DiffPart
    ) -> Fact:
        texts = [
            normalisation.normalise_speech(piece.choose_text(locale, self.locale))
            for piece in parts
        ]
        told = [
            piece.format_text(text) + piece.format_overrides()
            for piece, text in zip(parts, texts, strict=True)
        ]
        full = [
            f"{text} {piece.voice or self.voice}" for piece, text in zip(parts, told, strict=True)
        ]
        own = [
            f"message {piece.message}{piece.format_overrides()}" if piece.message else text
            for piece, text in zip(parts, told, strict=True)
        ]
        uses = {"locale", *(f"message {piece.message}" for piece in parts if piece.message)}
        uses |= {"voice"} if any(not piece.voice for piece in parts) else set()
        uses = uses.union(
            *(
                normalisation.find_template_topics(piece.choose_text(locale, self.locale))
                for piece in parts
            )
        )
        return Fact(
            part,
            label,
            "\n".join(full),
            path,
            shown=" ".join(told),
            own="~" + "\n".join(own),
            uses=frozenset(uses),
        )

    def read_piece(self, authored: Any) -> PromptPiece:
        spoken = authored if isinstance(authored, PromptSpec) else PromptSpec(text=str(authored))
        kind = next((kind for kind in PROMPT_FORMS if getattr(spoken, kind) is not UNSET), "text")
        found: LocalisedText = getattr(spoken, kind) or ""
        message = str(found) if kind == "message" else ""
        words = self.project.messages.get(message, message) if message else found
        texts = {"": words} if isinstance(words, str) else dict(words)
        return PromptPiece(
            "text" if message else kind, texts, message, spoken.voice or "", spoken.locale or ""
        )


def mark_inherited(fact: Fact, topic: str) -> Fact:
    """A fact that a state has from the defaults."""
    return replace(fact, own=f"={topic}", uses=fact.uses | {topic})
