"""Compares what was heard with what was expected."""

import re
from collections.abc import Callable
from functools import lru_cache

from flowengine.scenarios.result import ExpectationMissedError
from flowengine.scenarios.scenario_checks import is_pattern
from flowengine.scenarios.scenario_steps import ExpectedTexts


class HeardWords:
    """Listens at one end: `get_text` is all that was heard there, `matched_until` how far the words
    have been accounted for, `action_start` where the last deed was done.
    """

    def __init__(self, get_text: Callable[[], str], who: str) -> None:
        self.get_text, self.who = get_text, who
        self.matched_until = self.action_start = 0

    def reset(self) -> None:
        """Forget what was heard, as a new step begins."""
        self.matched_until = self.action_start = len(self.get_text())

    def check_hears(self, texts: ExpectedTexts) -> None:
        """These come in this order, behind what was accounted for."""
        for text in to_list(texts):
            said = self.get_text()[self.matched_until :]
            found = compile_text_pattern(text).search(said)
            if found is None:
                raise ExpectationMissedError(
                    f"{self.who} did not hear this", text, said.strip() or "nothing"
                )
            self.matched_until += found.end()

    def check_hears_only(self, texts: ExpectedTexts) -> None:
        """These, and nothing else since the last deed."""
        said = self.get_text()[self.action_start :].strip()
        if not re.fullmatch(
            r"\s*".join(f"(?:{part})" for part in map(to_regex, to_list(texts))), said
        ):
            raise ExpectationMissedError(
                f"{self.who} heard something else", " ".join(to_list(texts)), said or "nothing"
            )
        self.matched_until = len(self.get_text())

    def check_does_not_hear(self, texts: ExpectedTexts) -> None:
        """None of these came since the last deed."""
        check_absent(self.who, texts, self.get_text()[self.action_start :])


def check_present(who: str, texts: ExpectedTexts, said: str) -> None:
    for text in to_list(texts):
        if not compile_text_pattern(text).search(said):
            raise ExpectationMissedError(f"{who} never heard this", text, said or "nothing")


def check_absent(who: str, texts: ExpectedTexts, said: str) -> None:
    for text in to_list(texts):
        if compile_text_pattern(text).search(said):
            raise ExpectationMissedError(f"{who} should not have heard this", f"not {text}", said)


def to_list(texts: ExpectedTexts) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


@lru_cache(maxsize=1024)
def compile_text_pattern(text: str) -> re.Pattern[str]:
    return re.compile(to_regex(text))


def to_regex(text: str) -> str:
    """Plain words are looked for in any case and however they are spaced."""
    words = r"\s+".join(map(re.escape, text.split()))
    return text[1:-1] if is_pattern(text) else f"(?i:{words})"
