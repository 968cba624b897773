"""Shows a call line by line in a terminal."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import click

from flowengine.phone.call_narrator import PLATFORM
from flowengine.phone.explain_callbacks import MARGIN
from flowengine.scenarios.conversation import Conversation
from flowengine.switch.switch_events import AnswerReceived, CallbackSent, Sound

COLOURS = {PLATFORM: "blue", "callee": "magenta", "caller": "cyan", "person": "cyan"}
ExplainCallback = Callable[[CallbackSent | AnswerReceived], list[str]]


@dataclass
class Screen:
    """Shows a call as it goes. `width` 0 wraps nothing; `explain` explains callbacks and answers."""

    talk: Conversation
    width: int = 0
    colour: bool = False
    shows_prompts: bool = False
    """What is waited for stands in a prompt, so it needs no line"""
    explain: ExplainCallback | None = None

    def add_line(self, who: str, what: str, *, bad: bool = False) -> None:
        """Print one act of a party."""
        head = f"{format_clock(self.talk.clock.seconds):>5}  {who:<9}  "
        for number, text in enumerate(self.wrap_text(what, len(head))):
            start = head if not number else " " * len(head)
            print(self.style_line(who, start, text, bad=bad) if self.colour else start + text)

    def add_sound(self, who: str, what: str, sound: Sound) -> None:  # noqa: ARG002  # its words do
        """Print what is heard."""
        self.add_line(who, what)

    def add_callback(self, event: CallbackSent | AnswerReceived, about: str = "") -> None:
        """Print a callback or the answer to it, where that is wanted."""
        if self.explain is not None:
            self.print_aside([f"{MARGIN}{about}"] * bool(about) + self.explain(event))

    def style_line(self, who: str, start: str, text: str, *, bad: bool) -> str:
        """Words that are heard stand out."""
        heard = text.startswith(('hears "', 'says "'))
        coloured = start.replace(who, click.style(who, fg=COLOURS.get(who, "yellow")), 1)
        return coloured + click.style(text, fg="red" if bad else None, bold=bad or heard or None)

    def wrap_text(self, what: str, indent: int) -> list[str]:
        return (
            textwrap.wrap(what, max(20, self.width - indent), break_on_hyphens=False)
            if self.width
            else [what]
        )

    def print_aside(self, lines: list[str]) -> None:
        """What is not part of the conversation."""
        for text in lines:
            print(click.style(text, dim=True) if self.colour else text)


def format_clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> format_clock(65.2)
    '1:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
