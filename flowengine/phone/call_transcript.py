"""The lines of a call as data, for a page that shows and speaks them."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from flowengine.phone.explain_callbacks import format_way, replace_hidden
from flowengine.scenarios.conversation import Conversation
from flowengine.switch.switch_events import AnswerReceived, CallbackSent, Sound

_LANGUAGE_PATTERN = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*(?=/|$)")


class HeardSound(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sound that is heard; `is_near` at the person's own end."""

    kind: str
    text: str
    seconds: float
    locale: str = ""
    is_near: bool = False


class SentMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A callback, or the answer to it: the JSON as it was sent, and the way through the flow."""

    direction: Literal["callback", "answer"]
    event: str
    body: str
    way: str = ""
    about: str = ""


class TranscriptEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One act of a party, with the sound that it is, or a message between platform and flow."""

    seconds: float
    who: str
    what: str
    bad: bool = False
    sound: HeardSound | None = None
    message: SentMessage | None = None


class EntryTranscript:
    """Keeps the lines of a call. `hidden` are values that nobody may see, with what to show instead."""

    shows_prompts = True

    def __init__(self, talk: Conversation, near: str, hidden: Mapping[str, str]) -> None:
        self.talk, self.near, self.hidden = talk, near, hidden
        self.entries: list[TranscriptEntry] = []

    def add_line(self, who: str, what: str, *, bad: bool = False) -> None:
        """Keep one act of a party."""
        self.add(TranscriptEntry(self.talk.clock.seconds, who, self.mask(what), bad))

    def add_sound(self, who: str, what: str, sound: Sound) -> None:
        """Keep what is heard."""
        text, is_near = self.mask(sound.text), who == self.near
        language = find_language(sound.locale)
        heard = HeardSound(sound.kind, text, sound.seconds, language, is_near)
        self.add(TranscriptEntry(self.talk.clock.seconds, who, self.mask(what), sound=heard))

    def add_callback(self, event: CallbackSent | AnswerReceived, about: str = "") -> None:
        """Keep what was sent."""
        is_answer = isinstance(event, AnswerReceived)
        way = format_way(self.talk, event) if isinstance(event, AnswerReceived) else ""
        message = SentMessage(
            "answer" if is_answer else "callback",
            event.event,
            self.mask(format_json(event.body)),
            way,
            about,
        )
        who = "flow" if is_answer else "platform"
        what = f"answers {event.event}" if is_answer else f"sends {event.event}"
        self.add(TranscriptEntry(self.talk.clock.seconds, who, what, message=message))

    def add(self, entry: TranscriptEntry) -> None:
        """Keep an entry."""
        self.entries.append(entry)

    def mask(self, text: str) -> str:
        """A text without the values that nobody may see."""
        return replace_hidden(text, self.hidden)


def find_language(locale: str) -> str:
    """The language of a voice, as browsers name it; nothing where the voice has a name of its own.

    >>> find_language("en-US/female"), find_language("nb-NO"), find_language("Emma")
    ('en-US', 'nb-NO', '')
    """
    found = _LANGUAGE_PATTERN.match(locale)
    return found[0] if found else ""


def format_json(body: bytes) -> str:
    """A body as a person reads it."""
    try:
        return msgspec.json.format(body, indent=2).decode()
    except msgspec.DecodeError:
        return body.decode(errors="replace")
