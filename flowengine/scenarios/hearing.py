"""What was heard against what should have been."""

import re
from functools import lru_cache

from flowengine.scenarios.checks import is_pattern
from flowengine.scenarios.conversation import Conversation, End
from flowengine.scenarios.model import Texts
from flowengine.scenarios.result import Missed


class Ear:
    """Listens at one end: `mark` is how far the words have been accounted for, `since` where the
    last deed was done.
    """

    def __init__(self, talk: Conversation, end: End) -> None:
        self.talk, self.end = talk, end
        self.mark = self.since = 0

    def begin(self) -> None:
        """Something is done: whatever was heard before is past."""
        self.mark = self.since = len(self.talk.text(self.end))

    def hears(self, texts: Texts) -> None:
        """These come in this order, behind what was accounted for."""
        for text in listed(texts):
            said = self.talk.text(self.end)[self.mark :]
            found = pattern(text).search(said)
            if found is None:
                raise Missed(f"{self.who} did not hear this", text, said.strip() or "nothing")
            self.mark += found.end()

    def hears_only(self, texts: Texts) -> None:
        """These, and nothing else since the last deed."""
        said = self.talk.text(self.end)[self.since :].strip()
        if not re.fullmatch(r"\s*".join(f"(?:{part})" for part in map(inner, listed(texts))), said):
            raise Missed(
                f"{self.who} heard something else", " ".join(listed(texts)), said or "nothing"
            )
        self.mark = len(self.talk.text(self.end))

    def does_not_hear(self, texts: Texts) -> None:
        """None of these came since the last deed."""
        absent(self.who, texts, self.talk.text(self.end)[self.since :])

    @property
    def who(self) -> str:
        return "the caller" if self.end == "near" else "the callee"


def present(who: str, texts: Texts, said: str) -> None:
    for text in listed(texts):
        if not pattern(text).search(said):
            raise Missed(f"{who} never heard this", text, said or "nothing")


def absent(who: str, texts: Texts, said: str) -> None:
    for text in listed(texts):
        if pattern(text).search(said):
            raise Missed(f"{who} should not have heard this", f"not {text}", said)


def listed(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    return re.compile(inner(text))


def inner(text: str) -> str:
    """Plain words are looked for in any case and however they are spaced."""
    words = r"\s+".join(map(re.escape, text.split()))
    return text[1:-1] if is_pattern(text) else f"(?i:{words})"
