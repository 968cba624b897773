"""What callers hear, as facts: per prompt, attempt and locale."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET

from flowengine.model import Project
from flowengine.releases.diff import normal
from flowengine.releases.diff.difference import Part
from flowengine.releases.diff.facts import Fact
from flowengine.source import Path
from flowengine.states.asking import Worded
from flowengine.states.prompt import Localised, Spoken

KINDS = ("text", "ssml", "audio", "message")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a prompt: its words per locale, and where they come from."""

    kind: str
    texts: Mapping[str, str]
    message: str
    voice: str
    locale: str

    def text(self, locale: str, usual: str) -> str:
        return (
            self.texts.get(locale)
            or self.texts.get("")
            or self.texts.get(usual)
            or next(iter(self.texts.values()), "")
        )

    def heard(self, text: str) -> str:
        return {"text": f"“{text}”", "audio": f"[audio {text}]"}.get(self.kind, text)

    def aside(self) -> str:
        return "".join(
            [
                f" (voice {self.voice})" if self.voice else "",
                f" (in {self.locale})" if self.locale else "",
            ]
        )


@dataclass(frozen=True, slots=True)
class Wording:
    """Reads prompts of a flow, whose locale and voice they are in unless they say otherwise."""

    project: Project
    locale: str
    voice: str

    def worded(self, label: str, authored: Any, path: Path, part: Part = "words") -> Iterator[Fact]:
        """A prompt, or one per attempt."""
        if isinstance(authored, Worded) and authored.each is not UNSET:
            for index, prompt in enumerate(authored.each):
                yield from self.prompt(
                    label if index == 0 else f"{label}, time {index + 1}",
                    prompt,
                    (*path, "each", index),
                    part,
                )
        else:
            yield from self.prompt(label, authored, path, part)

    def prompt(self, label: str, authored: Any, path: Path, part: Part = "words") -> Iterator[Fact]:
        """One fact for each locale that has words of its own, and one for all others."""
        parts = [
            self.piece(item) for item in (authored if isinstance(authored, list) else [authored])
        ]
        for locale in dict.fromkeys(locale for piece in parts for locale in piece.texts):
            yield self.fact(f"{label} ({locale})" if locale else label, parts, locale, path, part)
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

    def fact(self, label: str, parts: list[Piece], locale: str, path: Path, part: Part) -> Fact:
        texts = [normal.speech(piece.text(locale, self.locale)) for piece in parts]
        told = [piece.heard(text) + piece.aside() for piece, text in zip(parts, texts, strict=True)]
        full = [
            f"{text} {piece.voice or self.voice}" for piece, text in zip(parts, told, strict=True)
        ]
        own = [
            f"message {piece.message}{piece.aside()}" if piece.message else text
            for piece, text in zip(parts, told, strict=True)
        ]
        uses = {"locale", *(f"message {piece.message}" for piece in parts if piece.message)}
        uses |= {"voice"} if any(not piece.voice for piece in parts) else set()
        uses = uses.union(*(normal.used_in(piece.text(locale, self.locale)) for piece in parts))
        return Fact(
            part,
            label,
            "\n".join(full),
            path,
            shown=" ".join(told),
            own="~" + "\n".join(own),
            uses=frozenset(uses),
        )

    def piece(self, authored: Any) -> Piece:
        spoken = authored if isinstance(authored, Spoken) else Spoken(text=str(authored))
        kind = next((kind for kind in KINDS if getattr(spoken, kind) is not UNSET), "text")
        found: Localised = getattr(spoken, kind) or ""
        message = str(found) if kind == "message" else ""
        words = self.project.messages.get(message, message) if message else found
        texts = {"": words} if isinstance(words, str) else dict(words)
        return Piece(
            "text" if message else kind, texts, message, spoken.voice or "", spoken.locale or ""
        )


def inherited(fact: Fact, topic: str) -> Fact:
    """A fact that a state has from the defaults."""
    return replace(fact, own=f"={topic}", uses=fact.uses | {topic})
