"""What menu and collect share: words for silence and wrong keys by attempt, attempts, and the
runMenu that carries a question.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from flowengine.limits import MAX_MENU_TIMEOUT_MILLIS, MAX_VOICE_MILLIS, MIN_MENU_TIMEOUT_MILLIS
from flowengine.sinch import Pie
from flowengine.source import Path
from flowengine.states.builder import Builder
from flowengine.states.move import Answer, Exit, Failed, Move, Sent
from flowengine.states.prompt import Plan, Prompt, Spoken, worded
from flowengine.states.run import Run
from flowengine.svaml import Hangup, Menu, RunMenu, voice


class Worded(Spoken, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A prompt in its long form, or `each:` with one prompt per attempt."""

    each: (
        Annotated[
            list[Prompt],
            Meta(
                description="The words for the first time, the second time, …; the last repeat.",
                examples=[["Sorry?", "Pardon?"]],
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET


Words = Annotated[
    str | list[str | Spoken] | Worded,
    Meta(
        title="Words",
        description="A prompt, or `each:` with one prompt per attempt.",
        examples=["Sorry?", {"each": ["Sorry?", "Pardon?"]}],
    ),
]
Again = Callable[[Run, str], Sent]


class Asked(Protocol):
    """The authored part that menu and collect have in common."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def again(self) -> Prompt | UnsetType: ...
    @property
    def no_input(self) -> Words | UnsetType: ...
    @property
    def attempts(self) -> int | UnsetType: ...
    @property
    def barge(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Wording:
    """Compiled words by attempt."""

    plans: tuple[Plan | None, ...]

    def at(self, attempt: int) -> Plan | None:
        return self.plans[min(attempt, len(self.plans)) - 1] if self.plans else None


@dataclass(frozen=True, slots=True)
class Question:
    """A compiled question: what is asked at first and again, and what is said in between."""

    menu_id: str
    first: Plan | None
    again: Plan | None
    no_input: Wording
    no_match: Wording
    attempts: int
    barge: bool
    named: bool
    heard: bool
    voice: str

    def run_menu(self, menus: list[Menu], run: Run, asked: Plan | None) -> RunMenu:
        """The action that asks this."""
        locale = asked.locale(run.locale) if asked else run.locale
        return self.action(menus, locale)

    def action(self, menus: list[Menu], locale: str) -> RunMenu:
        """The action. Menu `main` must exist; its namesake carries flow and state home when all
        other state is lost.
        """
        if self.named:
            menus = [menus[0], replace(menus[0], id=self.menu_id), *menus[1:]]
        main = self.menu_id if self.named else "main"
        return RunMenu(
            menus=tuple(menus),
            main_menu=main,
            barge=self.barge,
            enable_voice=self.heard,
            locale=self.spoken(locale),
        )

    def spoken(self, locale: str) -> str:
        """The voice to speak in; voice input needs the plain locale, as it is also what the
        platform listens in.
        """
        return locale if self.heard else voice(locale, self.voice)

    def retry(self, run: Run, why: str, words: Wording, exhausted: str, ask: Again) -> Move:
        """Ask again after these words, or leave when attempts are used up. `why` goes to the trace."""
        if run.attempts >= self.attempts:
            return Exit(exhausted)
        run.notes.append(f"again: {why}")
        said = words.at(run.attempts)
        run.attempts += 1
        return Answer(ask(run, worded([said, self.again or self.first], run)))

    def unanswered(self, run: Run, event: Pie, exhausted: str, ask: Again) -> Move | None:
        """What every question does with silence, a hang-up or an error; None when there is an input
        to look at.
        """
        if event.type == "hangup":
            return Answer(Hangup())
        if event.type == "error":
            return Failed("the platform reported an error in the menu")
        if event.type == "timeout":
            return self.retry(run, "no input", self.no_input, exhausted, ask)
        if event.type == "invalidinput":
            return self.retry(run, "no match", self.no_match, exhausted, ask)
        return None


def question(
    builder: Builder, path: Path, asked: Asked, *, heard: bool, no_match: Wording
) -> Question:
    """What menu and collect compile alike."""
    return Question(
        menu_id=f"{builder.around.flow}.{builder.state}",
        first=builder.listed((*path, "prompt"), asked.prompt, late=True),
        again=builder.listed((*path, "again"), asked.again, late=True),
        no_input=wording(builder, (*path, "no_input"), asked.no_input, "no_input"),
        no_match=no_match,
        attempts=attempts(builder, asked.attempts),
        barge=asked.barge,
        named=builder.around.menu_ids == "named",
        heard=heard,
        voice=builder.around.voice,
    )


def wording(
    builder: Builder, path: Path, words: Prompt | Words | UnsetType, fallback: str = ""
) -> Wording:
    """Compiled words; without words of its own a question uses the defaults of the flow or project."""
    if words is UNSET:
        words = builder.around.defaults.get(fallback, UNSET)
    if isinstance(words, Worded) and words.each is not UNSET:
        each = [
            builder.listed((*path, "each", index), item, late=True)
            for index, item in enumerate(words.each)
        ]
        return Wording(tuple(each))
    plan = builder.listed(path, words, late=True)
    return Wording((plan,) if plan else ())


def timeout_millis(builder: Builder, path: Path, authored: str | UnsetType) -> int:
    """The time-out of a question in milliseconds, within what the platform takes."""
    wait = authored if isinstance(authored, str) else builder.around.defaults.get("timeout", "5s")
    return builder.millis(
        path,
        wait,
        MIN_MENU_TIMEOUT_MILLIS,
        MAX_MENU_TIMEOUT_MILLIS,
        "how long the platform waits for a key",
    )


def voice_millis(builder: Builder, path: Path, authored: str) -> int:
    return builder.millis(path, authored, 1000, MAX_VOICE_MILLIS, "how long a caller may speak")


def attempts(builder: Builder, authored: int | UnsetType) -> int:
    return (
        authored if isinstance(authored, int) else int(builder.around.defaults.get("attempts", 3))
    )


def otherwise(builder: Builder, path: Path, authored: str | UnsetType) -> str:
    """The exit taken when attempts are used up; the author or the defaults must name it."""
    target = (
        authored if isinstance(authored, str) else builder.around.defaults.get("otherwise", UNSET)
    )
    if target is UNSET:
        builder.problem(
            "FE206",
            path,
            "nothing says where the call goes when attempts run out",
            "add `otherwise: <state>` here, or under defaults:",
        )
    return builder.exit("otherwise", target, (*path, "otherwise"), "pie")
